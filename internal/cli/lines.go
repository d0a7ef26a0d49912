package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	maxLine    = 1 << 20  // bytes of the longest line that is read, without its line feed
	lineBuffer = 64 << 10 // bytes that are read at once
)

// ReadLines calls take with the number of each line that is not blank, and with
// the line or what is wrong with it: a *StatusError if it is refused, and else
// why nothing more can be read. The line is good until take returns. idle, unless
// it is nil, is called before the next line may have to be waited for. ReadLines
// ends with its input, the context, or an error of idle or take.
func ReadLines(ctx context.Context, in io.Reader, idle func() error, take func(number int, line []byte, err error) error) error {
	lines := bufio.NewReaderSize(in, lineBuffer)
	for number := 1; ; number++ {
		line, err := nextLine(ctx, lines, idle)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if unable := new(idleError); errors.As(err, &unable) {
			return unable.err
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
		if err != nil && !is[*StatusError](err) {
			return nil // nothing more can be read
		}
	}
}

// nextLine is readLine, but ends with the context, also while it waits for
// input.
func nextLine(ctx context.Context, r *bufio.Reader, idle func() error) ([]byte, error) {
	if hasLine(r) {
		return readLine(r)
	}
	if idle != nil {
		if err := idle(); err != nil {
			return nil, &idleError{err}
		}
	}
	if ctx.Done() == nil {
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

// idleError is an error of the caller's function.
type idleError struct{ err error }

func (e *idleError) Error() string { return e.err.Error() }

// hasLine reports whether the buffer has a whole line.
func hasLine(r *bufio.Reader) bool {
	there, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(there, '\n') >= 0
}

// readLine reads a line without its line feed. One that is too long is read to
// its end and refused; one that the input ends in is refused, even if it is
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
			return nil, Refused(errors.New("input ends inside of it"))
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case length > maxLine+1 || err != nil:
			return nil, Refused(fmt.Errorf("is longer than %d bytes", maxLine))
		}
		return bytes.TrimSuffix(line, []byte("\n")), nil
	}
}
