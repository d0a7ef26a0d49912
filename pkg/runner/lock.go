package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// LockedError says that another process works on the same challenge.
type LockedError struct{ Domain string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is busy with a challenge for %q", e.Domain)
}

// lock takes an exclusive flock(2) on a file that exists for the lock alone,
// and waits for it. The kernel drops it when the process ends, however that
// is. unlock removes the file before it lets go, so that the next holder has
// to look whether the file that it locked is still the one of that name. The
// error is the context's cause, or context.DeadlineExceeded when the patience
// is over.
func lock(ctx context.Context, dirfd int, path string, patience time.Duration) (unlock func(), err error) {
	until := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		h, err := tryLock(dirfd, path)
		if err != nil {
			return nil, err
		}
		if h >= 0 {
			return func() { release(h, dirfd, path) }, nil
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

// release removes the file, unless somebody has put another in its place.
func release(h handle, dirfd int, path string) {
	if isAt(h, dirfd, path) {
		_ = unix.Unlinkat(dirfd, path, 0)
	}
	_ = h.Close()
}

// tryLock returns -1 where another process holds the lock.
func tryLock(dirfd int, path string) (handle, error) {
	h, err := private(dirfd, path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return -1, err
	}
	err = syscall.Flock(int(h), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil && isAt(h, dirfd, path) {
		return h, nil
	}
	_ = h.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) {
		return -1, nil
	}
	return -1, fmt.Errorf("lock %s: %w", path, err)
}

// isAt tells whether an open file is still what its name leads to.
func isAt(h handle, dirfd int, path string) bool {
	var opened, named unix.Stat_t
	return unix.Fstat(int(h), &opened) == nil &&
		unix.Fstatat(dirfd, path, &named, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		opened.Dev == named.Dev && opened.Ino == named.Ino
}
