package runner

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// coprocess is a program that stays: it reads an event a line, and answers each
// with a line. One goroutine at a time uses it.
type coprocess struct {
	variables map[string]string // of its env files, when it was started
	grace     time.Duration
	warn      func(string)

	child   *child
	status  syscall.WaitStatus // when it has ended
	in, out *os.File
	fds     [2]int32 // of in and out
	answers *bufio.Reader
	room    *io.LimitedReader // what answers reads from
	stderr  *drain
	said    *complaints
	sent    int           // bytes of the event that were written to it
	ended   chan struct{} // closed when it has ended
}

// maxAnswer is the longest answer, in bytes with its line feed.
const maxAnswer = 1 << 20

// EndedError is a program with persist=yes that ended where it owed an answer.
type EndedError struct {
	Unread bool // it had read nothing of the event
	End    *ExitError
}

func (e *EndedError) Error() string {
	if e.Unread {
		return fmt.Sprintf("ended before it read the event, and when it was started again: %v", e.End)
	}
	return fmt.Sprintf("ended without an answer, so that the event may be done or not: %v", e.End)
}

// startCoprocess starts one. The error is a *StartError.
func startCoprocess(p *process, variables map[string]string, warn func(string)) (*coprocess, error) {
	c := &coprocess{variables: variables, grace: p.grace, warn: warn, ended: make(chan struct{})}
	c.said = &complaints{lines: lineWriter{print: p.stderr, left: maxOutput}}
	theirs, err := c.open()
	if err == nil {
		c.child, err = p.start(context.Background(), [3]int{int(theirs[0].Fd()), int(theirs[1].Fd()), int(c.stderr.end.Fd())})
	} else {
		err = &StartError{p.argv[0], err.Error(), err}
	}
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		c.release()
		return nil, err
	}
	go c.wait()
	return c, nil
}

// open makes its pipes, and returns its ends of those of its standard input and
// output.
func (c *coprocess) open() (theirs [2]*os.File, err error) {
	var errs [3]error
	theirs[0], c.in, errs[0] = os.Pipe()
	c.out, theirs[1], errs[1] = os.Pipe()
	c.stderr, errs[2] = drainTo(c.said)
	if err := errors.Join(errs[:]...); err != nil {
		return theirs, err
	}
	for i, f := range []*os.File{c.in, c.out} {
		raw, err := f.SyscallConn() // Fd would make it wait in the system
		if err == nil {
			err = raw.Control(func(fd uintptr) { c.fds[i] = int32(fd) })
		}
		if err != nil {
			return theirs, err
		}
	}
	c.room = &io.LimitedReader{R: c.out}
	c.answers = bufio.NewReader(c.room)
	return theirs, nil
}

// wait sees its end. What it left behind may hold its output open.
func (c *coprocess) wait() {
	c.status = c.child.wait()
	close(c.ended)
	_ = c.out.SetReadDeadline(time.Now().Add(held))
}

func (c *coprocess) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// exchange writes an event and reads the answer. The error is an *AnswerError,
// os.ErrDeadlineExceeded when the time is over or the context ended, or what
// the pipes say of a program that is gone.
func (c *coprocess) exchange(ctx context.Context, event []byte, until time.Time) ([]byte, error) {
	c.said.renew.Store(true)
	c.limit(until)
	if c.hasEnded() {
		c.limit(time.Now().Add(held))
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.limit(time.Unix(1, 0))
		close(stopped)
	})
	defer func() {
		if !stop() {
			<-stopped
		}
	}()
	sent, err := c.in.Write(event)
	if c.sent = sent; err != nil {
		return nil, err
	}
	return c.answer()
}

func (c *coprocess) limit(until time.Time) {
	_ = c.in.SetWriteDeadline(until)
	_ = c.out.SetReadDeadline(until)
}

func (c *coprocess) answer() ([]byte, error) {
	c.room.N = maxAnswer
	line, err := c.answers.ReadBytes('\n')
	switch {
	case err != nil && c.room.N == 0:
		return nil, &AnswerError{fmt.Sprintf("a line longer than %d bytes", maxAnswer)}
	case err == nil && c.answers.Buffered() > 0:
		return nil, &AnswerError{"more than one line"}
	}
	return line, err
}

