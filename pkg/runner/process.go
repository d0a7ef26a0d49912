package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one run of a handler.
type process struct {
	argv    []string
	env     []string
	stdin   []byte // nil: /dev/null
	user    string // "": as ourselves
	dir     string // working directory; "": ours
	session bool   // in a session of its own, without a terminal
	timeout time.Duration
	grace   time.Duration // from SIGTERM to SIGKILL
	stderr  func(line string)
}

// outcome is how a handler ended.
type outcome struct {
	stdout []byte        // cut at maxOutput, valid UTF-8 without NUL
	status int           // exit status; 128+N for a signal
	took   time.Duration // until it ended
	held   bool          // a process that it left behind holds its output open
}

// ExitError is a handler that ended with a status other than 0, or by a signal.
type ExitError struct {
	Status int
	Signal syscall.Signal // 0: it exited
}

func (e *ExitError) Error() string {
	if e.Signal != 0 {
		return fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.Status)
}

// TimeoutError is a handler that was stopped because its time was over.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.After) }

// held is how long a handler's output is still read when it has ended and a
// process that it left behind keeps the pipe open.
const held = 2 * time.Second

// run starts the handler in a process group of its own and waits for it. At
// the deadline, or when the context ends, the group gets SIGTERM and after the
// grace SIGKILL. The error is an *ExitError, a *TimeoutError, a *StartError or
// the context's cause.
func (p *process) run(ctx context.Context) (outcome, error) {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	out := &capture{max: maxOutput}
	errs := &lineWriter{print: p.stderr, left: maxOutput}
	s, err := openStreams(p.stdin, out, errs)
	if err != nil {
		return outcome{}, &StartError{p.argv[0], err.Error(), err}
	}
	started := time.Now()
	c, err := p.start(limited, s.theirs)
	s.handOver()
	if err != nil {
		s.close()
		return outcome{took: time.Since(started)}, err
	}
	stop := context.AfterFunc(limited, func() { c.terminate(p.grace) })
	o := outcome{held: s.attend(c)}
	if !stop() {
		c.destroy() // what is left of a group that was told to stop
	}
	status := c.wait()
	o.took = time.Since(started)
	errs.flush()
	o.stdout = Clean(out.kept.Bytes(), out.cut)
	return o, p.verdict(ctx, limited, status, &o)
}

// start tries again where the file is being written to: another process may
// have forked while it held it open (golang.org/issue/22315).
func (p *process) start(ctx context.Context, streams [3]int) (*child, error) {
	path, err := Locate(p.argv[0])
	if err != nil {
		return nil, err
	}
	if err := checkProgram(path); err != nil {
		return nil, err
	}
	var credential *syscall.Credential
	if p.user != "" {
		if credential, err = credentialOf(p.user); err != nil {
			return nil, err
		}
	}
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return nil, p.stopped(ctx)
		}
		c, err := p.spawn(path, streams, credential)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || try == 4 {
			return nil, p.startError(path, err)
		}
		time.Sleep(50 * time.Millisecond << try)
	}
}

// stopped is why a context is at its end.
func (p *process) stopped(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return &TimeoutError{p.timeout}
}

func (p *process) startError(path string, err error) error {
	var errno syscall.Errno
	switch {
	case !errors.As(err, &errno):
		return &StartError{path, err.Error(), err}
	case errno == syscall.E2BIG:
		return &StartError{path, p.longest(), err}
	case errno == syscall.EPERM && p.user != "":
		return &StartError{path, fmt.Sprintf("as the user %q: %v", p.user, errno), err}
	case errno == syscall.EACCES || errno == syscall.ENOENT || errno == syscall.ENOEXEC || errno == syscall.ETXTBSY:
		return explain(path, errno)
	}
	return &StartError{path, errno.Error(), err}
}

// longest says which argument or variable is too long for the system. Linux
// takes 128 KiB for one, with its NUL (execve(2), MAX_ARG_STRLEN).
func (p *process) longest() string {
	const most = 128 << 10
	total := 0
	for _, word := range slices.Concat(p.argv, p.env) {
		total += len(word) + 1
		if len(word) >= most {
			name, _, _ := strings.Cut(word, "=")
			return fmt.Sprintf("%.64s is %d bytes; the system takes %d", name, len(word)+1, most)
		}
	}
	return fmt.Sprintf("arguments and variables are %d bytes together, more than the system takes", total)
}

// verdict judges by what the process did first: one that ended well just as
// its time was over has done its work.
func (p *process) verdict(ctx, limited context.Context, status syscall.WaitStatus, o *outcome) error {
	end := endOf(status)
	o.status = end.Status
	switch {
	case end.Status == 0:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limited.Err() != nil:
		return &TimeoutError{p.timeout}
	}
	return end
}

// endOf is how a process ended.
func endOf(status syscall.WaitStatus) *ExitError {
	if status.Signaled() {
		return &ExitError{128 + int(status.Signal()), status.Signal()}
	}
	return &ExitError{Status: status.ExitStatus()}
}
