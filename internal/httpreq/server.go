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

// limits are how long a client may take, and how long the end of the program
// waits for what is being run.
type limits struct {
	header, body, write, idle time.Duration
	grace                     time.Duration // until what is being run is undone
	last                      time.Duration // for the answers that are left then
}

func usualLimits(grace time.Duration) limits {
	return limits{
		header: 10 * time.Second, body: 20 * time.Second, write: 10 * time.Second, idle: time.Minute,
		grace: grace, last: 2 * time.Second,
	}
}

// runFunc runs the handlers for one event of a client.
type runFunc func(ctx context.Context, e envmap.Event) error

// server answers requests.
type server struct {
	users   *current[*users]
	hashing chan struct{} // for those that are found out: a hash takes a processor for a while
	run     runFunc
	log     func(string)
	address string
	limits  limits

	work context.Context // ends when what is being run is to be undone

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup
}

func newServer(u *current[*users], run runFunc, log func(string), l limits) *server {
	return &server{users: u, hashing: make(chan struct{}, runtime.GOMAXPROCS(0)), run: run, log: log, limits: l}
}

// serve answers clients until the context ends. New requests are refused then;
// those that are being run have a while to end, and are undone after it.
func serve(ctx context.Context, o *options, run runFunc) error {
	u, err := usersOf(o)
	if err != nil {
		return err
	}
	pair, err := keyPairOf(o)
	if err != nil {
		return err
	}
	l, err := listenAt(o, pair != nil)
	if err != nil {
		return err
	}
	s := newServer(u, run, o.log, usualLimits(o.grace))
	s.address = addressOf(o, l)
	l = netutil.LimitListener(l, o.maxClients)
	if pair != nil {
		l = tls.NewListener(l, served(pair))
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
		ErrorLog: log.New(lines(s.log), "", 0),
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

// stop ends the service: what is being run has its grace, and is undone then.
// Handlers have limits of their own.
func (s *server) stop(web *http.Server, undo func()) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	if shutdown(web, s.limits.grace) != nil {
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

// begin counts a run; it reports false if none may begin any more.
func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Add(1)
	return true
}

// lines makes a line of the log of each write.
type lines func(string)

func (l lines) Write(b []byte) (int, error) {
	l(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// ServeHTTP answers one request, and says in the log how.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.inTime(w)
	if r.URL.Path == "/healthz" {
		s.health(w, r)
		return
	}
	q := &request{server: s, w: w, r: r, client: "-", name: "-"}
	body, err := q.serve()
	status := statusOf(err)
	s.log(q.audit(status, err))
	s.inTime(w)
	if err != nil {
		refuse(w, status, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // acme.sh's dns_acmeproxy looks for the value in it
}

// inTime limits the time for what is written from now on.
func (s *server) inTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.write))
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	s.inTime(w)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, errMethod)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// request is one at work.
type request struct {
	*server
	w http.ResponseWriter
	r *http.Request

	client string // "-": not known
	name   string // of the TXT record
}

// serve does what was asked, and returns the answer.
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
	if !user.may(e) {
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

// runEvent runs the handlers. A client that goes away has its challenge undone;
// a clean-up goes on.
func (q *request) runEvent(e envmap.Event) error {
	if !q.begin() {
		return errStopping
	}
	defer q.running.Done()
	ctx := q.r.Context()
	if e.Cmd == envmap.Cleanup {
		ctx = q.work
	}
	return q.run(ctx, q.from(e))
}

// from marks an event as this client's: in the journal it is another than the
// same one of somebody else. A user is known only on a Unix socket.
func (q *request) from(e envmap.Event) envmap.Event {
	peer, known := q.r.Context().Value(peerKey{}).(peerAddr)
	e = e.From(q.address+" "+q.client, peer.uid)
	if !known {
		e.Peer = nil
	}
	return e
}

// peerKey is where a request's context has the other end of the connection.
type peerKey struct{}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, conn.RemoteAddr())
}
