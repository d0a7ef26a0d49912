// Package wait is extauth-wait: it returns when every challenge's response is
// visible to a CA.
package wait

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/propagation"
)

const usage = `Usage: extauth-wait [OPTION]... [dns NAME VALUE | http URL BODY]...

Waits until every TXT record is on every authoritative server of its zone, and
every URL answers on every address of its host. Without operands it reads the
challenges on standard input, one JSON object per line. So one line of a chain
waits for a whole certificate:

  handler phase=post-perform extauth-wait

Options:
      --timeout DURATION how long to wait (5m); 0 checks once
      --interval DURATION
                         time between two queries of the same server (1s)
      --quorum N         N servers of a zone are enough; 0 means all (0)
      --no-cname         do not follow a CNAME at NAME
      --resolver HOST:PORT
                         recursive server that finds the others (repeatable); else
                         $EXTAUTH_RESOLVER, else /etc/resolv.conf
      --nameserver HOST:PORT
                         ask this server for the records instead of the zone's own
                         (repeatable); else $EXTAUTH_NAMESERVER
  -v, --verbose          show on standard error what is found where
      --help, --version  print this help, or the version

The port is optional, and several HOST:PORT can be separated by commas. Exit
status: 0 everything is visible, 64 usage, 65 a value or line was refused, 75 time
is up, and standard error says what is missing where.
`

// Wait is extauth-wait.
func Wait(io cli.IO) int {
	c := &command{program: cli.New(io, "extauth-wait", usage, "json")}
	return c.program.Main(c.run)
}

// command is the running program.
type command struct {
	program    *cli.Program
	flags      *flag.FlagSet
	prober     propagation.Prober
	challenges []envmap.Event // of the operands; nil: those of standard input
}

// run returns a status if the call was declined.
func (c *command) run() (declined int, err error) {
	phase, err := c.parse()
	if err != nil {
		return 0, err
	}
	if phase != "" && phase != "post-perform" {
		return cli.StatusFailed, c.program.Write([]byte("NotImplemented\n"))
	}
	if err := c.setDefaults(); err != nil {
		return 0, err
	}
	return 0, c.program.Interruptible(c.await)
}

// parse reads options and operands. phase is a handler's, the only operand if
// there is one.
func (c *command) parse() (phase string, err error) {
	c.flags = c.program.NewFlags()
	c.program.Options.RegisterVerbose(c.flags)
	c.prober.Flags(c.flags)
	for args := c.program.Args[1:]; ; args = c.flags.Args()[3:] {
		if err := c.program.Parse(c.flags, args); err != nil {
			return "", err
		}
		if c.flags.NArg() == 0 {
			break
		}
		if c.challenges == nil && c.flags.NArg() == 1 && isPhase(c.flags.Arg(0)) {
			return c.flags.Arg(0), nil
		}
		challenge, err := operandGroup(c.flags.Args())
		if err != nil {
			return "", err
		}
		c.challenges = append(c.challenges, challenge)
	}
	if c.challenges == nil && columns(c.program.Stdin) > 0 {
		return "", cli.Usage("no operand, and standard input is a terminal")
	}
	return "", nil
}

// setDefaults sets options that were not given from the environment.
func (c *command) setDefaults() error {
	for _, name := range []string{"resolver", "nameserver"} {
		variable := "EXTAUTH_" + strings.ToUpper(name)
		value := c.program.Env[variable]
		if value == "" || slices.Contains(cli.Given(c.flags), name) {
			continue
		}
		if err := c.flags.Set(name, value); err != nil {
			return cli.Config("%s: %w", variable, err)
		}
	}
	return nil
}

// await returns when all is visible, or the time is over.
func (c *command) await(ctx context.Context) (err error) {
	if c.challenges == nil {
		if c.challenges, err = readChallenges(ctx, c.program); err != nil {
			return err
		}
	}
	s := &screen{w: c.program.Stderr, width: columns(c.program.Stderr)}
	c.prober.Watch(s.progress(), s.tracer(c.program.Tracer()))
	err = c.prober.Wait(ctx, distinct(c.challenges))
	s.clear()
	if errors.As(err, new(*propagation.UnfinishedError)) {
		return &cli.StatusError{Status: cli.StatusLater, Err: err}
	}
	return err
}
