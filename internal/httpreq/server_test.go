package httpreq

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/netutil"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const (
	value       = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
	password    = "correct horse"
	testTimeout = time.Minute
)

func bodyFor(name string) string {
	return `{"fqdn":"_acme-challenge.` + name + `.","value":"` + value + `"}`
}

// testServer is a server under test, and what it did.
type testServer struct {
	*server
	t       *testing.T
	address string
	stop    context.CancelCauseFunc
	ended   chan error

	mu     sync.Mutex
	logged []string
	runs   []envmap.Event
}

// newTestServer starts a server. It calls run instead of handlers.
func newTestServer(t *testing.T, change func(*server), run runFunc) *testServer {
	d := &testServer{t: t, ended: make(chan error, 1)}
	u, err := watchUsers(&options{users: usersFile(t), log: d.hear})
	require.NoError(t, err)
	d.server = newServer(u, func(ctx context.Context, e envmap.Event) error {
		d.mu.Lock()
		d.runs = append(d.runs, e)
		d.mu.Unlock()
		return run(ctx, e)
	}, d.hear, defaultLimits(10*time.Second))
	d.server.address = "here"
	if change != nil {
		change(d.server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d.address = l.Addr().String()
	ctx, stop := context.WithCancelCause(context.Background())
	d.stop = stop
	go func() { d.ended <- d.serve(ctx, netutil.LimitListener(l, 256)) }()
	t.Cleanup(func() { stop(nil) })
	return d
}

func usersFile(t *testing.T) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "users")
	text := fmt.Sprintf("# clients\n\nlab:%s example.org,*.example.org\nother:%s *.example.net,cname.example.com\n", hash, hash)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func (d *testServer) hear(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logged = append(d.logged, line)
}

func (d *testServer) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.logged, "\n")
}

func (d *testServer) ran() []envmap.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]envmap.Event(nil), d.runs...)
}

// answer is the response that a client got.
type answer struct {
	status int
	body   string
	header http.Header
}

