package trust

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxSecret is the size of a file of credentials, in bytes.
const maxSecret = 1 << 20

// NotRegularError refuses as a file of credentials what is not a regular file,
// or is longer than 1 MiB.
type NotRegularError struct{ Path string }

func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%s: is not a regular file of at most %d bytes", e.Path, maxSecret)
}

// ReadConfig reads a file that says what is run, such as a chain file. The file
// that is checked is the one that is read. The error is an *UnsafeError or an
// *fs.PathError.
func ReadConfig(path string) ([]byte, error) {
	return readChecked(path, 0, func(info fs.FileInfo) error { return checkOpen(path, info) })
}

// ReadSecret reads a regular file of credentials that, for root, nobody else can
// read or write. The error is an *UnsafeError, a *NotRegularError or an
// *fs.PathError.
func ReadSecret(path string) ([]byte, error) {
	text, err := readChecked(path, syscall.O_NONBLOCK, func(info fs.FileInfo) error {
		if !info.Mode().IsRegular() || info.Size() > maxSecret {
			return &NotRegularError{path}
		}
		if os.Geteuid() == 0 && info.Mode()&0o007 != 0 {
			return unsafe(path, "can be read or written by others", "chmod", "600")
		}
		return checkOpen(path, info)
	})
	if errors.Is(err, syscall.ENXIO) { // a socket cannot even be opened
		return nil, &NotRegularError{path}
	}
	return text, err
}

// ReadOwn reads a regular file that belongs to this user and that nobody else
// can write. A symbolic link is not followed. The error is an *UnsafeError or an
// *fs.PathError.
func ReadOwn(path string) ([]byte, error) {
	text, err := readChecked(path, syscall.O_NONBLOCK|syscall.O_NOFOLLOW, func(info fs.FileInfo) error {
		if !info.Mode().IsRegular() || ownerOf(info) != os.Geteuid() || info.Mode()&0o022 != 0 {
			return unsafe(path, "can be written by others", "rm")
		}
		return nil
	})
	return text, explainLink(path, err)
}

// explainLink turns the refusal to follow a symbolic link into an *UnsafeError.
func explainLink(path string, err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return unsafe(path, "is a symbolic link", "rm")
	}
	return err
}

// checkOpen is CheckPath for a file that is open: what is read may no longer be
// what the path leads to.
func checkOpen(path string, info fs.FileInfo) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := checkMode(path, info); err != nil {
		return err
	}
	return CheckPath(path)
}

// readChecked reads a file whose status, as it is open, passes a check.
func readChecked(path string, flags int, check func(fs.FileInfo) error) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|flags, 0)
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
