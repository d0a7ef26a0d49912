package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const dehydratedUsage = `Usage: extauth-dehydrated [OPTION]... OPERATION [ARG]...

A HOOK for dehydrated: tells handlers that speak another convention what
dehydrated tells its hook. dehydrated can give a hook no arguments, so that the
handlers come from a chain file, which can itself be the hook:

  #!/usr/bin/extauth-dehydrated -c
  certbot auth=/etc/le/auth.sh cleanup=/etc/le/cleanup.sh

      --handler COMMAND  instead of a chain: one handler, with its arguments
                         (with --to; also $EXTAUTH_TO and $EXTAUTH_HANDLER)

` + optionsUsage

// Dehydrated is extauth-dehydrated, dehydrated's front end.
func Dehydrated(io IO) int {
	f := newFront(io, "extauth-dehydrated", dehydratedUsage, "dehydrated")
	return f.finish(f.work(f.dehydrated))
}

// dehydrated reads its own options up to the operation; whatever stands behind
// it is dehydrated's.
func (f *front) dehydrated() error {
	set := f.flags()
	set.String(&f.options.handler, "", "handler")
	err := f.parse(set, f.Args[1:])
	if errors.Is(err, errDone) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(set.Args()) == 0 {
		return &usageError{"no operation; dehydrated gives it"}
	}
	if err := f.took(envmap.Call{Args: set.Args(), Env: f.env}); err != nil {
		return err
	}
	events, err := f.decode(set.Args())
	if unknown := new(envmap.OperationError); errors.As(err, &unknown) {
		if f.options.verbose {
			f.warn(err.Error() + " is ignored, as dehydrated asks")
		}
		return nil
	}
	words, wordsErr := f.handlerWords()
	if wordsErr != nil {
		return wordsErr
	}
	if err != nil {
		return f.refuse(err, set.Args()[0], words)
	}
	return f.run(events, words)
}

func (f *front) handlerWords() ([]string, error) {
	if f.options.handler == "" {
		return nil, nil
	}
	words, err := runner.Split(f.options.handler)
	if err != nil {
		return nil, &usageError{"--handler " + err.Error()}
	}
	return words, nil
}

// abandon undoes what was performed of the order that a refused challenge
// belongs to: dehydrated gives up, and never cleans up.
func (f *front) abandon(cause error, operation string) error {
	refused := new(envmap.ValueError)
	if operation != "deploy_challenge" || !errors.As(cause, &refused) || refused.Order == "" || f.options.dryRun {
		return cause
	}
	r, err := f.runner(&target{})
	if err == nil {
		err = r.Abandon(context.Background(), f.client, refused.Order)
	}
	if err != nil {
		return &runner.RollbackError{Cause: cause, Undo: err}
	}
	return cause
}

// refuse reports a call that was refused. Where dehydrated only lets its hook
// know, that is a warning: a failure would keep it from cleaning up.
func (f *front) refuse(err error, operation string, words []string) error {
	informational := []string{"unchanged_cert", "invalid_challenge", "request_failure", "startup_hook", "exit_hook", "sync_cert"}
	if !slices.Contains(informational, operation) {
		return f.abandon(err, operation)
	}
	t, targetErr := f.target(words)
	if targetErr != nil {
		return targetErr
	}
	if slices.ContainsFunc(t.chain, func(h runner.Handler) bool { return h.Strict }) {
		return err
	}
	f.warn("warning: " + err.Error())
	return nil
}
