//go:build unix

// Package examples_test runs the shipped handlers the way extauth runs them,
// without a client, a web server or a DNS server: those are in e2e.
package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	token      = "DGyRejmCefe7v4NfDGDKfA"
	thumbprint = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	value      = "gfj9Xq-zYAr2tO3eVP1FQ9dVnSNVoHs8XIwvNn4-S7A"
)

// A run is the result of one call of a handler.
type run struct {
	status         int
	stdout, stderr string
}

// call runs a handler of this directory with nothing in its environment but
// PATH and the given variables.
func call(t *testing.T, handler, phase string, vars ...string) run {
	t.Helper()
	path, err := filepath.Abs(handler)
	require.NoError(t, err)
	var stdout, stderr strings.Builder
	cmd := exec.Command(path, phase)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, vars...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return run{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func requireDone(t *testing.T, got run) {
	t.Helper()
	require.Equal(t, run{}, got, "success is silent")
}

func requireRefused(t *testing.T, got run, why string) {
	t.Helper()
	require.Equal(t, 1, got.status)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, why)
}

func TestHandlersAreShellcheckClean(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("needs shellcheck (Debian package shellcheck)")
		}
		t.Fatal("needs shellcheck (Debian package shellcheck)")
	}
	out, err := exec.Command("shellcheck", "webroot", "nsupdate").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestHandlersPassOnPhasesThatTheyDoNotImplement(t *testing.T) {
	phases := []string{
		"", "pre-perform", "post-perform", "pre-cleanup", "post-cleanup",
		"deploy_cert", "unchanged_cert", "-x",
	}
	for _, handler := range []string{"webroot", "nsupdate"} {
		for _, phase := range phases {
			require.Equal(t, run{status: 1, stdout: "NotImplemented\n"}, call(t, handler, phase), "%s %q", handler, phase)
		}
	}
}

func TestHandlersRefuseATypeThatTheyDoNotServe(t *testing.T) {
	for _, phase := range []string{"perform", "cleanup"} {
		requireRefused(t, call(t, "webroot", phase, "cbot_type=dns-01"), `not "dns-01"`)
		requireRefused(t, call(t, "nsupdate", phase, "cbot_type=http-01"), `not "http-01"`)
		requireRefused(t, call(t, "webroot", phase), `not ""`)
		requireRefused(t, call(t, "nsupdate", phase), `not ""`)
	}
}

// httpChallenge is an http-01 challenge with the given token.
func httpChallenge(root, token string) []string {
	return []string{
		"WEBROOT=" + root, "cbot_type=http-01", "cbot_domain=example.test",
		"cbot_token=" + token, "cbot_validation=" + token + "." + thumbprint,
	}
}

func challengeFile(root, token string) string {
	return filepath.Join(root, ".well-known", "acme-challenge", token)
}

// files lists the regular files below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	require.NoError(t, err)
	return found
}

func TestWebrootWritesTheFileAndRemovesIt(t *testing.T) {
	root := t.TempDir()
	challenge := httpChallenge(root, token)

	requireDone(t, call(t, "webroot", "perform", challenge...))
	content, err := os.ReadFile(challengeFile(root, token))
	require.NoError(t, err)
	require.Equal(t, token+"."+thumbprint, string(content))
	require.Equal(t, []string{challengeFile(root, token)}, files(t, root))

	requireDone(t, call(t, "webroot", "cleanup", challenge...))
	require.Empty(t, files(t, root))
	requireDone(t, call(t, "webroot", "cleanup", challenge...))
}

func TestWebrootPerformsTwice(t *testing.T) {
	root := t.TempDir()
	challenge := httpChallenge(root, token)
	requireDone(t, call(t, "webroot", "perform", challenge...))
	requireDone(t, call(t, "webroot", "perform", challenge...))
	require.Len(t, files(t, root), 1)
}

func TestWebrootReadsTheBareNames(t *testing.T) {
	root := t.TempDir()
	requireDone(t, call(t, "webroot", "perform", "WEBROOT="+root, "type=http-01",
		"token="+token, "validation="+token+"."+thumbprint))
	require.FileExists(t, challengeFile(root, token))
}

