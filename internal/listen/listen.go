// Package listen opens the addresses at which other processes hand in their
// events: Unix sockets and directories of named pipes.
package listen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// patience is how long a client may leave an answer unread, when no more fits
// in between.
const patience = 10 * time.Second

// Listener is an open address.
type Listener interface {
	Accept() (Caller, error)
	Close() error
}

// Caller is a process that is connected.
type Caller interface {
	io.ReadWriteCloser
	UID() int // who it runs as
}

// Options says who may connect.
type Options struct {
	Mode   fs.FileMode
	Group  string // name or number; "": as it is
	Passed int    // how many sockets systemd opened for us: one of them is meant
}

// On opens unix:PATH or fifo:DIRECTORY. Errors: *fs.PathError, those of package
// net, and what is wrong with the address.
func On(address string, options Options) (Listener, error) {
	scheme, path, _ := strings.Cut(address, ":")
	switch {
	case path == "":
		return nil, fmt.Errorf("%q is no address such as unix:/run/extauth.sock or fifo:/run/extauth: %w", address, fs.ErrInvalid)
	case scheme == "unix":
		return onSocket(path, options)
	case scheme == "fifo":
		return onPipes(path, options)
	}
	return nil, fmt.Errorf("%q is neither unix:PATH nor fifo:DIRECTORY: %w", address, fs.ErrInvalid)
}

// permit lets those in that the options name.
func permit(path string, options Options) error {
	gid, err := gidOf(options)
	if err != nil {
		return err
	}
	if gid >= 0 {
		if err := os.Chown(path, -1, gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, options.Mode)
}

// gidOf is the group's number, -1 where there is none to set.
func gidOf(options Options) (int, error) {
	if options.Group == "" {
		return -1, nil
	}
	if gid, err := strconv.Atoi(options.Group); err == nil && gid >= 0 {
		return gid, nil
	}
	g, err := user.LookupGroup(options.Group)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q: %w", options.Group, fs.ErrInvalid)
	}
	return strconv.Atoi(g.Gid)
}

// busyError says that another process listens already.
func busyError(path string) error {
	return &fs.PathError{Op: "listen", Path: path, Err: errors.New("another process listens there")}
}
