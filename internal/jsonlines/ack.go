package jsonlines

import (
	"context"
	"errors"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// acknowledger answers a stream as the callers of certbot-external-auth's JSON
// mode did: with an empty line for each challenge that is performed.
type acknowledger struct {
	responder
	performed []envmap.Event // performed, and not cleaned up yet
}

// acknowledge stops at a failure. No cleanup will follow for what was performed
// by then, so that it is undone.
func acknowledge(ctx context.Context, r *responder) (worst int, err error) {
	a := &acknowledger{responder: *r}
	worst, err = a.stream.each(ctx, func(events []envmap.Event) error { return a.serve(ctx, events) })
	if !is[*stopError](err) {
		return worst, err
	}
	if undo := a.undo(context.WithoutCancel(ctx)); undo != nil {
		err = &runner.RollbackError{Cause: err, Undo: undo}
	}
	return worst, err
}

func (a *acknowledger) serve(ctx context.Context, events []envmap.Event) (err error) {
	e := events[0]
	recording := a.stream.recorder.BeginEvent(e)
	defer func() { recording.End(err) }()
	cli.SetFileTimes(events)
	if err := a.target.Expressible(a.stream.program.Client, events); err != nil {
		return &stopError{err}
	}
	if e.Cmd == envmap.PerformChallenge {
		return a.perform(ctx, events)
	}
	err = a.run(ctx, events, nil)
	if e.Cmd == envmap.Cleanup && err == nil {
		a.forget(e)
	}
	return err
}

func (a *acknowledger) run(ctx context.Context, events []envmap.Event, deliver func(context.Context, []byte) error) error {
	r := *a.runner
	r.Deliver = deliver
	return r.Run(ctx, events)
}

func (a *acknowledger) perform(ctx context.Context, events []envmap.Event) error {
	confirm := func(ctx context.Context, _ []byte) error { return a.stream.program.Deliver(ctx, []byte("\n")) }
	if err := a.run(ctx, events, confirm); err != nil {
		return &stopError{err}
	}
	a.performed = append(a.performed, events...)
	return nil
}

// undo cleans up what is performed, last first.
func (a *acknowledger) undo(ctx context.Context) error {
	var errs []error
	for i := len(a.performed) - 1; i >= 0; i-- {
		e := a.performed[i]
		e.Cmd = envmap.Cleanup
		errs = append(errs, a.run(ctx, []envmap.Event{e}, nil))
	}
	return errors.Join(errs...)
}

func (a *acknowledger) forget(e envmap.Event) {
	for i, s := range a.performed {
		if sameChallenge(s, e) {
			a.performed = append(a.performed[:i], a.performed[i+1:]...)
			return
		}
	}
}

// sameChallenge reports whether two events are about one challenge.
func sameChallenge(a, b envmap.Event) bool {
	return a.Type == b.Type && a.Domain == b.Domain && a.Validation == b.Validation
}
