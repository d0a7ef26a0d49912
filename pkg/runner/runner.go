// Package runner runs handlers for events: one by becoming it ([Exec]), or a
// chain of them under supervision ([Runner]).
//
//	client --- event ---> Runner --+--> handler 1      perform: top to bottom,
//	  ^                     |      +--> handler 2      stop at the first failure and
//	  |                     |      +--> handler 3      clean up what was done, bottom up
//	  +--- status, output --+
//	                        |
//	                     journal        what was performed and not yet cleaned up
package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// DefaultTimeout is a handler's time in a chain. Handlers that wait for DNS to
// spread take minutes.
const DefaultTimeout = 10 * time.Minute

// DefaultGrace is a handler's time from SIGTERM to SIGKILL.
const DefaultGrace = 5 * time.Second

// Runner runs the handlers of a chain for a client's events.
type Runner struct {
	Chain   []Handler
	Environ []string      // the client's, as os.Environ
	State   string        // directory of the journal
	Timeout time.Duration // for handlers that set none; 0: DefaultTimeout
	Grace   time.Duration // 0: DefaultGrace

	// Abandons is true for a client that never cleans up once a challenge could
	// not be performed (dehydrated): the whole order is undone then.
	Abandons bool

	// Deliver hands what the handlers printed to the client, until the context
	// ends. When it fails, what was performed is undone. nil: the output is
	// dropped.
	Deliver func(ctx context.Context, output []byte) error

	Warn  func(message string) // for the person who reads the log
	Trace func(message string) // nil, or what is run and how it went

	// Kept are the programs of lines with persist=yes. Who sets it shares them
	// between calls of Run, and closes it behind the last; nil: they last for one.
	Kept *Pool

	// Pause, unless it is nil, is called where an event waits for others before it
	// in a program with persist=yes. Other calls of Run, by the same goroutine and
	// with the same Kept, go on meanwhile. It returns when it is this one's turn,
	// those that wait go on one behind another.
	Pause func()

	// Step, unless it is nil, is called before each thing that a crash could
	// come before or behind: every write to the journal, every start and end of
	// a handler. Its error takes the place of the step's. Tests crash there.
	Step func(name string) error
}

// HandlerError is a handler that could not do what it was called for.
type HandlerError struct {
	Handler Handler
	Event   envmap.Event
	Err     error
}

func (e *HandlerError) Error() string {
	what := e.Event.Phase()
	if where := cmp.Or(e.Event.Domain, e.Event.TXTDomain); where != "" {
		what += fmt.Sprintf(" %q", where)
	}
	return fmt.Sprintf("%s: %s: %v", e.Handler.name(e.Event), what, e.Err)
}

func (e *HandlerError) Unwrap() error { return e.Err }

// RollbackError says that a failure could not be undone: the journal names
// what is left.
type RollbackError struct{ Cause, Undo error }

func (e *RollbackError) Error() string {
	return fmt.Sprintf("%v\nundoing it: %v", e.Cause, e.Undo)
}

func (e *RollbackError) Unwrap() []error { return []error{e.Cause, e.Undo} }

// NoHandlerError says that no handler takes an event that one must take.
type NoHandlerError struct{ Event envmap.Event }

func (e *NoHandlerError) Error() string {
	return fmt.Sprintf("no handler takes %s %s %q", e.Event.Phase(), e.Event.Type, cmp.Or(e.Event.Domain, e.Event.TXTDomain))
}