// waited tells of one that was asked for nothing whether it is gone, and
// whether it has written something all the same.
func (c *coprocess) waited() (gone, spoken bool) {
	fds := []unix.PollFd{{Fd: c.fds[0]}, {Fd: c.fds[1], Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, 0)
	spoken = fds[1].Revents&unix.POLLIN != 0
	return fds[0].Revents != 0 || fds[1].Revents != 0 || c.hasEnded(), spoken
}

// unread tells whether nothing was taken of the last event, and nobody is left
// who could: all that was written of it is in the pipe still (ioctl_tty(2),
// pipe(7)).
func (c *coprocess) unread() bool {
	fds := []unix.PollFd{{Fd: c.fds[0]}}
	_, err := unix.Poll(fds, 0)
	inside, ioctlErr := unix.IoctlGetInt(int(c.fds[0]), unix.TIOCINQ)
	return err == nil && ioctlErr == nil && fds[0].Revents&unix.POLLERR != 0 && inside >= c.sent
}

// stop waits for its end, for the given time; then its group gets SIGTERM, and
// after the grace SIGKILL.
func (c *coprocess) stop(patience time.Duration) {
	if c.endsWithin(patience) {
		return
	}
	c.signal(syscall.SIGTERM)
	c.endsWithin(c.grace)
	c.signal(syscall.SIGKILL)
	<-c.ended
}

func (c *coprocess) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return c.hasEnded()
	}
}

// signal reaches its group.
func (c *coprocess) signal(s syscall.Signal) { _ = syscall.Kill(-c.child.pid, s) }

// end is how it ended.
func (c *coprocess) end() *ExitError {
	<-c.ended
	return endOf(c.status)
}

// dismiss ends one that is not needed any more: its input ends.
func (c *coprocess) dismiss() {
	_ = c.in.Close()
	c.stop(c.grace)
	c.release()
	if end := c.end(); end.Status != 0 {
		c.warn("warning: at the end of its input: " + end.Error())
	}
}

// release gives its descriptors back, and lets go of what it may have left
// behind.
func (c *coprocess) release() {
	for _, f := range []*os.File{c.in, c.out} {
		f.Close() // nothing can be done where that fails, or is done already
	}
	if c.stderr != nil && c.stderr.finish(held) {
		c.warn("left a process behind that holds its output open")
	}
	if c.said != nil {
		c.said.lines.flush()
	}
}

// complaints passes on what a program that stays says to people: for each event
// as much as one that runs for it alone could.
type complaints struct {
	lines lineWriter
	renew atomic.Bool // another event has begun
	skip  bool        // up to the end of a line whose beginning was dropped
}

func (w *complaints) Write(p []byte) (int, error) {
	written := len(p)
	if w.renew.Swap(false) {
		w.begin()
	}
	if w.skip {
		_, rest, found := bytes.Cut(p, []byte("\n"))
		if !found {
			return written, nil
		}
		p, w.skip = rest, false
	}
	_, _ = w.lines.Write(p)
	return written, nil
}

// begin gives the writer its room again. The end of a line that was cut might
// show the rest of a credential.
func (w *complaints) begin() {
	if w.lines.left == 0 {
		w.lines.flush()
		w.lines.part, w.skip = nil, true
	}
	w.lines.left = maxOutput
}

// drain reads what a handler writes to one of its streams, all of it, so that
// the handler never waits for us.
type drain struct {
	end  *os.File // the handler's
	ours *os.File
	done chan struct{}
}

func drainTo(w io.Writer) (*drain, error) {
	ours, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &drain{end, ours, make(chan struct{})}
	go func() {
		defer close(d.done)
		_, _ = io.Copy(w, ours) // ends with the pipe, or with finish
	}()
	return d, nil
}

// finish waits until all is read, at most for the given time; heldOpen tells
// that something still has the pipe.
func (d *drain) finish(wait time.Duration) (heldOpen bool) {
	d.end.Close()
	select {
	case <-d.done:
	case <-time.After(wait):
		heldOpen = true
	}
	d.ours.Close() // wakes the reader
	<-d.done
	return heldOpen
}
