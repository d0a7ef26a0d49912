package endpoint_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/endpoint"
)

const limit = time.Minute

// echoServer is an open address whose callers are echoed, each with its user id.
type echoServer struct {
	t    *testing.T
	path string
	l    endpoint.Listener
	done chan struct{}
}

func open(t *testing.T, scheme string, mode fs.FileMode) *echoServer {
	d := &echoServer{t: t, path: filepath.Join(t.TempDir(), "at"), done: make(chan struct{})}
	l, err := endpoint.Listen(scheme+":"+d.path, endpoint.Options{Mode: mode})
	require.NoError(t, err)
	d.l = l
	go d.serve()
	t.Cleanup(func() { d.l.Close(); <-d.done })
	return d
}

func (d *echoServer) serve() {
	defer close(d.done)
	for {
		caller, err := d.l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer caller.Close()
			for lines := bufio.NewReader(caller); ; {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if _, err := fmt.Fprintf(caller, "%d %s", caller.UID(), line); err != nil {
					return
				}
			}
		}()
	}
}

// announce writes to the pipe that clients announce themselves at.
func (d *echoServer) announce(text string) {
	f, err := os.OpenFile(filepath.Join(d.path, "connect"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	require.NoError(d.t, err)
	defer f.Close()
	_, err = f.WriteString(text)
	require.NoError(d.t, err)
}

// pair is a client's two pipes.
type pair struct{ events, results *os.File }

func (d *echoServer) pair(name string) *pair {
	p := &pair{d.pipe(name + ".events"), d.pipe(name + ".results")}
	d.t.Cleanup(func() { p.events.Close(); p.results.Close() })
	return p
}

func (d *echoServer) pipe(name string) *os.File {
	path := filepath.Join(d.path, name)
	require.NoError(d.t, unix.Mkfifo(path, 0o600))
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(d.t, err)
	require.NoError(d.t, f.SetDeadline(time.Now().Add(limit)))
	return f
}

// echoes returns an error unless the client is served.
func (p *pair) echoes() error {
	if _, err := io.WriteString(p.events, "hello\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(p.results).ReadString('\n')
	if err == nil && line != fmt.Sprintf("%d hello\n", os.Geteuid()) {
		err = errors.New(line)
	}
	return err
}

// requireServed: a client that does as it should is served, whatever came before
// it.
func (d *echoServer) requireServed(name string) {
	d.t.Helper()
	p := d.pair(name)
	d.announce(name + "\n")
	require.NoError(d.t, p.echoes(), name)
	left, err := filepath.Glob(filepath.Join(d.path, name+".*"))
	require.NoError(d.t, err)
	require.Empty(d.t, left)
}

// TestListenPipesHostileNames: whatever is announced, nothing outside of the directory
// is opened, nothing but pipes is, and the next client is served.
func TestListenPipesHostileNames(t *testing.T) {
	d := open(t, "fifo", 0o600)
	outside := filepath.Join(filepath.Dir(d.path), "outside")
	for _, suffix := range []string{".events", ".results"} {
		require.NoError(t, unix.Mkfifo(outside+suffix, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(d.path, "regular"+suffix), []byte("kept"), 0o600))
		require.NoError(t, os.Symlink(outside+suffix, filepath.Join(d.path, "linked"+suffix)))
		require.NoError(t, os.Mkdir(filepath.Join(d.path, "directory"+suffix), 0o700))
	}
	lone := d.pipe("lone.events")
	defer lone.Close()
	for _, text := range []string{
		"../outside\n", "..\n", ".\n", "/\n", outside + "\n", "\n", "\n\n\n", "a/b\n", "a b\n", "a\x00b\n", "a.events\n", "connect\n",
		"regular\n", "linked\n", "directory\n", "lone\n", "missing\n", "-\n", strings.Repeat("a", 65) + "\n",
		strings.Repeat("a", 4000) + "\n", "\xff\xfe\n", "%s%n\n", "$(id)\n",
	} {
		d.announce(text)
	}
	d.requireServed("good")
	d.requireServed(strings.Repeat("n", 64))
	for _, name := range []string{"regular.events", "regular.results"} {
		text, err := os.ReadFile(filepath.Join(d.path, name))
		require.NoError(t, err)
		require.Equal(t, "kept", string(text))
	}
	for _, name := range []string{"linked.events", "directory.events"} {
		_, err := os.Lstat(filepath.Join(d.path, name))
		require.NoError(t, err, "is not ours to remove")
	}
	_, err := os.Lstat(outside + ".events")
	require.NoError(t, err)
}

// TestListenPipesLongNames: a name without an end costs no memory and none but its
// writer.
func TestListenPipesLongNames(t *testing.T) {
	d := open(t, "fifo", 0o600)
	f, err := os.OpenFile(filepath.Join(d.path, "connect"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.SetDeadline(time.Now().Add(limit)))
	_, err = io.Copy(f, strings.NewReader(strings.Repeat("x", 4<<20)+"\n"))
	require.NoError(t, err)
	d.requireServed("good")
}

// TestListenPipesHalfNames: what another writer began does not become a part of the
// next client's name.
func TestListenPipesHalfNames(t *testing.T) {
	for _, half := range []string{"x", strings.Repeat("x", 64), strings.Repeat("x", 4095), strings.Repeat("x", 5000)} {
		d := open(t, "fifo", 0o600)
		d.announce(half)
		p := d.pair("good")
		require.NoError(t, p.results.SetDeadline(time.Now().Add(2*time.Second)))
		d.announce("\ngood\n")
		if err := p.echoes(); err != nil {
			t.Errorf("after half a name of %d bytes: %v", len(half), err)
		}
	}
}

// TestListenPipesOwners: both pipes are one user's, and that is the client.
func TestListenPipesOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs another user")
	}
	d := open(t, "fifo", 0o600)
	mixed := d.pair("mixed")
	require.NoError(t, os.Chown(filepath.Join(d.path, "mixed.events"), 65534, -1))
	d.announce("mixed\n")
	theirs := d.pair("theirs")
	for _, suffix := range []string{".events", ".results"} {
		require.NoError(t, os.Chown(filepath.Join(d.path, "theirs"+suffix), 65534, -1))
	}
	d.announce("theirs\n")
	_, err := io.WriteString(theirs.events, "hello\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(theirs.results).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "65534 hello\n", line)
	require.NoError(t, mixed.results.SetDeadline(time.Now().Add(300*time.Millisecond)))
	require.ErrorIs(t, mixed.echoes(), os.ErrDeadlineExceeded)
}

// TestListenPipesGroup: without its group no member of it could reach the pipe.
func TestListenPipesGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "at")
	l, err := endpoint.Listen("fifo:"+path, endpoint.Options{Mode: 0o660, Group: fmt.Sprint(os.Getegid())})
	require.NoError(t, err)
	defer l.Close()
	for name, mode := range map[string]fs.FileMode{"": fs.ModeDir | fs.ModeSticky | 0o730, "connect": fs.ModeNamedPipe | 0o620} {
		info, err := os.Lstat(filepath.Join(path, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
	}
}

// TestListenTwice: it is refused, and does not disturb the first.
func TestListenTwice(t *testing.T) {
	for _, scheme := range []string{"unix", "fifo"} {
		d := open(t, scheme, 0o600)
		for range 3 {
			_, err := endpoint.Listen(scheme+":"+d.path, endpoint.Options{Mode: 0o666})
			require.ErrorContains(t, err, "another process listens there")
		}
		if scheme == "fifo" {
			d.requireServed("good")
			continue
		}
		info, err := os.Lstat(d.path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
		conn, err := net.Dial("unix", d.path)
		require.NoError(t, err)
		conn.Close()
	}
}

// TestListenClosedTwice: the second Close does not remove what the next listener
// made.
func TestListenClosedTwice(t *testing.T) {
	for _, scheme := range []string{"unix", "fifo"} {
		d := open(t, scheme, 0o600)
		require.NoError(t, d.l.Close())
		<-d.done
		next, err := endpoint.Listen(scheme+":"+d.path, endpoint.Options{Mode: 0o600})
		require.NoError(t, err, scheme)
		_ = d.l.Close()
		for _, name := range map[string][]string{"unix": {""}, "fifo": {"connect"}}[scheme] {
			_, err = os.Lstat(filepath.Join(d.path, name))
			require.NoError(t, err, "%s: the next listener's is gone", scheme)
		}
		require.NoError(t, next.Close())
	}
}

// TestListenSocketOfAnother: a socket that was put in the place of ours is not ours to
// remove at the end.
func TestListenSocketOfAnother(t *testing.T) {
	d := open(t, "unix", 0o600)
	require.NoError(t, os.Remove(d.path))
	next, err := endpoint.Listen("unix:"+d.path, endpoint.Options{Mode: 0o600})
	require.NoError(t, err)
	defer next.Close()
	require.NoError(t, d.l.Close())
	_, err = os.Lstat(d.path)
	require.NoError(t, err)
}

// TestListenStaleSocket: one at which nobody listens is replaced.
func TestListenStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "at")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	ours, err := endpoint.Listen("unix:"+path, endpoint.Options{Mode: 0o600})
	require.NoError(t, err)
	require.NoError(t, ours.Close())
	_, err = os.Lstat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestListenAddressFaults: a wrong address is refused, and no file is left.
func TestListenAddressFaults(t *testing.T) {
	for _, address := range []string{"", "unix", "unix:", "fifo:", "tcp:localhost:1", "/run/x", "UNIX:/run/x", ":x"} {
		_, err := endpoint.Listen(address, endpoint.Options{Mode: 0o600})
		require.ErrorIs(t, err, fs.ErrInvalid, address)
	}
	for _, scheme := range []string{"unix", "fifo"} {
		path := filepath.Join(t.TempDir(), "at")
		_, err := endpoint.Listen(scheme+":"+path, endpoint.Options{Mode: 0o600, Group: "no-such-group"})
		require.ErrorIs(t, err, fs.ErrInvalid)
		left, err := filepath.Glob(filepath.Join(path, "*"))
		require.NoError(t, err)
		require.Empty(t, left)
		_, err = os.Lstat(path)
		require.ErrorIs(t, err, fs.ErrNotExist, scheme)
	}
}
