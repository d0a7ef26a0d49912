package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// LockedError says that another process works on the same challenge.
type LockedError struct{ Domain string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another process is busy with a challenge for %q", e.Domain)
}

// Lock takes the locks of challenges and waits for each of them for at most the
// patience. They are taken in the order of their keys, so that two calls never
// wait for each other. The error is a *LockedError, the context's cause or an
// *Error; no lock is held then. unlock is never nil.
func (j *Journal) Lock(ctx context.Context, events []envmap.Event, patience time.Duration) (unlock func(), err error) {
	var unlocks []func()
	unlock = func() {
		for _, f := range slices.Backward(unlocks) {
			f()
		}
	}
	inOrder := slices.SortedFunc(slices.Values(events), func(a, b envmap.Event) int { return strings.Compare(Key(a), Key(b)) })
	for _, e := range inOrder {
		one, err := trust.Lock(ctx, j.lockPath(Key(e)), patience)
		if err != nil {
			unlock()
			return func() {}, lockError(ctx, e, err)
		}
		unlocks = append(unlocks, one)
	}
	return unlock, nil
}

func lockError(ctx context.Context, e envmap.Event, err error) error {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return &LockedError{e.Domain}
	}
	return &Error{err}
}

// TryLock takes the lock of a record without waiting. unlock is nil if another
// process holds it. The error is an *Error.
func (j *Journal) TryLock(key string) (unlock func(), err error) {
	unlock, err = trust.TryLock(j.lockPath(key))
	return unlock, wrap(err)
}

func (j *Journal) lockPath(key string) string { return j.path(key + ".lock") }
