package httpreq

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// watchedFile is a value that is read from files, again whenever one of them
// changes. If the new files cannot be used, the old value stays: perhaps not
// all files are written yet.
type watchedFile[T any] struct {
	files []string
	read  func() (T, error)
	warn  func(error) // called once for new files that cannot be used

	mu    sync.Mutex
	state string // of the files when they were last read
	value T
}

// watchFiles reads the files for the first time.
func watchFiles[T any](read func() (T, error), warn func(error), files ...string) (*watchedFile[T], error) {
	value, err := read()
	return &watchedFile[T]{files: files, read: read, warn: warn, state: fileState(files), value: value}, err
}

func (c *watchedFile[T]) get() T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp := fileState(c.files); stamp != c.state {
		c.state = stamp
		if value, err := c.read(); err == nil {
			c.value = value
		} else {
			c.warn(err)
		}
	}
	return c.value
}

// fileState returns a text that changes when a file does.
func fileState(files []string) string {
	stamp := ""
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			stamp += fmt.Sprintf("%d %d %d,", info.Sys().(*syscall.Stat_t).Ino, info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}
