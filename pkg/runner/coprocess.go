package runner

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// coprocess is a program that stays: it reads an event a line, and answers each
// with a line, in the order of the events. One goroutine at a time uses it.
type coprocess struct {
	variables map[string]string // of its env files, when it was started
	grace     time.Duration
	warn      func(string)

	child   *child
	status  syscall.WaitStatus // when it has ended
	in, out int                // our ends of its standard input and output; -1: closed
	mu      sync.Mutex         // of wake
	wake    int                // an eventfd(2): something is to be looked at
	stopped atomic.Bool        // the context of the event has ended
	ctx     context.Context    // of the event whose answer is waited for
	until   time.Time          // and how long
	answers *bufio.Reader
	room    *io.LimitedReader // what answers reads from
	stderr  *drain
	said    *complaints
	ended   chan struct{} // closed when it has ended

	answered int // events

	// Of the events that it was given and has not answered:
	owed   int    // how many they are
	given  int    // how long, in bytes
	sent   int    // how many bytes were written to it; less than 0: it answered before all was
	queued []byte // what was not
	shut   bool   // nothing more can be written

	lost  bool // it answers no further one
	fresh int  // how many bytes, from the last of the given, another program may be given
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
	c := &coprocess{variables: variables, grace: p.grace, warn: warn, ended: make(chan struct{}), in: -1, out: -1, wake: -1}
	c.said = &complaints{lines: lineWriter{print: p.stderr, left: maxOutput}}
	theirs, err := c.open()
	if err == nil {
		c.child, err = p.start(context.Background(), [3]int{theirs[0], theirs[1], int(c.stderr.end.Fd())})
	} else {
		err = &StartError{p.argv[0], err.Error(), err}
	}
	for _, fd := range theirs {
		closeIfOpen(&fd)
	}
	if err != nil {
		c.release()
		return nil, err
	}
	go c.wait()
	return c, nil
}

// open makes its pipes, and returns its ends of those of its standard input and
// output. Ours never wait; that is done by poll(2).
func (c *coprocess) open() (theirs [2]int, err error) {
	in, out := [2]int{-1, -1}, [2]int{-1, -1}
	errs := []error{syscall.Pipe2(in[:], syscall.O_CLOEXEC), syscall.Pipe2(out[:], syscall.O_CLOEXEC), nil, nil}
	theirs, c.in, c.out = [2]int{in[0], out[1]}, in[1], out[0]
	c.wake, errs[2] = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	c.stderr, errs[3] = drainTo(c.said)
	if err := errors.Join(errs...); err != nil {
		return theirs, err
	}
	c.room = &io.LimitedReader{R: c}
	c.answers = bufio.NewReader(c.room)
	return theirs, errors.Join(syscall.SetNonblock(c.in, true), syscall.SetNonblock(c.out, true))
}

func closeIfOpen(fd *int) {
	if *fd >= 0 {
		_ = syscall.Close(*fd)
	}
	*fd = -1
}

// wait sees its end.
func (c *coprocess) wait() {
	c.status = c.child.wait()
	close(c.ended)
	c.awake()
}

