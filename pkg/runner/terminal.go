package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// terminal is where a person is asked: certbot captures standard output, and
// standard input may be anything.
const terminal = "/dev/tty"

// TerminalError says that there is nobody to ask.
type TerminalError struct{ Err error }

func (e *TerminalError) Error() string {
	return fmt.Sprintf("there is no terminal to ask at: %v", errors.Unwrap(e.Err))
}
func (e *TerminalError) Unwrap() error { return e.Err }

// isPerson tells whether a person at the terminal is told, and no program.
func (h *Handler) isPerson() bool {
	return h.convention().To.Person
}

// question is one call of a person: a text, and where the answer matters, the
// wait for a line.
type question struct {
	text    []byte
	confirm bool
	timeout time.Duration
	warn    func(string) // takes a text that nobody has to answer, where there is no terminal
}

// shortly is how long a text that nobody has to answer may wait to be shown: a
// terminal's output can be stopped.
const shortly = 2 * time.Second

// run shows the text and waits for Enter. The error is a *TerminalError, a
// *TimeoutError, errNotConfirmed or the context's cause.
func (q *question) run(ctx context.Context) (outcome, error) {
	started := time.Now()
	if !q.confirm {
		return outcome{}, q.tell()
	}
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return outcome{}, &TerminalError{err}
	}
	defer tty.Close()
	limited, cancel := context.WithTimeoutCause(ctx, q.timeout, &TimeoutError{q.timeout})
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = tty.SetDeadline(time.Unix(1, 0)) })
	err = q.ask(tty)
	stop()
	if err != nil && limited.Err() != nil {
		_ = tty.SetDeadline(time.Now().Add(shortly))
		_, _ = tty.Write([]byte("\n")) // the question's line has an end
		err = context.Cause(limited)
	}
	return outcome{took: time.Since(started)}, err
}

// tell shows a text that needs no answer: at the terminal, or where there is
// none with the messages.
func (q *question) tell() error {
	tty, err := os.OpenFile(terminal, os.O_WRONLY, 0)
	if err != nil {
		q.warn(strings.TrimSuffix(string(q.text), "\n"))
		return nil
	}
	defer tty.Close()
	_ = tty.SetDeadline(time.Now().Add(shortly))
	_, _ = tty.Write(q.text)
	return nil
}

var errNotConfirmed = errors.New("was not confirmed: the terminal's input ended")

func (q *question) ask(tty *os.File) error {
	_, err := fmt.Fprintf(tty, "Publish this, then press Enter.\n\n%s\nPress Enter when all of it is there: ", q.text)
	if err != nil {
		return err
	}
	if _, err := bufio.NewReader(tty).ReadString('\n'); err != nil {
		return errNotConfirmed
	}
	return nil
}

// checkTerminal sees whether a person can be asked at all.
func checkTerminal() error {
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return &TerminalError{err}
	}
	return tty.Close()
}
