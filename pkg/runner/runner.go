// Package runner runs handlers for events: a chain of them under supervision
// ([Runner]), or one by becoming it ([Exec]).
//
//	client --- event ---> Runner --+--> handler 1      perform: top to bottom,
//	  ^                     |      +--> handler 2      stop at the first failure and
//	  |                     |      +--> handler 3      clean up what was done, bottom up
//	  +--- status, output --+
//	                        |
//	                     journal        what was performed and not yet cleaned up
package runner

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// DefaultTimeout is how long a call of a handler may take. Handlers that wait
// for DNS to spread take minutes.
const DefaultTimeout = 10 * time.Minute

// DefaultGrace is the time between SIGTERM and SIGKILL for a handler that is to
// end.
const DefaultGrace = 5 * time.Second

// Runner runs the handlers of a chain for a client's events. Only Chain and
// State are needed.
type Runner struct {
	Chain   []Handler     // as ReadChain returns it, or made by hand
	Environ []string      // the client's variables, as os.Environ returns them
	State   string        // directory of the journal; it is created if it is missing
	Timeout time.Duration // for handlers that set none; 0: DefaultTimeout
	Grace   time.Duration // 0: DefaultGrace

	// Stdin is the standard input of a handler that is not from a chain file
	// (Line 0), unless its convention writes the event there. nil: /dev/null.
	// Such a handler keeps the terminal too, in our process group, and writes to
	// our standard error itself if that is a terminal.
	Stdin *os.File

	// Deliver hands what the handlers printed to the client, until the context
	// ends. If it fails, what was performed is undone. nil: the output is
	// dropped.
	Deliver func(ctx context.Context, output []byte) error

	Warn  func(message string) // told what the person who reads the log should know; nil: dropped
	Trace func(message string) // told what is run and how it ended; nil: dropped

	// Step, if it is not nil, is called before everything that a crash could
	// come before or after: each write to the journal, each start and end of a
	// handler. Its error replaces the step's. Tests crash there.
	Step func(name string) error

	pool *pool // nil: one for each call of Run
}

// Keep keeps the programs of lines with persist=yes running between calls of
// Run, by this Runner and by copies that are made of it afterwards, and counts
// the calls of lines with limit= for all of them. stop ends the programs; it is
// called after the last call of Run.
func (r *Runner) Keep() (stop func()) {
	r.pool = &pool{}
	return r.pool.close
}

// Run runs the handlers for the events of one call of a client. Several events
// are a whole order. It returns when every handler that it started has ended.
//
// Errors: *ChainError if a handler of the chain cannot be run at all;
// *envmap.ValueError if an event is not valid; *HandlerError, *RollbackError,
// *NoHandlerError, *JournalError, *LockedError, *envmap.MissingError,
// *EnvFileError; what Deliver returned; the context's cause; or several of them,
// joined.
func (r *Runner) Run(ctx context.Context, events []envmap.Event) error {
	if len(events) == 0 {
		return nil
	}
	c, err := r.call(events)
	if err != nil {
		return err
	}
	if r.pool == nil {
		defer c.Keep()()
	}
	c.pool.settled.Do(settle)
	if err := c.readEnvFiles(c.Chain); err != nil {
		return err
	}
	switch events[0].Cmd {
	case envmap.PerformChallenge:
		return c.perform(ctx, unique(events))
	case envmap.Cleanup:
		return c.cleanup(ctx, unique(events))
	}
	return c.notify(ctx, events)
}

// call checks the chain and the events of one call.
func (r *Runner) call(events []envmap.Event) (*call, error) {
	handlers, err := chain.Resolve(r.Chain)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return nil, err
		}
	}
	own := *r
	own.Chain = handlers
	return &call{Runner: &own, env: map[string]map[string]string{}}, nil
}

// settle keeps the client's descriptors from the handlers. The Go runtime needs
// two of its own with the first timer, and ends the program if it gets none: it
// gets them before anything else does.
func settle() {
	process.CloseInherited()
	time.AfterFunc(time.Hour, func() {}).Stop()
}

// unique drops duplicate challenges of one call. What is left is the whole
// order.
func unique(events []envmap.Event) []envmap.Event {
	seen := map[string]bool{}
	var once []envmap.Event
	for _, e := range events {
		if !seen[journal.Key(e)] {
			once = append(once, e)
		}
		seen[journal.Key(e)] = true
	}
	if len(once) < len(events) && len(once) == 1 {
		once[0].Remaining, once[0].Domains = nil, nil
	}
	return once
}

func (r *Runner) journal() *journal.Journal {
	return &journal.Journal{Dir: filepath.Join(r.State, "journal"), Step: r.Step}
}

// warn tells the person who reads the log.
func (r *Runner) warn(message string) {
	if r.Warn != nil {
		r.Warn(message)
	}
}

// at announces a step; its error replaces the step's.
func (r *Runner) at(step string) error {
	if r.Step == nil {
		return nil
	}
	return r.Step(step)
}
