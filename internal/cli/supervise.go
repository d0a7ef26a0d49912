package cli

import (
	"context"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// Interruptible calls do with a context that ends with the first signal that asks
// the process to end.
func (p *Program) Interruptible(do func(context.Context) error) error {
	process.Unblock(p.Args, p.Environ)
	ctx, stop := process.NotifyContext(context.Background())
	defer stop()
	return do(ctx)
}

// Supervise calls do with a runner for the target's handlers. Programs with
// persist=yes last as long as do.
func (p *Program) Supervise(t *Target, do func(context.Context, *runner.Runner) error) error {
	if err := t.Locate(); err != nil {
		return err
	}
	return p.Interruptible(func(ctx context.Context) error {
		r, err := p.Runner(t.Chain)
		if err != nil {
			return err
		}
		defer r.Keep()()
		return do(ctx, r)
	})
}

// Runner returns a runner for handlers.
func (p *Program) Runner(chain []runner.Handler) (*runner.Runner, error) {
	state, err := p.Options.stateDir(p.Env)
	if err != nil {
		return nil, err
	}
	return &runner.Runner{
		Chain: chain, Environ: p.Environ, State: state,
		Timeout: p.Options.Timeout, Warn: p.Warn, Trace: p.Tracer(), Step: p.Step,
	}, nil
}

// DryRun writes the commands that would be run, one a line, and runs nothing.
func (p *Program) DryRun(t *Target, events []envmap.Event) error {
	state, _ := p.Options.stateDir(p.Env) // without the directory nothing was performed
	r := &runner.Runner{Chain: t.Chain, Environ: p.Environ, State: state, Warn: p.Warn}
	lines, err := r.Plan(events)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := p.Write([]byte(line + "\n")); err != nil {
			return err
		}
	}
	return nil
}
