package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Coprocess is a program that stays: it reads an event a line, and answers each
// with a line before it is given the next. One goroutine at a time uses it.
type Coprocess struct {
	cmd   *exec.Cmd
	grace time.Duration
	warn  func(string)

	pipes                        // our ends
	answers    *bufio.Reader     // reads stdout
	room       *io.LimitedReader // what answers reads from
	complaints *complaints       // what it writes to stderr
	drained    chan error        // gets how the reading of stderr ended
	ended      chan struct{}     // closed when the program has ended
}

// pipes are one end of each of a program's standard streams.
type pipes struct{ stdin, stdout, stderr *os.File }

// maxAnswer is the longest answer, in bytes with its line feed.
const maxAnswer = 1 << 20

// EndedError is a Coprocess that ended before it answered.
type EndedError struct {
	Unread bool       // it had read nothing of the event
	End    *ExitError // its status may be 0
}

func (e *EndedError) Error() string {
	if e.Unread {
		return fmt.Sprintf("ended before it read the event, and when it was started again: %v", e.End)
	}
	return fmt.Sprintf("ended without an answer, so that the event may be done or not: %v", e.End)
}

// ProtocolError is an answer of a Coprocess that is not a line.
type ProtocolError struct{ Reason string }

func (e *ProtocolError) Error() string { return "answered: " + e.Reason }

// StartCoprocess starts a program, of which Argv, Env, User, Dir, Session, Grace
// and Stderr count. warn gets what is wrong with it between events and at its
// end. The error is a *StartError or an *trust.UnsafeError.
func StartCoprocess(p *Process, warn func(string)) (*Coprocess, error) {
	theirs, ours, err := openPipes()
	defer theirs.close()
	if err != nil {
		ours.close()
		return nil, &StartError{p.Argv[0], err.Error(), err}
	}
	cmd, err := p.start(context.Background(), func(cmd *exec.Cmd) {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs.stdin, theirs.stdout, theirs.stderr
		if p.Stderr == nil {
			cmd.Stderr = os.Stderr
		}
	})
	if err != nil {
		ours.close()
		return nil, err
	}
	c := &Coprocess{cmd: cmd, grace: p.Grace, warn: warn, pipes: ours, drained: make(chan error, 1), ended: make(chan struct{})}
	c.room = &io.LimitedReader{R: ours.stdout}
	c.answers = bufio.NewReader(c.room)
	c.complaints = &complaints{lines: lineWriter{print: p.Stderr, left: MaxOutput}}
	go c.drain()
	go c.wait()
	return c, nil
}

func openPipes() (theirs, ours pipes, err error) {
	var errs [3]error
	theirs.stdin, ours.stdin, errs[0] = os.Pipe()
	ours.stdout, theirs.stdout, errs[1] = os.Pipe()
	ours.stderr, theirs.stderr, errs[2] = os.Pipe()
	return theirs, ours, errors.Join(errs[:]...)
}

func (p *pipes) close() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		_ = f.Close() // one that was never opened is nil
	}
}

// drain reads all that it writes to standard error, so that it never waits for us.
func (c *Coprocess) drain() {
	_, err := io.Copy(c.complaints, c.stderr)
	c.drained <- err
}

// wait waits for its end. If a process that it left behind holds its standard
// output open, an answer is still waited for, but not for long.
func (c *Coprocess) wait() {
	_ = c.cmd.Wait() // its ProcessState says more
	close(c.ended)
	_ = c.stdout.SetReadDeadline(time.Now().Add(held))
}

// Exchange gives it an event, which is a line, and returns its answer, which is
// a line of at most 1 MiB. After an error it has ended: that is a *ProtocolError,
// a *TimeoutError, an *EndedError or the context's cause.
func (c *Coprocess) Exchange(ctx context.Context, line []byte, timeout time.Duration) ([]byte, error) {
	limited, cancel := limit(ctx, timeout)
	defer cancel()
	c.complaints.renew.Store(true)
	sent, answer, err := c.exchange(limited, line)
	if err == nil {
		return answer, nil
	}
	defer c.release()
	switch late := limited.Err() != nil && !c.hasEnded(); {
	case errors.As(err, new(*ProtocolError)):
		c.stop(0)
		return nil, err
	case late:
		c.stop(0)
		return nil, context.Cause(limited)
	}
	c.stop(c.grace)
	c.signal(syscall.SIGKILL) // what it left behind: nobody else may do the event
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, &EndedError{c.unread(sent), c.end()}
}

