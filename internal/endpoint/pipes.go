package endpoint

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A client of a directory of named pipes makes two of its own there,
// NAME.events and NAME.results, opens both so that each has a reader and a
// writer, and writes a line feed, NAME and a line feed to the pipe "connect":
// short enough to arrive in one piece whoever else writes (pipe(7), PIPE_BUF).
// The listener opens both and removes their names. From then on nobody but the
// client and the listener has them.

// connect is the pipe at which clients announce themselves.
const connect = "connect"

// maxName is how long a client's name may be, in bytes.
const maxName = 64

// pipes is a directory in which this process listens.
type pipes struct {
	directory string
	connect   *os.File
	names     *bufio.Reader
	closing   sync.Once
}

func listenPipes(directory string, options Options) (Listener, error) {
	if err := makeDirectory(directory, options); err != nil {
		return nil, err
	}
	p := &pipes{directory: directory}
	if err := p.open(options); err != nil {
		return nil, err
	}
	p.names = bufio.NewReader(p.connect)
	p.removeAbandoned()
	return p, nil
}

// makeDirectory makes the directory. Those who may connect can make pipes in it,
// and can neither list it nor remove another's. An existing one stays as it is.
func makeDirectory(directory string, options Options) error {
	if _, err := gidOf(options); err != nil {
		return err
	}
	err := os.Mkdir(directory, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return checkOwner(directory)
	}
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o700)
	for _, x := range []fs.FileMode{0o010, 0o001} { // group, others
		if w := x << 1; options.Mode&w != 0 {
			mode |= w | x
		}
	}
	if err := permit(directory, options); err != nil {
		return err
	}
	return os.Chmod(directory, mode|fs.ModeSticky)
}

// checkOwner refuses a directory in which we could not remove a client's pipes.
func checkOwner(directory string) error {
	info, err := os.Stat(directory)
	if err != nil {
		return err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() && os.Geteuid() != 0 {
		return &fs.PathError{Op: "listen", Path: directory, Err: fs.ErrPermission}
	}
	return nil
}

// open opens "connect" from both ends, so that it never ends, and locks it
// against a second listener. Clients can only write to it.
func (p *pipes) open(options Options) error {
	path := filepath.Join(p.directory, connect)
	if err := syscall.Mkfifo(path, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	var err error
	if p.connect, err = openPipe(path, os.O_RDWR); err != nil {
		return err
	}
	if lock(p.connect) != nil {
		p.connect.Close()
		return busyError(p.directory)
	}
	options.Mode &= 0o622
	if err := permit(path, options); err != nil {
		p.connect.Close()
		return err
	}
	return nil
}

// lock keeps others out for as long as the file is open.
func lock(f *os.File) error {
	raw, err := f.SyscallConn() // Fd would make it wait in the kernel
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) { err = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) })
	return errors.Join(controlErr, err)
}

// removeAbandoned removes the pipes of clients that were killed before they
// announced themselves: nobody has them open.
func (p *pipes) removeAbandoned() {
	paths, _ := filepath.Glob(filepath.Join(p.directory, "*.events"))
	for _, path := range paths {
		f, err := openPipe(path, os.O_WRONLY)
		if err == nil {
			f.Close()
		}
		if errors.Is(err, syscall.ENXIO) {
			_ = os.Remove(path)
			_ = os.Remove(strings.TrimSuffix(path, ".events") + ".results")
		}
	}
}

// openPipe opens a named pipe, and nothing else.
func openPipe(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		f.Close()
		return nil, &fs.PathError{Op: "listen", Path: path, Err: errors.New("is not a named pipe")}
	}
	return f, nil
}

// Accept waits for a client. Names without a client's two pipes are passed over.
func (p *pipes) Accept() (Caller, error) {
	for {
		line, err := p.names.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		caller, err := p.caller(strings.TrimSuffix(string(line), "\n"))
		if err == nil {
			return caller, nil
		}
		for _, ours := range []error{syscall.EMFILE, syscall.ENFILE, fs.ErrPermission} {
			if errors.Is(err, ours) {
				return nil, err
			}
		}
	}
}

func (p *pipes) caller(name string) (Caller, error) {
	if !isName(name) {
		return nil, fs.ErrInvalid
	}
	path := filepath.Join(p.directory, name)
	events, err := openPipe(path+".events", os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	results, err := openPipe(path+".results", os.O_WRONLY)
	if err != nil {
		events.Close()
		return nil, err
	}
	c := &pipeCaller{events: events, results: results}
	err = c.identify()
	for _, suffix := range []string{".events", ".results"} { // both sides have them open
		err = errors.Join(err, os.Remove(path+suffix))
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// isName reports whether a client's name leads to files in the directory only.
func isName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return name != "" && len(name) <= maxName && strings.Trim(name, allowed) == ""
}

// Close ends Accept.
func (p *pipes) Close() (err error) {
	p.closing.Do(func() {
		_ = os.Remove(filepath.Join(p.directory, connect)) // ours: it is locked
		err = p.connect.Close()
	})
	return err
}

// pipeCaller is a client and its two pipes.
type pipeCaller struct {
	events  *os.File
	results *os.File
	uid     int
}

// identify takes the owner of both pipes for the client.
func (c *pipeCaller) identify() error {
	var owners [2]uint32
	for i, f := range []*os.File{c.events, c.results} {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		owners[i] = info.Sys().(*syscall.Stat_t).Uid
	}
	if owners[0] != owners[1] {
		return errors.New("pipes of two users")
	}
	c.uid = int(owners[0])
	return nil
}

func (c *pipeCaller) UID() int { return c.uid }

func (c *pipeCaller) Read(b []byte) (int, error) { return c.events.Read(b) }

func (c *pipeCaller) Write(b []byte) (int, error) {
	_ = c.results.SetWriteDeadline(time.Now().Add(patience))
	return c.results.Write(b)
}

func (c *pipeCaller) Close() error { return errors.Join(c.events.Close(), c.results.Close()) }
