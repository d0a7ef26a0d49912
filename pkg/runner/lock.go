package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
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
func lock(ctx context.Context, at place, patience time.Duration) (unlock func(), err error) {
	until := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		h, err := tryLock(at)
		if err != nil {
			return nil, err
		}
		if h != nil {
			return func() { release(h, at) }, nil
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
func release(h *handle, at place) {
	if h.isAt(at) {
		_ = at.remove()
	}
	_ = h.Close()
}

// tryLock returns nil where another process holds the lock.
func tryLock(at place) (*handle, error) {
	h, err := at.private(os.O_CREATE | os.O_RDWR)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(h.fd, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil && h.isAt(at) {
		return h, nil
	}
	_ = h.Close()
	if err == nil || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, h.fault("lock", err)
}

// isAt tells whether an open file is still what its name leads to.
func (h *handle) isAt(at place) bool {
	var opened, named unix.Stat_t
	return unix.Fstat(h.fd, &opened) == nil &&
		unix.Fstatat(at.dirfd, at.path, &named, unix.AT_SYMLINK_NOFOLLOW) == nil &&
		opened.Dev == named.Dev && opened.Ino == named.Ino
}