// Run runs the handlers for the events of one call. Several events are a whole
// order. It returns when every handler that it started has ended.
//
// Errors: *HandlerError, *RollbackError, *NoHandlerError, *JournalError,
// *LockedError, *envmap.MissingError, *EnvFileError, what Deliver returned, and
// the context's cause; or several of them, joined.
func (r *Runner) Run(ctx context.Context, events []envmap.Event) error {
	if len(events) == 0 {
		return nil
	}
	c := &call{Runner: r, env: map[string]map[string]string{}}
	if c.Kept == nil {
		own := *r
		own.Kept = &Pool{}
		defer own.Kept.Close()
		c.Runner = &own
	}
	c.Kept.begin.Do(settle)
	if err := c.readEnvFiles(); err != nil {
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

// settle sees to the process's descriptors. The runtime's poller wants two with
// the first timer, and ends the program where there are none: it gets them before
// anything else does.
func settle() {
	closeInherited()
	time.AfterFunc(time.Hour, func() {}).Stop()
}

// unique drops challenges that stand twice in one call. What is left is the
// whole order.
func unique(events []envmap.Event) []envmap.Event {
	seen := map[string]bool{}
	var once []envmap.Event
	for _, e := range events {
		if !seen[key(e)] {
			once = append(once, e)
		}
		seen[key(e)] = true
	}
	if len(once) < len(events) && len(once) == 1 {
		once[0].Remaining, once[0].Domains = nil, nil
	}
	return once
}

// call is one call of the client: its events, and what was printed for it.
type call struct {
	*Runner
	env    map[string]map[string]string // variables of each env file
	output []byte
}

// readEnvFiles reads every handler's file before anything is run.
func (c *call) readEnvFiles() error {
	for _, h := range c.Chain {
		if err := c.readEnv(h); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) readEnv(h Handler) error {
	if len(h.EnvFiles) == 0 {
		return nil
	}
	name := strings.Join(h.EnvFiles, "\x00")
	if _, read := c.env[name]; read {
		return nil
	}
	variables, err := ReadEnvFiles(h.EnvFiles)
	if err == nil {
		c.env[name] = variables
	}
	return err
}

// variables are those of a handler's env files, which were read.
func (c *call) variables(h Handler) map[string]string { return c.env[strings.Join(h.EnvFiles, "\x00")] }

func (r *Runner) journal() journal {
	j := journal{dir: filepath.Join(r.State, "journal"), step: r.Step}
	if r.Kept != nil {
		j.kept = &r.Kept.directory
	}
	return j
}

// at announces a step; its error takes the step's place.
func (r *Runner) at(name string) error { return journal{step: r.Step}.at(name) }

// deliver hands the output to the client, cut where there is more of it than
// certbot could put into a variable. What a handler gets back of its own is in
// the journal.
func (c *call) deliver(ctx context.Context) error {
	if c.Deliver == nil {
		return nil
	}
	if len(c.output) > maxDelivered {
		c.output = Clean(c.output[:maxDelivered], true)
	}
	if err := c.at("deliver"); err != nil {
		return err
	}
	return c.Deliver(ctx, c.output)
}

// invoke runs one handler for an event that it takes, and returns what it
// printed. extra goes into its environment. A handler that declines has
// printed nothing.
func (c *call) invoke(ctx context.Context, h Handler, e envmap.Event, extra map[string]string) ([]byte, error) {
	encoded, err := h.takes(e)
	if encoded == nil || err != nil {
		return nil, err
	}
	return c.execute(ctx, h, e, encoded, extra)
}

// execute runs one handler with a call that was made for it; e says what for.
func (c *call) execute(ctx context.Context, h Handler, e envmap.Event, encoded *envmap.Call, extra map[string]string) ([]byte, error) {
	if err := c.readEnv(h); err != nil {
		return nil, err
	}
	leave, err := c.Kept.enter(ctx, h)
	if err != nil {
		return nil, err
	}
	defer leave()
	w := c.worker(h, e, encoded, extra)
	if c.Trace != nil {
		c.trace("run: %s", h.shown(e, *encoded, c.variables(h)))
	}
	if err := c.at("start " + e.Phase()); err != nil {
		return nil, err
	}
	o, err := w.run(ctx)
	err = errors.Join(err, c.at("end "+e.Phase()))
	if o.held {
		c.Warn(h.name(e) + ": left a process behind that holds its output open")
	}
	if c.Trace != nil {
		c.trace("%s: %s after %s", h.name(e), ended(err), o.took.Round(time.Millisecond))
	}
	convention := h.convention()
	if convention.To.Declined != nil && errors.As(err, new(*ExitError)) && convention.To.Declined(o.status, o.stdout) {
		if e.Cmd == envmap.PerformChallenge {
			c.Warn((&HandlerError{h, e, errors.New("the handler has not implemented it")}).Error())
		}
		return nil, nil
	}
	if err == nil && convention.To.Answer != nil {
		err = convention.To.Answer(o.stdout)
	}
	if err != nil {
		return o.stdout, &HandlerError{h, e, err}
	}
	return o.stdout, nil
}

// worker is whatever a call is made of: a program that is started, a process
// that listens, a person at the terminal.
type worker interface {
	run(context.Context) (outcome, error)
}

func (c *call) worker(h Handler, e envmap.Event, encoded *envmap.Call, extra map[string]string) worker {
	timeout := firstSet(h.Timeout, c.Timeout, DefaultTimeout)
	if to, listens := h.endpoint(); listens {
		return &exchange{to: to, lines: encoded.Stdin, timeout: timeout}
	}
	if h.isPerson() {
		return &question{
			text: encoded.Stdin, confirm: e.Cmd == envmap.PerformChallenge, warn: c.Warn,
			timeout: firstSet(h.Timeout, c.Timeout, noTimeout),
		}
	}
	if h.Persist {
		return c.turn(h, e, encoded)
	}
	return &process{
		argv:    append(h.argv(e.Cmd), encoded.Args...),
		env:     Environment(c.Environ, encoded.Env, c.variables(h), about(e), extra),
		stdin:   encoded.Stdin,
		user:    h.User,
		timeout: timeout,
		grace:   firstSet(c.Grace, DefaultGrace),
		stderr:  c.stderr(h, e),
	}
}

// stderr passes on what a handler says to people, without its credentials.
func (c *call) stderr(h Handler, e envmap.Event) func(string) {
	hide := redactor(c.variables(h))
	return func(line string) { c.Warn(h.name(e) + ": " + hide(line)) }
}

func firstSet(durations ...time.Duration) time.Duration {
	for _, d := range durations {
		if d > 0 {
			return d
		}
	}
	return 0
}

func (c *call) trace(format string, args ...any) {
	if c.Trace != nil {
		c.Trace(fmt.Sprintf(format, args...))
	}
}

func ended(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// tolerated turns the failure of an optional handler into a warning.
func (c *call) tolerated(h Handler, err error) error {
	if err == nil || !h.Optional || interrupted(err) {
		return err
	}
	c.Warn("warning: " + err.Error())
	return nil
}

// bracket runs an order's pre- or post- phase: the chain in order, or bottom
// to top for a clean-up, whose errors are joined.
func (c *call) bracket(ctx context.Context, e envmap.Event, extra map[string]string) error {
	chain := c.Chain
	if isCleaning(e.Cmd) {
		chain = reversed(chain)
	}
	var errs []error
	for _, h := range chain {
		if !h.bracketed() {
			continue
		}
		output, err := c.invoke(ctx, h, e, extra)
		if err = c.tolerated(h, err); err != nil && !isCleaning(e.Cmd) {
			return err
		}
		errs = append(errs, err)
		if extra == nil {
			c.output = append(c.output, output...)
		}
	}
	return errors.Join(errs...)
}

// bracketed tells whether the handler is called before and after an order. One
// on a command line gets what its own client would send. A process that listens,
// or stays, sees from a challenge's place where its order begins and ends; only
// phase= has it told.
func (h *Handler) bracketed() bool {
	if _, listens := h.endpoint(); listens || h.Persist {
		return len(h.Phases) > 0
	}
	convention := h.convention()
	return h.Line > 0 || convention.To.Brackets
}

func isBracket(cmd envmap.Cmd) bool {
	switch cmd {
	case envmap.PrePerform, envmap.PostPerform, envmap.PreCleanup, envmap.PostCleanup:
		return true
	}
	return false
}

// isCleaning tells whether an event is run bottom to top.
func isCleaning(cmd envmap.Cmd) bool {
	return cmd == envmap.Cleanup || cmd == envmap.PreCleanup || cmd == envmap.PostCleanup
}

func reversed[T any](list []T) []T {
	back := make([]T, len(list))
	for i, x := range list {
		back[len(list)-1-i] = x
	}
	return back
}

// notify runs the handlers for an event that is no challenge. All are run, and
// their errors joined; for generate_csr the first that prints something is the
// last.
func (c *call) notify(ctx context.Context, events []envmap.Event) error {
	var errs []error
	for _, e := range events {
		for _, h := range c.Chain {
			output, err := c.invoke(ctx, h, e, nil)
			errs = append(errs, c.tolerated(h, c.lenient(h, e, err)))
			c.output = append(c.output, output...)
			if e.Cmd == envmap.GenerateCSR && len(output) > 0 {
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.deliver(ctx)
}

// lenient keeps from the client what it cannot use: it tells its hook, and a
// failure would only keep it from going on.
func (c *call) lenient(h Handler, e envmap.Event, err error) error {
	if err == nil || h.Strict || !e.Informational() || interrupted(err) {
		return err
	}
	c.Warn("warning: " + err.Error())
	return nil
}
