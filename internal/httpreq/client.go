package httpreq

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/process"
)

// postTimeout is lego's (httpreq.go, NewDefaultConfig).
const postTimeout = 30 * time.Second

// client sends requests to a server.
type client struct {
	url, operation     string
	username, password string
	ca                 string // file of certificates; "": the system's
	body               []byte
	timeout            time.Duration
}

// sendAll sends a request for each body, up to the first that fails.
func (p client) sendAll(ctx context.Context, bodies [][]byte) error {
	for _, p.body = range bodies {
		err := p.send(ctx)
		if err != nil && !is[*cli.StatusError](err) {
			return &cli.StatusError{Status: cli.StatusFailed, Err: errors.New(err.Error())}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send sends a request; any 2xx is success. A redirect is not followed, since
// the password would go to another server.
func (p client) send(ctx context.Context) error {
	to, err := parseURL(&p)
	if err != nil {
		return err
	}
	client, err := newHTTPClient(&p)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.JoinPath(p.operation).String(), bytes.NewReader(p.body))
	if err != nil {
		return cli.Config("the URL: %v", err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	if p.username != "" && p.password != "" {
		r.SetBasicAuth(p.username, p.password)
	}
	response, err := client.Do(r)
	if err != nil {
		return postFault(to.Host, err)
	}
	defer response.Body.Close()
	return checkAnswer(to.Host, response)
}

// parseURL parses the URL. It may contain a user name but not a password:
// others can see the arguments of a process.
func parseURL(p *client) (*url.URL, error) {
	to, err := url.Parse(p.url)
	switch {
	case err != nil: // the error would show it
		return nil, cli.Config("the URL cannot be read")
	case to.Scheme != "https" && to.Scheme != "http" || to.Host == "":
		return nil, cli.Config("the URL is not https://HOST[:PORT][/PATH]")
	case to.RawQuery != "" || to.Fragment != "":
		return nil, cli.Config("the URL has more than a path")
	}
	if _, has := to.User.Password(); has {
		return nil, cli.Config("the URL has a password in it, which others can see; set HTTPREQ_PASSWORD")
	}
	name := to.User.Username()
	if name != "" && p.username != "" && name != p.username {
		return nil, cli.Config("the URL and HTTPREQ_USERNAME name different users")
	}
	if p.username == "" {
		p.username = name
	}
	to.User = nil
	return to, checkCredentials(to, p)
}

func checkCredentials(to *url.URL, p *client) error {
	switch {
	case (p.username == "") != (p.password == ""):
		return cli.Config("of HTTPREQ_USERNAME and HTTPREQ_PASSWORD only one is set")
	case p.password != "" && to.Scheme == "http" && !isLocal(to.Hostname()):
		return cli.Config("the password would go to %s as it is: use https", to.Host)
	}
	return nil
}

func isLocal(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func newHTTPClient(p *client) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if p.ca != "" {
		text, err := os.ReadFile(p.ca)
		if err != nil {
			return nil, cli.Config("HTTPREQ_CA: %v", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, cli.Config("HTTPREQ_CA: %s has no certificate", p.ca)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{
		Transport: transport, Timeout: cmp.Or(p.timeout, postTimeout),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// postFault returns what was wrong, without the URL that package net/http adds.
func postFault(host string, err error) error {
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%s: %w", host, err)
}

// checkAnswer returns an error with the first line of the answer unless the
// status is success.
func checkAnswer(host string, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if response.StatusCode/100 == 2 {
		return nil
	}
	text := fmt.Sprintf("%s: status %d", host, response.StatusCode)
	if line := firstLine(strings.TrimSpace(string(body))); line != "" {
		text += ": " + fmt.Sprintf("%.200s", line)
	}
	return errors.New(process.Printable(text))
}
