package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const httpreqUsage = `Usage: extauth-httpreq [OPTION]... serve [[--] HANDLER [ARG]...]
       extauth-httpreq [OPTION]... URL present|cleanup
       extauth-httpreq passwd NAME

serve runs the handlers for ACME clients on other machines that speak lego's
httpreq protocol: lego, Traefik, acme.sh's dns_acmeproxy, Proxmox.

  extauth-httpreq --listen :8053 --tls-cert cert.pem --tls-key key.pem \
    --users /etc/extauth/httpreq.users serve

      --listen ADDRESS   HOST:PORT, unix:PATH, or systemd (the one TCP socket that
                         it passes); without --tls-cert only a loopback address
      --tls-cert FILE, --tls-key FILE
                         certificate and key, read again when they change
      --users FILE       who may ask for what, one client a line, read again
                         when it changes:
                         NAME:HASH DOMAIN[,GLOB]...
                         HASH is bcrypt's, as passwd and htpasswd -B write it;
                         *.example.org is every name below example.org
      --max-clients N    connections at once (256); others wait
      --jobs N           requests that are run at once (64); others wait
      --grace DURATION   how long what is being run may go on behind a SIGTERM before
                         it is undone (10s)
      --socket-mode MODE, --socket-group GROUP
                         permissions of unix:PATH (0600), its group

URL sends the JSON object on standard input to URL/present or URL/cleanup, within
--timeout (30s). It is what a chain line starts:

  httpreq env=/etc/extauth/dns.env https://dns.example.org:8053

with $HTTPREQ_USERNAME, $HTTPREQ_PASSWORD, and $HTTPREQ_CA (a file of certificates
to trust instead of the system's).

passwd reads a password on standard input and writes NAME:HASH.

` + optionsUsage

// Web is the part of extauth-httpreq that needs the network: package httpreq's,
// which only that program links.
type Web interface {
	// Serve answers clients until the context ends and those that are being
	// served have their answers. Errors: *SetupError, the context's cause, those
	// of the files and of the network.
	Serve(ctx context.Context, o WebOptions, run WebRun) error

	// Post makes a request. The error is a *SetupError, or says why it was not
	// answered with success.
	Post(ctx context.Context, p WebPost) error

	// Hash makes the hash of a password.
	Hash(password string) (string, error)
}

// WebRun runs the handlers for one event of a client.
type WebRun func(ctx context.Context, e envmap.Event) error

// WebOptions says where and whom to serve.
type WebOptions struct {
	Listen          string
	Socket          SocketOptions
	TLSCert, TLSKey string
	Users           string
	MaxClients      int
	Grace           time.Duration // until what is being run at the end is undone
	Log             func(line string)
}

// WebPost is a request of ours.
type WebPost struct {
	URL, Operation     string
	Username, Password string
	CA                 string // file of certificates; "": the system's
	Body               []byte
	Timeout            time.Duration
}

// SetupError says what keeps a server or a client from its work.
type SetupError struct{ Faults []error }

func (e *SetupError) Error() string { return errors.Join(e.Faults...).Error() }

// postError is a request that did not succeed.
type postError struct{ err error }

func (e *postError) Error() string { return e.err.Error() }

// HTTPReq is extauth-httpreq: server and client of lego's httpreq protocol.
func HTTPReq(io IO, web Web) int {
	f := newFront(io, "extauth-httpreq", httpreqUsage, "httpreq")
	err := f.work(func() error { return f.httpreq(web) })
	if setup := new(SetupError); errors.As(err, &setup) {
		err = &configError{setup.Error()}
	}
	if is[*postError](err) {
		f.warn(err.Error())
		return statusFailed
	}
	return f.finish(err)
}

func (f *front) httpreq(web Web) error {
	o := WebOptions{Log: f.warn}
	set := f.flags()
	webFlags(set, &o)
	set.Var(&f.lines.jobs, "", "jobs")
	operand, words, err := f.operandsOf(set)
	switch {
	case errors.Is(err, errDone):
		return nil
	case err != nil:
		return err
	case operand == "serve":
		return f.serveWeb(web, o, words)
	}
	if err := onlyTimeout(set, operand); err != nil {
		return err
	}
	switch {
	case operand == "passwd":
		return f.passwd(web, words)
	case strings.Contains(operand, "://"):
		return f.post(web, operand, words)
	}
	return &usageError{fmt.Sprintf("%q is neither serve, passwd nor a URL", operand)}
}

func webFlags(set *getopt.Set, o *WebOptions) {
	o.Socket.Mode, o.MaxClients, o.Grace = 0o600, 256, 10*time.Second
	set.String(&o.Listen, "", "listen")
	set.String(&o.TLSCert, "", "tls-cert")
	set.String(&o.TLSKey, "", "tls-key")
	set.String(&o.Users, "", "users")
	set.Int(&o.MaxClients, "", "max-clients")
	set.Duration(&o.Grace, "", "grace")
	set.Var(&o.Socket.Mode, "", "socket-mode")
	set.String(&o.Socket.Group, "", "socket-group")
}

