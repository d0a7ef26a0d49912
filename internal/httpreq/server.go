package httpreq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	maxBody   = 64 << 10 // bytes of a request's body
	maxHeader = 16 << 10 // bytes of its header
)

// limits are how long a client may take, and how long the program waits for
// running handlers at its end.
type limits struct {
	header, body, write, idle time.Duration
	gracePeriod               time.Duration // until running handlers are stopped and undone
	last                      time.Duration // for the last answers after that
}

func defaultLimits(grace time.Duration) limits {
	return limits{
		header: 10 * time.Second, body: 20 * time.Second, write: 10 * time.Second, idle: time.Minute,
		gracePeriod: grace, last: 2 * time.Second,
	}
}

// runFunc runs the handlers for one event of a client.
type runFunc func(ctx context.Context, e envmap.Event) error

// server answers requests.
type server struct {
	users   *watchedFile[*users]
	hashing chan struct{} // limits password checks: each keeps a processor busy for a while
	run     runFunc
	log     func(string)
	address string
	limits  limits

	work context.Context // ends when running handlers must stop and undo

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

func newServer(u *watchedFile[*users], run runFunc, log func(string), l limits) *server {
	return &server{users: u, hashing: make(chan struct{}, runtime.GOMAXPROCS(0)), run: run, log: log, limits: l}
}

// serve answers clients until the context ends. Then new requests are refused;
// running ones have a grace period, and are stopped and undone after it.
func serve(ctx context.Context, o *options, run runFunc) error {
	u, err := watchUsers(o)
	if err != nil {
		return err
	}
	pair, err := watchKeyPair(o)
	if err != nil {
		return err
	}
	l, err := listenAt(o, pair != nil)
	if err != nil {
		return err
	}
	s := newServer(u, run, o.log, defaultLimits(o.gracePeriod))
	s.address = addressOf(o, l)
	l = netutil.LimitListener(l, o.maxClients)
	if pair != nil {
		l = tls.NewListener(l, configFor(pair))
	}
	return s.serve(ctx, l)
}

// serve answers at a listener, which it closes.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	work, undo := context.WithCancelCause(context.WithoutCancel(ctx))
	defer undo(nil)
	s.work = work
	web := &http.Server{
		Handler: s, ReadHeaderTimeout: s.limits.header, IdleTimeout: s.limits.idle, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return work }, ConnContext: withPeer,
		ErrorLog: log.New(lineWriter(s.log), "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.stop(web, func() { undo(context.Cause(ctx)) })
	<-ended
	return context.Cause(ctx)
}

// stop ends the service: running requests have a grace period, and are stopped
// and undone after it. Handlers have limits of their own.
func (s *server) stop(web *http.Server, undo func()) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	if shutdown(web, s.limits.gracePeriod) != nil {
		undo()
		s.running.Wait()
		_ = shutdown(web, s.limits.last)
	}
	_ = web.Close()
}

func shutdown(web *http.Server, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return web.Shutdown(ctx)
}

// begin counts a run; it reports false if no more may begin.
func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Add(1)
	return true
}

// lineWriter logs each write as a line.
type lineWriter func(string)

func (l lineWriter) Write(b []byte) (int, error) {
	l(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// ServeHTTP answers one request, and logs it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.setDeadline(w)
	if r.URL.Path == "/healthz" {
		s.health(w, r)
		return
	}
	q := &request{server: s, w: w, r: r, client: "-", name: "-"}
	body, err := q.serve()
	status := statusOf(err)
	s.log(q.audit(status, err))
	s.setDeadline(w)
	if err != nil {
		refuse(w, status, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // acme.sh's dns_acmeproxy looks for the value in it
}

// setDeadline limits the time for further writes.
func (s *server) setDeadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.write))
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	s.setDeadline(w)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, errMethod)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// request is a request that is being served.
type request struct {
	*server
	w http.ResponseWriter
	r *http.Request

	client string // "-": not known
	name   string // of the TXT record
}

// serve does what the request asks for, and returns the answer.
func (q *request) serve() ([]byte, error) {
	operation := strings.TrimPrefix(q.r.URL.Path, "/")
	if operation != "present" && operation != "cleanup" {
		return nil, errPath
	}
	if q.r.Method != http.MethodPost {
		return nil, errMethod
	}
	user, err := q.authenticate(q.r)
	if err != nil {
		return nil, err
	}
	q.client = user.name
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	e, err := decode(operation, body)
	if err != nil {
		return nil, err
	}
	q.name = e.TXTDomain
	if !user.mayTouch(e) {
		return nil, errName
	}
	return body, q.runEvent(e)
}

// body reads the request's body, within its time and its size.
func (q *request) body() ([]byte, error) {
	control := http.NewResponseController(q.w)
	_ = control.SetReadDeadline(time.Now().Add(q.limits.body))
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxBody))
	tooLong := new(http.MaxBytesError)
	switch {
	case errors.As(err, &tooLong):
		return nil, &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", maxBody)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &httpError{http.StatusBadRequest, "body did not come in time"}
	case err != nil:
		return nil, &httpError{http.StatusBadRequest, "body ends too early"}
	}
	return body, control.SetReadDeadline(time.Time{}) // the end of the connection is still seen
}

func decode(operation string, body []byte) (envmap.Event, error) {
	convention, _ := envmap.Lookup("httpreq")
	events, err := convention.Decode(envmap.Call{Args: []string{operation}, Stdin: body})
	if err != nil {
		return envmap.Event{}, err
	}
	return events[0], nil
}

// runEvent runs the handlers. If the client goes away, its challenge is undone;
// a cleanup goes on.
func (q *request) runEvent(e envmap.Event) error {
	if !q.begin() {
		return errStopping
	}
	defer q.running.Done()
	ctx := q.r.Context()
	if e.Cmd == envmap.Cleanup {
		ctx = q.work
	}
	return q.run(ctx, q.withClient(e))
}

// withClient marks an event as this client's, so that the journal keeps it
// apart from the same event of another client. A user is known only on a Unix
// socket.
func (q *request) withClient(e envmap.Event) envmap.Event {
	peer, known := q.r.Context().Value(peerKey{}).(peerAddr)
	e = e.From(q.address+" "+q.client, peer.uid)
	if !known {
		e.Peer = nil
	}
	return e
}

// peerKey is the context key of the other end of the connection.
type peerKey struct{}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, conn.RemoteAddr())
}
