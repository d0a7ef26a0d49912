package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// terminal is where a person is asked: certbot captures standard output, and
// standard input may be anything.
const terminal = "/dev/tty"

// TerminalError says that there is nobody to ask.
type TerminalError struct{ Err error }

func (e *TerminalError) Error() string {
	return fmt.Sprintf("text: there is no terminal to ask at: %v", errors.Unwrap(e.Err))
}
func (e *TerminalError) Unwrap() error { return e.Err }

// isPerson tells whether a person at the terminal is told, and no program.
func (h *Handler) isPerson() bool {
	convention, _ := envmap.Lookup(h.Convention)
	return convention.Person
}

// question is one call of a person: a text, and where the answer matters, the
// wait for a line.
type question struct {
	text    []byte
	confirm bool
	timeout time.Duration
	warn    func(string) // takes a text that nobody has to answer, where there is no terminal
}

// run shows the text and waits for Enter. The error is a *TerminalError, a
// *TimeoutError, errNotConfirmed or the context's cause.
func (q *question) run(ctx context.Context) (outcome, error) {
	started := time.Now()
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil && !q.confirm {
		q.warn(string(q.text))
		return outcome{}, nil
	}
	if err != nil {
		return outcome{}, &TerminalError{err}
	}
	defer tty.Close()
	err = q.ask(ctx, tty)
	return outcome{took: time.Since(started)}, err
}

var errNotConfirmed = errors.New("was not confirmed: the terminal's input ended")

func (q *question) ask(ctx context.Context, tty *os.File) error {
	text := string(q.text)
	if q.confirm {
		text = "Publish this, then press Enter.\n\n" + text + "\nPress Enter when all of it is there: "
	}
	if _, err := io.WriteString(tty, text); err != nil || !q.confirm {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, q.timeout, &TimeoutError{q.timeout})
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := bufio.NewReader(tty).ReadString('\n')
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil:
		_, _ = io.WriteString(tty, "\n")
		return context.Cause(limited)
	}
	return errNotConfirmed
}

// checkTerminal sees whether a person can be asked at all.
func checkTerminal() error {
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return &TerminalError{err}
	}
	return tty.Close()
}
