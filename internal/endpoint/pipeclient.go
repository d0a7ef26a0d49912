package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pipeClient is the client's side of the protocol that pipes.go describes.
type pipeClient struct {
	directory string
	name      string // random, so that nobody else opens its pipes
	events    *os.File
	results   *os.File
	spare     *os.File      // the listener's end of results, until it has one itself
	closed    chan struct{} // by Close
}

func dialPipes(ctx context.Context, directory string) (connection, error) {
	c := &pipeClient{directory: directory, name: rand.Text(), closed: make(chan struct{})}
	err := c.open()
	if err == nil {
		err = c.announce(ctx)
	}
	if err != nil {
		_ = c.spare.Close()
		_ = c.Close()
		return nil, systemError(err)
	}
	go c.keepAnnouncing(ctx)
	return c, nil
}

// open makes the pipes, and holds the listener's ends of them open too: it must
// never find one that nobody has open.
func (c *pipeClient) open() (err error) {
	connectPipe, err := os.Stat(filepath.Join(c.directory, connect))
	if err != nil {
		return err
	}
	if c.events, err = makePipe(c.file("events"), os.O_RDWR, connectPipe); err != nil {
		return err
	}
	if c.results, err = makePipe(c.file("results"), os.O_RDONLY, connectPipe); err != nil {
		return err
	}
	c.spare, err = openPipe(c.file("results"), os.O_WRONLY)
	return err
}

// makePipe makes a pipe that the owner of "connect" can open. If that is another
// user, everybody who may connect could open it too, if they knew its name.
func makePipe(path string, flag int, connectPipe fs.FileInfo) (*os.File, error) {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, err
	}
	f, err := openPipe(path, flag)
	if err != nil {
		return nil, err
	}
	if err := admit(f, connectPipe); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func admit(f *os.File, connectPipe fs.FileInfo) error {
	owner := connectPipe.Sys().(*syscall.Stat_t)
	switch {
	case int(owner.Uid) == os.Geteuid() || owner.Uid == 0:
		return nil
	case connectPipe.Mode().Perm()&0o002 != 0:
		return f.Chmod(0o666)
	}
	return errors.Join(f.Chown(-1, int(owner.Gid)), f.Chmod(0o660))
}

func (c *pipeClient) file(suffix string) string {
	return filepath.Join(c.directory, c.name+"."+suffix)
}

// announce tells the listener, which may be slow to read. The error is ENXIO if
// there is none. The line feed in front ends what another client left half
// written.
func (c *pipeClient) announce(ctx context.Context) error {
	pipe, err := os.OpenFile(filepath.Join(c.directory, connect), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer pipe.Close()
	stop := context.AfterFunc(ctx, func() { _ = pipe.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err = pipe.WriteString("\n" + c.name + "\n")
	return err
}

// keepAnnouncing waits until the listener has opened the pipes: from then on
// only it has the other ends, and they end with it. Until then another listener
// may take its place, which has to be told too.
func (c *pipeClient) keepAnnouncing(ctx context.Context) {
	defer c.spare.Close()
	for tries := 1; ; tries++ {
		select {
		case <-c.closed:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := os.Lstat(c.file("results")); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if tries%20 == 0 && c.announce(ctx) != nil {
			return
		}
	}
}

func (c *pipeClient) Read(b []byte) (int, error)  { return c.results.Read(b) }
func (c *pipeClient) Write(b []byte) (int, error) { return c.events.Write(b) }

func (c *pipeClient) SetDeadline(t time.Time) error {
	return errors.Join(c.events.SetDeadline(t), c.results.SetDeadline(t))
}

func (c *pipeClient) Close() (err error) {
	close(c.closed)
	_ = c.events.Close()
	_ = c.results.Close()
	for _, suffix := range []string{"events", "results"} {
		if failure := os.Remove(c.file(suffix)); !errors.Is(failure, fs.ErrNotExist) {
			err = errors.Join(err, failure)
		}
	}
	return err
}
