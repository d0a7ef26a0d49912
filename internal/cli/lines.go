package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// maxLine is the longest line that is read, in bytes without its line feed.
const maxLine = 1 << 20

// eachLine decodes line after line of standard input. A line that is refused,
// or that fails, is reported and does not keep the next from being served.
func (f *front) eachLine(ctx context.Context, serve func(envmap.Event) error) (worst int, err error) {
	lines := bufio.NewReaderSize(f.Stdin, 16<<10)
	for number := 1; ; number++ {
		line, err := awaitLine(ctx, lines)
		if ctx.Err() != nil {
			return worst, context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return worst, nil
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err == nil {
			err = f.serveLine(line, serve)
		} else {
			err = f.refuseLine(err)
		}
		if stopped := new(stopError); errors.As(err, &stopped) {
			return worst, &stopError{fmt.Errorf("line %d: %w", number, stopped.err)}
		}
		if fatal(err) {
			return worst, err
		}
		if err != nil {
			f.warn(fmt.Sprintf("line %d: %v", number, err))
			worst = max(worst, status(err))
		}
	}
}

// stopError is a failure behind which no further line is served, whose number it has.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

// fatal tells whether no further line can be served.
func fatal(err error) bool {
	return is[*outputError](err) || is[*runner.SignalError](err)
}

func (f *front) serveLine(line []byte, serve func(envmap.Event) error) error {
	convention, _ := envmap.Lookup(f.client)
	events, err := convention.Decode(envmap.Call{Stdin: line, Env: f.env})
	if err != nil {
		return f.refuseLine(&refusal{err})
	}
	return serve(events[0])
}

// refuseLine answers a line that was not understood, where lines are answered.
func (f *front) refuseLine(err error) error {
	switch {
	case f.lines.ack:
		return &stopError{err}
	case f.lines.mute:
		return err
	}
	return errors.Join(err, f.write(result(envmap.Event{}, nil, err)))
}

// awaitLine is readLine, but for a signal: it ends a program also while that
// waits for its client.
func awaitLine(ctx context.Context, r *bufio.Reader) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := readLine(r)
		read <- result{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readLine reads a line without its line feed. One that is too long is read to
// its end and refused; one that the input ends in is refused, even where it is
// whole by chance.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	length := 0
	for {
		part, err := r.ReadSlice('\n')
		if err == nil && length == 0 && len(part) <= maxLine {
			return part[:len(part)-1], nil // good until the next is read
		}
		if length += len(part); length <= maxLine+1 {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && length == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF) && length <= maxLine:
			return nil, &refusal{errors.New("input ends inside of it")}
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case length > maxLine+1 || err != nil:
			return nil, &refusal{fmt.Errorf("is longer than %d bytes", maxLine)}
		}
		return bytes.TrimSuffix(line, []byte("\n")), nil
	}
}
