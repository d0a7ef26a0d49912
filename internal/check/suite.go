// Package check runs a hook as the client of its convention would, in a scratch
// world, and says what that client would stumble on.
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

// suite is a Suite at work on one hook.
type suite struct {
	*Suite
	handler    runner.Handler
	fault      error             // why the hook cannot be started
	variables  map[string]string // of the user's env files
	redact     func(string) string
	path       string // what the caller has in PATH
	user       string // who runs the checks
	scratch    *scratch
	bind       *bind
	seen       witness                // how it is known what is published
	held       map[string]publication // what calls of stand-ins have published, by value
	challenges int
	first      run    // the first challenge that was performed
	runs       []run  // all so far
	hopeless   string // why nothing can be learned of what is published
	hung       bool   // a call did not end in time
}

// publication is where a value was published by a call, and what the stand-in
// called it in its answer.
type publication struct{ name, id string }

// Check runs the checks for a hook and writes their results. fault is why it
// cannot be started, or nil; path is what the caller has in PATH. It returns
// how many found something. Errors are of the world, not the hook's.
func (s *Suite) Check(ctx context.Context, h runner.Handler, fault error, path string, out io.Writer) (failed int, err error) {
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
	one := &suite{
		Suite: s, handler: h, fault: fault, variables: variables, redact: envfile.Redactor(variables), path: path,
		user: "root", scratch: w, held: map[string]publication{},
	}
	if u, err := user.Current(); err == nil {
		one.user = u.Username
	}
	defer func() { one.bind.stop() }()
	t := &tap{w: out}
	err = one.all(ctx, t)
	return t.failed, err
}

// all runs every check, and leaves no record on a server that is not ours.
func (s *suite) all(ctx context.Context, t *tap) error {
	if _, err := s.handler.Resolved().Encode(s.challenge("first")); err != nil {
		return err
	}
	return errors.Join(s.each(ctx, t), s.sweep(context.WithoutCancel(ctx)))
}

func (s *suite) each(ctx context.Context, t *tap) error {
	t.begin(len(checks()))
	if err := s.scout(ctx); err != nil {
		return err
	}
	t.comment(s.seen.describe(s))
	for _, c := range checks() {
		b := &bench{suite: s, ctx: ctx, check: c, skip: s.skipped(c)}
		var f *finding
		if b.skip == "" {
			f = c.run(b)
		}
		if err := cmp.Or(context.Cause(ctx), b.err, t.err); err != nil {
			return err
		}
		t.report(c, b.skip, f)
	}
	return t.err
}

// sweep has the hook take away what it left.
func (s *suite) sweep(ctx context.Context) error {
	b := &bench{suite: s, ctx: ctx}
	if s.seen != byServer || s.bind != nil || s.hung {
		return nil
	}
	for _, r := range s.runs {
		for _, e := range r.events {
			ours := strings.HasSuffix(e.Domain, "."+s.Domain) // and not that of a server that refuses
			if e.Cmd == envmap.PerformChallenge && ours && b.published(e) {
				b.cleanup(e, r)
			}
		}
	}
	return b.err
}

// skipped says why a check is not made.
func (s *suite) skipped(c check) string {
	switch {
	case c.needs == nothing:
		return ""
	case s.fault != nil:
		return "the hook cannot be started"
	case s.hung && c.needs != starting:
		return "an earlier call hangs"
	case s.hopeless != "" && c.needs == published:
		return s.hopeless
	case c.skip != nil:
		return c.skip(s)
	}
	return ""
}

// scout performs a first challenge, and finds out how it can be seen what the
// hook publishes. A hook that calls nsupdate gets a BIND where there is one.
func (s *suite) scout(ctx context.Context) (err error) {
	if s.fault != nil {
		return nil
	}
	if s.Zone == "yes" {
		if s.bind, err = startBIND(ctx, s.scratch, s.Domain); err != nil {
			return err
		}
	}
	b := &bench{suite: s, ctx: ctx}
	s.first = b.perform(s.challenge("first"))
	if s.Zone == "auto" && s.Server == "" && s.first.calledBy("nsupdate") {
		if s.bind, err = startBIND(ctx, s.scratch, s.Domain); err == nil {
			s.first = b.perform(s.challenge("first"))
		}
	}
	s.seen = s.witness(b, s.first)
	s.hopeless = s.obstacle()
	return b.err
}

// obstacle is why a first challenge tells nothing of others.
func (s *suite) obstacle() string {
	switch {
	case s.hung:
		return "a first challenge hangs"
	case s.first.outcome.declined:
		return "it declines challenges"
	case s.seen == unseen:
		return "a first challenge is not published"
	case s.first.err != nil:
		return "a first challenge cannot be performed"
	}
	return ""
}
