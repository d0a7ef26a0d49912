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
	maxRedirects  = 10              // as Boulder follows them
	maxRequests   = 64              // per check of an address, with all redirects
	maxBody       = 64 << 10        // bytes of a body
	fetchTimeout  = 5 * time.Second // for one check, with all redirects
	trailingSpace = " \t\r\n\v\f"   // ignored at the end of the body (RFC 8555 section 8.3)
)

// checkURIs refuses URLs that cannot be fetched, before any waiting begins.
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

// parseURL accepts http and https URLs with a host.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("is neither http nor https")
	}
	if _, err := portOf(u); err != nil || !isHost(strings.ToLower(u.Hostname())) || u.User != nil {
		return nil, errors.New("has no valid host and port")
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

// hostOf returns a URL's host in canonical form, for lookups and comparisons.
func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

// file waits until a URL answers with the value on every address of its host
// (RFC 8555 section 8.3).
func (w *wait) file(ctx context.Context, id int, e envmap.Event) error {
	requested, err := parseURL(e.URI)
	if err != nil {
		return err
	}
	port, err := portOf(requested)
	if err != nil {
		return err
	}
	addresses, err := w.locate(ctx, location{challenge: id}, hostOf(requested))
	if err != nil {
		return err
	}
	return w.waitForAddresses(ctx, location{challenge: id}, withPort(addresses, port), func(ctx context.Context, address netip.AddrPort) error {
		f := &fetch{wait: w, requested: requested, value: e.Validation, requestsLeft: maxRequests}
		return f.run(ctx, address)
	})
}

// fetch is one check of one address.
type fetch struct {
	*wait
	requested    *url.URL
	value        string
	requestsLeft int
}

func (f *fetch) run(ctx context.Context, address netip.AddrPort) error {
	return f.limiter.do(ctx, address, func() error {
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		return describeError(f.get(ctx, f.requested, address, nil))
	})
}

// get requests a URL from one address and follows redirects. path has the URLs
// that led to it.
func (f *fetch) get(ctx context.Context, u *url.URL, address netip.AddrPort, path []string) error {
	if f.requestsLeft--; f.requestsLeft < 0 {
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
		return f.redirect(ctx, u, response.Header.Get("Location"), address, append(path, u.String()))
	}
	return fmt.Errorf("status %d", response.StatusCode)
}

// request sends one request to an address, without a proxy. Certificates are
// not verified: the host may be about to get its first one.
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
	case strings.TrimRight(string(text), trailingSpace) != strings.TrimRight(f.value, trailingSpace):
		return fmt.Errorf("another body, %s", printable(string(text)))
	}
	return nil
}

// redirect follows a redirect: at the same address if the host is the same,
// since each of its addresses is checked on its own, else at all addresses of
// the target.
func (f *fetch) redirect(ctx context.Context, from *url.URL, location string, address netip.AddrPort, path []string) error {
	target, err := f.target(from, location)
	if err != nil {
		return fmt.Errorf("redirect to %s: %w", printable(location), err)
	}
	if slices.Contains(path, target.String()) || len(path) > maxRedirects {
		return fmt.Errorf("redirect to %s: more than %d, or a loop of them", printable(location), maxRedirects)
	}
	port, _ := portOf(target)
	addresses := []netip.AddrPort{netip.AddrPortFrom(address.Addr(), port)}
	if hostOf(target) != hostOf(from) {
		found, err := f.addresses(ctx, hostOf(target))
		if len(found) == 0 {
			return err
		}
		addresses = withPort(found, port)
	}
	return f.getAll(ctx, target, addresses, path)
}

// getAll requests the URL from each address, except for addresses without a
// route if another can be reached. A failure at the target is not reported as
// the first server's silence.
func (f *fetch) getAll(ctx context.Context, u *url.URL, addresses []netip.AddrPort, path []string) error {
	errs := map[netip.AddrPort]error{}
	for _, address := range addresses {
		err := describeError(f.get(ctx, u, address, slices.Clone(path)))
		if errs[address] = err; err != nil && !errors.Is(err, errNoRoute) {
			return fmt.Errorf("redirected to %s at %s: %s", printable(u.String()), address, err.Error())
		}
	}
	if !isComplete(errs) {
		return fmt.Errorf("redirected to %s: %s", printable(u.String()), errNoRoute.Error())
	}
	return nil
}

// target returns the URL that a redirect leads to, if a CA would follow it:
// Boulder follows redirects only to names, and only to the ports 80 and 443.
// The host and port of the first request are allowed too.
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
	if strings.EqualFold(target.Host, f.requested.Host) {
		return target, nil
	}
	if port, _ := portOf(target); port != 80 && port != 443 {
		return nil, errors.New("is at a port that no CA follows to")
	}
	if _, err := netip.ParseAddr(hostOf(target)); err == nil && hostOf(target) != hostOf(f.requested) {
		return nil, errors.New("is an address, which no CA follows to")
	}
	return target, nil
}
