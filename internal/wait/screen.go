package wait

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/process"
)

// screen shows a line of progress on a terminal.
type screen struct {
	w     io.Writer
	width int // in columns; 0: not a terminal

	mu    sync.Mutex
	shown bool
}

// progress returns a function that rewrites the line. It leaves the last column
// free, since some terminals wrap there.
func (s *screen) progress() func(done, all int, missing string) {
	if s.width == 0 {
		return nil
	}
	return func(done, all int, missing string) {
		line := []rune(strings.ReplaceAll(process.Printable(fmt.Sprintf("%d of %d; missing: %s", done, all, missing)), "\t", " "))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.shown = true
		fmt.Fprintf(s.w, "\r%s\x1b[K", string(line[:min(len(line), s.width-1)]))
	}
}

// tracer returns a function that clears the line before each message.
func (s *screen) tracer(trace func(string)) func(string) {
	if trace == nil {
		return nil
	}
	return func(message string) {
		s.clear()
		s.mu.Lock()
		defer s.mu.Unlock()
		trace(message)
	}
}

func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		fmt.Fprintf(s.w, "\r\x1b[K")
		s.shown = false
	}
}

// columns returns the width of a terminal, and 0 for anything else.
func columns(stream any) (width int) {
	file, ok := stream.(syscall.Conn)
	if !ok {
		return 0
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return 0
	}
	_ = conn.Control(func(fd uintptr) {
		size, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ)
		if err != nil {
			return
		}
		if width = int(size.Col); width < 2 {
			width = 80 // it does not know its size
		}
	})
	return width
}
