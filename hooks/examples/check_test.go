//go:build linux

package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireChecked has extauth-check find nothing wrong with a handler of challenges.
func requireChecked(t *testing.T, handler string, options ...string) {
	t.Helper()
	require.Contains(t, checked(t, handler, options...), "\nok 3 - perform: it publishes a challenge's value and ends with 0\n")
}

// checked has extauth-check find nothing wrong with a handler, and returns what
// it said.
func checked(t *testing.T, handler string, options ...string) string {
	t.Helper()
	program := filepath.Join(buildPrograms(t), "extauth-check")
	out, err := exec.Command(program, append(append([]string{"--as", "handler"}, options...), "./"+handler)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "not ok")
	return string(out)
}

func TestWebrootIsCheckClean(t *testing.T) {
	t.Parallel()
	requireChecked(t, "webroot", "--type", "http-01")
}

// A BIND of extauth-check's own takes the updates, and says what is published.
func TestNsupdateIsCheckClean(t *testing.T) {
	t.Parallel()
	for program, name := range map[string]string{"/usr/sbin/named": "bind9", "/usr/bin/nsupdate": "bind9-dnsutils"} {
		if _, err := os.Stat(program); err != nil && os.Getenv("CI") == "" {
			t.Skipf("needs %s (Debian package %s)", program, name)
		}
	}
	env := filepath.Join(t.TempDir(), "nsupdate.env")
	require.NoError(t, os.WriteFile(env, []byte("NSUPDATE_KEY=/dev/null\n"), 0o600))
	requireChecked(t, "nsupdate", "--zone", "yes", "--env-file", env)
}

// A real PowerDNS takes the requests, and says what is published.
func TestPowerDNSIsCheckClean(t *testing.T) {
	t.Parallel()
	p := startPowerDNS(t)
	p.addZone(t, "example.test", "Native")
	curl, err := exec.LookPath("curl")
	require.NoError(t, err)
	real := t.TempDir() // in front of the stand-ins
	require.NoError(t, os.Symlink(curl, filepath.Join(real, "curl")))
	env := filepath.Join(t.TempDir(), "powerdns.env")
	settings := p.env("POWERDNS_LOCKS=" + t.TempDir())
	require.NoError(t, os.WriteFile(env, []byte(strings.Join(settings, "\n")+"\n"), 0o600))
	requireChecked(t, "powerdns", "--server", fmt.Sprintf("127.0.0.1:%d", p.dns), "--path", real, "--env-file", env)
}

// TestCertificateHandlersAreCheckClean: they leave challenges to others. The
// servers and the tools are stand-ins.
func TestCertificateHandlersAreCheckClean(t *testing.T) {
	t.Parallel()
	stub := t.TempDir()
	for program, answer := range map[string]string{"nginx": "", "haproxy": "", "socat": "Transaction created: Success!"} {
		require.NoError(t, writeExecutable(filepath.Join(stub, program), "#!/bin/sh\necho "+answer+"\n"))
	}
	for handler, settings := range map[string]string{
		"nginx": "NGINX_DIR=" + t.TempDir(), "haproxy": "HAPROXY_SOCKET=/run/haproxy.sock\nHAPROXY_DIR=" + t.TempDir(), "ssh-copy": "SSH_HOSTS=h.example.org\nSSH_DIR=/etc/ssl/copied",
		"mail": "MAIL_TO=root@example.org", "webhook": "WEBHOOK_URL=https://example.org/hook",
	} {
		t.Run(handler, func(t *testing.T) {
			t.Parallel()
			env := filepath.Join(t.TempDir(), "handler.env")
			require.NoError(t, os.WriteFile(env, []byte(settings+"\n"), 0o600))
			said := checked(t, handler, "--path", stub, "--env-file", env)
			require.Contains(t, said, "\nok 3 - perform: it publishes a challenge's value and ends with 0 # SKIP it declines challenges\n")
			require.Contains(t, said, "\nok 17 - other-events: each other event of its client ends well\n")
		})
	}
}