// awake has await look around.
func (c *coprocess) awake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wake >= 0 {
		_, _ = unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (c *coprocess) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// give has it get an event behind those that it owes an answer for. Who takes an
// answer writes it.
func (c *coprocess) give(event []byte) {
	c.queued = append(c.queued, event...)
	c.owed, c.given = c.owed+1, c.given+len(event)
}

// settle strikes the first event that it owes an answer for.
func (c *coprocess) settle(event []byte) {
	c.owed, c.given, c.sent = c.owed-1, c.given-len(event), c.sent-len(event)
}

// receive takes the answer to the first event that it owes one for. The error is
// an *AnswerError, os.ErrDeadlineExceeded when the time is over or the context
// ended, or what the pipes say of a program that is gone.
func (c *coprocess) receive(ctx context.Context, until time.Time) ([]byte, error) {
	c.said.renew.Store(true)
	c.ctx, c.until = ctx, until
	if len(c.queued) >= c.sent {
		_ = c.write() // half of what it was given is answered; Read sees what is wrong
	}
	return c.answer()
}

// write writes what it was given and has room for.
func (c *coprocess) write() error {
	for len(c.queued) > 0 && !c.shut {
		n, err := unix.Write(c.in, c.queued)
		if n > 0 {
			c.sent, c.queued = c.sent+n, slices.Delete(c.queued, 0, n)
		}
		if isTemporary(err) {
			return nil
		}
		c.shut = err != nil
	}
	if c.shut {
		return unix.EPIPE
	}
	return nil
}

// endWithContext has await look around when the context ends, until done is
// called.
func (c *coprocess) endWithContext() (done func()) {
	c.stopped.Store(false)
	seen := make(chan struct{})
	stop := context.AfterFunc(c.ctx, func() {
		c.stopped.Store(true)
		c.awake()
		close(seen)
	})
	return func() {
		if !stop() {
			<-seen // the next exchange is another's
		}
	}
}

// Read reads what it prints. What is queued is written where nothing was printed.
func (c *coprocess) Read(b []byte) (int, error) {
	for working := c.sent > 0; ; working = true {
		n, err := 0, error(unix.EAGAIN)
		if working {
			n, err = unix.Read(c.out, b)
		}
		switch {
		case n > 0:
			return n, nil
		case !isTemporary(err):
			return 0, cmp.Or(err, io.EOF)
		}
		if err := c.write(); err != nil && c.sent <= 0 {
			return 0, err
		}
		if err := c.await(); err != nil {
			return 0, err
		}
	}
}

// await waits until a pipe is ready, or at its end. What a program that has
// ended left behind may hold it open; that is given some time. The error is
// os.ErrDeadlineExceeded.
func (c *coprocess) await() error {
	defer c.endWithContext()()
	for {
		if c.hasEnded() && time.Until(c.until) > held {
			c.until = time.Now().Add(held)
		}
		left := time.Until(c.until)
		if c.stopped.Load() || left <= 0 {
			return os.ErrDeadlineExceeded
		}
		fds := [...]unix.PollFd{{Fd: int32(c.wake), Events: unix.POLLIN}, {Fd: int32(c.out), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLOUT}}
		if len(c.queued) > 0 && !c.shut {
			fds[2].Fd = int32(c.in)
		}
		_, err := unix.Poll(fds[:], int(min(left/time.Millisecond+1, math.MaxInt32)))
		if err == nil && (fds[1].Revents != 0 || fds[2].Revents != 0) {
			return nil
		}
		if err == nil && fds[0].Revents != 0 {
			_, _ = unix.Read(c.wake, make([]byte, 8))
		}
	}
}

func (c *coprocess) answer() ([]byte, error) {
	c.room.N = maxAnswer
	line, err := c.answers.ReadBytes('\n')
	switch {
	case err != nil && c.room.N == 0:
		return nil, &AnswerError{fmt.Sprintf("a line longer than %d bytes", maxAnswer)}
	case err == nil && c.answers.Buffered() > 0 && c.owed == 1:
		return nil, &AnswerError{"more than one line"}
	}
	return line, err
}

// waited tells of one that was asked for nothing whether it is gone, and
// whether it has written something all the same.
func (c *coprocess) waited() (gone, spoken bool) {
	fds := []unix.PollFd{{Fd: int32(c.in)}, {Fd: int32(c.out), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, 0)
	spoken = fds[1].Revents&unix.POLLIN != 0
	return fds[0].Revents != 0 || fds[1].Revents != 0 || c.hasEnded(), spoken
}

// unread tells whether nothing was taken of the first event that it owes an
// answer for, and nobody is left who could: all that was written is in the pipe
// still.
func (c *coprocess) unread() bool { return c.deserted() && c.untaken() >= c.sent }

// deserted tells whether nobody is left who could read what was written.
func (c *coprocess) deserted() bool {
	fds := []unix.PollFd{{Fd: int32(c.in)}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&unix.POLLERR != 0
}

// untaken is how many of the bytes that were written are in the pipe still
// (ioctl_tty(2), pipe(7)), 0 where that cannot be told.
func (c *coprocess) untaken() int {
	inside, err := unix.IoctlGetInt(c.in, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return inside
}

// lose is said of one that has ended, or is not trusted any more, with an event.
// It works on one event at a time, in their order: those behind are not begun,
// unless it answered as none does. broken tells that.
func (c *coprocess) lose(event []byte, broken bool) {
	defer c.settle(event)
	c.lost = true
	switch {
	case !c.deserted():
		c.fresh = len(c.queued)
	case broken:
		c.fresh = len(c.queued) + c.untaken()
	default:
		c.fresh = c.given - len(event)
	}
}

// begun tells of one that is lost whether the first event that it owes an answer
// for may have been begun, and strikes it.
func (c *coprocess) begun(event []byte) bool {
	defer c.settle(event)
	return c.given > c.fresh
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
	closeIfOpen(&c.in)
	c.stop(c.grace)
	c.release()
	if end := c.end(); end.Status != 0 {
		c.warn("warning: at the end of its input: " + end.Error())
	}
}

// release gives its descriptors back, and lets go of what it may have left
// behind.
func (c *coprocess) release() {
	closeIfOpen(&c.in)
	closeIfOpen(&c.out)
	c.mu.Lock()
	closeIfOpen(&c.wake)
	c.mu.Unlock()
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
