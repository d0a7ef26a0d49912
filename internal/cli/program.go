package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// Program is a running program.
type Program struct {
	IO
	Name    string            // begins its messages
	Client  string            // the convention of its client; empty if it has none
	Env     map[string]string // the same as Environ
	Options Options

	usage   string
	version bool
}

// New returns a program whose options are not parsed yet. usage is what --help
// prints.
func New(io IO, name, usage, client string) *Program {
	p := &Program{IO: io, Name: name, Client: client, Env: make(map[string]string, len(io.Environ)), usage: usage}
	p.Typed = cmp.Or(io.Typed, name)
	for _, variable := range slices.Backward(io.Environ) { // the first of two counts
		if name, value, ok := strings.Cut(variable, "="); ok {
			p.Env[name] = value
		}
	}
	return p
}

// ErrDone ends a program that has nothing more to do.
var ErrDone = errors.New("done")

// Main does a program's work, reports its error and returns the exit status. worst
// is the status of failures that were reported already.
func (p *Program) Main(do func() (worst int, err error)) int {
	worst, err := p.guard(do)
	return max(p.finish(err), worst)
}

// guard refuses to run with more rights than the user who started the process,
// since that user's environment cannot be trusted with them.
func (p *Program) guard(do func() (int, error)) (worst int, err error) {
	defer fault.Recover(&err)
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return 0, &trust.UnsafeError{Path: p.Name, Reason: "is set-user-ID or set-group-ID", Remedy: "chmod ug-s " + p.Args[0]}
	}
	return do()
}

// finish reports an error, if there is one, and returns the exit status. If the
// reason was a signal or a closed pipe, the process dies of the signal.
func (p *Program) finish(err error) int {
	if err == nil || errors.Is(err, ErrDone) {
		return 0
	}
	if is[*OutputError](err) && errors.Is(err, syscall.EPIPE) {
		process.Die(syscall.SIGPIPE)
	}
	p.Warn(err.Error() + forUser(err))
	if Status(err) == StatusUsage {
		fmt.Fprintf(p.Stderr, "Try '%s --help' for more information.\n", p.Typed)
	} else if next := hint(err); next != "" && isTerminal(p.Stderr) {
		p.Warn("try: " + next)
	}
	if s := new(process.SignalError); errors.As(err, &s) {
		process.Die(s.Signal)
	}
	return Status(err)
}

// forUser names the user in an error that another user might not have had.
func forUser(err error) string {
	if errors.Is(err, fs.ErrPermission) && Status(err) == StatusPermission && !is[*trust.UnsafeError](err) {
		return fmt.Sprintf(" for the user %d", os.Geteuid())
	}
	return ""
}

// Warn writes a message for people, which may have several lines.
func (p *Program) Warn(message string) {
	for _, line := range strings.Split(message, "\n") {
		fmt.Fprintf(p.Stderr, "%s: %s\n", p.Name, process.Printable(line))
	}
}

// Tracer returns Warn if --verbose asks for it, else nil.
func (p *Program) Tracer() func(string) {
	if p.Options.Verbose {
		return p.Warn
	}
	return nil
}

// Tracef writes a message if --verbose asks for it.
func (p *Program) Tracef(format string, args ...any) {
	if p.Options.Verbose {
		p.Warn(fmt.Sprintf(format, args...))
	}
}

// OutputError reports that standard output could not be written.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return "standard output: " + e.Err.Error() }
func (e *OutputError) Unwrap() error { return e.Err }

// Write writes to standard output. The error is an *OutputError.
func (p *Program) Write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	_, err := p.Stdout.Write(text)
	return AsOutputError(err)
}

// AsOutputError returns an error of standard output as an *OutputError, without its
// path, or nil.
func AsOutputError(err error) error {
	if err == nil {
		return nil
	}
	if reason := errors.Unwrap(err); reason != nil {
		err = reason
	}
	return &OutputError{err}
}

// WriteEvents writes each event as a line of JSON.
func (p *Program) WriteEvents(events []envmap.Event) error {
	json, _ := envmap.Lookup("json")
	for _, e := range events {
		if e.Partial { // only our own journal has the rest
			return &envmap.MissingError{Convention: "json", Field: "validation"}
		}
		call, err := json.Encode(e)
		if err != nil {
			return err
		}
		if err := p.Write(call.Stdin); err != nil {
			return err
		}
	}
	return nil
}