// request sends a request as a client of that name; "" sends no credentials.
func (d *testServer) request(client, method, path, body string) (answer, error) {
	r, err := http.NewRequest(method, "http://"+d.address+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if client != "" {
		name, pass, typed := strings.Cut(client, ":")
		if !typed {
			pass = password
		}
		r.SetBasicAuth(name, pass)
	}
	c := http.Client{Timeout: testTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := c.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, string(text), response.Header}, err
}

func (d *testServer) mustRequest(client, method, path, body string) answer {
	d.t.Helper()
	got, err := d.request(client, method, path, body)
	require.NoError(d.t, err)
	return got
}

func done(context.Context, envmap.Event) error { return nil }

// TestServerAnswers: each refusal has its status and one line, and no handler
// runs.
func TestServerAnswers(t *testing.T) {
	d := newTestServer(t, nil, done)
	good := bodyFor("example.org")
	for _, c := range []struct {
		client, method, path, body string
		status                     int
		answer                     string
	}{
		{"", "GET", "/healthz", "", 200, "ok\n"},
		{"", "POST", "/healthz", "", 405, "wrong method\n"},
		{"lab", "POST", "/", good, 404, "there is /present and /cleanup\n"},
		{"lab", "POST", "/present/", good, 404, "there is /present and /cleanup\n"},
		{"lab", "GET", "/present", "", 405, "wrong method\n"},
		{"", "POST", "/present", good, 401, "wrong or missing name and password\n"},
		{"lab:wrong", "POST", "/present", good, 401, "wrong or missing name and password\n"},
		{"lab:", "POST", "/present", good, 401, "wrong or missing name and password\n"},
		{"nobody", "POST", "/present", good, 401, "wrong or missing name and password\n"},
		{"lab", "POST", "/present", "{", 400, "line is not JSON near byte 1\n"},
		{"lab", "POST", "/present", "{}", 400, "need fqdn and value, or domain, token and keyAuth\n"},
		{"lab", "POST", "/present", strings.Replace(good, value, "x", 1), 422, "value dns-01: is not 43 base64url characters\n"},
		{"lab", "POST", "/present", bodyFor("example.net"), 403, "the client may not touch this name\n"},
		{"other", "POST", "/present", bodyFor("example.net"), 403, "the client may not touch this name\n"},
		{"other", "POST", "/present", bodyFor("cname.example.com.example.org"), 403, "the client may not touch this name\n"},
		{"lab", "POST", "/present", strings.Repeat(" ", maxBody+1), 413, "body is longer than 65536 bytes\n"},
	} {
		got := d.mustRequest(c.client, c.method, c.path, c.body)
		require.Equal(t, c.status, got.status, "%v", c)
		require.Equal(t, c.answer, got.body, "%v", c)
		require.NotContains(t, got.body, `"`, "dns_acmeproxy would find its value")
		require.Equal(t, c.status == 401, got.header.Get("WWW-Authenticate") != "")
	}
	require.Empty(t, d.ran())
	require.NotContains(t, d.log(), value)
	require.NotContains(t, d.log(), password)
	require.NotContains(t, d.log(), "nobody", "a password is typed as a name at times")
}

// TestServerRuns: the event is the client's, and the answer repeats the request.
func TestServerRuns(t *testing.T) {
	d := newTestServer(t, nil, done)
	substituted := `{"fqdn": "cname.example.com.", "value": "` + value + `", "more": [1]}`
	for _, c := range []struct{ client, path, body, name string }{
		{"lab", "/present", bodyFor("example.org"), "_acme-challenge.example.org"},
		{"lab", "/cleanup", bodyFor("a.b.example.org"), "_acme-challenge.a.b.example.org"},
		{"other", "/present", substituted, "cname.example.com"},
	} {
		got := d.mustRequest(c.client, "POST", c.path, c.body)
		require.Equal(t, 200, got.status, got.body)
		require.Equal(t, c.body, got.body)
		runs := d.ran()
		e := runs[len(runs)-1]
		require.Equal(t, c.name, e.TXTDomain)
		require.Equal(t, value, e.Validation)
		require.Equal(t, "here "+c.client, e.Via)
		require.Nil(t, e.Peer)
		require.Regexp(t, `^[-0-9T:]+Z client=`+c.client+` remote=127\.0\.0\.1:[0-9]+ POST "`+c.path+`" name=`+c.name+` status=200$`, d.logged[len(d.logged)-1])
	}
	require.NotContains(t, d.log(), value)
}

// TestServerFailures: each kind of failure of handlers has a status of its own.
func TestServerFailures(t *testing.T) {
	failure := &runner.HandlerError{Err: errors.New("exit status 1\nmore")}
	for _, c := range []struct {
		err    error
		status int
	}{
		{failure, 500},
		{&runner.RollbackError{Cause: &process.TimeoutError{}, Undo: failure}, 500},
		{&journal.Error{}, 500},
		{&journal.LockedError{}, 503},
		{&runner.HandlerError{Err: &process.TimeoutError{After: time.Second}}, 503},
		{&process.SignalError{Signal: syscall.SIGTERM}, 503},
		{&runner.NoHandlerError{}, 422},
		{&envmap.MissingError{Convention: "x", Field: "y"}, 422},
	} {
		if j := new(journal.Error); errors.As(c.err, &j) {
			j.Err = os.ErrPermission
		}
		d := newTestServer(t, nil, func(context.Context, envmap.Event) error { return c.err })
		got := d.mustRequest("lab", "POST", "/present", bodyFor("example.org"))
		require.Equal(t, c.status, got.status, "%T", c.err)
		require.Equal(t, 1, strings.Count(got.body, "\n"))
		require.Contains(t, d.log(), fmt.Sprintf("status=%d: ", c.status))
	}
}

// TestServerHalfBody: a body that ends too early, or does not come, is refused
// in time, and no handler runs.
func TestServerHalfBody(t *testing.T) {
	d := newTestServer(t, func(s *server) { s.limits.body, s.limits.header = 300*time.Millisecond, 300*time.Millisecond }, done)
	credentials := "Authorization: Basic bGFiOmNvcnJlY3QgaG9yc2U=\r\n" // lab:correct horse
	for _, c := range []struct {
		sent  string
		close bool
		want  string
	}{
		{"POST /present HTTP/1.1\r\nHost: x\r\n" + credentials + "Content-Length: 200\r\n\r\n{\"fqdn\"", false, "body did not come in time"},
		{"POST /present HTTP/1.1\r\nHost: x\r\n" + credentials + "Content-Length: 200\r\n\r\n{\"fqdn\"", true, "body ends too early"},
		{"POST /present HTTP/1.1\r\nHost: x\r\n" + credentials + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, "body ends too early"},
		{"POST /present HTTP/1.1\r\nHost: x\r\nX-Slow: ", false, ""},
	} {
		conn, err := net.Dial("tcp", d.address)
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(testTimeout)))
		_, err = io.WriteString(conn, c.sent)
		require.NoError(t, err)
		if c.close {
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		}
		text, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(text), c.want)
		conn.Close()
	}
	require.Empty(t, d.ran())
	require.Equal(t, 200, d.mustRequest("", "GET", "/healthz", "").status)
}

