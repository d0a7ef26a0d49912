package httpreq

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// current is what files say, read again when one of them changes. Files that
// cannot be used leave in use what the old ones said; of several that are being
// written the last is still to come.
type current[T any] struct {
	files []string
	read  func() (T, error)
	stays func(error) // told once of new files that cannot be used

	mu    sync.Mutex
	stamp string // of the files that were read last
	value T
}

// follow reads the files for the first time.
func follow[T any](read func() (T, error), stays func(error), files ...string) (*current[T], error) {
	value, err := read()
	return &current[T]{files: files, read: read, stays: stays, stamp: stampOf(files), value: value}, err
}

func (c *current[T]) get() T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp := stampOf(c.files); stamp != c.stamp {
		c.stamp = stamp
		if value, err := c.read(); err == nil {
			c.value = value
		} else {
			c.stays(err)
		}
	}
	return c.value
}

// stampOf changes when a file does.
func stampOf(files []string) string {
	stamp := ""
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			stamp += fmt.Sprintf("%d %d %d,", info.Sys().(*syscall.Stat_t).Ino, info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}
