package cli

import (
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// dryRun says what would be run, a command a line, and runs nothing.
func (f *front) dryRun(t *target, events []envmap.Event) error {
	state, _ := f.stateDir() // what is not there has nothing performed
	r := &runner.Runner{Chain: t.chain, Environ: f.Environ, State: state, Warn: f.warn}
	lines, err := r.Plan(events)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if err := f.write([]byte(line + "\n")); err != nil {
			return err
		}
	}
	return nil
}
