package runner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
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

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// endpointServer is a process that listens, and answers as a test says. It records its
// calls.
type endpointServer struct {
	t    *testing.T
	dir  string
	wait sync.WaitGroup

	mu    sync.Mutex
	asked []string // "perform_challenge a.test"
	open  []net.Conn
}

// newServer listens at DIR/at. reply returns what is written for an event; nil
// ends the connection, and an empty text leaves the client waiting.
func newServer(t *testing.T, reply func(cmd, domain string) []byte) *endpointServer {
	o := &endpointServer{t: t, dir: t.TempDir()}
	l, err := net.Listen("unix", filepath.Join(o.dir, "at"))
	require.NoError(t, err)
	o.wait.Add(1)
	go func() {
		defer o.wait.Done()
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.open = append(o.open, conn)
			o.mu.Unlock()
			o.wait.Add(1)
			go o.serve(conn, reply)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		o.mu.Lock()
		for _, conn := range o.open {
			conn.Close()
		}
		o.mu.Unlock()
		o.wait.Wait()
	})
	return o
}

func (o *endpointServer) serve(conn net.Conn, reply func(cmd, domain string) []byte) {
	defer o.wait.Done()
	defer conn.Close()
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e struct{ Cmd, Domain string }
		if err := json.Unmarshal(line, &e); err != nil {
			o.t.Error(err)
			return
		}
		o.mu.Lock()
		o.asked = append(o.asked, e.Cmd+" "+e.Domain)
		o.mu.Unlock()
		text := reply(e.Cmd, e.Domain)
		if text == nil {
			return
		}
		if _, err := conn.Write(text); err != nil {
			return
		}
	}
}

func (o *endpointServer) calls() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.asked...)
}

// done answers that all is well.
func done(cmd, domain string) []byte {
	return fmt.Appendf(nil, "{\"cmd\":\"result\",\"for\":%q,\"domain\":%q,\"ok\":true,\"output\":\"%s %s\\n\"}\n", cmd, domain, cmd, domain)
}

// chain reads a chain file in the socket's directory.
func (o *endpointServer) chain(text string) []runner.Handler {
	o.t.Helper()
	file := filepath.Join(o.dir, "chain")
	require.NoError(o.t, os.WriteFile(file, []byte(text), 0o644))
	chain, err := runner.ReadChain(file)
	require.NoError(o.t, err)
	return chain
}

// run runs events through a chain.
func (o *endpointServer) run(chain string, events ...envmap.Event) (output string, warnings []string, err error) {
	o.t.Helper()
	r := &runner.Runner{
		Chain: o.chain(chain), Environ: []string{"PATH=/usr/bin:/bin", "LOG=" + filepath.Join(o.dir, "log")},
		State: filepath.Join(o.dir, "state"), Grace: 100 * time.Millisecond,
		Deliver: func(_ context.Context, b []byte) error { output += string(b); return nil },
		Warn:    func(message string) { warnings = append(warnings, message) },
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err = r.Run(ctx, events)
	return output, warnings, err
}

func (o *endpointServer) journal() []string {
	var records []string
	files, _ := os.ReadDir(filepath.Join(o.dir, "state", "journal"))
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".lock") {
			records = append(records, f.Name())
		}
	}
	return records
}

func asks(cmd envmap.Cmd, domain string) envmap.Event {
	return envmap.Event{
		Cmd: cmd, Client: "json", Type: envmap.DNS01, Domain: domain, Token: "t", TXTDomain: "_acme-challenge." + domain,
		Validation: "one-0123456789-0123456789-0123456789-abcdef",
	}
}

// TestEndpointAnswers: an answer that is malformed, or an error, fails the
// call, which is undone at the same endpoint.
func TestEndpointAnswers(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"refusal":         {`{"cmd":"result","ok":false,"error":"no such zone"}`, "answered: no such zone"},
		"several lines":   {`{"cmd":"result","ok":false,"error":"one\ntwo"}`, "answered: one; two"},
		"controls":        {`{"cmd":"result","ok":false,"error":"a\u001b[31mb\r\u0007\u009bc"}`, "answered: a[31mbc"},
		"no JSON":         {"hello", "answered: something that is not a result line"},
		"an array":        {`[]`, "answered: something that is not a result line"},
		"null":            {`null`, "answered: something that is not a result line"},
		"empty line":      {``, "answered: something that is not a result line"},
		"an event":        {`{"cmd":"startup"}`, "answered: something that is not a result line"},
		"no ok":           {`{"cmd":"result"}`, "answered: something that is not a result line"},
		"null ok":         {`{"cmd":"result","ok":null}`, "answered: something that is not a result line"},
		"ok of text":      {`{"cmd":"result","ok":"true"}`, "answered: something that is not a result line"},
		"output of list":  {`{"cmd":"result","ok":true,"output":[]}`, "answered: something that is not a result line"},
		"too long":        {`{"cmd":"result","ok":true,"output":"` + strings.Repeat("x", 2<<20) + `"}`, "answered: nothing; the connection ended"},
		"end of the line": {"\x00nothing", "answered: something that is not a result line"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newServer(t, func(cmd, domain string) []byte {
				if cmd != string(envmap.PerformChallenge) {
					return done(cmd, domain)
				}
				return []byte(c.answer + "\n")
			})
			output, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
			require.Error(t, err)
			require.Empty(t, output)
			require.True(t, strings.HasSuffix(err.Error(), ": "+c.want), err.Error())
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
			require.Empty(t, o.journal())
		})
	}
}

