package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const checkUsage = `Usage: extauth-check [OPTION]... --as CONVENTION [KEY=VALUE]... HANDLER [ARG]...
       extauth-check --explain

Runs a hook as a client that speaks CONVENTION would, in a scratch world with
stand-ins for curl, nsupdate, ssh and others, and says in TAP on standard output
what that client would stumble on. The hook gets nothing of this environment.

  extauth-check --as dehydrated -e dns.env ./hook.sh
  extauth-check --as certbot auth=./auth.sh cleanup=./cleanup.sh
  extauth-check --as handler --type http-01 ./webroot

Options:
      --as CONVENTION    what HANDLER speaks; KEY=VALUE as in a chain line
  -e, --env-file FILE    dotenv file whose variables the hook gets, repeatable
      --path DIR         programs that come before the stand-ins, repeatable
      --type TYPE        challenge type (dns-01); http-01 has its web root in
                         $WEBROOT
      --domain NAME      challenges are for names below it (example.test)
      --server HOST:PORT DNS server that the hook publishes on and that is asked
      --zone WHEN        start a BIND with NAME as its zone, for hooks that call
                         nsupdate: yes, no, or auto where there is one (auto)
      --slow DURATION    a call that takes longer is slow (30s)
      --timeout DURATION a call that takes longer hangs (2m)
      --explain          say with each finding, or alone of all checks, what a
                         client does and what to write instead
      --help, --version  say so on standard output

Exit status: 0 all is well, 1 something is not, 64 usage, 69 the convention has no
scripts, 127 there is no such HANDLER.
`

// Checker runs a hook as its client would. Its code is in no other program.
type Checker interface {
	// Flags registers its options.
	Flags(set *getopt.Set)
	// Explaining tells whether explanations were asked for.
	Explaining() bool
	// Explanations are what each check is about, for people.
	Explanations() string
	// Check writes what it found to out and returns how much that was. fault is
	// why the handler cannot be started, or nil; path is $PATH.
	Check(ctx context.Context, h runner.Handler, fault error, path string, out io.Writer) (failed int, err error)
}

// Check is extauth-check.
func Check(io IO, c Checker) int {
	f := newFront(io, "extauth-check", checkUsage, "")
	failed := 0
	err := f.work(func() (err error) {
		failed, err = f.check(c)
		return err
	})
	if s := f.finish(err); s != 0 || failed == 0 {
		return s
	}
	return statusFailed
}

func (f *front) check(c Checker) (failed int, err error) {
	as, set := "", f.checkFlags(c)
	set.String(&as, "", "as")
	err = f.parse(set, f.Args[1:])
	switch {
	case errors.Is(err, errDone):
		return 0, nil
	case err != nil:
		return 0, err
	case len(set.Args()) == 0 && as == "" && c.Explaining():
		return 0, f.write([]byte(c.Explanations()))
	}
	h, fault, err := f.checked(as, set.Args())
	if err != nil {
		return 0, err
	}
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	return c.Check(ctx, h, fault, f.env["PATH"], output{f})
}

// output is standard output, with errors that say so.
type output struct{ f *front }

func (o output) Write(text []byte) (int, error) { return len(text), o.f.write(text) }

func (f *front) checkFlags(c Checker) *getopt.Set {
	set := new(getopt.Set)
	set.Var(&f.options.envFiles, "e", "env-file")
	set.Bool(&f.options.version, "", "version")
	c.Flags(set)
	f.options.timeout = 1 // --timeout is the checker's
	return set
}

// checked is the handler that the words name. One that is there and cannot be
// started is no error: fault says why.
func (f *front) checked(as string, words []string) (h runner.Handler, fault, err error) {
	c, known := envmap.Lookup(as)
	switch {
	case as == "":
		return h, nil, &usageError{"--as must say which convention HANDLER speaks: " + conventions()}
	case !known || c.To.Encode == nil:
		return h, nil, &usageError{fmt.Sprintf("no convention %q; there is %s", as, conventions())}
	case c.To.Person || c.To.Program != "":
		return h, nil, &inexpressible{as + ": is spoken by no script that could be checked"}
	case len(words) == 0 || slices.Contains(words, ""):
		return h, nil, &usageError{"no HANDLER"}
	}
	h, err = runner.ParseHandler(append([]string{as}, words...))
	if start := new(runner.StartError); errors.As(err, &start) && !start.NotFound() {
		fault, err = start, nil
	} else if err != nil && !is[*runner.StartError](err) && !is[*runner.UnsafeError](err) {
		err = &usageError{strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	if err == nil && !h.IsProgram() {
		err = &inexpressible{h.Command[0] + ": is no program that could be checked"}
	}
	if err == nil && !reflect.DeepEqual(h, runner.Handler{
		Convention: as, Command: h.Command, Commands: h.Commands, EnvFiles: h.EnvFiles, Settings: h.Settings,
	}) {
		err = &usageError{"before HANDLER there may be commands, env= and the convention's own settings alone"}
	}
	h.EnvFiles = append(h.EnvFiles, f.options.envFiles...)
	return h, fault, err
}

// inexpressible is a convention that has no call for what is asked.
type inexpressible struct{ reason string }

func (e *inexpressible) Error() string { return e.reason }
