package listen

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

	"golang.org/x/sys/unix"
)

// A client of a directory of named pipes makes two of its own there,
// NAME.events and NAME.results, opens both so that each has a reader and a
// writer, and writes a line feed, NAME and a line feed to the pipe "connect":
// short enough to arrive in one piece whoever else writes (pipe(7), PIPE_BUF).
// The listener opens both and removes their names. From then on the client has
// it for itself.

// connect is the pipe that clients announce themselves at.
const connect = "connect"

// longestName is how long a client's name may be, in bytes.
const longestName = 64

// pipes is a directory that is listened at.
type pipes struct {
	directory string
	connect   *os.File
	names     *bufio.Reader
	closing   sync.Once
}

func onPipes(directory string, options Options) (Listener, error) {
	if err := makeDirectory(directory, options); err != nil {
		return nil, err
	}
	p := &pipes{directory: directory}
	if err := p.open(options); err != nil {
		return nil, err
	}
	p.names = bufio.NewReader(p.connect)
	p.removeLeft()
	return p, nil
}

// makeDirectory makes it so that those who may connect can make pipes there,
// and neither see nor remove another's. One that is there stays as it is.
func makeDirectory(directory string, options Options) error {
	if _, err := gidOf(options); err != nil {
		return err
	}
	err := os.Mkdir(directory, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return ours(directory)
	}
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o700)
	for _, who := range []fs.FileMode{0o010, 0o001} {
		if options.Mode&(who<<1) != 0 {
			mode |= who * 3 // w and x
		}
	}
	if err := permit(directory, options); err != nil {
		return err
	}
	return os.Chmod(directory, mode|fs.ModeSticky)
}

// ours refuses a directory in which we could not remove a client's pipes.
func ours(directory string) error {
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
	if err := unix.Mkfifo(path, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
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
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) { err = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
	return errors.Join(controlErr, err)
}

// removeLeft removes the pipes of clients that were killed before they announced
// themselves: nobody has them open.
func (p *pipes) removeLeft() {
	left, _ := filepath.Glob(filepath.Join(p.directory, "*.events"))
	for _, path := range left {
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
		return nil, &fs.PathError{Op: "listen", Path: path, Err: errors.New("is no named pipe")}
	}
	return f, nil
}

// Accept waits for a client. One that announced itself and is gone, or is none,
// is passed over.
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
	c := &pipeCaller{File: events, results: results}
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

// isName lets no client name a file elsewhere.
func isName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return name != "" && len(name) <= longestName && strings.Trim(name, allowed) == ""
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
	*os.File // its events
	results  *os.File
	uid      int
}

// identify takes the owner of both pipes for the client.
func (c *pipeCaller) identify() error {
	var owners [2]uint32
	for i, f := range []*os.File{c.File, c.results} {
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

func (c *pipeCaller) Write(b []byte) (int, error) {
	_ = c.results.SetWriteDeadline(time.Now().Add(patience))
	return c.results.Write(b)
}

func (c *pipeCaller) Close() error { return errors.Join(c.File.Close(), c.results.Close()) }