// TestServeMaxClients: further clients wait until one goes away.
func TestServeMaxClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ctx, stop := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	o := &options{listen: "unix:" + path, socket: endpoint.Options{Mode: 0o600}, users: usersFile(t), maxClients: 1, log: func(string) {}}
	go func() { ended <- serve(ctx, o, done) }()
	require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, testTimeout, 10*time.Millisecond)
	ask := func() net.Conn {
		conn, err := net.Dial("unix", path)
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		return conn
	}
	answered := func(conn net.Conn, within time.Duration) bool {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(within)))
		_, err := conn.Read(make([]byte, 1))
		return err == nil
	}
	first := ask()
	require.True(t, answered(first, testTimeout))
	second := ask()
	defer second.Close()
	require.False(t, answered(second, 200*time.Millisecond))
	first.Close()
	require.True(t, answered(second, testTimeout))
	stop(errStop)
	require.ErrorIs(t, <-ended, error(errStop))
}

// TestServerLongHeader is refused before anybody looks at it.
func TestServerLongHeader(t *testing.T) {
	d := newTestServer(t, nil, done)
	r, err := http.NewRequest("POST", "http://"+d.address+"/present", strings.NewReader(bodyFor("example.org")))
	require.NoError(t, err)
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	response, err := http.DefaultClient.Do(r)
	if err == nil { // else the connection was reset already
		require.Equal(t, 431, response.StatusCode)
		response.Body.Close()
	}
	require.Empty(t, d.ran())
}

// TestServerHundredClients: a hundred clients at once are all served.
func TestServerHundredClients(t *testing.T) {
	var begun atomic.Int32
	two := make(chan struct{}) // closed when a second event has begun while the first is handled
	d := newTestServer(t, nil, func(context.Context, envmap.Event) error {
		if begun.Add(1) == 2 {
			close(two)
		}
		select {
		case <-two:
			return nil
		case <-time.After(testTimeout):
			return errors.New("one after another")
		}
	})
	var all sync.WaitGroup
	failed := make(chan error, 100)
	for i := range 100 {
		all.Add(1)
		go func() {
			defer all.Done()
			body := bodyFor(fmt.Sprintf("n%d.example.org", i))
			got, err := d.request("lab", "POST", "/present", body)
			if err == nil && (got.status != 200 || got.body != body) {
				err = fmt.Errorf("status %d: %s", got.status, got.body)
			}
			if err != nil {
				failed <- err
			}
		}()
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	require.Len(t, d.ran(), 100)
}

// TestServerClientGoesAway: a challenge is undone, a cleanup goes on.
func TestServerClientGoesAway(t *testing.T) {
	for path, undone := range map[string]bool{"present": true, "cleanup": false} {
		begun, ended := make(chan struct{}), make(chan bool, 1)
		d := newTestServer(t, nil, func(ctx context.Context, _ envmap.Event) error {
			close(begun)
			select {
			case <-ctx.Done():
				ended <- true
			case <-time.After(500 * time.Millisecond):
				ended <- false
			}
			return ctx.Err()
		})
		ctx, leave := context.WithCancel(context.Background())
		r, err := http.NewRequestWithContext(ctx, "POST", "http://"+d.address+"/"+path, strings.NewReader(bodyFor("example.org")))
		require.NoError(t, err)
		r.SetBasicAuth("lab", password)
		go func() { <-begun; leave() }()
		_, err = http.DefaultClient.Do(r)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, undone, <-ended, path)
	}
}

// TestServerOutlastsTheBodysTime: a handler may take longer than a body may.
func TestServerOutlastsTheBodysTime(t *testing.T) {
	d := newTestServer(t, func(s *server) {
		s.limits.body, s.limits.header, s.limits.write = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
	}, func(ctx context.Context, _ envmap.Event) error {
		<-time.After(500 * time.Millisecond) // five times as long
		return ctx.Err()
	})
	require.Equal(t, 200, d.mustRequest("lab", "POST", "/present", bodyFor("example.org")).status)
}

var errStop = &process.SignalError{Signal: syscall.SIGTERM}

