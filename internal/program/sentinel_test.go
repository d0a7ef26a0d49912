package program_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"sync"
	"syscall"
	"time"

	"github.com/extauth/extauth/internal/cli"
)

// sentinel is in every credential of these tests. The programs look for it in
// their output, in the journal at each write, and in the command lines of their
// child processes. If they find it, they end with leaked.
const sentinel = "SENTINEL"

const leaked = 99

// guarded is the IO of a program that watches itself.
func guarded(io cli.IO) cli.IO {
	io.Stdout, io.Stderr = &watched{w: io.Stdout, name: "standard output"}, &watched{w: io.Stderr, name: "standard error"}
	io.Step = watchedJournal(io)
	go watchCommandLines()
	return io
}

func leak(where string) {
	fmt.Fprintf(os.Stderr, "a credential is in %s\n", where)
	os.Exit(leaked)
}

// watched searches everything that is written, also across two writes.
type watched struct {
	w    io.Writer
	name string

	mu   sync.Mutex
	tail []byte
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, p...)
	if bytes.Contains(w.tail, []byte(sentinel)) {
		leak(w.name)
	}
	w.tail = w.tail[max(0, len(w.tail)-len(sentinel)):]
	return w.w.Write(p)
}

// Fd lets a terminal be recognized.
func (w *watched) Fd() uintptr { return w.w.(*os.File).Fd() }

// watchedJournal reads the whole journal at each step.
func watchedJournal(io cli.IO) func(string) error {
	state := os.Getenv("EXTAUTH_STATE_DIR")
	for i, arg := range io.Args {
		if arg == "--state-dir" && i+1 < len(io.Args) {
			state = io.Args[i+1]
		}
	}
	return func(string) error {
		searchFiles(state)
		return nil
	}
}

func searchFiles(directory string) {
	_ = filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(sentinel)) {
			leak(path)
		}
		return nil
	})
}

// watchCommandLines samples the command lines of this process and its
// descendants, which every user can see.
func watchCommandLines() {
	for {
		searchCommandLine(os.Getpid())
		time.Sleep(2 * time.Millisecond)
	}
}

func searchCommandLine(pid int) {
	directory := "/proc/" + strconv.Itoa(pid)
	line := readProc(directory + "/cmdline")
	if bytes.Contains(line, []byte(sentinel)) {
		leak("the command line of a process")
	}
	if pid != os.Getpid() && watchesItself(line) {
		return
	}
	threads, _ := os.ReadDir(directory + "/task")
	for _, thread := range threads {
		for _, child := range bytes.Fields(readProc(directory + "/task/" + thread.Name() + "/children")) {
			if n, err := strconv.Atoi(string(child)); err == nil {
				searchCommandLine(n)
			}
		}
	}
}

// watchesItself reports whether a command line belongs to one of our programs,
// which watches its own children.
func watchesItself(line []byte) bool {
	name, _, _ := bytes.Cut(line, []byte{0})
	return strings.HasPrefix(path.Base(string(name)), "extauth")
}

// readProc reads a file below /proc with fewer system calls than os.ReadFile.
func readProc(file string) (text []byte) {
	fd, err := syscall.Open(file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var page [4096]byte
	for {
		n, err := syscall.Read(fd, page[:])
		if n <= 0 || err != nil {
			return text
		}
		text = append(text, page[:n]...)
	}
}
