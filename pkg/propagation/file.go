package propagation

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	maxRedirects = 10              // as Boulder follows them
	maxRequests  = 64              // in one look, whatever the redirects fan out to
	maxBody      = 64 << 10        // bytes of a body
	httpPatience = 5 * time.Second // for a look with all its redirects
	whiteSpace   = " \t\r\n\v\f"   // may stand behind the body (RFC 8555 section 8.3)
)

// checkURIs refuses what cannot be asked before anything is waited for.
func checkURIs(challenges []envmap.Event) error {
	for _, e := range challenges {
		if e.Type != envmap.HTTP01 {
			continue
		}
		if _, err := parseURL(e.URI); err != nil {
			return &envmap.ValueError{Name: "URL", Value: e.URI, Reason: err.Error()}
		}
	}
	return nil
}

// parseURL takes http and https with a host.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("is neither http nor https")
	}
	if _, err := portOf(u); err != nil || !isHost(strings.ToLower(u.Hostname())) || u.User != nil {
		return nil, errors.New("has no host and port that can be asked")
	}
	return u, nil
}

func portOf(u *url.URL) (uint16, error) {
	if u.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[u.Scheme], nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if n == 0 && err == nil {
		err = errors.New("port 0")
	}
	return uint16(n), err
}

// hostOf is a URL's host as look-ups and comparisons take it.
func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

// file waits until a URL answers with the value on every address of its host
// (RFC 8555 section 8.3).
func (w *wait) file(ctx context.Context, id int, e envmap.Event) error {
	asked, err := parseURL(e.URI)
	if err != nil {
		return err
	}
	port, err := portOf(asked)
	if err != nil {
		return err
	}
	addresses, err := w.locate(ctx, spot{id: id}, hostOf(asked))
	if err != nil {
		return err
	}
	return w.everywhere(ctx, spot{id: id}, ported(addresses, port), func(ctx context.Context, address netip.AddrPort) error {
		f := &fetch{wait: w, asked: asked, value: e.Validation, left: maxRequests}
		return f.look(ctx, address)
	})
}

// fetch is one look at one address.
type fetch struct {
	*wait
	asked *url.URL
	value string
	left  int // requests
}

func (f *fetch) look(ctx context.Context, address netip.AddrPort) error {
	return f.gate.through(ctx, address, func() error {
		ctx, cancel := context.WithTimeout(ctx, httpPatience)
		defer cancel()
		return fault(f.get(ctx, f.asked, address, nil))
	})
}

// get asks one address for a URL that was reached over the path, and follows
// where it is sent.
func (f *fetch) get(ctx context.Context, u *url.URL, address netip.AddrPort, path []string) error {
	if f.left--; f.left < 0 {
		return errors.New("too many requests for its redirects")
	}
	response, err := f.request(ctx, u, address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return f.compare(response.Body)
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return f.redirected(ctx, u, response.Header.Get("Location"), address, append(path, u.String()))
	}
	return fmt.Errorf("status %d", response.StatusCode)
}

// request sends one request to an address, past every proxy. Certificates are
// not verified: this host may be about to get its first one.
func (f *fetch) request(ctx context.Context, u *url.URL, address netip.AddrPort) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "extauth-wait")
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address.String())
		},
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxBody,
	}
	return transport.RoundTrip(request)
}

func (f *fetch) compare(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxBody:
		return fmt.Errorf("a body of more than %d bytes", maxBody)
	case strings.TrimRight(string(text), whiteSpace) != strings.TrimRight(f.value, whiteSpace):
		return fmt.Errorf("another body, %s", shown(string(text)))
	}
	return nil
}

// redirected goes on at the target: at the same address where that is the same
// host, since each of its addresses is looked at on its own, else at all of the
// target's.
func (f *fetch) redirected(ctx context.Context, from *url.URL, location string, address netip.AddrPort, path []string) error {
	target, err := f.target(from, location)
	if err != nil {
		return fmt.Errorf("redirect to %s: %w", shown(location), err)
	}
	if slices.Contains(path, target.String()) || len(path) > maxRedirects {
		return fmt.Errorf("redirect to %s: more than %d, or a loop of them", shown(location), maxRedirects)
	}
	port, _ := portOf(target)
	addresses := []netip.AddrPort{netip.AddrPortFrom(address.Addr(), port)}
	if hostOf(target) != hostOf(from) {
		found, err := f.addresses(ctx, hostOf(target))
		if len(found) == 0 {
			return err
		}
		addresses = ported(found, port)
	}
	return f.getAll(ctx, target, addresses, path)
}

// getAll asks each address, but for those that nobody here can reach where there
// is another. What is wrong at a target is not the first server's silence.
func (f *fetch) getAll(ctx context.Context, u *url.URL, addresses []netip.AddrPort, path []string) error {
	outcomes := map[netip.AddrPort]error{}
	for _, address := range addresses {
		err := fault(f.get(ctx, u, address, slices.Clone(path)))
		if outcomes[address] = err; err != nil && !errors.Is(err, errNoRoute) {
			return fmt.Errorf("redirected to %s at %s: %s", shown(u.String()), address, err.Error())
		}
	}
	if !isComplete(outcomes) {
		return fmt.Errorf("redirected to %s: %s", shown(u.String()), errNoRoute.Error())
	}
	return nil
}

// target is where a redirect leads, if a CA would go there: Boulder takes names
// alone, and the ports 80 and 443. The host and port that were asked for are
// allowed besides.
func (f *fetch) target(from *url.URL, location string) (*url.URL, error) {
	relative, err := url.Parse(location)
	if err != nil || location == "" {
		return nil, errors.New("is not a URL")
	}
	target, err := parseURL(from.ResolveReference(relative).String())
	if err != nil {
		return nil, err
	}
	target.Fragment = ""
	if strings.EqualFold(target.Host, f.asked.Host) {
		return target, nil
	}
	if port, _ := portOf(target); port != 80 && port != 443 {
		return nil, errors.New("is at a port that no CA follows to")
	}
	if _, err := netip.ParseAddr(hostOf(target)); err == nil && hostOf(target) != hostOf(f.asked) {
		return nil, errors.New("is an address, which no CA follows to")
	}
	return target, nil
}
