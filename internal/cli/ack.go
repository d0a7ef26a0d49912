package cli

import (
	"context"
	"errors"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// acknowledgement answers a stream as the callers of certbot-external-auth's
// JSON mode did: with an empty line for each challenge that is performed.
type acknowledgement struct {
	*front
	target   *target
	runner   *runner.Runner
	standing []envmap.Event // performed, and not cleaned up yet
}

// acknowledge stops at a failure. Nobody will be asked to clean up what stands
// by then, so that it is undone.
func (f *front) acknowledge(ctx context.Context, t *target, r *runner.Runner) (worst int, err error) {
	a := &acknowledgement{front: f, target: t, runner: r}
	worst, err = f.eachLine(ctx, func(e envmap.Event) error { return a.serve(ctx, withFileTimes(e)) })
	if !is[*stopError](err) {
		return worst, err
	}
	if undo := a.undo(context.WithoutCancel(ctx)); undo != nil {
		err = &runner.RollbackError{Cause: err, Undo: undo}
	}
	return worst, err
}

func (a *acknowledgement) serve(ctx context.Context, e envmap.Event) (err error) {
	call := a.recorder.beginEvent(e)
	defer func() { call.end(exitOf(err), err) }()
	if err := a.expressible(a.target, []envmap.Event{e}); err != nil {
		return &stopError{err}
	}
	if e.Cmd == envmap.PerformChallenge {
		return a.perform(ctx, e)
	}
	a.runner.Deliver = nil
	err = a.runner.Run(ctx, []envmap.Event{e})
	if e.Cmd == envmap.Cleanup && err == nil {
		a.forget(e)
	}
	return err
}

func (a *acknowledgement) perform(ctx context.Context, e envmap.Event) error {
	a.runner.Deliver = func(ctx context.Context, _ []byte) error { return a.deliver(ctx, []byte("\n")) }
	if err := a.runner.Run(ctx, []envmap.Event{e}); err != nil {
		return &stopError{err}
	}
	a.standing = append(a.standing, e)
	return nil
}

// undo cleans up what stands, last first.
func (a *acknowledgement) undo(ctx context.Context) error {
	a.runner.Deliver = nil
	var errs []error
	for i := len(a.standing) - 1; i >= 0; i-- {
		e := a.standing[i]
		e.Cmd = envmap.Cleanup
		errs = append(errs, a.runner.Run(ctx, []envmap.Event{e}))
	}
	return errors.Join(errs...)
}

func (a *acknowledgement) forget(e envmap.Event) {
	for i, s := range a.standing {
		if sameChallenge(s, e) {
			a.standing = append(a.standing[:i], a.standing[i+1:]...)
			return
		}
	}
}

// sameChallenge tells whether two events are about one challenge.
func sameChallenge(a, b envmap.Event) bool {
	return a.Type == b.Type && a.Domain == b.Domain && a.Validation == b.Validation
}
