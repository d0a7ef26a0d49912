package runner

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// terminal is where a person is asked: certbot captures standard output, and
// standard input may be anything.
const terminal = "/dev/tty"

// TerminalError says that there is no terminal to ask a person at.
type TerminalError struct{ Err error }

func (e *TerminalError) Error() string {
	return fmt.Sprintf("there is no terminal to ask at: %v", errors.Unwrap(e.Err))
}

func (e *TerminalError) Unwrap() error { return e.Err }

// writeTimeout is how long writing to the terminal may take: its output can be
// stopped.
const writeTimeout = 2 * time.Second

// ask shows a text to a person at the terminal, and for a challenge that is to be
// performed waits for Enter. The error is a *TerminalError, a *TimeoutError,
// errNotConfirmed or the context's cause.
func (c *call) ask(ctx context.Context, h *Handler, e envmap.Event, text []byte) (process.Result, error) {
	started := time.Now()
	if e.Cmd != envmap.PerformChallenge {
		return process.Result{}, show(text, c.warn)
	}
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return process.Result{}, &TerminalError{err}
	}
	defer tty.Close()
	if timeout := cmp.Or(h.Timeout, c.Timeout); timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, timeout, &TimeoutError{After: timeout})
		defer cancel()
		ctx = limited
	}
	err = confirm(ctx, tty, text)
	return process.Result{Duration: time.Since(started)}, err
}

// show shows a text that needs no answer: at the terminal, or if there is none
// with the messages.
func show(text []byte, warn func(string)) error {
	tty, err := os.OpenFile(terminal, os.O_WRONLY, 0)
	if err != nil {
		warn(strings.TrimSuffix(string(text), "\n"))
		return nil
	}
	defer tty.Close()
	_ = tty.SetDeadline(time.Now().Add(writeTimeout))
	_, _ = tty.Write(text)
	return nil
}

var errNotConfirmed = errors.New("was not confirmed: the terminal's input ended")

// confirm asks at the terminal until the context ends.
func confirm(ctx context.Context, tty *os.File, text []byte) error {
	stop := context.AfterFunc(ctx, func() { _ = tty.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := fmt.Fprintf(tty, "Publish this, then press Enter.\n\n%s\nPress Enter when all of it is there: ", text)
	if err == nil {
		_, err = bufio.NewReader(tty).ReadString('\n')
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		_ = tty.SetDeadline(time.Now().Add(writeTimeout))
		_, _ = tty.Write([]byte("\n")) // ends the question's line
		return context.Cause(ctx)
	}
	return errNotConfirmed
}

// checkTerminal checks that a person can be asked at all.
func checkTerminal() error {
	tty, err := os.OpenFile(terminal, os.O_RDWR, 0)
	if err != nil {
		return &TerminalError{err}
	}
	return tty.Close()
}
