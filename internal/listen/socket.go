package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a Unix socket that is listened at.
type socket struct {
	*net.UnixListener
	path    string
	made    fs.FileInfo // nil where systemd made it
	closing sync.Once
}

// onSocket takes the socket that systemd passes, or makes one.
func onSocket(path string, options Options) (Listener, error) {
	if options.Passed > 0 {
		return passed(path, options.Passed)
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

// isOurs knows a file by more than its number, which another may get.
func (s *socket) isOurs() bool {
	there, err := os.Lstat(s.path)
	return err == nil && s.made != nil && os.SameFile(there, s.made) && there.ModTime().Equal(s.made.ModTime())
}

// removeStale removes a socket at which nobody listens any more. Anything else
// that is there stays.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return &fs.PathError{Op: "listen", Path: path, Err: errors.New("is there, and is no socket")}
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

// passed is the socket of that path among those that systemd opened for this
// process (sd_listen_fds(3)). The module that does this brings crypto/tls along.
func passed(path string, count int) (Listener, error) {
	const first = 3 // SD_LISTEN_FDS_START
	for fd := first; fd < first+count; fd++ {
		file := os.NewFile(uintptr(fd), "LISTEN_FDS")
		l, err := net.FileListener(file) // a copy
		file.Close()
		if u, ok := l.(*net.UnixListener); err == nil && ok && u.Addr().String() == path {
			return &socket{UnixListener: u}, nil
		}
		if err == nil {
			_ = l.Close()
		}
	}
	return nil, fmt.Errorf("none of the %d sockets that systemd passed is %q: %w", count, path, fs.ErrInvalid)
}

// Accept waits for a client and asks the kernel who it is.
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

type socketCaller struct {
	*net.UnixConn
	uid int
}

func (c *socketCaller) UID() int { return c.uid }

func (c *socketCaller) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	return c.UnixConn.Write(b)
}