// TestEndpointAnswerOfAnother: an answer names its event, so that it is not
// taken for another's.
func TestEndpointAnswerOfAnother(t *testing.T) {
	o := newServer(t, func(cmd, domain string) []byte {
		if cmd == string(envmap.Cleanup) {
			return done(cmd, domain)
		}
		return done(string(envmap.Cleanup), "b.test")
	})
	_, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.Error(t, err)
	require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
}

// TestEndpointEndsTheConnection: without an answer, or in the middle of one.
func TestEndpointEndsTheConnection(t *testing.T) {
	for _, half := range []string{"", `{"cmd":"result","ok":true,"output":""}`} {
		var o *endpointServer
		o = newServer(t, func(cmd, domain string) []byte {
			if cmd == string(envmap.Cleanup) {
				return done(cmd, domain)
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			_, _ = o.open[0].Write([]byte(half))
			return nil
		})
		_, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
		require.ErrorContains(t, err, "answered: nothing; the connection ended")
		require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
	}
}

// TestEndpointTextIsCut: what another process says of its failure is a line that
// a person can read.
func TestEndpointTextIsCut(t *testing.T) {
	o := newServer(t, func(cmd, domain string) []byte {
		if cmd == string(envmap.Cleanup) {
			return done(cmd, domain)
		}
		return []byte(`{"cmd":"result","ok":false,"error":"` + strings.Repeat("x", 500000) + "\"}\n")
	})
	_, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.Error(t, err)
	require.Less(t, len(err.Error()), 10000)
}

// TestEndpointOutputIsCut: as that of a handler that is a program, 32 KiB.
func TestEndpointOutputIsCut(t *testing.T) {
	o := newServer(t, func(cmd, domain string) []byte {
		return []byte(`{"cmd":"result","ok":true,"output":"` + strings.Repeat("é", 45000) + "\\u0000\"}\n")
	})
	output, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.NoError(t, err)
	require.NotContains(t, output, "\x00")
	require.LessOrEqual(t, len(output), 32<<10)
}

// TestEndpointIsSilent: its time ends, and the challenge is cleaned up at the
// same place.
func TestEndpointIsSilent(t *testing.T) {
	o := newServer(t, func(cmd, domain string) []byte {
		if cmd == string(envmap.Cleanup) {
			return done(cmd, domain)
		}
		return []byte{}
	})
	started := time.Now()
	_, _, err := o.run("json timeout=300ms unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	timeout := new(runner.TimeoutError)
	require.ErrorAs(t, err, &timeout)
	rollback := new(runner.RollbackError)
	require.False(t, errors.As(err, &rollback))
	require.Less(t, time.Since(started), 5*time.Second)
	require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
	require.Empty(t, o.journal())
}

// TestEndpointDribbles: bytes that come now and then do not add to its time.
func TestEndpointDribbles(t *testing.T) {
	var o *endpointServer
	o = newServer(t, func(cmd, domain string) []byte {
		if cmd == string(envmap.Cleanup) {
			return done(cmd, domain)
		}
		o.mu.Lock()
		conn := o.open[0]
		o.mu.Unlock()
		for range 200 {
			if _, err := conn.Write([]byte(" ")); err != nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	})
	started := time.Now()
	_, _, err := o.run("json timeout=300ms unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.ErrorAs(t, err, new(*runner.TimeoutError))
	require.Less(t, time.Since(started), 3*time.Second)
}

// TestEndpointRollback: a later handler fails, and the endpoint cleans up.
func TestEndpointRollback(t *testing.T) {
	o := newServer(t, done)
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "fail.sh"), []byte("#!/bin/sh\ntest \"$1\" = clean_challenge\n"), 0o755))
	_, _, err := o.run("json unix:at\ndehydrated ./fail.sh\n", asks(envmap.PerformChallenge, "a.test"))
	require.ErrorAs(t, err, new(*runner.HandlerError))
	require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
	require.Empty(t, o.journal())
}

// TestEndpointCannotUndo: it does not answer the cleanup either. The journal
// keeps what is left for a later cleanup.
func TestEndpointCannotUndo(t *testing.T) {
	heal := make(chan struct{})
	o := newServer(t, func(cmd, domain string) []byte {
		select {
		case <-heal:
			return done(cmd, domain)
		default:
			return nil
		}
	})
	_, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.ErrorAs(t, err, new(*runner.RollbackError))
	require.Len(t, o.journal(), 1)
	close(heal)
	_, _, err = o.run("json unix:at\n", asks(envmap.Cleanup, "a.test"))
	require.NoError(t, err)
	require.Empty(t, o.journal())
}

// TestEndpointOptional: its failure is a warning.
func TestEndpointOptional(t *testing.T) {
	o := newServer(t, func(string, string) []byte { return nil })
	output, warnings, err := o.run("json optional=yes unix:nobody\njson optional=yes unix:at\ndehydrated echo\n", asks(envmap.PerformChallenge, "a.test"))
	require.NoError(t, err)
	require.Contains(t, output, "deploy_challenge a.test")
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0], "nobody listens there")
}

