// Package trust checks that files, and the directories that lead to them, are
// not another user's to read or change, and opens and locks the files that are
// this user's only.
//
// The checks of paths are made for root: its programs are run from cron, and
// what others can change there they can do as root.
package trust

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/extauth/extauth/internal/commandline"
)

// UnsafeError refuses a file that others could read or change. Remedy is the
// command that makes it safe.
type UnsafeError struct{ Path, Reason, Remedy string }

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("%s: %s; run: %s", e.Path, e.Reason, e.Remedy)
}

// unsafe makes an *UnsafeError whose remedy is a command for the path.
func unsafe(path, reason string, command ...string) *UnsafeError {
	return &UnsafeError{path, reason, commandline.Quote(append(command, path)...)}
}

// CheckPath returns an *UnsafeError, for root, if others can write the file, can
// write a directory on the way to it, or own a symbolic link there, as OpenSSH
// does for an AuthorizedKeysCommand (openssh: misc.c, safe_path). In a directory
// with the sticky bit, such as /tmp, only its owner can replace a file. A path
// that leads nowhere is an *fs.PathError.
func CheckPath(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	w := walk{at: "/", rest: components(path)}
	if !filepath.IsAbs(path) { // not filepath.Abs: after a link, .. is not where it was
		directory, err := os.Getwd()
		if err != nil {
			return err
		}
		w.rest = append(components(directory), w.rest...)
	}
	for {
		if err := w.check(); err != nil || len(w.rest) == 0 {
			return err
		}
		w.step()
	}
}

// walk follows a path as the kernel does, component by component.
type walk struct {
	at    string
	rest  []string
	links int
}

func components(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" || s == "." })
}

// step goes to the next component.
func (w *walk) step() {
	name := w.rest[0]
	w.rest = w.rest[1:]
	if name == ".." {
		w.at = filepath.Dir(w.at)
		return
	}
	w.at = filepath.Join(w.at, name)
}

// check looks at where the walk is, and follows a symbolic link.
func (w *walk) check() error {
	info, err := os.Lstat(w.at)
	if err != nil {
		return err
	}
	if err := checkMode(w.at, info); err != nil || info.Mode()&fs.ModeSymlink == 0 {
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
	w.rest = append(components(target), w.rest...)
	return nil
}

// checkMode refuses what does not belong to root or what others can write.
func checkMode(path string, info fs.FileInfo) error {
	if owner := ownerOf(info); owner != 0 {
		return unsafe(path, fmt.Sprintf("belongs to the user %d, not to root", owner), "chown", "root")
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode()&fs.ModeSymlink == 0 && !sticky && info.Mode()&0o022 != 0 {
		return writable(path, info)
	}
	return nil
}

func writable(path string, info fs.FileInfo) *UnsafeError {
	return unsafe(path, fmt.Sprintf("can be written by others (mode %04o)", info.Mode().Perm()), "chmod", "go-w")
}

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
