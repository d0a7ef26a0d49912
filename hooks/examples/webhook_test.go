//go:build linux

package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWebhook(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	runDeployTests(t, []deployTest{
		{"posts a new certificate", webhookPosts},
		{"posts failures", webhookPostsFailures},
		{"tries twice", webhookTriesTwice},
		{"tries once what is refused", webhookIsRefused},
		{"follows no redirection with its token", webhookIsRedirected},
		{"is only warned about where it is optional", webhookIsOptional},
	})
}

// A request is what the server got.
type request struct {
	method, path, contentType, token string
	object                           map[string]string
}

// startServer answers with the statuses one after another, and then with 204.
// It keeps the requests.
func (d *deployment) startServer(statuses ...int) (url string, requests <-chan request) {
	kept := make(chan request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := request{method: r.Method, path: r.URL.String(), contentType: r.Header.Get("Content-Type"), token: r.Header.Get("Authorization")}
		_ = json.Unmarshal(body, &got.object)
		kept <- got
		status := http.StatusNoContent
		if len(statuses) > 0 {
			status, statuses = statuses[0], statuses[1:]
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	d.Cleanup(server.Close)
	return server.URL, kept
}

func (d *deployment) webhookChain(url, keys string) {
	d.Helper()
	settings := []string{"WEBHOOK_URL=" + url + "/hook?key=" + marker, "WEBHOOK_TOKEN=" + marker + "-token"}
	d.write("chain", d.chainLine("handler phase=deploy_cert "+keys, "webhook", settings...)+
		d.chainLine("dehydrated phase=invalid_challenge,request_failure strict=yes "+keys, "webhook", settings...))
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	require.NoError(t, err)
	return name
}

func webhookPosts(d *deployment) {
	url, requests := d.startServer()
	d.webhookChain(url, "")
	d.watch("curl")
	d.issue("*.a.test")
	requireDone(d.T, d.deploy("*.a.test"))
	host := hostname(d.T)
	require.Equal(d, request{
		method: "POST", path: "/hook?key=" + marker, contentType: "application/json", token: "Bearer " + marker + "-token",
		object: map[string]string{
			"text": host + ": new certificate for *.a.test", "event": "deploy_cert", "host": host, "domain": "*.a.test",
		},
	}, <-requests)
	require.Empty(d, requests)
	d.requireHidden()
}

func webhookPostsFailures(d *deployment) {
	url, requests := d.startServer()
	d.webhookChain(url, "")
	requireDone(d.T, d.tell("invalid_challenge", "a.test", `what the CA said: "\`))
	requireDone(d.T, d.tell("request_failure", "503", "try later", "post", "HTTP/1.1 503"))
	host := hostname(d.T)
	require.Equal(d, map[string]string{
		"text": host + ": invalid challenge for a.test", "event": "invalid_challenge", "host": host, "domain": "a.test",
	}, (<-requests).object)
	require.Equal(d, map[string]string{
		"text": host + ": request to the CA failed with status 503", "event": "request_failure", "host": host, "status": "503",
	}, (<-requests).object)
	require.Empty(d, requests)
}

func webhookTriesTwice(d *deployment) {
	url, requests := d.startServer(503)
	d.webhookChain(url, "")
	d.issue("a.test")
	requireDone(d.T, d.deploy("a.test"))
	require.Len(d, requests, 2)
	require.Equal(d, <-requests, <-requests)

	url, requests = d.startServer(503, 503)
	d.webhookChain(url, "")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "webhook: the event was not delivered: curl: (22) The requested URL returned error: 503\n")
	require.Len(d, requests, 2)
}

func webhookIsRefused(d *deployment) {
	url, requests := d.startServer(http.StatusForbidden)
	d.webhookChain(url, "")
	d.issue("a.test")
	require.Equal(d, 1, d.deploy("a.test").status)
	require.Len(d, requests, 1)
}

func webhookIsRedirected(d *deployment) {
	url, requests := d.startServer(http.StatusTemporaryRedirect)
	d.webhookChain(url, "")
	d.issue("a.test")
	d.deploy("a.test")
	require.Len(d, requests, 1)
}

func webhookIsOptional(d *deployment) {
	url, requests := d.startServer(http.StatusForbidden)
	d.webhookChain(url, "optional=yes")
	d.issue("a.test")
	got := d.deploy("a.test")
	require.Zero(d, got.status)
	require.Contains(d, got.stderr, "webhook: the event was not delivered: ")
	require.Len(d, requests, 1)
}
