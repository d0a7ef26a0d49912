// Package process starts programs and waits for them: handlers, which run for
// one event, and coprocesses, which stay for many. It knows what they are given
// (environment, standard streams, user) and what of them is kept (their output,
// and how they ended). It is for Linux.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/trust"
)

// Process is one run of a program.
type Process struct {
	Argv       []string // the program, as Locate takes it, and its arguments
	Env        []string
	Stdin      []byte        // what it can read; nil: Input
	Input      *os.File      // its standard input; nil: /dev/null
	Foreground bool          // stays in our process group, and so keeps the terminal
	User       string        // who it runs as; "": as we do
	Dir        string        // working directory; "": ours
	Session    bool          // in a session of its own, without a terminal
	Timeout    time.Duration // how long it may run; 0: as long as it likes
	Grace      time.Duration // from SIGTERM to SIGKILL

	// Stderr gets its standard error, a line at a time, one after another. nil:
	// it writes to ours.
	Stderr func(line string)
}

// Result is what is known of a program that has ended.
type Result struct {
	Stdout   []byte        // at most MaxOutput, as Clean returns it
	Status   int           // exit status; 128+N for a signal
	Duration time.Duration // from its start to the end of its output
	HeldOpen bool          // a process that it left behind holds its output open
}

// ExitError is a program that ended with a status other than 0, or by a signal.
type ExitError struct {
	Status int            // exit status; 128+N for a signal
	Signal syscall.Signal // 0: it exited
}

func (e *ExitError) Error() string {
	if e.Signal != 0 {
		return fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.Status)
}

// TimeoutError is a program that was stopped because its time was over.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.After) }

// held is how long output is still read after the program has ended, if a
// process that it left behind holds the pipe open.
const held = 2 * time.Second

// Run starts the program in a process group of its own and waits for it. When
// its time is over, or the context ends, the group gets SIGTERM and after the
// grace SIGKILL; if it runs in the foreground, only the program does. All of its
// output is read, and no more kept than Result has room for. It need not read
// its input. The error is an *ExitError, a *TimeoutError, a *StartError, an
// *trust.UnsafeError, the context's cause, or a *SignalError.
func (p *Process) Run(ctx context.Context) (Result, error) {
	limited, cancel := limit(ctx, p.Timeout)
	defer cancel()
	out, lines := &capture{max: MaxOutput}, &lineWriter{print: p.Stderr, left: MaxOutput}
	stdout, stderr := &stream{Writer: out}, &stream{Writer: lines}
	started := time.Now()
	cmd, err := p.start(limited, func(cmd *exec.Cmd) { p.connect(cmd, stdout, stderr) })
	if err != nil {
		return Result{Duration: time.Since(started)}, err
	}
	if err := p.wait(limited, cmd); err != nil {
		return Result{Duration: time.Since(started)}, err
	}
	lines.flush()
	end := endOf(cmd.ProcessState)
	return Result{
		Stdout:   Clean(out.kept.Bytes(), out.cut),
		Status:   end.Status,
		Duration: time.Since(started),
		HeldOpen: stdout.heldOpen || stderr.heldOpen,
	}, p.verdict(limited, end)
}

// limit is a context that ends, with a *TimeoutError as its cause, when the
// time is over.
func limit(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, &TimeoutError{timeout})
}

// stream is the writer that one of a program's streams is copied to. It knows
// whether the copying was broken off.
type stream struct {
	io.Writer
	heldOpen bool
}

// ReadFrom is what package os/exec copies with.
func (s *stream) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(s.Writer, r)
	s.heldOpen = errors.Is(err, os.ErrClosed)
	return n, err
}

// connect sets the program's standard streams.
func (p *Process) connect(cmd *exec.Cmd, stdout, stderr io.Writer) {
	cmd.WaitDelay = held
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if p.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	switch {
	case p.Stdin != nil:
		cmd.Stdin = bytes.NewReader(p.Stdin)
	case p.Input != nil:
		cmd.Stdin = p.Input
	}
}

