package runner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// endpoint is another process that a json handler's events are handed to in
// place of a program: one that listens on a Unix socket (unix:PATH), or at
// named pipes in a directory (fifo:DIRECTORY).
type endpoint struct{ scheme, path string }

// endpoint tells whether the handler is one.
func (h *Handler) endpoint() (endpoint, bool) {
	if h.Convention != "json" || len(h.Command) == 0 {
		return endpoint{}, false
	}
	scheme, path, _ := strings.Cut(h.Command[0], ":")
	return endpoint{scheme, path}, scheme == "unix" || scheme == "fifo"
}

// checkEndpoint refuses what makes sense for programs alone.
func (h *Handler) checkEndpoint(to endpoint) error {
	switch {
	case len(h.Command) > 1:
		return fmt.Errorf("%s takes no arguments", h.Command[0])
	case to.path == "":
		return fmt.Errorf("%s has no path", h.Command[0])
	case len(h.EnvFiles) > 0 && h.Verify == "":
		return errors.New("env= is for a program; no variable goes to a process that listens")
	case h.User != "":
		return errors.New("user= is for a program; a process that listens runs as who started it")
	}
	return nil
}

// connection is what a dialled endpoint is: lines go out, results come in.
type connection interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// dial connects. Errors are those of the system calls.
func (to endpoint) dial(ctx context.Context) (connection, error) {
	if to.scheme == "fifo" {
		return dialPipes(ctx, to.path)
	}
	conn, err := dialSocket(ctx, to.path)
	if err == nil && to.scheme == "own" {
		err = checkPeer(conn, to.path)
	}
	return conn, err
}

// AnswerError is a process that listens and could not do what it was asked.
type AnswerError struct{ Reason string }

func (e *AnswerError) Error() string { return "answered: " + e.Reason }

// exchange is one call of an endpoint: a line for each event, and a line back
// for each.
type exchange struct {
	to      endpoint
	lines   []byte
	timeout time.Duration

	answered int // how many results were good
}

// run waits for all results. The error is a *StartError where nobody listens,
// an *AnswerError, a *TimeoutError, an *UnsafeError or the context's cause.
func (x *exchange) run(ctx context.Context) (outcome, error) {
	started := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, x.timeout, &TimeoutError{x.timeout})
	defer cancel()
	conn, err := x.to.dial(limited)
	if limited.Err() != nil {
		return outcome{}, context.Cause(limited)
	}
	if errors.As(err, new(*UnsafeError)) {
		return outcome{}, err
	}
	if err != nil {
		return outcome{}, &StartError{x.to.path, "nobody listens there: " + err.Error(), err}
	}
	defer conn.Close()
	stop := context.AfterFunc(limited, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	output, err := x.talk(conn)
	if limited.Err() != nil && err != nil {
		err = context.Cause(limited)
	}
	return outcome{stdout: output, took: time.Since(started)}, err
}

func (x *exchange) talk(conn connection) ([]byte, error) {
	written := make(chan error, 1)
	go func() { // the other side may answer the first before it reads the last
		_, err := conn.Write(x.lines)
		written <- err
	}()
	var output []byte
	answers := bufio.NewReader(io.LimitReader(conn, 1<<20))
	for line := range bytes.Lines(x.lines) {
		one, err := readAnswer(answers, line)
		if err != nil {
			return output, err
		}
		x.answered++
		output = append(output, one...)
	}
	return capped(output), <-written
}

// capped is output as it is kept of a program.
func capped(output []byte) []byte {
	if len(output) > maxOutput {
		return Clean(output[:maxOutput], true)
	}
	return output
}

// maxReason is how much of another process's words is shown, in bytes.
const maxReason = 2 << 10

// readAnswer reads the result of one event, which is given as its line.
func readAnswer(r *bufio.Reader, event []byte) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, err
	}
	if err != nil {
		return nil, &AnswerError{"nothing; the connection ended"}
	}
	cmd, domain := envmap.Asked(event)
	told, err := parseResult(line, cmd, domain)
	if err != nil {
		return nil, err
	}
	return printed(told)
}

// parseResult reads what another process says of an event that it was given.
func parseResult(line []byte, cmd envmap.Cmd, domain string) (envmap.Result, error) {
	told, err := envmap.ParseResult(line)
	switch {
	case err != nil:
		return told, &AnswerError{"something that is no result line"}
	case !told.IsFor(cmd, domain):
		return told, &AnswerError{fmt.Sprintf("the result of another event, %.40q %.80q", told.For, told.Domain)}
	}
	return told, nil
}

// printed is what was printed for the event, or why it was not done.
func printed(told envmap.Result) ([]byte, error) {
	if !told.OK {
		return nil, &AnswerError{reason(told.Error)}
	}
	return Clean([]byte(told.Output), false), nil
}

// reason is one line, and not a long one.
func reason(text string) string {
	text = Printable(strings.ReplaceAll(text, "\n", "; "))
	if len(text) > maxReason {
		text = string(withoutPartialRune([]byte(text[:maxReason]))) + "..."
	}
	return text
}

// HandOver gives the events of one call to the process that listens on a Unix
// socket, and returns what it printed for them. Only a process of the same
// user, or root's, is trusted with them. It may take as long as it likes: a
// person may stand behind it. The error is a *HandlerError.
func HandOver(ctx context.Context, socket string, events []envmap.Event) ([]byte, error) {
	x := &exchange{to: endpoint{"own", socket}, timeout: noTimeout}
	for _, e := range events {
		call, err := jsonCall(e)
		if err != nil {
			return nil, err
		}
		x.lines = append(x.lines, call.Stdin...)
	}
	o, err := x.run(ctx)
	if err != nil {
		failed := events[min(x.answered, len(events)-1)]
		err = &HandlerError{Handler{Convention: "json", Command: []string{"unix:" + socket}}, failed, err}
	}
	return o.stdout, err
}

func jsonCall(e envmap.Event) (envmap.Call, error) {
	convention, _ := envmap.Lookup("json")
	return convention.Encode(e)
}

// noTimeout stands where a person or another program takes the time it takes.
const noTimeout = 100 * 365 * 24 * time.Hour
