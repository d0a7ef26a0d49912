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
	err = f.readLines(ctx, nil, func(number int, line []byte, err error) error {
		if err == nil {
			err = f.serveLine(line, serve)
		} else {
			err = f.refuseLine(nil, err)
		}
		severity, err := f.report(number, err)
		worst = max(worst, severity)
		return err
	})
	return worst, err
}

// readLines gives each line of standard input that is not blank to take, with
// its number, or with what is wrong with it. idle, unless it is nil, is called
// where the next line may have to be waited for. It ends with the input, where
// that cannot be read, with the context or an error of the two.
func (f *front) readLines(ctx context.Context, idle func() error, take func(number int, line []byte, err error) error) error {
	lines := bufio.NewReaderSize(f.Stdin, 16<<10)
	for number := 1; ; number++ {
		if idle != nil && !hasLine(lines) {
			if err := idle(); err != nil {
				return err
			}
		}
		line, err := awaitLine(ctx, lines)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := take(number, line, err); err != nil {
			return err
		}
		if err != nil && !is[*refusal](err) {
			return nil // nothing more can be read
		}
	}
}

// report tells people what became of a line. It returns the exit status that
// this makes, or why no further line can be served.
func (f *front) report(number int, err error) (severity int, end error) {
	if stopped := new(stopError); errors.As(err, &stopped) {
		return 0, &stopError{fmt.Errorf("line %d: %w", number, stopped.err)}
	}
	if err == nil || fatal(err) {
		return 0, err
	}
	f.warn(fmt.Sprintf("line %d: %v", number, err))
	return status(err), nil
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
	e, err := f.decodeLine(line)
	if err != nil {
		return f.refuseLine(line, err)
	}
	return serve(e)
}

func (f *front) decodeLine(line []byte) (envmap.Event, error) {
	convention, _ := envmap.Lookup(f.client)
	events, err := convention.Decode(envmap.Call{Stdin: line, Env: f.env})
	if err != nil {
		return envmap.Event{}, &refusal{err}
	}
	return events[0], nil
}

// refuseLine answers a line that was not understood, where lines are answered.
func (f *front) refuseLine(line []byte, err error) error {
	f.recorder.begin(envmap.Call{Stdin: line}).end(exitOf(err), err)
	switch {
	case f.lines.ack:
		return &stopError{err}
	case f.lines.mute:
		return err
	}
	return errors.Join(err, f.write(result(envmap.Event{}, nil, err)))
}

// awaitLine is readLine, but for a signal: it ends a program also while that
// waits for its client. A line that is there already is not waited for.
func awaitLine(ctx context.Context, r *bufio.Reader) ([]byte, error) {
	if hasLine(r) {
		return readLine(r)
	}
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

// hasLine tells whether a whole line was read already.
func hasLine(r *bufio.Reader) bool {
	there, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(there, '\n') >= 0
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
