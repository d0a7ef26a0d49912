package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// checkSecret refuses a file of credentials that others can read or write. info
// is of the file as it is open.
func checkSecret(file string, info fs.FileInfo) error {
	if os.Geteuid() == 0 && info.Mode().Perm()&0o007 != 0 {
		return &UnsafeError{file, "can be read or written by others", "chmod 600 " + quote(file)}
	}
	return checkOpened(file, info)
}

// checkOpened is checkProgram for a file that is open: what is read may no
// longer be what the path leads to.
func checkOpened(file string, info fs.FileInfo) error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := checkMode(file, info.Sys().(*syscall.Stat_t)); err != nil {
		return err
	}
	return checkProgram(file)
}

// checkProgram refuses a path that others than root can write, or lead
// elsewhere because they can write a directory on the way or own a symbolic
// link there, as OpenSSH does with an AuthorizedKeysCommand (openssh: misc.c,
// safe_path). In a directory with the sticky bit, as /tmp, only its owner can
// replace a file.
func checkProgram(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	w := walk{at: "/", ahead: steps(path)}
	if !filepath.IsAbs(path) { // not filepath.Abs: behind a link, .. is not where it was
		directory, err := os.Getwd()
		if err != nil {
			return err
		}
		w.ahead = append(steps(directory), w.ahead...)
	}
	for {
		if err := w.check(); err != nil || len(w.ahead) == 0 {
			return err
		}
		w.step()
	}
}

// walk goes a path as the kernel does, component by component.
type walk struct {
	at    string
	ahead []string
	links int
}

func steps(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" || s == "." })
}

// step takes the next component.
func (w *walk) step() {
	name := w.ahead[0]
	w.ahead = w.ahead[1:]
	switch {
	case name == "..":
		w.at = filepath.Dir(w.at)
	case w.at == "/":
		w.at += name
	default:
		w.at += "/" + name
	}
}

// check looks at where the walk is, and follows a symbolic link.
func (w *walk) check() error {
	var stat syscall.Stat_t
	if err := syscall.Lstat(w.at, &stat); err != nil {
		return &fs.PathError{Op: "lstat", Path: w.at, Err: err}
	}
	if err := checkMode(w.at, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFLNK {
		return err
	}
	if w.links++; w.links > 40 {
		return &fs.PathError{Op: "open", Path: w.at, Err: syscall.ELOOP}
	}
	target, err := os.Readlink(w.at)
	if err != nil {
		return err
	}
	w.at = filepath.Dir(w.at)
	if filepath.IsAbs(target) {
		w.at = "/"
	}
	w.ahead = append(steps(target), w.ahead...)
	return nil
}

func checkMode(path string, stat *syscall.Stat_t) error {
	if stat.Uid != 0 {
		return &UnsafeError{path, fmt.Sprintf("belongs to the user %d, not to root", stat.Uid), "chown root " + quote(path)}
	}
	kind := stat.Mode & syscall.S_IFMT
	sticky := kind == syscall.S_IFDIR && stat.Mode&syscall.S_ISVTX != 0
	if kind != syscall.S_IFLNK && !sticky && stat.Mode&0o022 != 0 {
		return &UnsafeError{path, fmt.Sprintf("can be written by others (mode %04o)", stat.Mode&0o777), "chmod go-w " + quote(path)}
	}
	return nil
}
