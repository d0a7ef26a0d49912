package runner

import (
	"errors"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// handle is an open file of the journal. (A record is a dozen system calls;
// os.File would make it two dozen.)
type handle struct {
	fd   int
	name string // for messages
}

// place is where a file is found: a path from a directory that is open, and the
// name that people know it by.
type place struct {
	dirfd      int
	path, name string
}

// open opens a file. A symbolic link is not followed.
func (p place) open(flags int, mode uint32) (*handle, error) {
	for {
		fd, err := unix.Openat(p.dirfd, p.path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
		if err == nil {
			return &handle{fd, p.name}, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: p.name, Err: err}
		}
	}
}

// private opens a file that is its owner's alone, whatever the client's umask
// is.
func (p place) private(flags int) (*handle, error) {
	h, err := p.open(flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Fchmod(h.fd, 0o600); err != nil {
		_ = h.Close()
		return nil, h.fault("chmod", err)
	}
	return h, nil
}

// remove removes a file.
func (p place) remove() error {
	if err := unix.Unlinkat(p.dirfd, p.path, 0); err != nil {
		return &fs.PathError{Op: "remove", Path: p.name, Err: err}
	}
	return nil
}

// fault is an error of a system call, or nil.
func (h *handle) fault(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: h.name, Err: err}
}

// Write writes all of it.
func (h *handle) Write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := unix.Write(h.fd, b[written:])
		if written += max(n, 0); err != nil && !errors.Is(err, syscall.EINTR) {
			return written, h.fault("write", err)
		}
	}
	return written, nil
}

// readAll reads up to the end.
func (h *handle) readAll() (text []byte, err error) {
	text = make([]byte, 0, 2<<10)
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := unix.Read(h.fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, h.fault("read", err)
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
	}
}

func (h *handle) sync() error {
	for {
		if err := unix.Fsync(h.fd); !errors.Is(err, syscall.EINTR) {
			return h.fault("fsync", err)
		}
	}
}

func (h *handle) stat() (stat unix.Stat_t, err error) {
	err = unix.Fstat(h.fd, &stat)
	return stat, h.fault("stat", err)
}

func (h *handle) Close() error { return h.fault("close", unix.Close(h.fd)) }