func TestWebrootServesTokensThatBeginWithADash(t *testing.T) {
	root := t.TempDir()
	for _, token := range []string{"-n", "--help", "-rf"} {
		challenge := httpChallenge(root, token)
		requireDone(t, call(t, "webroot", "perform", challenge...))
		require.FileExists(t, challengeFile(root, token))
		requireDone(t, call(t, "webroot", "cleanup", challenge...))
		require.Empty(t, files(t, root))
	}
}

func TestWebrootRefusesATokenThatIsNoFileName(t *testing.T) {
	root := t.TempDir()
	hostile := []string{"../../x", "a/b", ".", "..", "a b", "a\nb", "$(id)", "`id`", "é", "*", ""}
	for _, token := range hostile {
		for _, phase := range []string{"perform", "cleanup"} {
			requireRefused(t, call(t, "webroot", phase, httpChallenge(root, token)...), "the token")
		}
	}
	require.Empty(t, files(t, root))
}

func TestWebrootKeepsTheFilesOfOtherChallenges(t *testing.T) {
	root := t.TempDir()
	apex, other := httpChallenge(root, "apex"), httpChallenge(root, "other")
	requireDone(t, call(t, "webroot", "perform", apex...))
	requireDone(t, call(t, "webroot", "perform", other...))
	requireDone(t, call(t, "webroot", "cleanup", apex...))
	require.Equal(t, []string{challengeFile(root, "other")}, files(t, root))
}

func TestWebrootKeepsAFileWithAnotherContent(t *testing.T) {
	root := t.TempDir()
	challenge := httpChallenge(root, token)
	requireDone(t, call(t, "webroot", "perform", challenge...))
	require.NoError(t, os.WriteFile(challengeFile(root, token), []byte("not ours"), 0o644))
	requireDone(t, call(t, "webroot", "cleanup", challenge...))
	require.FileExists(t, challengeFile(root, token))
}

// dehydrated sets umask 077, and the web server is somebody else.
func TestWebrootWritesReadableFilesUnderAnyUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	root := t.TempDir()
	requireDone(t, call(t, "webroot", "perform", httpChallenge(root, token)...))

	for path := challengeFile(root, token); path != root; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o004), info.Mode()&0o004, "%s is for others to read", path)
	}
}

func TestWebrootNeedsItsDocumentRoot(t *testing.T) {
	cases := map[string]string{
		"":                      "WEBROOT is not set",
		"relative":              "WEBROOT is not an absolute path",
		t.TempDir() + "/absent": "no directory",
	}
	for root, why := range cases {
		requireRefused(t, call(t, "webroot", "perform", httpChallenge(root, token)...), why)
	}
}

// standIn puts a stand-in for nsupdate first in PATH: it records its arguments
// and its script, and ends with the given status. The real nsupdate talks to a
// real server in e2e.
func standIn(t *testing.T, status string) (record string) {
	t.Helper()
	dir := t.TempDir()
	record = filepath.Join(dir, "record")
	script := "#!/bin/sh\n{ printf '%s\\n' \"$*\"; cat; } >>" + record + "\nexit " + status + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nsupdate"), []byte(script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return record
}

// dnsChallenge is a dns-01 challenge with the given value, and a key file.
func dnsChallenge(t *testing.T, value string, more ...string) (key string, vars []string) {
	t.Helper()
	key = filepath.Join(t.TempDir(), "zone.key")
	require.NoError(t, os.WriteFile(key, nil, 0o600))
	vars = []string{
		"NSUPDATE_KEY=" + key, "cbot_type=dns-01", "cbot_domain=example.test",
		"cbot_txt_domain=_acme-challenge.example.test", "cbot_validation=" + value,
	}
	return key, append(vars, more...)
}

func requireRecord(t *testing.T, record string, lines ...string) {
	t.Helper()
	got, err := os.ReadFile(record)
	require.NoError(t, err)
	require.Equal(t, strings.Join(lines, "\n")+"\n", string(got))
	require.NoError(t, os.Remove(record))
}

