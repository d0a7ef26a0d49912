package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// Trial says how a handler is tried: as its own client would run it, and not as
// a part of a chain.
type Trial struct {
	Call    envmap.Call
	Dir     string              // working directory
	Env     []map[string]string // the whole environment, later maps over earlier; Call's is none of it
	Wrapper []string            // a command that is given the handler's as operands; nil: none
	Timeout time.Duration
}

// Outcome is how a trial ended.
type Outcome struct {
	Words    []string // what was run, for people
	Stdout   []byte   // at most 32 KiB, valid UTF-8 without NUL
	Stderr   []string // clean lines
	Took     time.Duration
	Held     bool // a process that it left behind held its output open
	Declined bool // it said in its convention's words that the event is not for it
}

// Try runs the handler once, in a session that has no terminal: no journal, no
// rollback, and no other variables than the trial's. The error is an *ExitError, a
// *TimeoutError, a *StartError, an *UnsafeError or the context's cause.
func (h *Handler) Try(ctx context.Context, cmd envmap.Cmd, t Trial) (Outcome, error) {
	o := Outcome{Words: append(h.words(cmd), t.Call.Args...)}
	p := &process{
		argv:  slices.Concat(t.Wrapper, h.argv(cmd), t.Call.Args),
		env:   Environment(nil, t.Env...),
		stdin: t.Call.Stdin, dir: t.Dir, session: true, timeout: t.Timeout, grace: DefaultGrace,
		stderr: func(line string) { o.Stderr = append(o.Stderr, line) },
	}
	done, err := p.run(ctx)
	o.Stdout, o.Took, o.Held = done.stdout, done.took, done.held
	c := h.convention()
	o.Declined = c.To.Declined != nil && errors.As(err, new(*ExitError)) && c.To.Declined(done.status, done.stdout)
	if err == nil && c.To.Answer != nil {
		err = c.To.Answer(done.stdout)
	}
	return o, err
}

// ParseHandler reads the words of a chain line that names a convention and a
// handler; relative paths are below the working directory. The handler is
// returned with an error too where it is the program that cannot be started, a
// *StartError or an *UnsafeError.
func ParseHandler(words []string) (Handler, error) { return parseLine(".", Quote(words)) }

// Speaks is the convention that the handler speaks, under its own settings.
func (h *Handler) Speaks() *envmap.Convention { return h.convention() }

// Takes tells whether the handler has a command for an event.
func (h *Handler) Takes(cmd envmap.Cmd) bool { return h.command(cmd) != nil }

// Redactor returns a function that takes credentials out of a text, as they are
// and in the usual encodings.
func Redactor(credentials map[string]string) func(string) string { return redactor(credentials) }
