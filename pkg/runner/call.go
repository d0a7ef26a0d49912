package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// call is one call of the client: the variables of the handlers' env files, and
// what the handlers printed.
type call struct {
	*Runner
	env    map[string]map[string]string // by the names of the files
	output []byte
}

// maxDelivered is how much of all handlers' output a client gets, in bytes.
const maxDelivered = 3 * process.MaxOutput

// readEnvFiles reads the env files of handlers before any of them is run.
func (c *call) readEnvFiles(handlers []Handler) error {
	for _, h := range handlers {
		name := envFilesOf(&h)
		if _, read := c.env[name]; read {
			continue
		}
		variables, err := envfile.Read(h.EnvFiles...)
		if err != nil {
			return err
		}
		c.env[name] = variables
	}
	return nil
}

// variables are those of a handler's env files, which were read.
func (c *call) variables(h *Handler) map[string]string {
	return c.env[envFilesOf(h)]
}

// envFilesOf names a handler's env files.
func envFilesOf(h *Handler) string { return strings.Join(h.EnvFiles, "\x00") }

// deliver hands the output to the client, cut if there is more of it than
// certbot could put into a variable. What a handler gets back of its own output
// is in the journal.
func (c *call) deliver(ctx context.Context) error {
	if c.Deliver == nil {
		return nil
	}
	if len(c.output) > maxDelivered {
		c.output = process.Clean(c.output[:maxDelivered], true)
	}
	if err := c.at("deliver"); err != nil {
		return err
	}
	return c.Deliver(ctx, c.output)
}

// invoke runs one handler for an event, if it takes it, and returns what it
// printed. extra goes into its environment. A handler that declines has printed
// nothing.
func (c *call) invoke(ctx context.Context, h *Handler, e envmap.Event, extra map[string]string) ([]byte, error) {
	encoded, err := h.Encode(e)
	if encoded == nil || err != nil {
		return nil, err
	}
	return c.execute(ctx, h, e, encoded, extra)
}

// execute runs one handler with a call that was encoded for it; e says what for.
func (c *call) execute(ctx context.Context, h *Handler, e envmap.Event, encoded *envmap.Call, extra map[string]string) ([]byte, error) {
	leave, err := c.pool.enter(ctx, h)
	if err != nil {
		return nil, err
	}
	defer leave()
	c.trace("run: %s", commandOf(h, e, encoded, c.variables(h)))
	if err := c.at("start " + e.Phase()); err != nil {
		return nil, err
	}
	result, err := c.start(ctx, h, e, encoded, extra)
	err = errors.Join(err, c.at("end "+e.Phase()))
	if result.HeldOpen {
		c.warn(h.Name(e.Cmd) + ": left a process behind that holds its output open")
	}
	c.trace("%s: %s after %s", h.Name(e.Cmd), ending(err), result.Duration.Round(time.Millisecond))
	return c.judge(h, e, result, err)
}

// judge returns what a handler printed, and why it did not do its work if its
// convention says so.
func (c *call) judge(h *Handler, e envmap.Event, result process.Result, err error) ([]byte, error) {
	to := h.Resolved().To
	if to.Declined != nil && errors.As(err, new(*ExitError)) && to.Declined(result.Status, result.Stdout) {
		if e.Cmd == envmap.PerformChallenge {
			c.warn((&HandlerError{*h, e, errors.New("not implemented by the handler")}).Error())
		}
		return nil, nil
	}
	if err == nil && to.Answer != nil {
		err = to.Answer(result.Stdout)
	}
	if err != nil {
		err = &HandlerError{*h, e, err}
	}
	return result.Stdout, err
}

// start runs what a handler is: a process that listens, a person at the
// terminal, a program that stays, or a program that is started for the event.
func (c *call) start(ctx context.Context, h *Handler, e envmap.Event, encoded *envmap.Call, extra map[string]string) (process.Result, error) {
	timeout := cmp.Or(h.Timeout, c.Timeout, DefaultTimeout)
	if address, listens := h.Endpoint(); listens {
		started := time.Now()
		output, _, err := address.Exchange(ctx, encoded.Stdin, timeout)
		return process.Result{Stdout: output, Duration: time.Since(started)}, err
	}
	switch {
	case h.IsPerson():
		return c.ask(ctx, h, e, encoded.Stdin)
	case h.Persist:
		p := &persistent{c, h, e, encoded.Stdin, timeout}
		return p.run(ctx)
	}
	p := c.program(h, e)
	p.Env = process.Environment(c.Environ, encoded.Env, c.variables(h), process.EventVariables(e), extra)
	p.Argv, p.Stdin, p.Timeout = append(p.Argv, encoded.Args...), encoded.Stdin, timeout
	if h.Line == 0 && encoded.Stdin == nil && c.Stdin != nil {
		p.Input, p.Foreground = c.Stdin, hasTerminal()
		if p.Foreground && isTerminal(os.Stderr) {
			p.Stderr = nil // a question that it asks has no line feed
		}
	}
	return p.Run(ctx)
}

// program is the handler's program, without what differs from event to event.
func (c *call) program(h *Handler, e envmap.Event) *process.Process {
	return &process.Process{Argv: h.Argv(e.Cmd), User: h.User, Grace: cmp.Or(c.Grace, DefaultGrace), Stderr: c.stderr(h, e)}
}

// hasTerminal reports whether this process has a terminal.
func hasTerminal() bool {
	tty, err := os.Open(terminal)
	if err != nil {
		return false
	}
	return tty.Close() == nil
}

// isTerminal reports whether a file is a terminal.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// stderr passes on what a handler says to people, without its credentials.
func (c *call) stderr(h *Handler, e envmap.Event) func(line string) {
	redact := envfile.Redactor(c.variables(h))
	return func(line string) { c.warn(h.Name(e.Cmd) + ": " + redact(line)) }
}

func (c *call) trace(format string, args ...any) {
	if c.Trace != nil {
		c.Trace(fmt.Sprintf(format, args...))
	}
}

func ending(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// tolerate turns the failure of an optional handler into a warning.
func (c *call) tolerate(h *Handler, err error) error {
	if err == nil || !h.Optional || process.Interrupted(err) {
		return err
	}
	c.warn("warning: " + err.Error())
	return nil
}
