// Package hook is the front ends that ACME clients call for each event:
// extauth-hook, extauth-dehydrated and those of other clients.
package hook

import (
	"context"
	"errors"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// call is a call of the client at work.
type call struct {
	program    *cli.Program
	convention *envmap.Convention // the client's
	words      []string           // HANDLER and its arguments
	recorder   *cli.Recorder
	recording  *cli.Recording
}

// serve records a call that was received, and how do ended.
func serve(p *cli.Program, received envmap.Call, words []string, do func(*call) error) (err error) {
	c := &call{program: p, words: words}
	c.convention, _ = envmap.Lookup(p.Client)
	if c.recorder, err = p.OpenTrace(); err != nil {
		return err
	}
	c.recording = c.recorder.Begin(received)
	defer func() { c.record(err) }()
	defer runner.Recovered(&err)
	return do(c)
}

// record writes how the call ended.
func (c *call) record(err error) {
	if Declined(c.convention, err) {
		c.recording.EndWith(c.convention.Declines, err)
		return
	}
	c.recording.End(err)
}

// run brings the events to the handlers that are named by the call's words, or by
// options, the environment or a chain file.
func (c *call) run(events []envmap.Event) error {
	p := c.program
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
	case execs(t, c.convention, events) && !p.Options.DryRun:
		err := runner.Exec(t.Chain[0], events[0], p.Environ, c.beforeExec())
		if !errors.Is(err, runner.ErrStdinTooLong) && !is[*envmap.UnsupportedError](err) {
			return err
		}
	}
	if err := t.Expressible(p.Client, events); err != nil {
		return err
	}
	if p.Options.DryRun {
		return p.DryRun(t, events)
	}
	return p.Supervise(t, func(ctx context.Context, r *runner.Runner) error {
		r.Deliver = p.Deliver
		return r.Run(ctx, events)
	})
}

// execs reports whether the process becomes the handler: it is a single one that is
// called once, nobody has to remember or judge what it answers, and its failure is
// the client's to know. Otherwise it is supervised.
func execs(t *cli.Target, from *envmap.Convention, events []envmap.Event) bool {
	if !t.Single() || !t.Chain[0].IsProgram() || t.Timed || len(events) != 1 || events[0].Informational() && from.Name == "dehydrated" {
		return false
	}
	to, _ := envmap.Lookup(t.Chain[0].Convention)
	remembers := (to.Replays && to.Name != from.Name || from.Forgets) && events[0].IsChallenge()
	return to.Declined == nil && to.Answer == nil && !remembers
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

// handOver gives the events to the extauth-json exec that started the client.
func (c *call) handOver(socket string, events []envmap.Event) error {
	return c.program.Interruptible(func(ctx context.Context) error {
		started := time.Now()
		output, err := runner.HandOver(ctx, socket, events)
		c.program.Tracef("handed %d over to %s after %s", len(events), socket, time.Since(started).Round(time.Millisecond))
		if err != nil {
			return err
		}
		return c.program.Write(output)
	})
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
