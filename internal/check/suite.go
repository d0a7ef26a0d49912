// Package check runs a hook as the client of its convention would, in a scratch
// world, and says what that client would stumble on.
//
//	suite ---> checks ---> hook ---> stand-ins for curl, nsupdate, ... ---> records
//	                                                                          |
//	TAP <---- findings <------------------ what is published? <---------------+
package check

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// Suite is all checks, with the options that they have in common.
type Suite struct {
	Type    string        // challenge type
	Domain  string        // challenges are for names below it
	Server  string        // DNS server that the hook publishes on, HOST:PORT; empty: none
	Zone    string        // whether to start a BIND: yes, no, or auto where it can be of use
	Path    []string      // directories with the user's own stand-ins
	Slow    time.Duration // a call that takes longer is slow
	Timeout time.Duration // a call that takes longer hangs
	explain bool
}

// Flags registers its options.
func (s *Suite) Flags(set *flag.FlagSet) {
	*s = Suite{Type: envmap.DNS01, Domain: "example.test", Zone: "auto", Slow: 30 * time.Second, Timeout: 2 * time.Minute}
	set.Func("type", "", one(&s.Type, envmap.DNS01, envmap.HTTP01))
	set.Func("zone", "", one(&s.Zone, "yes", "no", "auto"))
	set.Func("domain", "", s.setDomain)
	set.Func("server", "", s.setServer)
	set.Func("path", "", s.addPath)
	set.Func("slow", "", positive(&s.Slow))
	set.Func("timeout", "", positive(&s.Timeout))
	set.BoolVar(&s.explain, "explain", false, "")
}

// one takes one of several words.
func one(place *string, words ...string) func(string) error {
	return func(value string) error {
		if *place = value; !slices.Contains(words, value) {
			return errors.New("is none of " + strings.Join(words, ", "))
		}
		return nil
	}
}

func positive(place *time.Duration) func(string) error {
	return func(value string) (err error) {
		if *place, err = time.ParseDuration(value); err != nil || *place <= 0 {
			return errors.New("is no duration such as 90s or 5m")
		}
		return nil
	}
}

// setDomain takes a name below which there can be others.
func (s *Suite) setDomain(value string) error {
	s.Domain = canonical(value)
	e := envmap.Event{Cmd: envmap.DeployCert, Domain: "extauth-check." + s.Domain}
	if e.Validate() != nil {
		return errors.New("is no DNS name")
	}
	return nil
}

func (s *Suite) setServer(value string) error {
	s.Server = value
	if host, port, err := net.SplitHostPort(value); err != nil || host == "" || port == "" {
		return errors.New("is not HOST:PORT")
	}
	return nil
}

func (s *Suite) addPath(value string) error {
	dir, err := filepath.Abs(value)
	s.Path = append(s.Path, dir)
	return err
}

// Explaining tells whether explanations were asked for.
func (s *Suite) Explaining() bool { return s.explain }

// Explanations are what each check is about, for people.
func (s *Suite) Explanations() string {
	var b strings.Builder
	for _, c := range checks() {
		fmt.Fprintf(&b, "%s: %s\n    %s\n\n", c.name, c.statement, strings.ReplaceAll(c.explain, "\n", "\n    "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// suite is a Suite at work on one hook.
type suite struct {
	*Suite
	handler    runner.Handler
	fault      error             // why the hook cannot be started
	variables  map[string]string // of the user's env files
	redact     func(string) string
	path       string // what the caller has in PATH
	scratch    *scratch
	bind       *bind
	seen       witness         // how it is known what is published
	held       map[string]name // what calls of stand-ins have published, by value
	challenges int
	first      run    // the first challenge that was performed
	runs       []run  // all so far
	hopeless   string // why nothing can be learned of what is published
	hung       bool   // a call did not end in time
}

// name is where a value was published by a call, and what the stand-in called
// it in its answer.
type name struct{ txt, id string }

// Check runs the checks for a hook and writes their results. fault is why it
// cannot be started, or nil; path is what the caller has in PATH. It returns
// how many found something. Errors are of the world, not the hook's.
func (s *Suite) Check(ctx context.Context, h runner.Handler, fault error, path string, out io.Writer) (failed int, err error) {
	variables, err := runner.ReadEnvFiles(h.EnvFiles)
	if err != nil {
		return 0, err
	}
	syscall.Umask(0o077) // dehydrated's, the strictest of the clients'
	w, err := newScratch()
	if err != nil {
		return 0, err
	}
	defer w.remove()
	one := &suite{
		Suite: s, handler: h, fault: fault, variables: variables, redact: runner.Redactor(variables), path: path,
		scratch: w, held: map[string]name{},
	}
	defer func() { one.bind.stop() }()
	t := &tap{w: out}
	err = one.all(ctx, t)
	return t.failed, errors.Join(err, t.err)
}

// all runs every check, unless there is nothing to learn from the rest.
func (s *suite) all(ctx context.Context, t *tap) error {
	if _, err := s.handler.Speaks().Encode(s.challenge("first")); err != nil {
		return err
	}
	t.begin(len(checks()))
	if s.fault == nil {
		if err := s.scout(ctx); err != nil {
			return err
		}
		t.comment(s.seen.describe(s))
	}
	for _, c := range checks() {
		skipped := s.skipped(c)
		if skipped != "" {
			t.report(c, skipped, nil)
			continue
		}
		b := &bench{suite: s, ctx: ctx, check: c}
		f := c.run(b)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b.err != nil {
			return b.err
		}
		if t.report(c, b.skip, f); t.err != nil {
			break
		}
	}
	return s.sweep(ctx)
}

// sweep has the hook take away what it left on a server that is not ours.
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
func (s *suite) scout(ctx context.Context) error {
	if s.Zone == "yes" {
		if err := s.startBIND(ctx); err != nil {
			return err
		}
	}
	b := &bench{suite: s, ctx: ctx}
	s.first = b.perform(s.challenge("first"))
	if s.Zone == "auto" && s.Server == "" && s.first.calledBy("nsupdate") && s.startBIND(ctx) == nil {
		s.first = b.perform(s.challenge("first"))
	}
	if b.err != nil {
		return b.err
	}
	s.seen = s.witness(b, s.first)
	switch {
	case s.hung:
		s.hopeless = "a first challenge hangs"
	case s.seen == unseen:
		s.hopeless = "a first challenge is not published"
	case s.first.err != nil:
		s.hopeless = "a first challenge cannot be performed"
	}
	return nil
}

// startBIND tries other ports: somebody may have taken one in the meantime.
func (s *suite) startBIND(ctx context.Context) error {
	var err error
	for range 3 {
		if s.bind, err = startBIND(ctx, s.scratch, s.Domain); err == nil {
			return nil
		}
		s.bind.stop()
		s.bind = nil
		_ = errors.Join(os.Remove(s.scratch.path("zone")), os.RemoveAll(s.scratch.path("named")),
			os.Remove(s.scratch.path("nsupdate")), os.Remove(s.scratch.path("zone.key")))
	}
	return fmt.Errorf("named: %w", err)
}
