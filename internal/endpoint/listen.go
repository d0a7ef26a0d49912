package endpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"time"
)

// Listener is an open address. It may be closed more than once.
type Listener interface {
	Accept() (Caller, error)
	Close() error
}

// Caller is a client that is connected.
type Caller interface {
	io.ReadWriteCloser
	UID() int // the user that it runs as
}

// Options says who may connect.
type Options struct {
	Mode   fs.FileMode
	Group  string // name or number; "": as it is
	Passed int    // how many sockets systemd opened for us: one of them is meant
}

// patience is how long a client may leave an answer unread when its pipe or
// socket is full.
const patience = 10 * time.Second

// Listen opens unix:PATH or fifo:DIRECTORY. The error is an *fs.PathError, one of
// package net's, or, for what is wrong with the address or the options, one that
// wraps fs.ErrInvalid.
func Listen(address string, options Options) (Listener, error) {
	a, known := ParseAddress(address)
	switch {
	case a.Path == "":
		return nil, fmt.Errorf("%q is not an address such as unix:/run/extauth.sock or fifo:/run/extauth: %w", address, fs.ErrInvalid)
	case !known:
		return nil, fmt.Errorf("%q is neither unix:PATH nor fifo:DIRECTORY: %w", address, fs.ErrInvalid)
	case a.Scheme == "unix":
		return listenSocket(a.Path, options)
	}
	return listenPipes(a.Path, options)
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

// gidOf returns the group's number, -1 if there is none to set.
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
