package jsonlines

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

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
)

// exec is the command exec: it starts a client and writes the events of its
// hooks to standard output. It returns the client's exit status.
func (c *command) exec(words []string) (status int, err error) {
	if len(words) == 0 {
		return 0, cli.Usage("no CLIENT")
	}
	cmd, err := c.clientCommand(words)
	if err != nil {
		return 0, err
	}
	if cmd.Env, err = withTrace(c.program, cmd.Env); err != nil {
		return 0, err
	}
	err = c.program.Interruptible(func(ctx context.Context) error {
		status, err = c.session(ctx, cmd)
		return err
	})
	return status, err
}

// session serves the client's hooks at a socket of its own.
func (c *command) session(ctx context.Context, cmd *exec.Cmd) (status int, err error) {
	dir, err := runtimeDir(c.program.Env)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	socket := filepath.Join(dir, "socket")
	l, err := endpoint.Listen("unix:"+socket, endpoint.Options{Mode: 0o600})
	if err != nil {
		return 0, listenError(err)
	}
	cmd.Env = append(cmd.Env, cli.SocketVariable+"="+socket)
	return newSession(c.program).attend(ctx, l, cmd)
}

// withTrace makes the hooks of the client write the trace, since they get the
// calls.
func withTrace(p *cli.Program, environ []string) ([]string, error) {
	if p.Options.Trace == "" {
		return environ, nil
	}
	path, err := filepath.Abs(p.Options.Trace)
	if err == nil {
		_, err = p.OpenTrace() // only to check that it can be opened
	}
	return append(environ, cli.TraceVariable+"="+path), err
}

// runtimeDir makes the directory of the socket: for this user only, and where a
// reboot removes it.
func runtimeDir(env map[string]string) (string, error) {
	base := os.TempDir()
	switch runtime := env["XDG_RUNTIME_DIR"]; {
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

// clientCommand returns the client's command with its hooks. Its standard input
// is empty, since ours has the reader's answers. Its standard output goes to
// standard error.
func (c *command) clientCommand(words []string) (*exec.Cmd, error) {
	path, err := process.Locate(words[0])
	if err != nil {
		return nil, err
	}
	args, err := addHooks(c.client, words)
	if err != nil {
		return nil, err
	}
	c.program.Tracef("run: %s", commandline.Quote(args...))
	cmd := exec.Command(path)
	cmd.Args, cmd.Env = args, withoutPassed(c.program.Environ)
	cmd.Stdout, cmd.Stderr = c.program.Stderr, c.program.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals of the terminal come through us, once
	return cmd, nil
}

// withoutPassed removes the variables about sockets that systemd passed to us.
func withoutPassed(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == "LISTEN_PID" || name == "LISTEN_FDS" || name == "LISTEN_FDNAMES"
	})
}

// errEnded ends hooks that wait when their client has ended.
var errEnded = errors.New("the client has ended")

// attend runs the client and serves its hooks until it ends. The reader is then
// asked to clean up what is still performed, and the stream ends with a report.
// ctx ends with a signal, which the client gets too: it may go on for a while
// to clean up.
func (s *session) attend(ctx context.Context, l endpoint.Listener, cmd *exec.Cmd) (status int, err error) {
	relay := process.NewRelay()
	defer relay.Stop()
	if err := cmd.Start(); err != nil {
		_ = l.Close()
		return 0, process.Explain(cmd.Path, err)
	}
	alive, end := context.WithCancelCause(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = accept(alive, l, s.program.Warn, func(_ context.Context, c endpoint.Caller) { s.serve(ctx, alive, c) })
	}()
	ended := make(chan struct{})
	go relay.To(cmd.Process.Pid, ended)
	_ = cmd.Wait() // ProcessState has the result
	close(ended)
	end(errEnded)
	<-served
	return s.conclude(ctx, cmd)
}

// conclude ends the stream. The status is the client's, but never 0 if one of
// its challenges failed.
func (s *session) conclude(ctx context.Context, cmd *exec.Cmd) (int, error) {
	end := cmd.ProcessState.Sys().(syscall.WaitStatus)
	status := end.ExitStatus()
	ending := "exit status " + strconv.Itoa(status)
	if end.Signaled() {
		status, ending = 128+int(end.Signal()), fmt.Sprintf("killed by signal %d (%s)", int(end.Signal()), end.Signal())
	}
	err := s.close(ctx, status != 0, filepath.Base(cmd.Path)+": "+ending)
	if err != nil && !errors.Is(err, context.Cause(ctx)) {
		s.program.Warn(err.Error())
	}
	if err != nil && status == 0 {
		status = failure(err)
	}
	switch {
	case ctx.Err() != nil:
		return status, context.Cause(ctx)
	case end.Signaled():
		return status, &process.SignalError{Signal: end.Signal()}
	}
	return status, nil
}

// failure is the status if the client noticed nothing.
func failure(err error) int {
	if is[*cli.OutputError](err) {
		return cli.StatusOutput
	}
	return cli.StatusFailed
}
