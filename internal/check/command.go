package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/runner"
)

const usage = `Usage: extauth-check [OPTION]... --as CONVENTION [KEY=VALUE]... HANDLER [ARG]...
       extauth-check --explain

Runs a hook as a client that speaks CONVENTION would, in a temporary directory
with stand-ins for curl, nsupdate, ssh and others. Prints the problems that the
client would run into as TAP. The hook gets nothing of this environment.

  extauth-check --as dehydrated -e dns.env ./hook.sh
  extauth-check --as certbot auth=./auth.sh cleanup=./cleanup.sh
  extauth-check --as handler --type http-01 ./webroot

Options:
      --as CONVENTION    HANDLER's convention; KEY=VALUE as in a chain line
  -e, --env-file FILE    dotenv file with variables for the hook (repeatable)
      --path DIR         programs that come before the stand-ins (repeatable)
      --type TYPE        challenge type (dns-01); for http-01, $WEBROOT is the
                         web root
      --domain NAME      challenges are for names below it (example.test)
      --server HOST:PORT DNS server that the hook publishes on, and that is queried
      --zone WHEN        start a BIND with NAME as its zone, for hooks that call
                         nsupdate: yes, no, or auto if BIND is installed (auto)
      --slow DURATION    a call that takes longer is slow (30s)
      --timeout DURATION a call that takes longer hangs (2m)
      --explain          explain each finding, or without HANDLER all checks: what
                         a client does, and what to write instead
      --help, --version  print this help, or the version

Exit status: 0 no problem found, 1 problems found, 64 usage, 69 the convention has
no scripts, 127 there is no such HANDLER.
`

// Check is extauth-check.
func Check(io cli.IO) int {
	c := &command{program: cli.New(io, "extauth-check", usage, "")}
	return c.program.Main(c.run)
}

// command is the running program.
type command struct {
	program *cli.Program
	suite   Suite
	as      string // the hook's convention
}

// run returns 1 if something was found.
func (c *command) run() (found int, err error) {
	words, err := c.parse()
	if err != nil {
		return 0, err
	}
	if len(words) == 0 && c.as == "" && c.suite.explain {
		return 0, c.program.Write([]byte(explainAll()))
	}
	h, startErr, err := c.handler(words)
	if err != nil {
		return 0, err
	}
	failed := 0
	err = c.program.Interruptible(func(ctx context.Context) (err error) {
		failed, err = c.suite.Check(ctx, h, startErr, c.program.Env["PATH"], output{c.program})
		return err
	})
	if failed > 0 {
		found = cli.StatusFailed
	}
	return found, err
}

func (c *command) parse() (words []string, err error) {
	set := c.program.NewFlags()
	c.program.Options.RegisterEnvFiles(set)
	set.StringVar(&c.as, "as", "", "")
	c.suite.Flags(set)
	err = c.program.Parse(set, c.program.Args[1:])
	return set.Args(), err
}

// output is standard output, with errors that name it.
type output struct{ program *cli.Program }

func (o output) Write(text []byte) (int, error) { return len(text), o.program.Write(text) }

// handler returns the handler that the words name. startErr says why it cannot
// be started if it exists.
func (c *command) handler(words []string) (h runner.Handler, startErr, err error) {
	if err := c.checkWords(words); err != nil {
		return h, nil, err
	}
	h, err = chain.ParseLine(append([]string{c.as}, words...))
	if start := new(process.StartError); errors.As(err, &start) && !start.NotFound() {
		startErr, err = start, nil
	}
	switch {
	case err == nil:
		err = checkHandler(h)
	case !errors.As(err, new(*process.StartError)) && !errors.As(err, new(*trust.UnsafeError)):
		err = cli.Usage("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	h.EnvFiles = append(h.EnvFiles, c.program.Options.EnvFiles...)
	return h, startErr, err
}

// checkWords checks that the words have a HANDLER, and that its convention is
// one of hooks.
func (c *command) checkWords(words []string) error {
	if c.as == "" {
		return cli.Usage("--as must say which convention HANDLER speaks: %s", cli.Conventions())
	}
	convention, err := cli.HandlerConvention(c.as)
	switch {
	case err != nil:
		return err
	case convention.To.Person || convention.To.Program != "":
		return notCheckable(c.as + ": is not a convention of scripts")
	case len(words) == 0 || slices.Contains(words, ""):
		return cli.Usage("no HANDLER")
	}
	return nil
}

// checkHandler refuses keys of a chain line that are not about the hook itself.
func checkHandler(h runner.Handler) error {
	if !h.IsProgram() {
		return notCheckable(h.Command[0] + ": is not a program")
	}
	hook := runner.Handler{Convention: h.Convention, Command: h.Command, Commands: h.Commands, EnvFiles: h.EnvFiles, Settings: h.Settings}
	if !h.Equal(&hook) {
		return cli.Usage("only commands, env= and the convention's own settings are allowed before HANDLER")
	}
	return nil
}

// notCheckable is the error for a HANDLER that no client would call.
func notCheckable(reason string) error {
	return &cli.StatusError{Status: cli.StatusInexpressive, Err: errors.New(reason)}
}

// explainAll explains all checks to people.
func explainAll() string {
	var t strings.Builder
	for _, c := range checks() {
		fmt.Fprintf(&t, "%s: %s\n    %s\n\n", c.name, c.statement, strings.ReplaceAll(c.explanation(), "\n", "\n    "))
	}
	return strings.TrimSuffix(t.String(), "\n")
}
