//go:build linux

package examples_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	pdnsServer = "/usr/sbin/pdns_server"
	pdnsSchema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"

	// What a shell, curl or a header could take apart.
	pdnsKey = `SENTINEL "$(id)\n key`
)

const pdnsConfiguration = `launch=gsqlite3
gsqlite3-database=%[1]s/pdns.sqlite3
gsqlite3-pragma-synchronous=0
socket-dir=%[1]s
guardian=no
daemon=no
local-address=127.0.0.1
local-port=%[2]d
api=yes
api-key=%[3]s
webserver-address=127.0.0.1
webserver-port=%[4]d
security-poll-suffix=
primary=yes
also-notify=127.0.0.1:%[5]d
`

// powerDNS is Debian's PowerDNS server on loopback.
type powerDNS struct {
	dir             string
	dns, api        int // ports
	secondary       net.PacketConn
	ended           chan struct{}
	programs, chain string // of the sites that use it
}

// startPowerDNS starts a server without zones, with the programs that call it.
// Another process may take a port before the server does; then it is started
// again, on others.
func startPowerDNS(t *testing.T) *powerDNS {
	t.Helper()
	needPrograms(t, pdnsServer+":pdns-server", pdnsSchema+":pdns-backend-sqlite3", "sqlite3:sqlite3",
		"curl:curl", "jq:jq", "flock:util-linux", "dig:bind9-dnsutils")
	p := &powerDNS{dir: t.TempDir(), programs: buildPrograms(t)}
	p.chain = "handler type=dns-01 env=dns.env " + example(t, "powerdns")
	out, err := exec.Command("sqlite3", filepath.Join(p.dir, "pdns.sqlite3"), ".read "+pdnsSchema).CombinedOutput()
	require.NoError(t, err, "%s", out)
	p.secondary, err = net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { p.secondary.Close() })
	for range 5 {
		if p.start(t) {
			return p
		}
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	require.Fail(t, "pdns_server does not start", "%s", log)
	return nil
}

func (p *powerDNS) start(t *testing.T) (answers bool) {
	t.Helper()
	p.dns, p.api, p.ended = freeDNSPort(t), freeDNSPort(t), make(chan struct{})
	text := fmt.Sprintf(pdnsConfiguration, p.dir, p.dns, pdnsKey, p.api, p.secondary.LocalAddr().(*net.UDPAddr).Port)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "pdns.conf"), []byte(text), 0o600))
	log, err := os.Create(filepath.Join(p.dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(pdnsServer, "--config-dir="+p.dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	go func() { defer close(p.ended); _ = cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-p.ended })
	return p.awaitAnswer()
}

// awaitAnswer polls until the server answers on both of its ports, or has ended.
func (p *powerDNS) awaitAnswer() bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.api))
		if err == nil {
			conn.Close()
			conn, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.dns))
		}
		if err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// freeDNSPort is a port that nothing has, neither for TCP nor for UDP, and no
// other test was given.
func freeDNSPort(t *testing.T) int {
	t.Helper()
	for {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		port := tcp.Addr().(*net.TCPAddr).Port
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		tcp.Close()
		if err != nil {
			continue
		}
		udp.Close()
		if unused(port) {
			return port
		}
	}
}

func (p *powerDNS) url() string { return fmt.Sprintf("http://127.0.0.1:%d", p.api) }

// env are the lines of an env file for the handler.
func (p *powerDNS) env(more ...string) []string {
	return append([]string{"POWERDNS_URL=" + p.url(), "POWERDNS_API_KEY='" + pdnsKey + "'"}, more...)
}

func (p *powerDNS) site(t *testing.T, more ...string) *site {
	t.Helper()
	return newSite(t, p.programs, []string{p.chain}, p.env(more...))
}

// request is one of the administrator, which succeeds.
func (p *powerDNS) request(t *testing.T, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequest(method, p.url()+"/api/v1/servers/localhost/"+path, bytes.NewBufferString(body))
	require.NoError(t, err)
	request.Header.Set("X-API-Key", pdnsKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, 2, response.StatusCode/100, "%s", answer)
	return string(answer)
}

func (p *powerDNS) addZone(t *testing.T, name, kind string) {
	t.Helper()
	p.request(t, "POST", "zones", fmt.Sprintf(`{"name": "%s.", "kind": "%s", "nameservers": ["ns1.example.test."]}`, name, kind))
}

// addRecord gives a name a record set of one record.
func (p *powerDNS) addRecord(t *testing.T, zone, name, kind, content string) {
	t.Helper()
	p.request(t, "PATCH", "zones/"+zone+".", fmt.Sprintf(`{"rrsets": [{"name": "%s.", "type": "%s", "ttl": 3600,
		"changetype": "REPLACE", "records": [{"content": %q, "disabled": false}]}]}`, name, kind, content))
}

// txt is what dig sees: each TXT record of a name with its TTL.
func (p *powerDNS) txt(t *testing.T, name string) []string {
	t.Helper()
	out, err := exec.Command("dig", "+noall", "+answer", "+norecurse", "@127.0.0.1", "-p", fmt.Sprint(p.dns), name, "TXT").Output()
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		require.Len(t, fields, 5, line)
		found = append(found, fields[1]+" "+strings.Trim(fields[4], `"`))
	}
	slices.Sort(found)
	return found
}

// requireTXT wants these values at a name, and no others.
func (p *powerDNS) requireTXT(t *testing.T, name string, values ...string) {
	t.Helper()
	want := make([]string, 0, len(values))
	for _, value := range values {
		want = append(want, "60 "+value)
	}
	require.ElementsMatch(t, want, p.txt(t, name))
}