// TestServerStops: running requests end, new ones are refused.
func TestServerStops(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	d := newTestServer(t, nil, func(context.Context, envmap.Event) error {
		close(begun)
		<-end
		return nil
	})
	got := make(chan answer, 1)
	go func() {
		a, _ := d.request("lab", "POST", "/present", bodyFor("example.org"))
		got <- a
	}()
	<-begun
	d.stop(errStop)
	require.Eventually(t, func() bool { _, err := d.request("", "GET", "/healthz", ""); return err != nil }, testTimeout, time.Millisecond)
	require.Empty(t, d.ended)
	close(end)
	require.ErrorIs(t, <-d.ended, error(errStop))
	require.Equal(t, 200, (<-got).status)
}

// TestServerStopsAndUndoes: what does not end in the grace period is undone,
// and the client gets an error.
func TestServerStopsAndUndoes(t *testing.T) {
	begun, undoing, undone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	d := newTestServer(t, func(s *server) { s.limits.gracePeriod = 200 * time.Millisecond }, func(ctx context.Context, _ envmap.Event) error {
		close(begun)
		<-ctx.Done()
		close(undoing)
		<-undone
		return context.Cause(ctx)
	})
	got := make(chan answer, 1)
	go func() {
		a, _ := d.request("lab", "POST", "/present", bodyFor("example.org"))
		got <- a
	}()
	<-begun
	d.stop(errStop)
	<-undoing
	require.Empty(t, d.ended)
	close(undone)
	require.ErrorIs(t, <-d.ended, error(errStop))
	require.Equal(t, 503, (<-got).status)
	require.Contains(t, d.log(), "status=503: stopped by terminated")
}

// TestServerStopsSlowClients: clients that are still sending do not delay the
// end.
func TestServerStopsSlowClients(t *testing.T) {
	d := newTestServer(t, func(s *server) { s.limits.gracePeriod, s.limits.last = 200*time.Millisecond, 200*time.Millisecond }, done)
	conn, err := net.Dial("tcp", d.address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /present HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond) // until the server has read that, which nobody is told
	d.stop(errStop)
	select {
	case err := <-d.ended:
		require.ErrorIs(t, err, error(errStop))
	case <-time.After(testTimeout):
		t.Fatal("does not end")
	}
}

// TestUnknownUserTakesAsLong: an unknown name costs a hash too.
func TestUnknownUserTakesAsLong(t *testing.T) {
	u, err := readUsers(usersFile(t))
	require.NoError(t, err)
	require.NotEmpty(t, u.unknown.hash)
	require.NoError(t, bcrypt.CompareHashAndPassword(u.unknown.hash, []byte(password)), "a hash of the file")
	_, err = u.find("nobody", password)
	require.ErrorIs(t, err, error(errUser))
}

// TestUsersAreReadAgain when their file changes; a broken file is ignored.
func TestUsersAreReadAgain(t *testing.T) {
	file := usersFile(t)
	var warned []string
	u, err := watchUsers(&options{users: file, log: func(line string) { warned = append(warned, line) }})
	require.NoError(t, err)
	names := func() []string { return slices.Sorted(maps.Keys(u.get().byName)) }
	require.Equal(t, []string{"lab", "other"}, names())
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	replace(t, file, fmt.Appendf(nil, "lab:%s example.org\n", hash))
	require.Equal(t, []string{"lab"}, names(), "a client that was taken out")
	replace(t, file, []byte("lab\nlab\n"))
	require.Equal(t, []string{"lab"}, names())
	require.NoError(t, os.Remove(file))
	require.Equal(t, []string{"lab"}, names())
	require.Equal(t, []string{
		"warning: the old users stay in use: " + file + ":1: expected NAME:HASH and the domains of the client",
		"warning: the old users stay in use: open " + file + ": no such file or directory",
	}, warned)
}

// TestUsersErrors: all are reported at once, without a hash.
func TestUsersErrors(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "users")
	text := fmt.Sprintf("lab:%[1]s example.org\nlab:%[1]s example.org\nno-hash example.org\nplain:secret example.org\nnames:%[1]s\nglob:%[1]s *\n:%[1]s a\n", hash)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	_, err = readUsers(file)
	require.EqualError(t, err, strings.ReplaceAll(strings.Join([]string{
		`FILE:2: duplicate client "lab"`,
		`FILE:3: expected NAME:HASH and the domains of the client`,
		`FILE:4: the hash of "plain" is not bcrypt's; extauth-httpreq passwd makes one`,
		`FILE:5: expected NAME:HASH and the domains of the client`,
		`FILE:6: "*" is neither an identifier nor *. with one`,
		`FILE:7: expected NAME:HASH and the domains of the client`,
	}, "\n"), "FILE", file))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = readUsers(file)
	require.EqualError(t, err, file+": has no client")
	require.NoError(t, os.Chmod(file, 0o644))
	if _, err = readUsers(file); os.Geteuid() == 0 {
		require.ErrorAs(t, err, new(*trust.UnsafeError))
	}
}

