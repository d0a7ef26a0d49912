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

// attempt is how a hook is run: as its own client would, not as a part of a
// chain.
type attempt struct {
	call    envmap.Call
	dir     string              // working directory
	env     []map[string]string // the whole environment, later maps over earlier; without that of call
	wrapper []string            // a command that runs its operands; nil: none
	timeout time.Duration
}

// result is the result of an attempt.
type result struct {
	process.Result
	words    []string // the command line, for people
	stderr   []string // clean lines
	declined bool     // it declined the event in its convention's words
}

// runAttempt runs a hook once, in a session without a terminal, without journal
// and rollback, and only with the attempt's variables. The error is that of
// process.Run, or what the convention says about the hook's answer.
func runAttempt(ctx context.Context, h *chain.Handler, cmd envmap.Cmd, a attempt) (result, error) {
	r := result{words: append(h.Words(cmd), a.call.Args...)}
	p := &process.Process{
		Argv:  slices.Concat(a.wrapper, h.Argv(cmd), a.call.Args),
		Env:   process.Environment(nil, a.env...),
		Stdin: a.call.Stdin, Dir: a.dir, Session: true, Timeout: a.timeout, Grace: gracePeriod,
		Stderr: func(line string) { r.stderr = append(r.stderr, line) },
	}
	var err error
	r.Result, err = p.Run(ctx)
	to := h.Resolved().To
	r.declined = to.Declined != nil && errors.As(err, new(*process.ExitError)) && to.Declined(r.Status, r.Stdout)
	if err == nil && to.Answer != nil {
		err = to.Answer(r.Stdout)
	}
	return r, err
}

// gracePeriod is the time between SIGTERM and SIGKILL.
const gracePeriod = 5 * time.Second
