package jsonlines

import (
	"bufio"
	"context"
	"slices"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// run is the command run.
func (c *command) run(words []string) (worst int, err error) {
	t, err := c.program.Target(words)
	switch {
	case err != nil:
		return 0, err
	case t.Prints:
		return c.rewrite()
	case c.program.Options.DryRun:
		return c.dryRun(t)
	}
	err = c.program.Supervise(t, func(ctx context.Context, r *runner.Runner) (err error) {
		s := newStream(c.program)
		s.stops = c.ack
		if s.recorder, err = c.program.OpenTrace(); err != nil {
			return err
		}
		s.recorder.Hide(t.Chain)
		worst, err = c.serve(ctx, &responder{stream: s, target: t, runner: r})
		return err
	})
	return worst, err
}

// serve answers events as the options say.
func (c *command) serve(ctx context.Context, a *responder) (worst int, err error) {
	switch {
	case c.listens():
		return 0, c.listenAt(ctx, a)
	case c.ack:
		return acknowledge(ctx, a)
	case c.jobs > 1:
		return inParallel(ctx, a, int(c.jobs))
	}
	return a.stream.each(ctx, func(events []envmap.Event) error { return a.answer(ctx, events) })
}

func (c *command) listens() bool { return slices.Contains(cli.Given(c.flags), "listen") }

// dryRun writes what would be run for each line.
func (c *command) dryRun(t *cli.Target) (worst int, err error) {
	s := newStream(c.program)
	s.silent = true
	return s.each(context.Background(), func(events []envmap.Event) error {
		cli.SetFileTimes(events)
		if err := t.Expressible(c.program.Client, events); err != nil {
			return err
		}
		return c.program.DryRun(t, events)
	})
}

// rewrite checks every line and writes it again in canonical form. The output
// is flushed before a read that may block: the sender may wait for its line.
func (c *command) rewrite() (worst int, err error) {
	switch {
	case c.program.Options.Trace != "":
		return 0, cli.Usage("--to json without a HANDLER runs nothing; --trace needs a HANDLER or a chain")
	case c.listens() || c.ack:
		return 0, cli.Usage("--to json without a HANDLER sends no answers; --listen and --ack need a HANDLER or a chain")
	}
	out := bufio.NewWriterSize(c.program.Stdout, 64<<10)
	own := *c.program
	own.Stdout = out
	s := newStream(&own)
	s.silent, s.flush = true, func() error { return cli.AsOutputError(out.Flush()) }
	copies := own.Env["EXTAUTH_THUMBPRINT"] == "" // which could complete a line
	return s.eachLine(context.Background(), func(line []byte) error {
		if copies && envmap.CanonicalLine(line) {
			return own.Write(append(line, '\n'))
		}
		return s.serve(line, func(events []envmap.Event) error {
			cli.SetFileTimes(events)
			return own.WriteEvents(events)
		})
	})
}
