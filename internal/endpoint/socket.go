package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/trust"
)

// dialSocket connects to a Unix socket. It waits if the listener's queue is full
// (unix(7): EAGAIN).
func dialSocket(ctx context.Context, path string) (connection, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, systemError(err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dialTrusted connects to a process of this user, or of root.
func dialTrusted(ctx context.Context, path string) (connection, error) {
	conn, err := dialSocket(ctx, path)
	if err != nil {
		return nil, err
	}
	uid, err := peer(conn.(*net.UnixConn))
	if err == nil && uid != 0 && uid != os.Geteuid() {
		err = &trust.UnsafeError{Path: path, Reason: fmt.Sprintf("is served by the user %d", uid), Remedy: commandline.Quote("rm", path)}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// peer asks the kernel which user the process at the other end runs as.
func peer(conn *net.UnixConn) (uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		credentials, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(controlErr, err); err != nil {
		return 0, err
	}
	return int(credentials.Uid), nil
}

// socket is a Unix socket that this process listens on.
type socket struct {
	*net.UnixListener
	path    string
	made    fs.FileInfo // nil if systemd made it
	closing sync.Once
}

// listenSocket takes the socket from systemd, or makes one.
func listenSocket(path string, options Options) (Listener, error) {
	if options.Passed > 0 {
		return passedSocket(path, options.Passed)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	before := syscall.Umask(0o777) // nobody connects before the permissions are set
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	s := &socket{UnixListener: l, path: path}
	s.made, err = os.Lstat(path)
	if err == nil {
		err = permit(path, options)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// removeStale removes a socket that nobody listens on any more. Anything else
// at its path stays.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return &fs.PathError{Op: "listen", Path: path, Err: errors.New("exists and is not a socket")}
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
		return busyError(path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// passedSocket returns the socket of that path among those that systemd opened.
func passedSocket(path string, count int) (Listener, error) {
	var found *socket
	listeners, _ := Passed(count)
	for _, l := range listeners {
		if u, ok := l.(*net.UnixListener); ok && found == nil && u.Addr().String() == path {
			found = &socket{UnixListener: u}
			continue
		}
		_ = l.Close()
	}
	if found == nil {
		return nil, fmt.Errorf("none of the %d sockets that systemd passed is %q: %w", count, path, fs.ErrInvalid)
	}
	return found, nil
}

// Accept waits for a client.
func (s *socket) Accept() (Caller, error) {
	conn, err := s.AcceptUnix()
	if err != nil {
		return nil, err
	}
	uid, err := peer(conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &socketCaller{conn, uid}, nil
}

// Close ends Accept, and removes the socket unless another has taken its place.
func (s *socket) Close() (err error) {
	s.closing.Do(func() {
		if s.isOurs() {
			_ = os.Remove(s.path)
		}
		err = s.UnixListener.Close()
	})
	return err
}

// isOurs reports whether the path still leads to the socket that was made. Its
// inode number is not enough: another file may have got it since.
func (s *socket) isOurs() bool {
	now, err := os.Lstat(s.path)
	return err == nil && s.made != nil && os.SameFile(now, s.made) && now.ModTime().Equal(s.made.ModTime())
}

// socketCaller is a client and the user that it runs as.
type socketCaller struct {
	*net.UnixConn
	uid int
}

func (c *socketCaller) UID() int { return c.uid }

func (c *socketCaller) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	return c.UnixConn.Write(b)
}
