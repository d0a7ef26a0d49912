package trust

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Lock takes an exclusive flock(2) on a file that exists only for the lock, and
// waits for it. The kernel drops it when the process ends, however it ends.
// unlock removes the file before it lets go. The error is the context's cause,
// context.DeadlineExceeded if the lock is still held after the patience, or an
// *fs.PathError.
func Lock(ctx context.Context, path string, patience time.Duration) (unlock func(), err error) {
	until := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		if unlock, err := TryLock(path); unlock != nil || err != nil {
			return unlock, err
		}
		if time.Until(until) <= 0 {
			return nil, context.DeadlineExceeded
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(wait, time.Until(until))):
		}
	}
}

// TryLock is Lock without waiting: unlock is nil if another process holds the
// lock. The next holder has to check that the file that it locked still has its
// name, since the one before may have removed it.
func TryLock(path string) (unlock func(), err error) {
	f, err := CreatePrivate(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && isAt(f, path) {
		return func() { release(f, path) }, nil
	}
	_ = f.Close()
	if err == nil || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, &fs.PathError{Op: "lock", Path: path, Err: err}
}

// release removes the file, unless somebody has put another in its place.
func release(f *os.File, path string) {
	if isAt(f, path) {
		_ = os.Remove(path)
	}
	_ = f.Close()
}

// isAt reports whether an open file is still what its name leads to.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}
