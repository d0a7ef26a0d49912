//go:build unix

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireChecked has extauth-check find nothing wrong with a handler.
func requireChecked(t *testing.T, handler string, options ...string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "extauth-check")
	out, err := exec.Command("go", "build", "-o", program, "../../cmd/extauth-check").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(program, append(append([]string{"--as", "handler"}, options...), "./"+handler)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "not ok")
	require.Contains(t, string(out), "\nok 3 - perform: it publishes a challenge's value and ends with 0\n")
}

func TestWebrootIsCheckClean(t *testing.T) { requireChecked(t, "webroot", "--type", "http-01") }

// A BIND of extauth-check's own takes the updates, and says what is published.
func TestNsupdateIsCheckClean(t *testing.T) {
	for program, name := range map[string]string{"/usr/sbin/named": "bind9", "/usr/bin/nsupdate": "bind9-dnsutils"} {
		if _, err := os.Stat(program); err != nil && os.Getenv("CI") == "" {
			t.Skipf("needs %s (Debian package %s)", program, name)
		}
	}
	env := filepath.Join(t.TempDir(), "nsupdate.env")
	require.NoError(t, os.WriteFile(env, []byte("NSUPDATE_KEY=/dev/null\n"), 0o600))
	requireChecked(t, "nsupdate", "--zone", "yes", "--env-file", env)
}