// start starts the program. It tries again while its file is being written to:
// another process may have forked while it held the file open
// (golang.org/issue/22315).
func (p *Process) start(ctx context.Context, connect func(*exec.Cmd)) (*exec.Cmd, error) {
	path, err := Locate(p.Argv[0])
	if err != nil {
		return nil, err
	}
	if err := trust.CheckPath(path); err != nil {
		return nil, err
	}
	attributes, err := p.attributes()
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		env := append([]string{}, p.Env...) // not nil, which would be our own
		cmd := &exec.Cmd{Path: path, Args: p.Argv, Env: env, Dir: p.Dir, SysProcAttr: attributes}
		connect(cmd)
		err := launch(cmd)
		if err == nil {
			return cmd, nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || try == 4 {
			return nil, p.startError(path, err)
		}
		time.Sleep(50 * time.Millisecond << try)
	}
}

func (p *Process) attributes() (*syscall.SysProcAttr, error) {
	a := &syscall.SysProcAttr{Setpgid: !p.Session && !p.Foreground, Setsid: p.Session}
	if p.User == "" {
		return a, nil
	}
	var err error
	a.Credential, err = credentialOf(p.User)
	return a, err
}

// launch starts a command. One that runs as another user can never gain
// privileges again: the kernel keeps that flag for a thread and its children.
// The thread is used for nothing else, and ends with its goroutine.
func launch(cmd *exec.Cmd) error {
	if cmd.SysProcAttr.Credential == nil {
		return cmd.Start()
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			started <- os.NewSyscallError("prctl", err)
			return
		}
		started <- cmd.Start()
	}()
	return <-started
}

// wait waits for the end of a command and of its output, and stops it when the
// context ends. What is then left of its group is killed. How the command ended
// is not an error.
func (p *Process) wait(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		p.signal(cmd, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(p.Grace):
			p.signal(cmd, syscall.SIGKILL)
		}
	})
	err := cmd.Wait()
	close(ended)
	if !stop() {
		p.signal(cmd, syscall.SIGKILL)
	}
	if cmd.ProcessState == nil {
		return err
	}
	return nil
}

// signal reaches the command's group, even if only others of it are left.
func (p *Process) signal(cmd *exec.Cmd, s syscall.Signal) {
	if p.Foreground {
		_ = cmd.Process.Signal(s)
		return
	}
	_ = syscall.Kill(-cmd.Process.Pid, s)
}

// verdict judges by what the program did first: one that ended well just as its
// time was over has done its work. What one in the foreground died of at the
// terminal came to us too, at the same time or a little later.
func (p *Process) verdict(ctx context.Context, end *ExitError) error {
	switch {
	case end.Status == 0:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case p.Foreground && (end.Signal == syscall.SIGINT || end.Signal == syscall.SIGQUIT):
		return &SignalError{end.Signal}
	}
	return end
}

// endOf is how a process ended, even if that was well.
func endOf(state *os.ProcessState) *ExitError {
	if status := state.Sys().(syscall.WaitStatus); status.Signaled() {
		return &ExitError{128 + int(status.Signal()), status.Signal()}
	}
	return &ExitError{Status: state.ExitCode()}
}

// startError explains why a program could not be started.
func (p *Process) startError(path string, err error) error {
	var errno syscall.Errno
	switch {
	case !errors.As(err, &errno):
		return &StartError{path, err.Error(), err}
	case errno == syscall.E2BIG:
		return &StartError{path, p.longest(), err}
	case errno == syscall.EPERM && p.User != "":
		return &StartError{path, fmt.Sprintf("as the user %q: %v", p.User, errno), err}
	case errno == syscall.EACCES || errno == syscall.ENOENT || errno == syscall.ENOEXEC || errno == syscall.ETXTBSY:
		return explain(path, errno)
	}
	return &StartError{path, errno.Error(), err}
}

// longest names the argument or variable that is too long for the system. Linux
// takes 128 KiB for one, with its NUL (execve(2), MAX_ARG_STRLEN).
func (p *Process) longest() string {
	const most = 128 << 10
	total := 0
	for _, word := range slices.Concat(p.Argv, p.Env) {
		total += len(word) + 1
		if len(word) >= most {
			name, _, _ := strings.Cut(word, "=")
			return fmt.Sprintf("%.64s is %d bytes; the system takes %d", name, len(word)+1, most)
		}
	}
	return fmt.Sprintf("arguments and variables are %d bytes together, more than the system takes", total)
}
