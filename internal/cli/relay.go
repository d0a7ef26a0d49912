package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/extauth/extauth/pkg/envmap"
)

// relayBuffer is how much is read, and written, at once, in bytes.
const relayBuffer = 64 << 10

// relay passes events on as lines in canonical form. It is eachLine for long
// streams, with the same messages and statuses, and writes through a buffer.
type relay struct {
	*front
	lines *bufio.Reader
	out   *bufio.Writer

	thumbprint string
	event      envmap.Event // of the line, in the same place for all
}

func (f *front) newRelay() *relay {
	out := bufio.NewWriterSize(f.Stdout, relayBuffer)
	f.Stdout = out
	r := &relay{front: f, out: out, thumbprint: f.env["EXTAUTH_THUMBPRINT"]}
	r.lines = bufio.NewReaderSize(readerFunc(r.read), relayBuffer)
	return r
}

// run returns the worst status of a line; its error is one behind which no line
// can be written.
func (r *relay) run() (worst int, err error) {
	debug.SetGCPercent(400) // each line is garbage once it is written
	for number := 1; ; number++ {
		line, broken := readLine(r.lines)
		if errors.Is(broken, io.EOF) {
			return worst, r.flush()
		}
		err := broken
		if err == nil {
			err = r.pass(line, number == 1)
		}
		if err == nil {
			continue
		}
		if err := r.tell(number, err); err != nil {
			return worst, err
		}
		worst = max(worst, status(err))
		if broken != nil && !is[*refusal](broken) {
			return worst, nil // nothing more can be read
		}
	}
}

// tell says what was wrong with a line, behind what was written before it. It
// returns the error instead where no further line can be served.
func (r *relay) tell(number int, err error) error {
	if fatal(err) {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	r.warn(fmt.Sprintf("line %d: %v", number, err))
	return nil
}

// pass writes a line's event. A byte order mark may stand before the first; a
// blank line is none.
func (r *relay) pass(line []byte, first bool) error {
	if first {
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	if err := r.event.ReadLine(line, r.thumbprint); err != nil {
		return r.refuseLine(line, &refusal{err})
	}
	if r.event.Cmd != envmap.PerformChallenge {
		r.event = withFileTimes(r.event)
	}
	_, err := r.out.Write(r.event.AppendLine(r.out.AvailableBuffer()))
	return written(err)
}

// read reads more input. What was written goes out before that, which may take
// as long as it likes: whoever sends a line may wait for it to come back.
func (r *relay) read(b []byte) (int, error) {
	if err := r.flush(); err != nil {
		return 0, err
	}
	return r.Stdin.Read(b)
}

func (r *relay) flush() error { return written(r.out.Flush()) }

// written is an error of standard output as such, or nil.
func written(err error) error {
	if err == nil {
		return nil
	}
	return &outputError{errors.Unwrap(err)}
}

// readerFunc is an io.Reader of its Read alone.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
