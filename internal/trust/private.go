package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MakePrivateDir makes a directory with mode 0700, whatever the umask is, and
// those above it that are missing.
func MakePrivateDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := MakePrivateDir(parent); err != nil {
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

// CreatePrivate opens a file, with O_CREATE and further flags, and gives it mode
// 0600, whatever the umask is. A symbolic link is not followed.
func CreatePrivate(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|syscall.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// AppendFile is a file to which several processes append lines.
type AppendFile struct{ file *os.File }

// Append opens such a file, and creates it with mode 0600 if it is missing. It
// never waits for a reader. The error is an *UnsafeError if others could have
// put it there or could replace it, else an *fs.PathError.
func Append(path string) (*AppendFile, error) {
	if err := CheckPath(filepath.Dir(path)); errors.As(err, new(*UnsafeError)) {
		return nil, err
	}
	flags := os.O_WRONLY | os.O_APPEND | os.O_CREATE | syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_NOFOLLOW
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, explainLink(path, err)
	}
	if err := checkOwn(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &AppendFile{f}, nil
}

// checkOwn refuses what is not a regular file that only this user can write.
func checkOwn(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "open", Path: f.Name(), Err: errors.New("is not a regular file")}
	case ownerOf(info) != os.Geteuid():
		return unsafe(f.Name(), fmt.Sprintf("belongs to the user %d", ownerOf(info)), "rm")
	case info.Mode()&0o022 != 0:
		return writable(f.Name(), info)
	}
	return nil
}

// WriteLine writes a line with one system call, so that lines of several
// processes are never mixed.
func (f *AppendFile) WriteLine(line []byte) error {
	_, err := f.file.Write(line)
	return err
}
