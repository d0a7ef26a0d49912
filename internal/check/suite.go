// Package check runs a hook as the client of its convention would, in a scratch
// directory, and reports what would go wrong.
//
//	suite ---> checks ---> hook ---> stand-ins for curl, nsupdate, ... ---> records
//	                                                                          |
//	TAP <---- findings <------------------ what is published? <---------------+
package check

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os/user"
	"strings"
	"syscall"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// suite is the state of Suite.Check for one hook.
type suite struct {
	*Suite
	handler      runner.Handler
	startErr     error             // why the hook cannot be started
	variables    map[string]string // of the user's env files
	redact       func(string) string
	path         string // the caller's PATH
	user         string // who runs the checks
	scratch      *scratch
	bind         *bind
	witness      witness                // how published values are seen
	publications map[string]publication // what was published by calls of stand-ins, by value
	challenges   int
	first        hookRun   // the first challenge
	allRuns      []hookRun // all so far
	obstacle     string    // why published values cannot be seen
	hung         bool      // a call did not end in time
}

// publication is a record that a call published: its name, and the ID that the
// stand-in answered.
type publication struct{ name, id string }

// Check runs the checks for a hook and writes their results. startErr is why
// the hook cannot be started, or nil; path is the caller's PATH. It returns how
// many checks found something. Errors are not the hook's.
func (s *Suite) Check(ctx context.Context, h runner.Handler, startErr error, path string, out io.Writer) (failed int, err error) {
	variables, err := envfile.Read(h.EnvFiles...)
	if err != nil {
		return 0, err
	}
	w, err := newScratch(s.Domain)
	if err != nil {
		return 0, err
	}
	defer w.remove()
	syscall.Umask(0o077) // dehydrated's, the strictest of the clients'
	suite := &suite{
		Suite: s, handler: h, startErr: startErr, variables: variables, redact: envfile.Redactor(variables), path: path,
		user: "root", scratch: w, publications: map[string]publication{},
	}
	if u, err := user.Current(); err == nil {
		suite.user = u.Username
	}
	defer func() { suite.bind.stop() }()
	results := &tap{w: out}
	err = suite.run(ctx, results)
	return results.failed, err
}

// run runs every check, and leaves no record on the user's server.
func (s *suite) run(ctx context.Context, results *tap) error {
	if _, err := s.handler.Resolved().Encode(s.challenge("first")); err != nil {
		return err
	}
	return errors.Join(s.runChecks(ctx, results), s.removeLeftovers(context.WithoutCancel(ctx)))
}

func (s *suite) runChecks(ctx context.Context, results *tap) error {
	results.begin(len(checks()))
	if err := s.probe(ctx); err != nil {
		return err
	}
	results.comment(s.witness.describe(s))
	for _, c := range checks() {
		t := &trial{suite: s, ctx: ctx, check: c, skip: s.skipReason(c)}
		var f *finding
		if t.skip == "" {
			f = c.run(t)
		}
		if err := cmp.Or(context.Cause(ctx), t.err, results.err); err != nil {
			return err
		}
		results.report(c, t.skip, f)
	}
	return results.err
}

// removeLeftovers cleans up what is still published on the user's server.
func (s *suite) removeLeftovers(ctx context.Context) error {
	t := &trial{suite: s, ctx: ctx}
	if s.witness != byServer || s.bind != nil || s.hung {
		return nil
	}
	for _, r := range s.allRuns {
		for _, e := range r.events {
			ours := strings.HasSuffix(e.Domain, "."+s.Domain) // not that of checkFailing
			if e.Cmd == envmap.PerformChallenge && ours && t.published(e) {
				t.cleanup(e, r)
			}
		}
	}
	return t.err
}

// skipReason returns why a check is skipped, or "".
func (s *suite) skipReason(c check) string {
	switch {
	case c.requires == noRequirement:
		return ""
	case s.startErr != nil:
		return "the hook cannot be started"
	case s.hung && c.requires != canStart:
		return "an earlier call hangs"
	case s.obstacle != "" && c.requires == canPublish:
		return s.obstacle
	case c.skip != nil:
		return c.skip(s)
	}
	return ""
}

// probe performs a first challenge, and finds out how published values can be
// seen. A hook that calls nsupdate gets a BIND if there is one.
func (s *suite) probe(ctx context.Context) (err error) {
	if s.startErr != nil {
		return nil
	}
	if s.Zone == "yes" {
		if s.bind, err = startBIND(ctx, s.scratch, s.Domain); err != nil {
			return err
		}
	}
	t := &trial{suite: s, ctx: ctx}
	s.first = t.perform(s.challenge("first"))
	if s.Zone == "auto" && s.Server == "" && s.first.calledBy("nsupdate") {
		if s.bind, err = startBIND(ctx, s.scratch, s.Domain); err == nil {
			s.first = t.perform(s.challenge("first"))
		}
	}
	s.witness = s.findWitness(t, s.first)
	s.obstacle = s.obstacleOf()
	return t.err
}

// obstacleOf returns why the first challenge says nothing about others, or "".
func (s *suite) obstacleOf() string {
	switch {
	case s.hung:
		return "a first challenge hangs"
	case s.first.result.declined:
		return "it declines challenges"
	case s.witness == byNothing:
		return "a first challenge is not published"
	case s.first.err != nil:
		return "a first challenge cannot be performed"
	}
	return ""
}
