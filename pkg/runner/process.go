package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one run of a handler.
type process struct {
	argv    []string
	env     []string
	stdin   []byte   // nil: /dev/null
	input   *os.File // in place of stdin, for one that stays
	user    string   // "": as ourselves
	timeout time.Duration
	grace   time.Duration // from SIGTERM to SIGKILL
	stderr  func(line string)

	kill *time.Timer // runs out with the grace
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
	stdout, err := drainTo(out)
	if err != nil {
		return outcome{}, &StartError{p.argv[0], err.Error(), err}
	}
	stderr, err := drainTo(errs)
	if err != nil {
		stdout.finish(0)
		return outcome{}, &StartError{p.argv[0], err.Error(), err}
	}
	started := time.Now()
	cmd, err := p.start(limited, stdout.end, stderr.end)
	if err == nil {
		_ = cmd.Wait() // what ProcessState says is what counts
		p.stopKill(limited, cmd.Process.Pid)
	}
	o := outcome{took: time.Since(started)}
	o.held = stdout.finish(held) || stderr.finish(held)
	if err != nil {
		return o, err
	}
	errs.flush()
	o.stdout = Clean(out.kept.Bytes(), out.cut)
	return o, p.verdict(ctx, limited, cmd, &o)
}

// stopKill sees to the rest of a group that was told to stop, at once: later
// its number may be another's.
func (p *process) stopKill(limited context.Context, pid int) {
	if p.kill != nil {
		p.kill.Stop()
	}
	if limited.Err() != nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// start tries again where the file is being written to: another process may
// have forked while it held it open (golang.org/issue/22315).
func (p *process) start(ctx context.Context, stdout, stderr *os.File) (*exec.Cmd, error) {
	path, err := Locate(p.argv[0])
	if err != nil {
		return nil, err
	}
	if err := checkProgram(path); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		cmd, err := p.command(ctx, path)
		if err != nil {
			return nil, err
		}
		cmd.Stdout, cmd.Stderr = stdout, stderr
		err = startUnprivileged(cmd, p.user)
		switch {
		case err == nil:
			return cmd, nil
		case ctx.Err() != nil: // os/exec starts nothing then
			return nil, p.stopped(ctx)
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

func (p *process) command(ctx context.Context, path string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Env = p.argv, p.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.user != "" {
		credential, err := credentialOf(p.user)
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = credential
	}
	if p.stdin != nil {
		cmd.Stdin = bytes.NewReader(p.stdin)
	}
	if p.input != nil {
		cmd.Stdin = p.input
	}
	cmd.Cancel = func() error {
		pid := cmd.Process.Pid
		p.kill = time.AfterFunc(p.grace, func() { _ = syscall.Kill(-pid, syscall.SIGKILL) })
		return syscall.Kill(-pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = p.grace + held // for a standard input that nobody reads
	return cmd, nil
}

// verdict judges by what the process did first: one that ended well just as
// its time was over has done its work.
func (p *process) verdict(ctx, limited context.Context, cmd *exec.Cmd, o *outcome) error {
	state := cmd.ProcessState.Sys().(syscall.WaitStatus)
	end := &ExitError{Status: state.ExitStatus()}
	if state.Signaled() {
		end = &ExitError{128 + int(state.Signal()), state.Signal()}
	}
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
