package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// socketVariable names the socket at which the hooks of a client that exec
// started hand in their events.
const socketVariable = "EXTAUTH_SOCKET"

// exec is the command exec: it starts a client and gives standard output the
// events of its hooks. It returns the client's exit status.
func (f *front) exec(listen Listen, words []string) (status int, err error) {
	if len(words) == 0 {
		return 0, &usageError{"no CLIENT"}
	}
	cmd, err := f.clientCommand(words)
	if err != nil {
		return 0, err
	}
	if cmd.Env, err = f.withTrace(cmd.Env); err != nil {
		return 0, err
	}
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	dir, err := f.runtimeDir()
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "socket")
	l, err := listen("unix:"+socket, SocketOptions{Mode: 0o600})
	if err != nil {
		return 0, &listenError{err}
	}
	s := newSession(f)
	cmd.Env = append(cmd.Env, socketVariable+"="+socket)
	return s.attend(ctx, l, cmd)
}

// runtimeDir makes the directory that the socket is in: this user's alone, and
// in a place where a reboot forgets it.
func (f *front) runtimeDir() (string, error) {
	base := os.TempDir()
	switch runtime := f.env["XDG_RUNTIME_DIR"]; {
	case os.Geteuid() == 0:
		base = "/run"
	case filepath.IsAbs(runtime):
		base = runtime
	}
	dir, err := os.MkdirTemp(base, "extauth-")
	if err != nil && base != os.TempDir() {
		dir, err = os.MkdirTemp("", "extauth-")
	}
	return dir, err
}

// clientCommand is the client, with its hooks. Its standard input is empty: ours
// has the answers of the reader. Its standard output is for people.
func (f *front) clientCommand(words []string) (*exec.Cmd, error) {
	path, err := runner.Locate(words[0])
	if err != nil {
		return nil, err
	}
	args, err := f.hooked(words)
	if err != nil {
		return nil, err
	}
	f.trace("run: %s", runner.Quote(args))
	cmd := exec.Command(path)
	cmd.Args, cmd.Env = args, withoutPassed(f.Environ)
	cmd.Stdout, cmd.Stderr = f.Stderr, f.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's signal comes through us, once
	return cmd, nil
}

// withoutPassed leaves out that systemd passed sockets: it did so to us.
func withoutPassed(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "LISTEN_PID" || name == "LISTEN_FDS" || name == "LISTEN_FDNAMES"
	})
}

func (f *front) trace(format string, args ...any) {
	if f.options.verbose {
		f.warn(fmt.Sprintf(format, args...))
	}
}

// errEnded ends the waits of hooks whose client is no more.
var errEnded = errors.New("the client has ended")

// attend runs the client and serves its hooks until it has ended. What its
// hooks left performed is given back to the reader, and the stream is closed
// with a report. ctx ends with a signal, which the client gets too: it may go on
// for a while to clean up.
func (s *session) attend(ctx context.Context, l Listener, cmd *exec.Cmd) (status int, err error) {
	relay := runner.NewRelay()
	defer relay.Stop()
	if err := cmd.Start(); err != nil {
		_ = l.Close()
		return 0, runner.Explain(cmd.Path, err)
	}
	alive, end := context.WithCancelCause(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.accept(alive, l, func(_ context.Context, c Caller) { s.serve(ctx, alive, c) })
	}()
	ended := make(chan struct{})
	go relay.To(cmd.Process.Pid, ended)
	_ = cmd.Wait() // what ProcessState says is what counts
	close(ended)
	end(errEnded)
	<-served
	return s.conclude(ctx, cmd)
}

// conclude ends the stream. The status is the client's, but never 0 where a
// challenge of it could not be brought to its end.
func (s *session) conclude(ctx context.Context, cmd *exec.Cmd) (int, error) {
	end := cmd.ProcessState.Sys().(syscall.WaitStatus)
	status := end.ExitStatus()
	outcome := "exit status " + strconv.Itoa(status)
	if end.Signaled() {
		status, outcome = 128+int(end.Signal()), fmt.Sprintf("killed by signal %d (%s)", int(end.Signal()), end.Signal())
	}
	err := s.close(ctx, status != 0, filepath.Base(cmd.Path)+": "+outcome)
	if err != nil && !errors.Is(err, context.Cause(ctx)) {
		s.warn(err.Error())
	}
	if err != nil && status == 0 {
		status = s.failure(err)
	}
	switch {
	case ctx.Err() != nil:
		return status, context.Cause(ctx)
	case end.Signaled():
		return status, &runner.SignalError{Signal: end.Signal()}
	}
	return status, nil
}

// failure is the status where the client noticed nothing.
func (s *session) failure(err error) int {
	if is[*outputError](err) {
		return statusOutput
	}
	return statusFailed
}

// handOver gives the events of a hook to the exec that started its client.
func (f *front) handOver(socket string, events []envmap.Event) error {
	runner.Unblock(f.Args, f.Environ)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	started := time.Now()
	output, err := runner.HandOver(ctx, socket, events)
	f.trace("handed %d over to %s after %s", len(events), socket, time.Since(started).Round(time.Millisecond))
	if err != nil {
		return err
	}
	return f.write(output)
}
