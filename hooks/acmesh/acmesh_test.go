//go:build unix

// Package acmesh_test runs the files for acme.sh in the shells that it is run
// by, with stand-ins for acme.sh's functions and for extauth-acmesh.
package acmesh_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// standIn is not acme.sh: it has what the files need of it under acme.sh's
// names. It stores what they save as acme.sh would, but for the encoding, which
// it shows.
const standIn = `
_digest() { [ "$(cat)" = "$keyauthorization" ] && printf '%s' "+dig/est="; }
_url_replace() { tr '/+' '_-' | tr -d '= '; }
_saveaccountconf_mutable() { printf '%s\n' "$2" >"account.$1"; echo "$1 as ${3:-text}" >>saved; }
_clearaccountconf_mutable() { rm -f "account.$1"; }
_readaccountconf_mutable() { cat "account.$1" 2>/dev/null; }
_savedeployconf() { printf '%s\n' "$2" >"domain.SAVED_$1"; }
_readdomainconf() { cat "domain.$1" 2>/dev/null; }
`

const program = `#!/bin/sh
printf '%s;' "$@" "chain=$EXTAUTH_CHAIN" "to=$EXTAUTH_TO" "handler=$EXTAUTH_HANDLER" >>calls
echo >>calls
exit ${STATUS-0}
`

// session is a directory in which the files are read by a shell.
type session struct{ shell, dir, hooks string }

// run reads both files and runs a line; it returns the calls of extauth-acmesh.
func (s session) run(t *testing.T, line string, env ...string) (calls string, status int) {
	script := standIn + `. "$1/dns_extauth.sh"; . "$1/extauth_deploy.sh"; ` + line
	cmd := exec.Command(s.shell, "-c", script, "acme.sh", s.hooks)
	cmd.Dir, cmd.Env = s.dir, append([]string{"PATH=" + s.dir + ":/usr/bin:/bin"}, env...)
	output, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil {
		require.ErrorAs(t, err, &exit)
	}
	require.Empty(t, string(output))
	text, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(s.dir, "calls")))
	return string(text), cmd.ProcessState.ExitCode()
}

// need skips a test that lacks a program, but not in continuous integration.
func need(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
}

func eachShell(t *testing.T, test func(*testing.T, session)) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			need(t, shell)
			hooks, err := filepath.Abs(".")
			require.NoError(t, err)
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "extauth-acmesh"), []byte(program), 0o755))
			test(t, session{shell, dir, hooks})
		})
	}
}

// TestPluginPassesTheKeyAuthorizationOn only where the value is its digest, and
// never at a clean-up, where the variable holds another challenge's.
func TestPluginPassesTheKeyAuthorizationOn(t *testing.T) {
	eachShell(t, func(t *testing.T, s session) {
		for line, want := range map[string]string{
			"keyauthorization=t.k; dns_extauth_add _acme-challenge.a.test -dig_est": "add;_acme-challenge.a.test;-dig_est;t.k;",
			"keyauthorization=t.k; dns_extauth_add _acme-challenge.a.test other":    "add;_acme-challenge.a.test;other;",
			"dns_extauth_add _acme-challenge.a.test -dig_est":                       "add;_acme-challenge.a.test;-dig_est;",
			"keyauthorization=t.k; dns_extauth_rm _acme-challenge.a.test -dig_est":  "rm;_acme-challenge.a.test;-dig_est;",
		} {
			calls, status := s.run(t, line)
			require.Zero(t, status)
			require.Equal(t, want+"chain=;to=;handler=;\n", calls)
		}
	})
}

func TestDeployHook(t *testing.T) {
	eachShell(t, func(t *testing.T, s session) {
		calls, _ := s.run(t, "extauth_deploy '*.a.test' /k /c /ca /f /p.pfx")
		require.Equal(t, "deploy;*.a.test;/k;/c;/ca;/f;chain=;to=;handler=;\n", calls)
	})
}

func TestFailuresAreAcmeShsToKnow(t *testing.T) {
	eachShell(t, func(t *testing.T, s session) {
		for _, line := range []string{"dns_extauth_add n v", "dns_extauth_rm n v", "extauth_deploy d k c a f p"} {
			_, status := s.run(t, line, "STATUS=69")
			require.Equal(t, 69, status, line)
		}
	})
}

// TestSettingsAreKept for a renewal by cron; a chain takes a handler's place.
func TestSettingsAreKept(t *testing.T) {
	eachShell(t, func(t *testing.T, s session) {
		for _, line := range []string{"dns_extauth_add n v", "extauth_deploy d k c a f p"} {
			for _, step := range []struct {
				env  []string
				want string
			}{
				{[]string{"EXTAUTH_TO=certbot", `EXTAUTH_HANDLER=/h 'a b'`}, "chain=;to=certbot;handler=/h 'a b';\n"},
				{nil, "chain=;to=certbot;handler=/h 'a b';\n"},
				{[]string{"EXTAUTH_CHAIN=/c"}, "chain=/c;to=;handler=;\n"},
				{nil, "chain=/c;to=;handler=;\n"},
			} {
				calls, _ := s.run(t, line, step.env...)
				require.True(t, strings.HasSuffix(calls, step.want), calls)
			}
		}
		saved, err := os.ReadFile(filepath.Join(s.dir, "saved"))
		require.NoError(t, err)
		require.NotContains(t, string(saved), "as text", "account.conf is a script")
	})
}

func TestFilesAreShellcheckClean(t *testing.T) {
	need(t, "shellcheck")
	output, err := exec.Command("shellcheck", "-s", "sh", "dns_extauth.sh", "extauth_deploy.sh").CombinedOutput()
	require.NoError(t, err, string(output))
}
