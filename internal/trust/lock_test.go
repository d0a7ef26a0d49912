package trust

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLockFileIsReplaced: what was locked is looked at again, as its
// name may lead to another file by now.
func TestLockFileIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := CreatePrivate(path, os.O_RDWR)
	require.NoError(t, err)
	defer f.Close()
	require.True(t, isAt(f, path))
	require.NoError(t, os.Remove(path))
	require.False(t, isAt(f, path), "removed")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.False(t, isAt(f, path), "replaced")
	require.NoError(t, os.Rename(path, path+".other"))
	require.NoError(t, os.Symlink(path+".other", path))
	require.False(t, isAt(f, path), "a link")
	_, err = TryLock(path)
	require.Error(t, err, "a link is not followed")
}

// TestUnlockLeavesTheNextHolderItsFile: who lost its file to somebody's rm
// must not take away that of the next: a third would get in beside it.
func TestUnlockLeavesTheNextHolderItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Lock(context.Background(), path, time.Minute)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	second, err := Lock(context.Background(), path, time.Minute)
	require.NoError(t, err)
	first()
	third, err := TryLock(path)
	require.NoError(t, err)
	require.Nil(t, third, "the second holds it")
	second()
	require.NoFileExists(t, path)
}

// TestOneHolderAtATime: files of locks come and go with their holders, and
// still there is never more than one.
func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var inside, worst atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 40 {
				unlock, err := Lock(ctx, path, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				worst.Store(max(worst.Load(), inside.Add(1)))
				time.Sleep(10 * time.Microsecond) // so that another could be seen
				inside.Add(-1)
				unlock()
			}
		}()
	}
	all.Wait()
	require.Equal(t, int32(1), worst.Load())
	require.NoFileExists(t, path)
}
