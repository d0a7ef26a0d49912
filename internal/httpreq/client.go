package httpreq

import (
	"bytes"
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
	"github.com/extauth/extauth/pkg/runner"
)

// postTimeout is lego's (httpreq.go, NewDefaultConfig).
const postTimeout = 30 * time.Second

// Post asks a server for an operation; any 2xx is success. A redirection is not
// followed: the password would go to another.
func (Web) Post(ctx context.Context, p cli.WebPost) error {
	to, err := endpointOf(&p)
	if err != nil {
		return err
	}
	client, err := clientOf(p)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.JoinPath(p.Operation).String(), bytes.NewReader(p.Body))
	if err != nil {
		return setupError("the URL: %v", err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	if p.Username != "" && p.Password != "" {
		r.SetBasicAuth(p.Username, p.Password)
	}
	response, err := client.Do(r)
	if err != nil {
		return postFault(to.Host, err)
	}
	defer response.Body.Close()
	return answered(to.Host, response)
}

// endpointOf reads the URL. A user name may be in it, a password may not: others
// can see the arguments of a process.
func endpointOf(p *cli.WebPost) (*url.URL, error) {
	to, err := url.Parse(p.URL)
	switch {
	case err != nil: // the error would show it
		return nil, setupError("the URL cannot be read")
	case to.Scheme != "https" && to.Scheme != "http" || to.Host == "":
		return nil, setupError("the URL is not https://HOST[:PORT][/PATH]")
	case to.RawQuery != "" || to.Fragment != "":
		return nil, setupError("the URL has more than a path")
	}
	if _, has := to.User.Password(); has {
		return nil, setupError("the URL has a password in it, which others can see; set HTTPREQ_PASSWORD")
	}
	name := to.User.Username()
	if name != "" && p.Username != "" && name != p.Username {
		return nil, setupError("the URL and HTTPREQ_USERNAME name different users")
	}
	if p.Username == "" {
		p.Username = name
	}
	to.User = nil
	return to, checkCredentials(to, p)
}

func checkCredentials(to *url.URL, p *cli.WebPost) error {
	switch {
	case (p.Username == "") != (p.Password == ""):
		return setupError("of HTTPREQ_USERNAME and HTTPREQ_PASSWORD only one is set")
	case p.Password != "" && to.Scheme == "http" && !isLocal(to.Hostname()):
		return setupError("the password would go to %s as it is: use https", to.Host)
	}
	return nil
}

func isLocal(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func clientOf(p cli.WebPost) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if p.CA != "" {
		text, err := os.ReadFile(p.CA)
		if err != nil {
			return nil, setupError("HTTPREQ_CA: %v", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, setupError("HTTPREQ_CA: %s has no certificate", p.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	if p.Timeout == 0 {
		p.Timeout = postTimeout
	}
	return &http.Client{
		Transport: transport, Timeout: p.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// postFault says what was wrong, without the URL that package net/http shows.
func postFault(host string, err error) error {
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("%s: %w", host, err)
}

// answered judges an answer; of one that is no success it shows the first line.
func answered(host string, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if response.StatusCode/100 == 2 {
		return nil
	}
	text := fmt.Sprintf("%s: status %d", host, response.StatusCode)
	if line := firstLine(strings.TrimSpace(string(body))); line != "" {
		text += ": " + fmt.Sprintf("%.200s", line)
	}
	return errors.New(runner.Printable(text))
}