// onlyTimeout refuses options that are for serve alone.
func onlyTimeout(set *getopt.Set, operand string) error {
	for _, name := range set.Given() {
		if name != "timeout" && name != "v" && name != "verbose" {
			return &usageError{fmt.Sprintf("%s is no option of %s", getopt.Dashed(name), operandName(operand))}
		}
	}
	return nil
}

// operandName is a command in a message: a URL may have a password in it.
func operandName(operand string) string {
	if operand == "passwd" {
		return operand
	}
	return "a request"
}

// passwd writes the beginning of a line for --users.
func (f *front) passwd(web Web, words []string) error {
	if len(words) != 1 {
		return &usageError{"passwd needs a NAME"}
	}
	if strings.ContainsAny(words[0], ": \t#") || words[0] == "" || runner.Printable(words[0]) != words[0] {
		return &usageError{"NAME may have no colon, no blank and no #"}
	}
	line, err := bufio.NewReader(io.LimitReader(f.Stdin, maxStdin)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	hash, err := web.Hash(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	return f.write([]byte(words[0] + ":" + hash + "\n"))
}

// post is the client: a handler that a chain line starts.
func (f *front) post(web Web, url string, words []string) error {
	if len(words) != 1 || !slices.Contains([]string{"present", "cleanup"}, words[0]) {
		return &usageError{"a URL needs present or cleanup behind it"}
	}
	body, err := io.ReadAll(io.LimitReader(f.Stdin, maxStdin+1))
	if err != nil {
		return err
	}
	if len(body) > maxStdin {
		return &refusal{fmt.Errorf("standard input is longer than %d bytes", maxStdin)}
	}
	bodies, err := f.bodies(words, body)
	if err != nil {
		return &refusal{err}
	}
	p := WebPost{
		URL: url, Operation: words[0], Timeout: f.options.timeout,
		Username: f.env["HTTPREQ_USERNAME"], Password: f.env["HTTPREQ_PASSWORD"], CA: f.env["HTTPREQ_CA"],
	}
	return postAll(web, p, bodies)
}

// postAll makes a request for each body, up to the first that fails.
func postAll(web Web, p WebPost, bodies [][]byte) error {
	for _, p.Body = range bodies {
		err := web.Post(context.Background(), p)
		if err != nil && !is[*SetupError](err) {
			return &postError{err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bodies are one JSON object, or the several of an order, one a line. Each is
// checked before the first is sent.
func (f *front) bodies(args []string, text []byte) ([][]byte, error) {
	convention, _ := envmap.Lookup(f.client)
	all := [][]byte{text}
	if _, err := convention.Decode(envmap.Call{Args: args, Stdin: text}); err == nil {
		return all, nil
	}
	if lines := bytes.Split(bytes.TrimSpace(text), []byte("\n")); len(lines) > 1 {
		all = lines
	}
	for _, body := range all {
		if _, err := convention.Decode(envmap.Call{Args: args, Stdin: body}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// serveWeb is the server.
func (f *front) serveWeb(web Web, o WebOptions, words []string) error {
	if err := f.checkWeb(o); err != nil {
		return err
	}
	t, err := f.target(words)
	switch {
	case err != nil:
		return err
	case len(t.chain) == 0:
		return &usageError{"serve needs a HANDLER or a chain"}
	}
	if err := t.locate(); err != nil {
		return err
	}
	runner.Unblock(f.Args, f.Environ)
	if err := f.record(); err != nil {
		return err
	}
	f.recorder.heed(t.chain)
	ctx, stop := runner.NotifyContext(context.Background())
	defer stop()
	r, err := f.runner(t)
	if err != nil {
		return err
	}
	r.Kept = &runner.Pool{}
	defer r.Kept.Close()
	o.Listen, o.Socket.Passed = absoluteAddress(o.Listen), endpoint.PassedSockets(f.env)
	s := &service{front: f, address: o.Listen, target: t, runner: r, turns: f.turns()}
	return web.Serve(ctx, o, s.serveOne)
}

func (f *front) checkWeb(o WebOptions) error {
	switch {
	case o.Listen == "":
		return &usageError{"serve needs --listen"}
	case o.Users == "":
		return &usageError{"serve needs --users"}
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return &usageError{"--tls-cert and --tls-key need each other"}
	case o.MaxClients < 1:
		return &usageError{"--max-clients must be more than 0"}
	case o.Grace < 0:
		return &usageError{"--grace must not be less than 0"}
	case f.options.dryRun:
		return &usageError{"serve excludes --dry-run"}
	}
	return nil
}

// serveOne runs one event. Those of one TXT record run one after another, those
// of others at the same time. Where the client has gone away by its end, a
// challenge is undone.
func (s *service) serveOne(ctx context.Context, e envmap.Event) (err error) {
	defer runner.Recovered(&err)
	leave, err := s.orders.enter(ctx, e.TXTDomain)
	if err != nil {
		return err
	}
	defer leave()
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	call := s.recorder.beginEvent(e)
	defer func() { call.end(exitOf(err), err) }()
	if err := s.expressible(s.target, []envmap.Event{e}); err != nil {
		return err
	}
	r := *s.runner
	r.Deliver = func(context.Context, []byte) error { return context.Cause(ctx) }
	return r.Run(ctx, []envmap.Event{e})
}
