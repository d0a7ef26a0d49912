package endpoint_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// server is a process that listens, and answers as a test wants it to.
type server struct {
	t    *testing.T
	path string
	wait sync.WaitGroup

	mu    sync.Mutex
	calls []string // "perform_challenge a.test"
	conns []net.Conn
}

// newServer listens on a Unix socket. reply returns what is written for an
// event; nil ends the connection, and an empty text leaves the client waiting.
func newServer(t *testing.T, reply func(conn net.Conn, cmd, domain string) []byte) *server {
	s := &server{t: t, path: filepath.Join(t.TempDir(), "at")}
	l, err := net.Listen("unix", s.path)
	require.NoError(t, err)
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			s.wait.Add(1)
			go s.serve(conn, reply)
		}
	}()
	t.Cleanup(func() { l.Close(); s.closeAll(); s.wait.Wait() })
	return s
}

func (s *server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
}

func (s *server) serve(conn net.Conn, reply func(conn net.Conn, cmd, domain string) []byte) {
	defer s.wait.Done()
	defer conn.Close()
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e struct{ Cmd, Domain string }
		if err := json.Unmarshal(line, &e); err != nil {
			s.t.Error(err)
			return
		}
		s.mu.Lock()
		s.calls = append(s.calls, e.Cmd+" "+e.Domain)
		s.mu.Unlock()
		text := reply(conn, e.Cmd, e.Domain)
		if text == nil {
			return
		}
		if _, err := conn.Write(text); err != nil {
			return
		}
	}
}

func (s *server) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

// ok answers that an event was done.
func ok(_ net.Conn, cmd, domain string) []byte {
	return fmt.Appendf(nil, "{\"cmd\":\"result\",\"for\":%q,\"domain\":%q,\"ok\":true,\"output\":\"%s %s\\n\"}\n", cmd, domain, cmd, domain)
}

func always(answer string) func(net.Conn, string, string) []byte {
	return func(net.Conn, string, string) []byte { return []byte(answer) }
}

func perform(domain string) envmap.Event {
	return envmap.Event{
		Cmd: envmap.PerformChallenge, Client: "json", Type: envmap.DNS01, Domain: domain, Token: "t", TXTDomain: "_acme-challenge." + domain,
		Validation: "one-0123456789-0123456789-0123456789-abcdef",
	}
}

func lines(t *testing.T, domains ...string) (all []byte) {
	convention, known := envmap.Lookup("json")
	require.True(t, known)
	for _, domain := range domains {
		call, err := convention.Encode(perform(domain))
		require.NoError(t, err)
		all = append(all, call.Stdin...)
	}
	return all
}

// exchange has the server perform challenges.
func (s *server) exchange(timeout time.Duration, domains ...string) (output []byte, answered int, err error) {
	s.t.Helper()
	return endpoint.Address{Scheme: "unix", Path: s.path}.Exchange(context.Background(), lines(s.t, domains...), timeout)
}

// TestAnswers: an answer that is not a result, or says no, is an error of one
// line.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"refusal":         {`{"cmd":"result","ok":false,"error":"no such zone"}`, "no such zone"},
		"several lines":   {`{"cmd":"result","ok":false,"error":"one\ntwo"}`, "one; two"},
		"controls":        {`{"cmd":"result","ok":false,"error":"a\u001b[31mb\r\u0007\u009bc"}`, "a[31mbc"},
		"no JSON":         {"hello", "something that is not a result line"},
		"an array":        {`[]`, "something that is not a result line"},
		"null":            {`null`, "something that is not a result line"},
		"empty line":      {``, "something that is not a result line"},
		"an event":        {`{"cmd":"startup"}`, "something that is not a result line"},
		"no ok":           {`{"cmd":"result"}`, "something that is not a result line"},
		"null ok":         {`{"cmd":"result","ok":null}`, "something that is not a result line"},
		"ok of text":      {`{"cmd":"result","ok":"true"}`, "something that is not a result line"},
		"output of list":  {`{"cmd":"result","ok":true,"output":[]}`, "something that is not a result line"},
		"too long":        {`{"cmd":"result","ok":true,"output":"` + strings.Repeat("x", 2<<20) + `"}`, "nothing; the connection ended"},
		"end of the line": {"\x00nothing", "something that is not a result line"},
		"of another":      {`{"cmd":"result","for":"cleanup","domain":"b.test","ok":true}`, `the result of another event, "cleanup" "b.test"`},
	} {
		t.Run(name, func(t *testing.T) {
			output, answered, err := newServer(t, always(c.answer+"\n")).exchange(30*time.Second, "a.test")
			require.ErrorAs(t, err, new(*endpoint.AnswerError))
			require.EqualError(t, err, "answered: "+c.want)
			require.Empty(t, output)
			require.Zero(t, answered)
		})
	}
}

