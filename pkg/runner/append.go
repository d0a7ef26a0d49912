package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// AppendFile is a file that lines of several processes are put behind each
// other in.
type AppendFile struct{ handle *handle }

// Append opens such a file, and makes it with mode 0600 where there is none. It
// is never waited for. The error is an *UnsafeError where others could have put
// it there, or could put another in its place, else a *fs.PathError.
func Append(path string) (*AppendFile, error) {
	if err := checkProgram(filepath.Dir(path)); errors.As(err, new(*UnsafeError)) {
		return nil, err
	}
	h, err := place{unix.AT_FDCWD, path, path}.open(unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_NONBLOCK|unix.O_NOCTTY, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &UnsafeError{path, "is a symbolic link", "rm " + quote(path)}
	}
	if err != nil {
		return nil, err
	}
	if err := h.checkOwn(); err != nil {
		_ = h.Close()
		return nil, err
	}
	return &AppendFile{h}, nil
}

// checkOwn refuses what is no regular file of this user's alone to write.
func (h *handle) checkOwn() error {
	stat, err := h.stat()
	switch {
	case err != nil:
		return err
	case stat.Mode&unix.S_IFMT != unix.S_IFREG:
		return h.fault("open", errors.New("is not a regular file"))
	case int(stat.Uid) != os.Geteuid():
		return &UnsafeError{h.name, fmt.Sprintf("belongs to the user %d", stat.Uid), "rm " + quote(h.name)}
	case stat.Mode&0o022 != 0:
		return &UnsafeError{h.name, fmt.Sprintf("can be written by others (mode %04o)", stat.Mode&0o777), "chmod go-w " + quote(h.name)}
	}
	return nil
}

// WriteLine writes a line in one system call, so that those of other processes
// stand before or behind it.
func (f *AppendFile) WriteLine(line []byte) error {
	n, err := unix.Write(f.handle.fd, line)
	if err == nil && n < len(line) {
		err = syscall.ENOSPC
	}
	return f.handle.fault("write", err)
}