// exchange returns also how many bytes of the line were written.
func (c *Coprocess) exchange(ctx context.Context, line []byte) (sent int, answer []byte, err error) {
	_ = c.stdin.SetWriteDeadline(time.Time{})
	_ = c.stdout.SetReadDeadline(time.Time{})
	if c.hasEnded() {
		return 0, nil, io.EOF
	}
	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(expired)
		_ = c.stdin.SetWriteDeadline(time.Unix(1, 0))
		_ = c.stdout.SetReadDeadline(time.Unix(1, 0))
	})
	defer func() {
		if !stop() {
			<-expired // the next exchange has its own time
		}
	}()
	if sent, err = c.stdin.Write(line); sent < len(line) && !errors.Is(err, syscall.EPIPE) || sent == 0 {
		return sent, nil, err
	}
	answer, err = c.answer()
	return sent, answer, err
}

func (c *Coprocess) answer() ([]byte, error) {
	c.room.N = maxAnswer
	line, err := c.answers.ReadBytes('\n')
	switch {
	case err != nil && c.room.N == 0:
		return nil, &ProtocolError{fmt.Sprintf("a line longer than %d bytes", maxAnswer)}
	case err == nil && c.answers.Buffered() > 0:
		return nil, &ProtocolError{"more than one line"}
	}
	return line, err
}

// Ready reports whether it waits for an event. If it does not, it has ended when
// Ready returns, and warn was told if something was wrong.
func (c *Coprocess) Ready() bool {
	output := poll(c.stdout, unix.POLLIN)
	gone := output != 0 || poll(c.stdin, 0) != 0 || c.hasEnded()
	switch {
	case !gone:
		return true
	case output&unix.POLLIN != 0:
		c.warn("printed something between two events; it is started again")
		c.stop(0)
	case !c.endsWithin(c.grace):
		c.warn("closed a pipe while it waited; it is started again")
		c.stop(0)
	case c.end().Status != 0:
		c.warn("ended while it waited: " + c.end().Error() + "; it is started again")
	}
	c.release()
	return false
}

// Stop ends it at once: its group gets SIGTERM, and SIGKILL after the grace.
func (c *Coprocess) Stop() {
	c.stop(0)
	c.release()
}

// Close ends its input, upon which it should end. If it has not after the grace
// it is stopped; warn is told if it did not end well.
func (c *Coprocess) Close() {
	_ = c.stdin.Close()
	c.stop(c.grace)
	c.release()
	if end := c.end(); end.Status != 0 {
		c.warn("warning: at the end of its input: " + end.Error())
	}
}

// unread reports whether nothing was read of what was sent, and nobody is left
// who could read it: all of it is still in the pipe.
func (c *Coprocess) unread(sent int) bool {
	return poll(c.stdin, 0)&unix.POLLERR != 0 && inside(c.stdin) >= sent
}

// poll returns what poll(2) reports of a pipe without waiting.
func poll(pipe *os.File, events int16) (ready int16) {
	control(pipe, func(fd int) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		_, _ = unix.Poll(fds, 0)
		ready = fds[0].Revents
	})
	return ready
}

// inside is how many bytes are in a pipe (FIONREAD, pipe(7)), 0 if unknown.
func inside(pipe *os.File) (n int) {
	control(pipe, func(fd int) {
		n, _ = unix.IoctlGetInt(fd, unix.TIOCINQ)
	})
	return n
}

// control calls a function with a file's descriptor, which stays non-blocking
// (os.File.Fd would change that).
func control(f *os.File, do func(fd int)) {
	if conn, err := f.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { do(int(fd)) })
	}
}

// stop waits a while for its end; then its group gets SIGTERM, and after the
// grace SIGKILL.
func (c *Coprocess) stop(patience time.Duration) {
	if c.endsWithin(patience) {
		return
	}
	c.signal(syscall.SIGTERM)
	c.endsWithin(c.grace)
	c.signal(syscall.SIGKILL)
	<-c.ended
}

func (c *Coprocess) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *Coprocess) endsWithin(d time.Duration) bool {
	select {
	case <-c.ended:
		return true
	case <-time.After(d):
		return c.hasEnded()
	}
}

// signal reaches its group.
func (c *Coprocess) signal(s syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, s) }

// end is how it ended.
func (c *Coprocess) end() *ExitError {
	<-c.ended
	return endOf(c.cmd.ProcessState)
}

// release passes on the rest of what it complained of, and closes its pipes.
func (c *Coprocess) release() {
	_ = c.stderr.SetReadDeadline(time.Now().Add(held))
	if err := <-c.drained; err != nil {
		c.warn("left a process behind that holds its output open")
	}
	c.close()
	c.complaints.lines.flush()
}
