package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/trust"
)

// ErrStdinTooLong says that a pipe cannot hold what the program is to read, so
// that it has to be run by Process.Run.
var ErrStdinTooLong = errors.New("event is too long for a pipe")

// Become turns this process into a program (execve(2)): its process id, exit
// status, standard streams and signals are the program's. path is what Locate
// found. Unless stdin is nil, standard input becomes a pipe that holds it.
// Become returns only with an error: a *StartError, an *trust.UnsafeError or
// ErrStdinTooLong.
func Become(path string, argv, env []string, stdin []byte) error {
	if err := trust.CheckPath(path); err != nil {
		return err
	}
	if stdin != nil {
		if err := fillStdin(stdin); err != nil {
			return err
		}
	}
	return explain(path, syscall.Exec(path, argv, env))
}

// fillStdin makes a pipe that holds the text our standard input. A pipe takes
// 4096 bytes everywhere (POSIX PIPE_BUF) and 64 KiB on Linux. The write does not
// wait.
func fillStdin(text []byte) error {
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
