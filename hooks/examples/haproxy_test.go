//go:build linux

package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const haproxyConf = `global
	stats socket %[1]s/admin.sock level admin mode 600
defaults
	mode http
	timeout client 10s
	timeout server 10s
	timeout connect 10s
frontend tls
	bind 127.0.0.1:%[2]s ssl crt %[1]s/tls
	http-request return status 200
`

func TestHaproxy(t *testing.T) {
	t.Parallel()
	needRoot(t)
	need(t, "haproxy", "haproxy")
	need(t, "socat", "socat")
	runDeployTests(t, []deployTest{
		{"serves the new certificate", haproxyServesTheNew},
		{"serves a wildcard", haproxyServesAWildcard},
		{"takes a file with blank lines and no last line break", haproxyTakesBlankLines},
		{"keeps running when its configuration is broken", haproxyKeepsRunning},
		{"puts the file back when the key does not fit", haproxyPutsBack},
		{"tells when it does not know the certificate", haproxyDoesNotKnow},
		{"tells when somebody else ends its transaction", haproxyIsInterrupted},
		{"tells when nobody answers", haproxyDoesNotAnswer},
		{"is reloaded by systemd", haproxyUnderSystemd},
		{"needs systemd or a socket", haproxyCannotBeTold},
	})
}

// startHaproxy starts haproxy with a certificate in its directory, and returns its port.
func (d *deployment) startHaproxy(name, file string) (port string) {
	d.Helper()
	d.mkdir("tls")
	d.issue(name)
	d.write("tls/"+file+".pem", d.read("live/fullchain.pem")+d.read("live/privkey.pem"))
	port = freePort(d.T)
	d.write("haproxy.cfg", fmt.Sprintf(haproxyConf, d.dir, port))
	d.haproxyLine("HAPROXY_SOCKET=" + d.path("admin.sock"))
	d.start("haproxy", "-W", "-p", d.path("haproxy.pid"), "-f", d.path("haproxy.cfg"))
	d.awaitServed(port, served(name), d.leaf())
	return port
}

func (d *deployment) haproxyLine(settings ...string) {
	d.Helper()
	d.line("handler", "haproxy", append(settings, "HAPROXY_DIR="+d.path("tls"), "HAPROXY_CONF="+d.path("haproxy.cfg"))...)
}

func haproxyServesTheNew(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	serial := d.issue("a.test")
	d.watch("haproxy", "socat", "grep", "cat", "mv")
	requireDone(d.T, d.deploy("a.test"))
	d.requireServed(port, "a.test", serial) // from now on, not soon
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o600})
	require.Equal(d, d.read("live/fullchain.pem")+d.read("live/privkey.pem"), d.read("tls/a.test.pem"))
	d.requireHidden()
}

func haproxyServesAWildcard(d *deployment) {
	port := d.startHaproxy("*.a.test", "_.a.test")
	serial := d.issue("*.a.test")
	requireDone(d.T, d.deploy("*.a.test"))
	d.requireServed(port, "www.a.test", serial)
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"_.a.test.pem": 0o600})
}

func haproxyTakesBlankLines(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	serial := d.issue("a.test")
	chain := d.read("live/fullchain.pem")
	d.write("live/fullchain.pem", "\n\n"+chain[:len(chain)-1])
	requireDone(d.T, d.deploy("a.test"))
	d.requireServed(port, "a.test", serial)
}

// requireRefusedByCheck: the file and the running haproxy are as they were.
func (d *deployment) requireRefusedByCheck(port string) {
	d.Helper()
	pem := d.read("tls/a.test.pem")
	old, err := d.serial(port, "a.test")
	require.NoError(d, err)
	d.watch("socat")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Empty(d, got.stdout)
	require.Contains(d, got.stderr, "[ALERT]", "what haproxy -c said")
	require.Contains(d, got.stderr, "haproxy was not told")
	require.Equal(d, pem, d.read("tls/a.test.pem"))
	d.requireServed(port, "a.test", old)
	require.NoFileExists(d, d.path("arguments"), "nothing was sent")
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o600})
}

func haproxyKeepsRunning(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	d.issue("a.test")
	d.write("haproxy.cfg", d.read("haproxy.cfg")+"\tno-such-keyword\n")
	d.requireRefusedByCheck(port)
}

func haproxyPutsBack(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	other := d.read("live/privkey.pem")
	d.issue("a.test")
	d.write("live/privkey.pem", other)
	d.requireRefusedByCheck(port)
}

// haproxy loads it at its next reload, which is somebody's to do.
func haproxyDoesNotKnow(d *deployment) {
	d.startHaproxy("a.test", "a.test")
	d.issue("b.test")
	got := d.deploy("b.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "was written, but is not served: ")
	require.Contains(d, got.stderr, "not referenced by the configuration")
	d.requireFiles(d.path("tls"), map[string]os.FileMode{"a.test.pem": 0o600, "b.test.pem": 0o600})
}

// The stand-in for socat is the somebody: its second call comes before the commit.
func haproxyIsInterrupted(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	old := d.leaf()
	socat, err := exec.LookPath("socat")
	require.NoError(d, err)
	d.putFirst("socat", fmt.Sprintf("[ ! -e %[1]s ] || echo 'abort ssl cert %[2]s' | %[3]s \"$@\" >/dev/null\n: >%[1]s\nexec %[3]s \"$@\"\n",
		d.path("set"), d.path("tls/a.test.pem"), socat))
	d.issue("a.test")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "was written, but is not served: No ongoing transaction")
	d.requireServed(port, "a.test", old)
}

func haproxyDoesNotAnswer(d *deployment) {
	d.startHaproxy("a.test", "a.test")
	d.haproxyLine("HAPROXY_SOCKET=" + d.path("absent.sock"))
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "was written, but is not served: no answer")
}

func haproxyUnderSystemd(d *deployment) {
	port := d.startHaproxy("a.test", "a.test")
	d.haproxyLine()
	wrapper := d.underSystemd("kill -USR2 \"$(cat "+d.path("haproxy.pid")+")\"", "")
	serial := d.issue("a.test")
	requireDone(d.T, d.deploy("a.test", wrapper...))
	d.awaitServed(port, "a.test", serial)
	require.Equal(d, "reload haproxy\n", d.read("systemctl.record"))
}

func haproxyCannotBeTold(d *deployment) {
	d.mkdir("tls")
	d.haproxyLine()
	d.issue("a.test")
	got := d.deploy("a.test", "unshare", "--mount", "sh", "-c", "mount -t tmpfs run /run && exec \"$@\"", "sh")
	require.Equal(d, 1, got.status)
	require.Contains(d, got.stderr, "systemd does not run here, and HAPROXY_SOCKET is not set")
	d.requireFiles(d.path("tls"), map[string]os.FileMode{})
}
