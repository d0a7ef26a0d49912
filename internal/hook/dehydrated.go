package hook

import (
	"context"
	"errors"
	"slices"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const dehydratedUsage = `Usage: extauth-dehydrated [OPTION]... OPERATION [ARG]...

A HOOK for dehydrated that runs handlers of other conventions. dehydrated cannot
pass arguments to its hook, so handlers come from a chain file, which can itself
be the hook:

  #!/usr/bin/extauth-dehydrated -c
  certbot auth=/etc/le/auth.sh cleanup=/etc/le/cleanup.sh

      --handler COMMAND  run one handler, with its arguments, instead of a chain
                         (with --to; also $EXTAUTH_TO and $EXTAUTH_HANDLER)

` + cli.ClientUsage

// Dehydrated is extauth-dehydrated, dehydrated's front end.
func Dehydrated(io cli.IO) int {
	p := cli.New(io, "extauth-dehydrated", dehydratedUsage, "dehydrated")
	return p.Main(func() (int, error) { return 0, runDehydrated(p) })
}

// runDehydrated parses its own options up to the operation; the rest is
// dehydrated's call.
func runDehydrated(p *cli.Program) error {
	args, words, err := parseOwn(p)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return cli.Usage("no operation; dehydrated gives it")
	}
	received := envmap.Call{Args: args, Env: p.Env}
	return serve(p, received, words, func(c *call) error {
		events, err := c.convention.Decode(received)
		switch {
		case is[*envmap.OperationError](err):
			p.Tracef("%v is ignored, as dehydrated asks", err)
			return nil
		case err != nil:
			return Refuse(p, words, args[0], err)
		}
		return c.run(events)
	})
}

// Refuse reports a call of dehydrated that was refused. If the operation only
// informs the hook, that is a warning: a failure would keep dehydrated from
// cleaning up.
func Refuse(p *cli.Program, words []string, operation string, cause error) error {
	informational := []string{"unchanged_cert", "invalid_challenge", "request_failure", "startup_hook", "exit_hook", "sync_cert"}
	if !slices.Contains(informational, operation) {
		return abandon(p, operation, cause)
	}
	t, err := p.Target(words)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(t.Chain, func(h runner.Handler) bool { return h.Strict }) {
		return cause
	}
	p.Warn("warning: " + cause.Error())
	return nil
}

// abandon undoes what was performed of the order that a refused challenge belongs
// to: dehydrated gives up, and never cleans up.
func abandon(p *cli.Program, operation string, cause error) error {
	refused := new(envmap.ValueError)
	if operation != "deploy_challenge" || !errors.As(cause, &refused) || refused.Order == "" || p.Options.DryRun {
		return cause
	}
	r, err := p.Runner(nil)
	if err == nil {
		err = r.Abandon(context.Background(), p.Client, refused.Order)
	}
	if err != nil {
		return &runner.RollbackError{Cause: cause, Undo: err}
	}
	return cause
}
