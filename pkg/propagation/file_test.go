package propagation

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	path    = "/.well-known/acme-challenge/token"
	keyAuth = "token.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)

// site serves HTTP on loopback addresses with the same port, a handler each.
func site(t *testing.T, handlers map[string]http.HandlerFunc) (port int) {
	for address, handler := range handlers {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		require.NoError(t, err)
		port = listener.Addr().(*net.TCPAddr).Port
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Close() })
	}
	return port
}

func fileAt(host string, port int) envmap.Event {
	return envmap.Event{
		Cmd: envmap.PerformChallenge, Type: envmap.HTTP01, Validation: keyAuth,
		URI: fmt.Sprintf("http://%s%s", net.JoinHostPort(host, strconv.Itoa(port)), path),
	}
}

// after serves a body after a delay, and 404 before.
func after(delay time.Duration, body string) http.HandlerFunc {
	start := time.Now()
	return func(w http.ResponseWriter, r *http.Request) {
		if time.Since(start) < delay || r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}
}

func lookAt(timeout time.Duration, e envmap.Event) error {
	p := &Prober{Timeout: timeout, Interval: 20 * time.Millisecond}
	if err := p.resolvers.Set("127.0.0.1:1"); err != nil {
		return err
	}
	return p.Wait(context.Background(), []envmap.Event{e})
}

func TestFileIsLate(t *testing.T) {
	start := time.Now()
	port := site(t, map[string]http.HandlerFunc{"127.0.0.1": after(200*time.Millisecond, keyAuth+"\r\n \n")})
	require.NoError(t, lookAt(longTimeout, fileAt("127.0.0.1", port)))
	require.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
}

func TestFileOnTwoAddresses(t *testing.T) {
	w := newFakeDNS(t)
	w.zone(zone, "127.0.0.11")
	w.add("www.example.org", addressBody("127.0.0.21"))
	w.add("www.example.org", addressBody("127.0.0.22"))
	var hosts atomic.Int32
	late := after(shortTimeout, keyAuth)
	start := time.Now()
	port := site(t, map[string]http.HandlerFunc{"127.0.0.21": after(0, keyAuth), "127.0.0.22": func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Host, "www.example.org:") {
			hosts.Add(1)
		}
		late(w, r)
	}})
	p := w.prober(0)
	requireMissing(t, w.wait(p, fileAt("www.example.org", port)), fmt.Sprintf("127.0.0.22:%d: http://www.example.org:%d%s: status 404", port, port, path))
	p.Timeout = longTimeout
	require.NoError(t, w.wait(p, fileAt("www.example.org", port)))
	require.GreaterOrEqual(t, time.Since(start), shortTimeout)
	require.NotZero(t, hosts.Load())
}

func TestOtherAnswers(t *testing.T) {
	for want, handler := range map[string]http.HandlerFunc{
		`another body, token.other`:                     after(0, "token.other"),
		`another body, " ` + keyAuth + `"`:              after(0, " "+keyAuth),
		`a body of more than 65536 bytes`:               after(0, strings.Repeat("a", maxBody+1)),
		`status 404`:                                    after(time.Hour, ""),
		`redirect to /loop: more than 10, or a loop of`: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) },
		`more than 10, or a loop`:                       func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) },
		`status 303`:                                    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, path, http.StatusSeeOther) },
		`is at a port that no CA follows to`: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.org:8080/", http.StatusMovedPermanently)
		},
		`is an address, which no CA follows to`: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusMovedPermanently)
		},
		`is neither http nor https`: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://example.org/", http.StatusMovedPermanently)
		},
	} {
		port := site(t, map[string]http.HandlerFunc{"127.0.0.1": handler})
		require.ErrorContains(t, lookAt(0, fileAt("127.0.0.1", port)), want)
	}
}

func TestRedirect(t *testing.T) {
	port := site(t, map[string]http.HandlerFunc{"127.0.0.1": func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if n == maxRedirects {
			_, _ = w.Write([]byte(keyAuth))
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d", n+1), http.StatusPermanentRedirect)
	}})
	require.NoError(t, lookAt(longTimeout, fileAt("127.0.0.1", port)))
}

// TestCertificateIsNotVerified: the host may be about to get its first.
func TestCertificateIsNotVerified(t *testing.T) {
	server := httptest.NewTLSServer(after(0, keyAuth))
	t.Cleanup(server.Close)
	e := envmap.Event{Type: envmap.HTTP01, URI: server.URL + path, Validation: keyAuth}
	require.NoError(t, lookAt(0, e))
}

func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	require.ErrorContains(t, lookAt(0, fileAt("127.0.0.1", port)), path+": no answer: connection refused")
}

// TestRedirectTargets: only redirects that Boulder follows are followed.
func TestRedirectTargets(t *testing.T) {
	from, err := parseURL("http://example.org:8080/a")
	require.NoError(t, err)
	f := &fetch{requested: from}
	for location, want := range map[string]string{
		"/b": "http://example.org:8080/b", "b?c#d": "http://example.org:8080/b?c", "//other.example/": "http://other.example/",
		"https://other.example/x": "https://other.example/x", "http://EXAMPLE.org:8080/": "http://EXAMPLE.org:8080/", "https://example.org": "https://example.org",
	} {
		got, err := f.target(from, location)
		require.NoError(t, err, location)
		require.Equal(t, want, got.String())
	}
	for _, location := range []string{"", "https://example.org:8080x/", "http://other.example:8080/", "http://192.0.2.1/", "http://[2001:db8::1]/", "file:///x", "http://u@other.example/", "%"} {
		_, err := f.target(from, location)
		require.Error(t, err, location)
	}
}

func TestURLs(t *testing.T) {
	for _, bad := range []string{"", "example.org", "ftp://example.org/", "http://", "http:///x", "http://u@example.org/", "http://example.org:0/",
		"http://example.org:99999/", "http://exa mple.org/", "http://example.org/\n", "http://-x/", "https://%41/"} {
		err := lookAt(0, envmap.Event{Type: envmap.HTTP01, URI: bad, Validation: keyAuth})
		var refused *envmap.ValueError
		require.ErrorAs(t, err, &refused, bad)
	}
	for _, good := range []string{"http://example.org", "https://example.org:444/x", "http://[2001:db8::1]/x", "http://192.0.2.1/"} {
		_, err := parseURL(good)
		require.NoError(t, err, good)
	}
}