func TestNsupdateAddsAndDeletesOneValue(t *testing.T) {
	record := standIn(t, "0")
	key, challenge := dnsChallenge(t, value)

	requireDone(t, call(t, "nsupdate", "perform", challenge...))
	requireRecord(t, record, "-k "+key,
		`update add _acme-challenge.example.test. 60 IN TXT "`+value+`"`, "send")

	requireDone(t, call(t, "nsupdate", "cleanup", challenge...))
	requireRecord(t, record, "-k "+key,
		`update delete _acme-challenge.example.test. IN TXT "`+value+`"`, "send")
}

func TestNsupdateUsesItsSettings(t *testing.T) {
	record := standIn(t, "0")
	key, challenge := dnsChallenge(t, value, "NSUPDATE_SERVER=2001:db8::53", "NSUPDATE_PORT=5353",
		"NSUPDATE_ZONE=example.test.", "NSUPDATE_TTL=5")
	requireDone(t, call(t, "nsupdate", "perform", challenge...))
	requireRecord(t, record, "-k "+key, "server 2001:db8::53 5353", "zone example.test.",
		`update add _acme-challenge.example.test. 5 IN TXT "`+value+`"`, "send")
}

// The protocol's cleanup has no txt_domain, and names may end in a dot.
func TestNsupdateFindsTheRecordName(t *testing.T) {
	record := standIn(t, "0")
	names := map[string]string{
		"":                              "_acme-challenge.example.test.",
		"_acme-challenge.alias.test.":   "_acme-challenge.alias.test.",
		"_a1._acme-challenge.dash-.org": "_a1._acme-challenge.dash-.org.",
	}
	for txtDomain, name := range names {
		key, challenge := dnsChallenge(t, value, "cbot_txt_domain="+txtDomain)
		requireDone(t, call(t, "nsupdate", "cleanup", challenge...))
		requireRecord(t, record, "-k "+key, `update delete `+name+` IN TXT "`+value+`"`, "send")
	}
}

func TestNsupdateServesValuesThatBeginWithADash(t *testing.T) {
	record := standIn(t, "0")
	dashed := "-n" + value[2:]
	key, challenge := dnsChallenge(t, dashed)
	requireDone(t, call(t, "nsupdate", "perform", challenge...))
	requireRecord(t, record, "-k "+key,
		`update add _acme-challenge.example.test. 60 IN TXT "`+dashed+`"`, "send")
}

func TestNsupdateRefusesWhatWouldEndItsLine(t *testing.T) {
	record := standIn(t, "0")
	bad := map[string]string{
		"cbot_validation=" + value[:42] + `"`:                  "the validation",
		"cbot_validation=" + value + "\nsend":                  "the validation",
		"cbot_validation=short":                                "the validation",
		"cbot_validation=":                                     "the validation",
		"cbot_txt_domain=_acme-challenge.x.test.\nserver evil": "the record name",
		"cbot_txt_domain=_acme-challenge.x.test 60 IN TXT":     "the record name",
		"cbot_txt_domain=*.x.test":                             "the record name",
		"cbot_txt_domain=a..b":                                 "the record name",
		"NSUPDATE_SERVER=127.0.0.1\nlocal":                     "NSUPDATE_SERVER",
		"NSUPDATE_PORT=53 x":                                   "NSUPDATE_PORT",
		"NSUPDATE_PORT=5353":                                   "NSUPDATE_PORT",
		"NSUPDATE_TTL=1d":                                      "NSUPDATE_TTL",
		"NSUPDATE_ZONE=a b":                                    "NSUPDATE_ZONE",
		"NSUPDATE_KEY=":                                        "NSUPDATE_KEY is not set",
		"NSUPDATE_KEY=/nonexistent/key":                        "no readable file",
	}
	for variable, why := range bad {
		_, challenge := dnsChallenge(t, value, variable)
		for _, phase := range []string{"perform", "cleanup"} {
			requireRefused(t, call(t, "nsupdate", phase, challenge...), why)
		}
	}
	require.NoFileExists(t, record)
}

func TestNsupdateFailsWhenTheUpdateFails(t *testing.T) {
	standIn(t, "2")
	_, challenge := dnsChallenge(t, value)
	requireRefused(t, call(t, "nsupdate", "perform", challenge...), "was not done")
}
