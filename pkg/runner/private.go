package runner

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// open is os.OpenFile for what nobody has to wait for. That offers each file to
// the poller of the runtime, which refuses regular ones: six system calls more.
func open(path string, flags int, mode uint32) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, mode)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if err != syscall.EINTR {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// readChecked reads a file whose status, as it is open, passes a check: what is
// looked at is what is read, wherever its name leads by then.
func readChecked(path string, flags int, check func(fs.FileInfo) error) ([]byte, error) {
	f, err := open(path, os.O_RDONLY|flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(info); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// makePrivate makes a directory, and those above it that are missing.
func makePrivate(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makePrivate(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was first
		}
		return err
	}
	return os.Chmod(dir, 0o700)
}
