// Package cli is what the programs share: options, the choice of handlers,
// messages and exit statuses. Each program is a function that returns its exit
// status; a main calls it and exits.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// IO is what a program gets from its process.
type IO struct {
	Args    []string // with the program's name
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer

	SystemChain string // the chain file of last resort

	Step func(name string) error // nil; see runner.Runner.Step
}

// Process is the IO of the running process.
func Process() IO {
	return IO{
		Args: os.Args, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		SystemChain: "/etc/extauth/chain",
	}
}

// front is a front end at work: a client's call, the options, and the handlers
// that are to be told.
type front struct {
	IO
	name    string // of the program
	usage   string // empty for Client's; see help
	client  string // convention of the client
	env     map[string]string
	options options
	lines   linesOptions // extauth-json's
	inTurn  func()       // nil; waits until the results of the lines before are written

	signals chan context.Context // the one that they end, once they are caught

	recorder *recorder  // nil: there is no trace
	taken    *recording // the call that the program was started for

	strict   bool // an event that the handler has no call for is an error
	abandons bool // the client never cleans up after a failure
}

func newFront(io IO, name, usage, client string) *front {
	f := &front{IO: io, name: name, usage: usage, client: client, env: make(map[string]string, len(io.Environ))}
	for _, variable := range slices.Backward(io.Environ) { // the first of two counts
		if name, value, ok := strings.Cut(variable, "="); ok {
			f.env[name] = value
		}
	}
	if c, known := envmap.Lookup(client); known {
		f.strict, f.abandons = c.From.Strict, c.From.Abandons
	}
	return f
}

// asWhom adds the user to an error that another user might not have had.
func asWhom(err error) string {
	if errors.Is(err, fs.ErrPermission) && status(err) == statusPermission && !is[*runner.UnsafeError](err) {
		return fmt.Sprintf(" for the user %d", os.Geteuid())
	}
	return ""
}

// work does a program's work, unless the process has more rights than who
// started it: then its environment is not to be trusted with them.
func (f *front) work(do func() error) (err error) {
	defer runner.Recovered(&err)
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return &runner.UnsafeError{Path: f.name, Reason: "is set-user-ID or set-group-ID", Mend: "chmod ug-s " + f.Args[0]}
	}
	return do()
}

// decode reads the client's call.
func (f *front) decode(args []string) ([]envmap.Event, error) {
	convention, _ := envmap.Lookup(f.client)
	return convention.Decode(envmap.Call{Args: args, Env: f.env})
}

// run brings the events to the handlers that are named by words, or by the
// options, the environment or a chain file.
func (f *front) run(events []envmap.Event, words []string) error {
	t, err := f.target(words)
	if err != nil {
		return err
	}
	f.recorder.heed(t.chain)
	for i := range events {
		events[i] = withFileTimes(events[i])
	}
	if t.socket != "" {
		return f.handOver(t.socket, events)
	}
	if t.prints {
		return f.print(events)
	}
	if !f.options.dryRun && t.execs(f.client, events) {
		err := runner.Exec(t.chain[0], events[0], f.Environ, f.beforeExec())
		if !errors.Is(err, runner.ErrStdinTooLong) && !is[*envmap.UnsupportedError](err) {
			return err
		}
	}
	if err := f.expressible(t, events); err != nil {
		return err
	}
	if f.options.dryRun {
		return f.dryRun(t, events)
	}
	return f.supervise(t, events)
}

// expressible sees whether a single handler can be told at all.
func (f *front) expressible(t *target, events []envmap.Event) error {
	if !t.single() {
		return nil
	}
	convention, _ := envmap.Lookup(t.chain[0].Convention)
	for _, e := range events {
		_, err := convention.Encode(e)
		unsupported := new(envmap.UnsupportedError)
		if errors.As(err, &unsupported) && (e.IsChallenge() || f.strict) {
			return err
		}
	}
	return nil
}

// print writes each event as a line of JSON.
func (f *front) print(events []envmap.Event) error {
	json, _ := envmap.Lookup("json")
	for _, e := range events {
		if e.Partial { // only our own journal would know the rest
			return &envmap.MissingError{Convention: "json", Field: "validation"}
		}
		call, err := json.Encode(e)
		if err != nil {
			return err
		}
		if err := f.write(call.Stdin); err != nil {
			return err
		}
	}
	return nil
}

// outputError says that standard output took no more.
type outputError struct{ err error }

func (e *outputError) Error() string { return "standard output: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

func (f *front) write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if _, err := f.Stdout.Write(text); err != nil {
		return &outputError{errors.Unwrap(err)}
	}
	return nil
}

// supervise runs the handlers under the runner.
func (f *front) supervise(t *target, events []envmap.Event) error {
	if err := t.locate(); err != nil {
		return err
	}
	runner.Unblock(f.Args, f.Environ)
	if f.signals == nil {
		f.catchSignals()
	}
	ctx := <-f.signals
	r, err := f.runner(t)
	if err != nil {
		return err
	}
	r.Deliver = f.deliver
	return r.Run(ctx, events)
}

// catchSignals begins to catch the signals that ask the process to end. Each takes
// a turn of another thread, so that other work goes on meanwhile.
func (f *front) catchSignals() {
	f.signals = make(chan context.Context, 1)
	go func() {
		ctx, _ := runner.NotifyContext(context.Background()) // it lasts as long as the process
		f.signals <- ctx
	}()
}

func (f *front) runner(t *target) (*runner.Runner, error) {
	state, err := f.stateDir()
	if err != nil {
		return nil, err
	}
	return &runner.Runner{
		Chain: t.chain, Environ: f.Environ, State: state,
		Timeout: f.options.timeout, Abandons: f.abandons, Warn: f.warn, Trace: f.tracer(), Step: f.Step,
	}, nil
}

// warn writes a line for people, or several.
func (f *front) warn(message string) {
	for _, line := range strings.Split(message, "\n") {
		fmt.Fprintf(f.Stderr, "%s: %s\n", f.name, runner.Printable(line))
	}
}

// tracer is warn where --verbose asks for it, else nil.
func (f *front) tracer() func(string) {
	if f.options.verbose {
		return f.warn
	}
	return nil
}

// beforeExec is what is done as this process becomes a handler; nil: nothing.
func (f *front) beforeExec() func(string) {
	if f.taken == nil {
		return f.tracer()
	}
	return func(command string) {
		f.trace("%s", command)
		f.taken.write()
	}
}

// finish reports an error, if there is one, and returns the exit status. Where
// a signal, or a reader that went away, was the reason, the process dies of it.
func (f *front) finish(err error) int {
	f.taken.end(exitOf(err), err)
	if err == nil {
		return 0
	}
	if broken := new(outputError); errors.As(err, &broken) && errors.Is(err, syscall.EPIPE) {
		runner.Die(syscall.SIGPIPE)
	}
	f.warn(err.Error() + asWhom(err))
	if status(err) == statusUsage {
		fmt.Fprintf(f.Stderr, "Try '%s --help' for more information.\n", f.name)
	} else if next := hint(err); next != "" && isTerminal(f.Stderr) {
		f.warn("try: " + next)
	}
	if s := new(runner.SignalError); errors.As(err, &s) {
		runner.Die(s.Signal)
	}
	return status(err)
}