// TestEveryLineIsAnswered: output is in the order of the lines, and ends at the
// first that failed.
func TestEveryLineIsAnswered(t *testing.T) {
	s := newServer(t, func(conn net.Conn, cmd, domain string) []byte {
		if domain == "c.test" {
			return []byte("{\"cmd\":\"result\",\"ok\":false,\"error\":\"no\"}\n")
		}
		return ok(conn, cmd, domain)
	})
	output, answered, err := s.exchange(30*time.Second, "a.test", "b.test")
	require.NoError(t, err)
	require.Equal(t, 2, answered)
	require.Equal(t, "perform_challenge a.test\nperform_challenge b.test\n", string(output))
	_, answered, err = s.exchange(30*time.Second, "a.test", "c.test", "b.test")
	require.EqualError(t, err, "answered: no")
	require.Equal(t, 1, answered)
}

// TestConnectionEnds: without an answer, or in the middle of one.
func TestConnectionEnds(t *testing.T) {
	for _, half := range []string{"", `{"cmd":"result","ok":true,"output":""}`} {
		s := newServer(t, func(conn net.Conn, _, _ string) []byte {
			_, _ = io.WriteString(conn, half)
			return nil
		})
		_, _, err := s.exchange(30*time.Second, "a.test")
		require.EqualError(t, err, "answered: nothing; the connection ended")
	}
}

// TestReasonIsCut: a person has to be able to read it.
func TestReasonIsCut(t *testing.T) {
	for _, letter := range []string{"x", "é", "€"} {
		s := newServer(t, always(`{"cmd":"result","ok":false,"error":"a`+strings.Repeat(letter, 150000)+"\"}\n"))
		_, _, err := s.exchange(30*time.Second, "a.test")
		require.ErrorContains(t, err, letter+"...")
		require.Less(t, len(err.Error()), 3000)
	}
}

// TestOutputIsCut: as that of a handler that is a program.
func TestOutputIsCut(t *testing.T) {
	s := newServer(t, always(`{"cmd":"result","ok":true,"output":"`+strings.Repeat("é", 45000)+"\\u0000\"}\n"))
	output, _, err := s.exchange(30*time.Second, "a.test")
	require.NoError(t, err)
	require.NotContains(t, string(output), "\x00")
	require.Len(t, output, process.MaxOutput)
}

func requireTimeout(t *testing.T, exchange func() error) {
	t.Helper()
	started := time.Now()
	require.ErrorAs(t, exchange(), new(*process.TimeoutError))
	require.Less(t, time.Since(started), 5*time.Second)
}

func TestServerIsSilent(t *testing.T) {
	s := newServer(t, always(""))
	requireTimeout(t, func() error { _, _, err := s.exchange(300*time.Millisecond, "a.test"); return err })
	require.Equal(t, []string{"perform_challenge a.test"}, s.called())
}

// TestServerDribbles: bytes that come now and then do not add to its time.
func TestServerDribbles(t *testing.T) {
	s := newServer(t, func(conn net.Conn, _, _ string) []byte {
		for range 500 {
			if _, err := conn.Write([]byte(" ")); err != nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	})
	requireTimeout(t, func() error { _, _, err := s.exchange(300*time.Millisecond, "a.test"); return err })
}

// TestServerDoesNotRead: more than a socket holds.
func TestServerDoesNotRead(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "at"))
	require.NoError(t, err)
	defer l.Close()
	a := endpoint.Address{Scheme: "unix", Path: l.Addr().String()}
	requireTimeout(t, func() error {
		_, _, err := a.Exchange(context.Background(), lines(t, strings.Fields(strings.Repeat("a.test ", 20000))...), 300*time.Millisecond)
		return err
	})
}

// TestStopped: the end of the context ends the wait.
func TestStopped(t *testing.T) {
	s := newServer(t, always(""))
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, _, err := endpoint.Address{Scheme: "unix", Path: s.path}.Exchange(ctx, lines(t, "a.test"), time.Hour)
		ended <- err
	}()
	require.Eventually(t, func() bool { return len(s.called()) == 1 }, 10*time.Second, 5*time.Millisecond)
	cancel(&process.SignalError{Signal: syscall.SIGTERM})
	select {
	case err := <-ended:
		require.ErrorAs(t, err, new(*process.SignalError))
	case <-time.After(5 * time.Second):
		t.Fatal("still waits")
	}
}

// TestQueueIsFull: a process that accepts nobody has its time, and no more.
func TestQueueIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "at")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	require.NoError(t, syscall.Listen(fd, 0))
	conn, err := net.Dial("unix", path)
	require.NoError(t, err)
	defer conn.Close()
	requireTimeout(t, func() error {
		_, _, err := endpoint.Address{Scheme: "unix", Path: path}.Exchange(context.Background(), lines(t, "a.test"), 300*time.Millisecond)
		return err
	})
}

