//go:build linux

package e2e_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
)

// One machine has the credentials of the zone; lego asks it over HTTPS by its
// provider httpreq, and other clients by a chain line.
func httpreqScenarios() []scenario {
	return []scenario{
		{"t_lego_httpreq_default", func(w *world) { legoOverHTTP(w, "") }},
		{"t_lego_httpreq_raw", func(w *world) { legoOverHTTP(w, "RAW") }},
		{"t_lego_httpreq_foreign_name", legoOverHTTPForeign},
		{"t_lego_httpreq_wrong_password", legoOverHTTPWrongPassword},
		{"t_certbot_httpreq", certbotOverHTTP},
		{"t_certbot_httpreq_batch", certbotOverHTTPBatch},
	}
}

const httpreqPassword = "a-password-of-the-laboratory"

// A webServer is extauth-httpreq serve.
type webServer struct {
	*running
	url, state string
}

// serveHTTP starts one with the nsupdate handler, whose only client may touch
// these names, and waits until it is there.
func (w *world) serveHTTP(names ...string) *webServer {
	w.Helper()
	made := w.run("sh", "-c", "echo "+httpreqPassword+" | "+lab.program("extauth-httpreq")+" passwd lab")
	made.requireSuccess(w.T)
	users := w.write("users", strings.TrimSpace(made.output)+" "+strings.Join(names, ",")+"\n")
	require.NoError(w, os.Chmod(users, 0o600))
	chain := w.write("server.chain", lines("handler env="+w.nsupdateEnv(firstZone)+" "+w.handler("nsupdate")))
	ports, err := freePorts(1)
	require.NoError(w, err)
	address, state := fmt.Sprintf("127.0.0.1:%d", ports[0]), w.path("served")
	cmd := exec.Command(lab.program("extauth-httpreq"), "--state-dir", state, "-c", chain, "--listen", address,
		"--tls-cert", lab.pebble.leafPath(), "--tls-key", lab.pebble.keyPath(), "--users", users, "serve")
	s := &webServer{w.start("server", cmd), fmt.Sprintf("https://localhost:%d", ports[0]), state}
	w.await("server", func() bool {
		require.False(w, s.hasEnded(), "%s", s.stderr())
		return s.isHealthy()
	})
	return s
}

func (s *webServer) isHealthy() bool {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: lab.pebble.pool}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: time.Minute}
	response, err := client.Get(s.url + "/healthz")
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// answers counts the log's lines of an operation with a status.
func (s *webServer) answers(operation string, status int) int {
	count := 0
	for line := range strings.Lines(s.stderr()) {
		if strings.Contains(line, `POST "/`+operation+`"`) && strings.Contains(line, fmt.Sprintf(" status=%d", status)) {
			count++
		}
	}
	return count
}

// requireStopped stops the server, and requires that nothing is left over.
func (s *webServer) requireStopped() {
	s.Helper()
	require.NoError(s, s.cmd.Process.Signal(syscall.SIGTERM))
	end := s.wait()
	require.True(s, end.Signaled(), "status %d: %s", end.ExitStatus(), s.stderr())
	require.Equal(s, syscall.SIGTERM, end.Signal())
	require.NotContains(s, s.stderr(), httpreqPassword)
	require.Empty(s, regularFiles(s, s.state), "entries left in the server's journal")
}

// callLegoHTTP has lego ask for a certificate.
func (w *world) callLegoHTTP(s *webServer, password, mode string, names ...string) result {
	w.Helper()
	for _, variable := range [][2]string{
		{"HTTPREQ_ENDPOINT", s.url}, {"HTTPREQ_USERNAME", "lab"}, {"HTTPREQ_PASSWORD", password}, {"HTTPREQ_MODE", mode},
		{"HTTPREQ_POLLING_INTERVAL", "1"}, {"HTTPREQ_PROPAGATION_TIMEOUT", "20"},
		{"LEGO_CA_CERTIFICATES", filepath.Join(lab.dir, "bundle.pem")},
	} {
		w.setenv(variable[0], variable[1])
	}
	args := []string{
		"--server", lab.pebble.directory(), "--accept-tos", "--email", "lego@" + firstZone,
		"--path", w.path("lego"), "--dns", "httpreq", "--dns.resolvers", "127.0.0.1:53",
	}
	for _, name := range names {
		args = append(args, "--domains", name)
	}
	return w.run("lego", append(args, "run")...)
}

func legoOverHTTP(w *world, mode string) {
	s := w.serveHTTP(w.name(""), w.name("*"))
	got := w.callLegoHTTP(s, httpreqPassword, mode, w.wildcardPair()...)
	got.requireSuccess(w.T)
	w.requireCertificate(filepath.Join(w.path("lego"), "certificates", w.name("")+".crt"), w.wildcardPair()...)
	require.Equal(w, 2, s.answers("present", 200), "%s", s.stderr())
	require.Equal(w, 2, s.answers("cleanup", 200), "%s", s.stderr())
	w.requireNothingLeft()
	s.requireStopped()
}

// legoOverHTTPForeign: the name is not the client's, and nothing is run.
func legoOverHTTPForeign(w *world) {
	s := w.serveHTTP("elsewhere." + firstZone)
	got := w.callLegoHTTP(s, httpreqPassword, "", w.name(""))
	got.requireFailure(w.T)
	require.Contains(w, got.output, "403")
	require.Equal(w, 1, s.answers("present", 403), "%s", s.stderr())
	require.Zero(w, s.answers("present", 200))
	require.NoDirExists(w, filepath.Join(s.state, "journal"))
	w.requireNothingLeft()
	s.requireStopped()
}

func legoOverHTTPWrongPassword(w *world) {
	s := w.serveHTTP(w.name(""))
	got := w.callLegoHTTP(s, "wrong", "", w.name(""))
	got.requireFailure(w.T)
	require.Equal(w, 1, s.answers("present", 401), "%s", s.stderr())
	w.requireNothingLeft()
	s.requireStopped()
}

// httpreqChain is the client's chain; its password is in an env file.
func (w *world) httpreqChain(s *webServer, options string) string {
	w.Helper()
	env := w.write("client.env", lines("HTTPREQ_USERNAME=lab", "HTTPREQ_PASSWORD="+httpreqPassword))
	return w.write("client.chain", lines("httpreq env="+env+options+" "+s.url))
}

func certbotOverHTTP(w *world) { issueOverHTTP(w, "") }

func certbotOverHTTPBatch(w *world) { issueOverHTTP(w, " batch=yes") }

func issueOverHTTP(w *world, options string) {
	s := w.serveHTTP(w.name(""))
	w.newCertbot().requireIssued(w.pairOrder().hook("extauth-hook -c "+w.httpreqChain(s, options), ""))
	require.Equal(w, 2, s.answers("present", 200), "%s", s.stderr())
	require.Equal(w, 2, s.answers("cleanup", 200), "%s", s.stderr())
	s.requireStopped()
}
