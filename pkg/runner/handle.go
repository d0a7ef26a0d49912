package runner

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// handle is an open file of the journal: a descriptor. (A record is a dozen
// system calls; os.File would make it two dozen.)
type handle int

// openAt opens a file in a directory. A symbolic link is not followed.
func openAt(dirfd int, path string, flags int, mode uint32) (handle, error) {
	for {
		fd, err := unix.Openat(dirfd, path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
		if err == nil {
			return handle(fd), nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// private opens a file that is its owner's alone, whatever the client's umask
// is.
func private(dirfd int, path string, flags int) (handle, error) {
	h, err := openAt(dirfd, path, flags, 0o600)
	if err != nil {
		return -1, err
	}
	if err := unix.Fchmod(int(h), 0o600); err != nil {
		_ = h.Close()
		return -1, os.NewSyscallError("chmod", err)
	}
	return h, nil
}

// Write writes all of it.
func (h handle) Write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := unix.Write(int(h), b[written:])
		if written += max(n, 0); err != nil && !errors.Is(err, syscall.EINTR) {
			return written, os.NewSyscallError("write", err)
		}
	}
	return written, nil
}

// readAll reads up to the end.
func (h handle) readAll() (text []byte, err error) {
	text = make([]byte, 0, 2<<10)
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := unix.Read(int(h), text[len(text):cap(text)])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
	}
}

func (h handle) sync() error {
	for {
		if err := unix.Fsync(int(h)); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fsync", err)
		}
	}
}

func (h handle) stat() (stat unix.Stat_t, err error) {
	err = unix.Fstat(int(h), &stat)
	return stat, os.NewSyscallError("fstat", err)
}

func (h handle) Close() error { return os.NewSyscallError("close", unix.Close(int(h))) }
