// Package hook is the front ends that ACME clients call for each event:
// extauth-hook, extauth-dehydrated and those of other clients.
package hook

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// call is a call by the client.
type call struct {
	program    *cli.Program
	convention *envmap.Convention // the client's
	words      []string           // HANDLER and its arguments
	recorder   *cli.Recorder
	recording  *cli.Recording
}

// serve calls do for received events, and records the call and how it ended.
func serve(p *cli.Program, received envmap.Call, words []string, do func(*call) error) (err error) {
	c := &call{program: p, words: words}
	c.convention, _ = envmap.Lookup(p.Client)
	if c.recorder, err = p.OpenTrace(); err != nil {
		return err
	}
	c.recording = c.recorder.Begin(received)
	defer func() { c.record(err) }()
	defer fault.Recover(&err)
	return do(c)
}

// record writes how the call ended.
func (c *call) record(err error) {
	if Declined(c.convention, err) {
		c.recording.EndWith(c.convention.From.Declines, err)
		return
	}
	c.recording.End(err)
}

// run passes the events to the handlers that are named by the call's words, by
// options, the environment or a chain file.
func (c *call) run(events []envmap.Event) error {
	p := c.program
	execs, err := p.Execs()
	if err != nil {
		return err
	}
	t, err := p.Target(c.words)
	if err != nil {
		return err
	}
	c.recorder.Hide(t.Chain)
	cli.SetFileTimes(events)
	switch {
	case t.Socket != "":
		return c.handOver(t.Socket, events)
	case t.Prints:
		return p.WriteEvents(events)
	case p.Options.DryRun:
		return c.plan(t, events)
	case execs:
		return c.exec(t, events)
	}
	return c.supervise(t, events)
}

// plan writes what would be run.
func (c *call) plan(t *cli.Target, events []envmap.Event) error {
	if err := t.Expressible(c.program.Client, events); err != nil {
		return err
	}
	return c.program.DryRun(t, events)
}

// supervise runs the handlers under the runner. A single handler gets the client's
// standard input, unless the client passes a part of the event there.
func (c *call) supervise(t *cli.Target, events []envmap.Event) error {
	p := c.program
	if err := t.Expressible(p.Client, events); err != nil {
		return err
	}
	return p.Supervise(t, func(ctx context.Context, r *runner.Runner) error {
		r.Deliver = p.Deliver
		if stdin, ok := p.Stdin.(*os.File); ok && t.Single() && !c.convention.From.ReadsStdin {
			r.Stdin = stdin
		}
		return r.Run(ctx, events)
	})
}

// exec becomes the handler, as --exec asks, unless that would break a promise, or
// the handler has no call for the event.
func (c *call) exec(t *cli.Target, events []envmap.Event) error {
	p := c.program
	switch {
	case !t.Single():
		return cli.Usage("--exec is for a HANDLER, not for a chain")
	case p.Options.Timeout > 0:
		return cli.Usage("--exec and --timeout exclude each other: nothing would stop the handler")
	case len(events) > 1:
		return cli.Usage("--exec is for one call of the handler, and the client gives %d challenges at once", len(events))
	}
	if err := t.Expressible(p.Client, events); err != nil {
		return err
	}
	err := runner.Exec(t.Chain[0], events[0], p.Environ, c.beforeExec())
	if is[*envmap.UnsupportedError](err) {
		return nil // not for this handler
	}
	if is[*runner.SupervisionError](err) || errors.Is(err, process.ErrStdinTooLong) {
		return cli.Usage("--exec: %w", err)
	}
	return err
}

// beforeExec returns what is done before the process becomes a handler, or nil.
func (c *call) beforeExec() func(string) {
	if c.recording == nil {
		return c.program.Tracer()
	}
	return func(command string) {
		c.program.Tracef("%s", command)
		c.recording.Write()
	}
}

// handOver sends the events to the extauth-json exec that started the client.
func (c *call) handOver(socket string, events []envmap.Event) error {
	return c.program.Interruptible(func(ctx context.Context) error {
		started := time.Now()
		output, answered, err := endpoint.HandOver(ctx, socket, events)
		c.program.Tracef("handed %d over to %s after %s", len(events), socket, time.Since(started).Round(time.Millisecond))
		if err != nil {
			exec := runner.Handler{Convention: "json", Command: []string{"unix:" + socket}}
			return &runner.HandlerError{Handler: exec, Event: events[min(answered, len(events)-1)], Err: err}
		}
		return c.program.Write(output)
	})
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
