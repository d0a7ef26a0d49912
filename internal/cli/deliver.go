package cli

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// Deliver writes to a client that may not read, until the context ends. The error
// is an *OutputError or the context's cause.
func (p *Program) Deliver(ctx context.Context, text []byte) error {
	if takesAtOnce(p.Stdout, len(text)) {
		return p.Write(text)
	}
	delivered := make(chan error, 1)
	go func() { delivered <- p.Write(text) }()
	select {
	case err := <-delivered:
		return err
	case <-ctx.Done(): // nobody reads, and the program must end
		return context.Cause(ctx)
	}
}

// takesAtOnce reports whether writing length bytes would not block: a pipe that
// can be written to takes 4096 (poll(2), pipe(7)).
func takesAtOnce(stream any, length int) bool {
	file, ok := stream.(*os.File)
	if !ok || length > 4096 {
		return false
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	fds := []unix.PollFd{{Events: unix.POLLOUT}}
	err = raw.Control(func(fd uintptr) {
		fds[0].Fd = int32(fd)
		_, _ = unix.Poll(fds, 0)
	})
	return err == nil && fds[0].Revents == unix.POLLOUT
}