// TestEndpointPhases: it gets an order's begin and end only if phase= says so.
func TestEndpointPhases(t *testing.T) {
	o := newServer(t, done)
	_, _, err := o.run("json unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.NoError(t, err)
	_, _, err = o.run("json unix:at\n", asks(envmap.Cleanup, "a.test"))
	require.NoError(t, err)
	require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())

	o = newServer(t, done)
	const chain = "json phase=pre-perform,perform,post-perform,pre-cleanup,cleanup,post-cleanup unix:at\n"
	_, _, err = o.run(chain, asks(envmap.PerformChallenge, "a.test"))
	require.NoError(t, err)
	_, _, err = o.run(chain, asks(envmap.Cleanup, "a.test"))
	require.NoError(t, err)
	require.Equal(t, []string{"pre_perform ", "perform_challenge a.test", "post_perform ", "pre_cleanup ", "cleanup a.test", "post_cleanup "}, o.calls())

	o = newServer(t, done)
	_, _, err = o.run("dehydrated true\njson phase=post-perform unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.NoError(t, err)
	require.Equal(t, []string{"post_perform "}, o.calls())
}

// TestEndpointStopped: a signal ends the wait.
func TestEndpointStopped(t *testing.T) {
	o := newServer(t, func(cmd, domain string) []byte {
		if cmd == string(envmap.Cleanup) {
			return done(cmd, domain)
		}
		return []byte{}
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	r := &runner.Runner{Chain: o.chain("json unix:at\n"), State: filepath.Join(o.dir, "state"), Warn: func(string) {}}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, []envmap.Event{asks(envmap.PerformChallenge, "a.test")}) }()
	require.Eventually(t, func() bool { return len(o.calls()) == 1 }, 10*time.Second, 5*time.Millisecond)
	cancel(&process.SignalError{Signal: syscall.SIGTERM})
	select {
	case err := <-ended:
		require.ErrorAs(t, err, new(*process.SignalError))
	case <-time.After(5 * time.Second):
		t.Fatal("still waits")
	}
	require.Equal(t, []string{"perform_challenge a.test", "cleanup a.test"}, o.calls())
}

// TestEndpointQueueIsFull: the time for a process that accepts no connection is
// limited.
func TestEndpointQueueIsFull(t *testing.T) {
	o := &endpointServer{t: t, dir: t.TempDir()}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer syscall.Close(fd)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: filepath.Join(o.dir, "at")}))
	require.NoError(t, syscall.Listen(fd, 0))
	conn, err := net.Dial("unix", filepath.Join(o.dir, "at"))
	require.NoError(t, err)
	defer conn.Close()
	started := time.Now()
	_, _, err = o.run("json timeout=300ms unix:at\n", asks(envmap.PerformChallenge, "a.test"))
	require.ErrorAs(t, err, new(*runner.TimeoutError))
	require.Less(t, time.Since(started), 5*time.Second)
}

// TestEndpointPipesNobodyReads: a listener that was stopped but has not ended,
// even if the pipe at which clients announce themselves is full.
func TestEndpointPipesNobodyReads(t *testing.T) {
	t.Parallel()
	o := &endpointServer{t: t, dir: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(o.dir, "at"), 0o700))
	connect := filepath.Join(o.dir, "at", "connect")
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
		started := time.Now()
		ended := make(chan error, 1)
		go func() {
			_, _, err := o.run("json timeout=300ms fifo:at\n", asks(envmap.PerformChallenge, "a.test"))
			ended <- err
		}()
		select {
		case err := <-ended:
			require.ErrorAs(t, err, new(*runner.TimeoutError))
			require.Less(t, time.Since(started), 5*time.Second)
		case <-time.After(8 * time.Second):
			t.Fatalf("still waits; full: %v", full)
		}
		left, err := filepath.Glob(filepath.Join(o.dir, "at", "*.*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}