// TestListenPlain: plain TCP is only for loopback addresses.
func TestListenPlain(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:0": "", "localhost:0": "", "[::1]:0": "",
		"0.0.0.0:0": "is not a loopback address", ":0": "is not a loopback address", "[::]:0": "is not a loopback address",
		"nonsense": "missing port", "systemd": "systemd passed 0 sockets",
	} {
		l, err := listenAt(&options{listen: address}, false)
		if want != "" {
			require.ErrorAs(t, err, new(*cli.StatusError), address)
			require.ErrorContains(t, err, want, address)
			continue
		}
		if errors.Is(err, syscall.EADDRNOTAVAIL) || err != nil && strings.Contains(address, "::1") {
			continue // no IPv6 here
		}
		require.NoError(t, err, address)
		l.Close()
	}
	l, err := listenAt(&options{listen: ":0"}, true)
	require.NoError(t, err)
	l.Close()
	_, err = listenAt(&options{listen: "unix:" + filepath.Join(t.TempDir(), "s"), socket: endpoint.Options{Mode: 0o600}}, true)
	require.ErrorContains(t, err, "--tls-cert is for HOST:PORT")
}

// TestListenUnix: an address that cannot be opened is an error of the
// configuration, as with a port.
func TestListenUnix(t *testing.T) {
	o := &options{listen: "unix:" + filepath.Join(t.TempDir(), "s"), socket: endpoint.Options{Mode: 0o600}}
	first, err := listenAt(o, false)
	require.NoError(t, err)
	defer first.Close()
	_, err = listenAt(o, false)
	require.ErrorAs(t, err, new(*cli.StatusError))
	require.ErrorContains(t, err, "another process listens there")
}

// dials reports whether somebody listens on a socket.
func dials(path string) bool {
	conn, err := net.Dial("unix", path)
	return err == nil && conn.Close() == nil
}

// TestServeUnixSocket: the kernel says which user connected.
func TestServeUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	log := make(chan string, 10)
	seen := make(chan envmap.Event, 1)
	ctx, stop := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	o := &options{listen: "unix:" + path, socket: endpoint.Options{Mode: 0o600}, users: usersFile(t), maxClients: 4,
		log: func(line string) { log <- line }}
	go func() {
		ended <- serve(ctx, o, func(_ context.Context, e envmap.Event) error { seen <- e; return nil })
	}()
	require.Eventually(t, func() bool { return dials(path) }, testTimeout, 10*time.Millisecond)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", path)
	}}}
	r, err := http.NewRequest("POST", "http://x/present", strings.NewReader(bodyFor("example.org")))
	require.NoError(t, err)
	r.SetBasicAuth("lab", password)
	response, err := client.Do(r)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, 200, response.StatusCode)
	e := <-seen
	require.Equal(t, os.Geteuid(), *e.Peer)
	require.Equal(t, "unix:"+path+" lab", e.Via)
	require.Contains(t, <-log, fmt.Sprintf("remote=uid:%d", os.Geteuid()))
	stop(errStop)
	require.ErrorIs(t, <-ended, error(errStop))
	require.NoFileExists(t, path)
}