// TestNobodyReadsThePipes: a listener that was stopped, not ended, and one whose
// pipe has no room for another client's name.
func TestNobodyReadsThePipes(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "at")
	require.NoError(t, os.Mkdir(directory, 0o700))
	connect := filepath.Join(directory, "connect")
	require.NoError(t, syscall.Mkfifo(connect, 0o600))
	f, err := os.OpenFile(connect, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer f.Close()
	for _, full := range []bool{false, true} {
		if full {
			require.NoError(t, f.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
			_, err := io.Copy(f, strings.NewReader(strings.Repeat("x\n", 1<<20)))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
		requireTimeout(t, func() error {
			_, _, err := endpoint.Address{Scheme: "fifo", Path: directory}.Exchange(context.Background(), lines(t, "a.test"), 300*time.Millisecond)
			return err
		})
		left, err := filepath.Glob(filepath.Join(directory, "*.*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// TestNobodyListens: the reason is the system's, and does not repeat the path.
func TestNobodyListens(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "connect"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "pipes"), 0o700))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipes", "connect"), 0o600))
	for text, reason := range map[string]string{
		"unix:" + dir + "/none":                   "no such file or directory",
		"unix:" + stale:                           "connection refused",
		"unix:" + dir + strings.Repeat("/xx", 60): "invalid argument",
		"fifo:" + dir + "/none":                   "no such file or directory",
		"fifo:" + dir + "/pipes":                  "no such device or address",
	} {
		a, ok := endpoint.ParseAddress(text)
		require.True(t, ok)
		_, _, err := a.Exchange(context.Background(), lines(t, "a.test"), 10*time.Second)
		failure := new(process.StartError)
		require.ErrorAs(t, err, &failure, text)
		require.Equal(t, process.StartError{Path: a.Path, Reason: "nobody listens there: " + reason, Err: failure.Err}, *failure)
	}
	left, err := filepath.Glob(filepath.Join(dir, "pipes", "*.*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestBothEnds: what listens is reached by what dials.
func TestBothEnds(t *testing.T) {
	for _, scheme := range []string{"unix", "fifo"} {
		address := endpoint.Address{Scheme: scheme, Path: filepath.Join(t.TempDir(), "at")}
		l, err := endpoint.Listen(address.String(), endpoint.Options{Mode: 0o600})
		require.NoError(t, err)
		served := make(chan int)
		go func() {
			caller, err := l.Accept()
			if err != nil {
				close(served)
				return
			}
			defer caller.Close()
			for requests := bufio.NewReader(caller); ; {
				if _, err := requests.ReadBytes('\n'); err != nil {
					served <- caller.UID()
					return
				}
				_, _ = io.WriteString(caller, "{\"cmd\":\"result\",\"ok\":true,\"output\":\"x\"}\n")
			}
		}()
		output, answered, err := address.Exchange(context.Background(), lines(t, "a.test", "b.test"), 10*time.Second)
		require.NoError(t, err)
		require.Equal(t, 2, answered)
		require.Equal(t, "xx", string(output))
		require.Equal(t, os.Geteuid(), <-served)
		require.NoError(t, l.Close())
	}
}

// TestHandOver: the events of one call are answered one by one.
func TestHandOver(t *testing.T) {
	s := newServer(t, func(conn net.Conn, cmd, domain string) []byte {
		if domain == "b.test" {
			return []byte("{\"cmd\":\"result\",\"ok\":false,\"error\":\"no\"}\n")
		}
		return ok(conn, cmd, domain)
	})
	output, answered, err := endpoint.HandOver(context.Background(), s.path, []envmap.Event{perform("a.test")})
	require.NoError(t, err)
	require.Equal(t, 1, answered)
	require.Equal(t, "perform_challenge a.test\n", string(output))
	_, answered, err = endpoint.HandOver(context.Background(), s.path, []envmap.Event{perform("a.test"), perform("b.test")})
	require.EqualError(t, err, "answered: no")
	require.Equal(t, 1, answered)
	_, _, err = endpoint.HandOver(context.Background(), s.path+".none", []envmap.Event{perform("a.test")})
	require.ErrorAs(t, err, new(*process.StartError))
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"unix:/a": true, "fifo:a": true, "unix:a:b": true, "unix:": true, "unix": false, "": false, ":a": false, "/a": false, "tcp:a": false, "UNIX:a": false,
	} {
		a, ok := endpoint.ParseAddress(text)
		require.Equal(t, want, ok, text)
		if ok {
			require.Equal(t, text, a.String())
		}
	}
}
