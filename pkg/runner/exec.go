package runner

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/pkg/envmap"
)

// ErrStdinTooLong says that an event does not fit the pipe that Exec would
// leave it in; such a handler needs a supervised call.
var ErrStdinTooLong = errors.New("event is too long for a pipe")

// Exec turns this process into a handler: its process id, exit status,
// standard streams and signals are the handler's. Where the convention gives
// an event on standard input, that is a pipe that holds it. trace, unless it is
// nil, is told the command as the last thing before. Exec returns only with an
// error: a *StartError where the program cannot be run, an *UnsafeError,
// ErrStdinTooLong, or what Encode or ReadEnvFiles returned.
func Exec(h Handler, e envmap.Event, environ []string, trace func(string)) error {
	convention := h.convention()
	call, err := convention.Encode(e)
	if err != nil {
		return err
	}
	variables, err := ReadEnvFiles(h.EnvFiles)
	if err != nil {
		return err
	}
	argv := append(h.argv(e.Cmd), call.Args...)
	path, err := Locate(argv[0])
	if err != nil {
		return err
	}
	if err := checkProgram(path); err != nil {
		return err
	}
	if call.Stdin != nil {
		if err := feed(call.Stdin); err != nil {
			return err
		}
	}
	if trace != nil {
		trace("exec: " + h.shown(e, call, variables))
	}
	return explain(path, syscall.Exec(path, argv, Environment(environ, call.Env, variables, about(e))))
}

// feed makes a pipe that holds the text our standard input. A pipe takes
// 4096 bytes everywhere (POSIX PIPE_BUF) and 64 KiB on Linux; the write does
// not wait.
func feed(text []byte) error {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		return os.NewSyscallError("pipe", err)
	}
	defer syscall.Close(ends[0])
	defer syscall.Close(ends[1])
	if err := syscall.SetNonblock(ends[1], true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if n, err := syscall.Write(ends[1], text); err != nil || n < len(text) {
		return ErrStdinTooLong
	}
	return os.NewSyscallError("dup2", unix.Dup2(ends[0], 0))
}