// writePair writes a certificate with the given serial number, and its key,
// over the old ones.
func writePair(t *testing.T, dir string, serial int64) (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	replace(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return cert, key
}

func replace(t *testing.T, file string, text []byte) {
	require.NoError(t, os.WriteFile(file+".new", text, 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

// TestKeyPairIsReadAgain when it changes; a broken one is ignored.
func TestKeyPairIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, 1)
	var warned atomic.Int32
	k, err := watchKeyPair(&options{tlsCert: cert, tlsKey: key, log: func(string) { warned.Add(1) }})
	require.NoError(t, err)
	serial := func() int64 {
		pair, err := configFor(k).GetCertificate(nil)
		require.NoError(t, err)
		return pair.Leaf.SerialNumber.Int64()
	}
	require.EqualValues(t, 1, serial())
	writePair(t, dir, 2)
	require.EqualValues(t, 2, serial())
	replace(t, cert, []byte("broken"))
	require.EqualValues(t, 2, serial())
	require.EqualValues(t, 2, serial())
	require.EqualValues(t, 1, warned.Load())
	writePair(t, dir, 3)
	require.EqualValues(t, 3, serial())
	_, err = watchKeyPair(&options{tlsCert: cert, tlsKey: cert})
	require.ErrorAs(t, err, new(*cli.StatusError))
}

// TestServeTLS and Post: the two ends of the protocol.
func TestServeTLS(t *testing.T) {
	cert, key := writePair(t, t.TempDir(), 7)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	listener.Close()
	ctx, stop := context.WithCancelCause(context.Background())
	ended, log := make(chan error, 1), &syncBuffer{}
	o := &options{listen: address, tlsCert: cert, tlsKey: key, users: usersFile(t), maxClients: 4, log: log.add}
	go func() { ended <- serve(ctx, o, done) }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, testTimeout, 10*time.Millisecond)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	p := client{url: "https://lab@localhost:" + port, operation: "present", password: password, ca: cert,
		body: []byte(bodyFor("example.org")), timeout: testTimeout}
	require.NoError(t, p.send(ctx))
	p.body = []byte(bodyFor("example.net"))
	require.EqualError(t, p.send(ctx), "localhost:"+port+": status 403: the client may not touch this name")
	p.ca = ""
	require.ErrorContains(t, p.send(ctx), "certificate")
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		conn.Close()
	}
	require.Error(t, err)
	stop(errStop)
	require.ErrorIs(t, <-ended, error(errStop))
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.WriteString(line + "\n")
}

// TestPostURL: a wrong URL is refused before anything is sent.
func TestPostURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://a:b@localhost":           "the URL has a password in it, which others can see; set HTTPREQ_PASSWORD",
		"ftp://localhost":                 "the URL is not https://HOST[:PORT][/PATH]",
		"https:///path":                   "the URL is not https://HOST[:PORT][/PATH]",
		"https://localhost/?x=1":          "the URL has more than a path",
		"https://a b@localhost":           "the URL cannot be read",
		"https://other@localhost":         "the URL and HTTPREQ_USERNAME name different users",
		"http://lab@dns.example.org:8053": "the password would go to dns.example.org:8053 as it is: use https",
	} {
		p := client{url: url, username: "lab", password: password}
		err := p.send(context.Background())
		require.ErrorAs(t, err, new(*cli.StatusError), url)
		require.EqualError(t, err, want)
	}
	err := client{url: "https://lab@localhost"}.send(context.Background())
	require.EqualError(t, err, "of HTTPREQ_USERNAME and HTTPREQ_PASSWORD only one is set")
}

// raw answers every connection with a text, and keeps what was received.
func raw(t *testing.T, text string) (url string, heads chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	heads = make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				heads <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
			}
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String() + "/base/", heads
}

// TestPostAnswers: any 2xx is success, and redirects are not followed.
func TestPostAnswers(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\nanything":                                                  "",
		"HTTP/1.1 204 No Content\r\n\r\n":                                                  "",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n": "status 302",
		"HTTP/1.1 307 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n": "status 307",
		"HTTP/1.1 500 x\r\n\r\n\x1b[31mfirst\nsecond\n":                                    "status 500: [31mfirst",
		"HTTP/1.1 500 x\r\n\r\n" + strings.Repeat("x", 4096):                               "status 500: " + strings.Repeat("x", 200),
		"SSH-2.0\r\n": "malformed HTTP",
	} {
		url, heads := raw(t, text)
		err := client{url: url, operation: "cleanup", username: "lab", password: password, timeout: testTimeout}.send(context.Background())
		require.Equal(t, "POST /base/cleanup Basic bGFiOmNvcnJlY3QgaG9yc2U=", <-heads)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "second")
	}
}

// TestPostTimeout: the time to wait for a silent server is limited.
func TestPostTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	started := time.Now()
	err = client{url: "http://" + l.Addr().String(), operation: "present", timeout: 200 * time.Millisecond}.send(context.Background())
	require.Error(t, err)
	require.Less(t, time.Since(started), testTimeout)
}

func TestHash(t *testing.T) {
	hash, err := hashPassword(password)
	require.NoError(t, err)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)))
	for _, bad := range []string{"", strings.Repeat("x", 73)} {
		_, err := hashPassword(bad)
		require.ErrorAs(t, err, new(*cli.StatusError))
	}
}
