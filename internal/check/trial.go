package check

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// trial says how a hook is tried: as its own client would run it, and not as a
// part of a chain.
type trial struct {
	call    envmap.Call
	dir     string              // working directory
	env     []map[string]string // the whole environment, later maps over earlier; call's is not added
	wrapper []string            // a command that gets the hook's as operands; nil: none
	timeout time.Duration
}

// outcome is how a trial ended.
type outcome struct {
	process.Result
	words    []string // what was run, for people
	stderr   []string // clean lines
	declined bool     // it said in its convention's words that the event is not for it
}

// try runs a hook once, in a session without a terminal: no journal, no rollback,
// and no other variables than the trial's. Errors as those of process.Run, or what
// the convention says of its answer.
func try(ctx context.Context, h *chain.Handler, cmd envmap.Cmd, t trial) (outcome, error) {
	o := outcome{words: append(h.Words(cmd), t.call.Args...)}
	p := &process.Process{
		Argv:  slices.Concat(t.wrapper, h.Argv(cmd), t.call.Args),
		Env:   process.Environment(nil, t.env...),
		Stdin: t.call.Stdin, Dir: t.dir, Session: true, Timeout: t.timeout, Grace: grace,
		Stderr: func(line string) { o.stderr = append(o.stderr, line) },
	}
	var err error
	o.Result, err = p.Run(ctx)
	to := h.Resolved().To
	o.declined = to.Declined != nil && errors.As(err, new(*process.ExitError)) && to.Declined(o.Status, o.Stdout)
	if err == nil && to.Answer != nil {
		err = to.Answer(o.Stdout)
	}
	return o, err
}

// grace is the time that a hook has from SIGTERM to SIGKILL.
const grace = 5 * time.Second
