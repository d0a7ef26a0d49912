// Package endpoint connects to processes that listen on a Unix socket
// (unix:PATH) or at the named pipes of a directory (fifo:DIRECTORY), and is such
// a process for others. Events go in, a line each; results come back, a line
// each, in the same order.
package endpoint

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// Address is where a process listens.
type Address struct{ Scheme, Path string }

// ParseAddress reads unix:PATH or fifo:DIRECTORY, and reports whether a text is
// one of them. The path may be empty.
func ParseAddress(text string) (Address, bool) {
	scheme, path, found := strings.Cut(text, ":")
	return Address{scheme, path}, found && (scheme == "unix" || scheme == "fifo")
}

func (a Address) String() string { return a.Scheme + ":" + a.Path }

// connection is what a client has of a process that listens.
type connection interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// dial connects. The error is the system's, without what net adds to it.
func (a Address) dial(ctx context.Context) (connection, error) {
	if a.Scheme == "fifo" {
		return dialPipes(ctx, a.Path)
	}
	return dialSocket(ctx, a.Path)
}

// Exchange writes lines, each of which is an event, and returns what was printed
// for them and how many were answered with success. The error is a
// *process.StartError if nobody listens, an *AnswerError, a
// *process.TimeoutError or the context's cause.
func (a Address) Exchange(ctx context.Context, lines []byte, timeout time.Duration) (output []byte, answered int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, &process.TimeoutError{After: timeout})
	defer cancel()
	return exchange(ctx, a.Path, a.dial, lines)
}

// HandOver gives the events of one call to the process that listens on a Unix
// socket. Only a process of the same user, or root's, is trusted with them; any
// other is an *trust.UnsafeError. It may take as long as it likes: it may ask a
// person. Results and other errors are those of Exchange.
func HandOver(ctx context.Context, socket string, events []envmap.Event) (output []byte, answered int, err error) {
	json, _ := envmap.Lookup("json")
	var lines []byte
	for _, e := range events {
		call, err := json.Encode(e)
		if err != nil {
			return nil, 0, err
		}
		lines = append(lines, call.Stdin...)
	}
	dial := func(ctx context.Context) (connection, error) { return dialTrusted(ctx, socket) }
	return exchange(ctx, socket, dial, lines)
}

// exchange is one connection, until all lines are answered.
func exchange(ctx context.Context, path string, dial func(context.Context) (connection, error), lines []byte) ([]byte, int, error) {
	conn, err := dial(ctx)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			_ = conn.Close()
		}
		return nil, 0, context.Cause(ctx)
	case errors.As(err, new(*trust.UnsafeError)):
		return nil, 0, err
	case err != nil:
		return nil, 0, &process.StartError{Path: path, Reason: "nobody listens there: " + err.Error(), Err: err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	output, answered, err := converse(conn, lines)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return output, answered, err
}

// maxAnswers is how much is read of all answers of an exchange, in bytes.
const maxAnswers = 1 << 20

func converse(conn connection, lines []byte) (output []byte, answered int, err error) {
	written := make(chan error, 1)
	go func() { // the first may be answered before the last is read
		_, err := conn.Write(lines)
		written <- err
	}()
	answers := bufio.NewReader(io.LimitReader(conn, maxAnswers))
	for line := range bytes.Lines(lines) {
		printed, err := readAnswer(answers, line)
		if err != nil {
			return output, answered, err
		}
		answered++
		output = append(output, printed...)
	}
	return capped(output), answered, <-written
}

// capped limits output as that of a program is limited.
func capped(output []byte) []byte {
	if len(output) > process.MaxOutput {
		return process.Clean(output[:process.MaxOutput], true)
	}
	return output
}

// systemError returns the error number of a failure of package net or os, whose
// text would repeat the path.
func systemError(err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	return err
}
