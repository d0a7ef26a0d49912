package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// UnsafeError refuses a file that others could read or change. Mend is the
// command that makes it safe.
type UnsafeError struct{ Path, Reason, Mend string }

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%s: %s; run: %s", e.Path, e.Reason, e.Mend)
}

// The checks below are made for root alone: its programs are run from cron, and
// what others can change there, they can do as root.

// checkSecret refuses a file of credentials that others can read or write.
func checkSecret(file string, info fs.FileInfo) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if info.Mode().Perm()&0o007 != 0 {
		return &UnsafeError{file, "can be read or written by others", "chmod 600 " + quote(file)}
	}
	return checkProgram(file)
}

// checkProgram refuses a program, a chain file or a file of credentials that
// others than root can write, or can replace because they can write a directory
// above it, as OpenSSH does with an AuthorizedKeysCommand (openssh: misc.c,
// safe_path). In a directory with the sticky bit, as /tmp, only its owner can
// replace a file. Where the path has symbolic links, both the links'
// directories and the targets are checked.
func checkProgram(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return err
	}
	if err := checkUpwards(real); err != nil || real == absolute {
		return err
	}
	link, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return err
	}
	return checkUpwards(link)
}

// checkUpwards checks a path without symbolic links and all that is above it.
func checkUpwards(path string) error {
	for ; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if err := checkMode(path, info); err != nil {
			return err
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

func checkMode(path string, info fs.FileInfo) error {
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
		return &UnsafeError{path, fmt.Sprintf("belongs to the user %d, not to root", owner), "chown root " + quote(path)}
	}
	if info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return &UnsafeError{path, fmt.Sprintf("can be written by others (mode %04o)", info.Mode().Perm()), "chmod go-w " + quote(path)}
	}
	return nil
}
