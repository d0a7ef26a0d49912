package runner

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dialSocket connects to a Unix socket. Package net would do it too, but costs
// every program that links it a part of its start-up.
func dialSocket(ctx context.Context, path string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := connect(ctx, fd, path); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// connect waits where the queue of the one who listens is full (unix(7):
// EAGAIN).
func connect(ctx context.Context, fd int, path string) error {
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkPeer refuses a process at the other end that is neither ours nor root's.
func checkPeer(conn *os.File, path string) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) { peer, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if credErr != nil {
		return os.NewSyscallError("getsockopt", credErr)
	}
	if peer.Uid != 0 && int(peer.Uid) != os.Geteuid() {
		return &UnsafeError{path, fmt.Sprintf("is served by the user %d", peer.Uid), "rm " + quote(path)}
	}
	return nil
}

// pipes are a client's own two named pipes in the directory of one who listens.
// The listener learns of them by their name, which is written to the pipe
// "connect" there: short enough to arrive in one piece (pipe(7), PIPE_BUF). It
// opens both and removes their names.
type pipes struct {
	directory, name string
	events, results *os.File
	spare           *os.File      // the listener's end of results, until it has one itself
	gone            chan struct{} // closed by Close
}

func dialPipes(ctx context.Context, directory string) (*pipes, error) {
	name, err := randomName()
	if err != nil {
		return nil, err
	}
	p := &pipes{directory: directory, name: name, gone: make(chan struct{})}
	err = p.open()
	if err == nil {
		err = p.announce(ctx)
	}
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	go p.watch(ctx)
	return p, nil
}

// randomName is a name that nobody can guess: 32 hex digits. getrandom(2) gives so
// few bytes at once, or none where a signal came first.
func randomName() (string, error) {
	random := make([]byte, 16)
	for {
		n, err := unix.Getrandom(random, 0)
		switch {
		case n == len(random):
			return hex.EncodeToString(random), nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return "", os.NewSyscallError("getrandom", err)
		}
	}
}

// open makes the pipes, with an end for the other side, so that it never finds
// one that nobody has open.
func (p *pipes) open() (err error) {
	connect, err := os.Stat(filepath.Join(p.directory, "connect"))
	if err != nil {
		return errors.Unwrap(err)
	}
	if p.events, err = makePipe(p.file("events"), os.O_RDWR, connect); err != nil {
		return err
	}
	if p.results, err = makePipe(p.file("results"), os.O_RDONLY, connect); err != nil {
		return err
	}
	p.spare, err = os.OpenFile(p.file("results"), os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	return err
}

// makePipe makes a pipe that the owner of "connect" can open. Where that is
// somebody else, whoever may connect could open it too, if he knew its name.
func makePipe(path string, flag int, connect os.FileInfo) (*os.File, error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	owner := connect.Sys().(*syscall.Stat_t)
	switch {
	case int(owner.Uid) == os.Geteuid() || owner.Uid == 0:
		return f, nil
	case connect.Mode().Perm()&0o002 != 0:
		err = f.Chmod(0o666)
	default:
		err = errors.Join(f.Chown(-1, int(owner.Gid)), f.Chmod(0o660))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (p *pipes) file(suffix string) string { return filepath.Join(p.directory, p.name+"."+suffix) }

// announce tells the listener, which may be behind with reading; ENXIO: there is
// none. A line feed in front ends what another client left half written.
func (p *pipes) announce(ctx context.Context) error {
	connect, err := os.OpenFile(filepath.Join(p.directory, "connect"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer connect.Close()
	stop := context.AfterFunc(ctx, func() { _ = connect.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err = connect.Write([]byte("\n" + p.name + "\n"))
	return err
}

// watch waits until the listener has opened the pipes; then it alone has the
// other ends, and they end with it. Until then it may be replaced by another,
// which is told anew.
func (p *pipes) watch(ctx context.Context) {
	defer p.spare.Close()
	for tries := 1; ; tries++ {
		select {
		case <-p.gone:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := os.Lstat(p.file("results")); errors.Is(err, os.ErrNotExist) {
			return
		}
		if tries%20 == 0 && p.announce(ctx) != nil {
			return
		}
	}
}

func (p *pipes) Read(b []byte) (int, error)  { return p.results.Read(b) }
func (p *pipes) Write(b []byte) (int, error) { return p.events.Write(b) }

func (p *pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.events.SetDeadline(t), p.results.SetDeadline(t))
}

func (p *pipes) Close() error {
	close(p.gone)
	for _, f := range []*os.File{p.events, p.results} {
		if f != nil {
			f.Close()
		}
	}
	return errors.Join(ignoreMissing(os.Remove(p.file("events"))), ignoreMissing(os.Remove(p.file("results"))))
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
