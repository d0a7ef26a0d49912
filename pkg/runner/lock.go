package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// LockedError says that another process works on the same challenge.
type LockedError struct{ Domain string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is busy with a challenge for %q", e.Domain)
}

// lock takes an exclusive flock(2) on a file that exists for the lock alone,
// and waits for it. The kernel drops it when the process ends, however that
// is. unlock removes the file before it lets go, so that the next holder has
// to look whether the file that it locked is still the one of that name.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		f, err := tryLock(path)
		if err != nil {
			return nil, err
		}
		if f != nil {
			return func() { release(f, path) }, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// release removes the file, unless somebody has put another in its place.
func release(f *os.File, path string) {
	if isAt(f, path) {
		os.Remove(path)
	}
	f.Close()
}

// tryLock returns nil where another process holds the lock.
func tryLock(path string) (*os.File, error) {
	f, err := private(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && isAt(f, path) {
		return f, nil
	}
	f.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// isAt tells whether an open file is still what its name leads to.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}
