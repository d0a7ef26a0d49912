//go:build linux

package examples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const wildcardValue = "-nj9Xq-zYAr2tO3eVP1FQ9dVnSNVoHs8XIwvNn4-S7A"

// A site is a machine that asks for certificates: the programs, a chain file
// with its env file, and a journal. PATH has nothing but what handlers may start,
// and each of that notes its command line first.
type site struct {
	programs, dir string
}

// newSite is a site with these lines in its chain file and in dns.env.
func newSite(t *testing.T, programs string, chain, env []string) *site {
	t.Helper()
	s := &site{programs, t.TempDir()}
	s.write(t, "chain", 0o644, chain...)
	s.write(t, "dns.env", 0o600, env...)
	s.write(t, "commands", 0o600)
	require.NoError(t, os.Mkdir(s.path("bin"), 0o755))
	for _, program := range strings.Fields("curl cut flock id jq lexicon mkdir sed tr") {
		real, err := exec.LookPath(program)
		if err == nil {
			s.write(t, "bin/"+program, 0o755, "#!/bin/sh",
				`printf '%s\n' "`+program+` $*" >>`+s.path("commands"), `exec `+real+` "$@"`)
		}
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(t *testing.T, name string, mode os.FileMode, lines ...string) {
	t.Helper()
	text := strings.Join(append(lines, ""), "\n")
	if mode&0o111 != 0 {
		require.NoError(t, writeExecutable(s.path(name), text))
		return
	}
	require.NoError(t, os.WriteFile(s.path(name), []byte(text), mode))
}

func (s *site) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	require.NoError(t, err)
	return string(text)
}

// command is a call of one of the programs, with an environment of its own.
func (s *site) command(vars []string, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + s.path("bin"), "HOME=" + s.dir, "EXTAUTH_STATE_DIR=" + s.path("state"), "EXTAUTH_CHAIN=" + s.path("chain"),
	}, vars...)
	return cmd
}

// run runs a program to its end, and looks for credentials where there are to be
// none: in its output, in command lines and in the journal.
func (s *site) run(t *testing.T, vars []string, program string, args ...string) run {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := s.command(vars, program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	s.requireNoCredential(t, stdout.String()+stderr.String())
	return run{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (s *site) requireNoCredential(t *testing.T, output string) {
	t.Helper()
	seen := output + s.read(t, "commands")
	for _, file := range s.journal(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		seen += string(text)
	}
	require.False(t, strings.Contains(seen, "SENTINEL"), "a credential is in the output, in a command line or in the journal")
}

// journal lists the files of what is performed and not yet cleaned up.
func (s *site) journal(t *testing.T) []string {
	t.Helper()
	require.NoError(t, os.MkdirAll(s.path("state"), 0o700))
	var found []string
	for _, file := range files(t, s.path("state")) {
		if filepath.Base(filepath.Dir(file)) != "powerdns" { // locks
			found = append(found, file)
		}
	}
	return found
}

// certbot runs a hook as certbot does for a challenge of an order of two, of
// which so many remain, or "" for an order of one.
func (s *site) certbot(t *testing.T, operand, domain, value, remaining string) run {
	t.Helper()
	return s.run(t, certbotVars(domain, value, remaining), "extauth-hook", operand)
}

func certbotVars(domain, value, remaining string) []string {
	all := domain + "," + domain
	if remaining == "" {
		all, remaining = domain, "0"
	}
	return []string{
		"CERTBOT_DOMAIN=" + domain, "CERTBOT_VALIDATION=" + value,
		"CERTBOT_ALL_DOMAINS=" + all, "CERTBOT_REMAINING_CHALLENGES=" + remaining,
	}
}

// dehydrated runs a hook as dehydrated does under HOOK_CHAIN=yes, for a name and
// its wildcard.
func (s *site) dehydrated(t *testing.T, operation, domain string) run {
	t.Helper()
	return s.run(t, []string{"CHALLENGETYPE=dns-01"}, "extauth-dehydrated", operation,
		domain, token, value, domain, token+"2", wildcardValue)
}

// requireFailed wants a status and a reason.
func requireFailed(t *testing.T, got run, status int, why string) {
	t.Helper()
	require.Equal(t, status, got.status, "%s", got.stderr)
	require.Contains(t, got.stderr, why)
	require.Empty(t, got.stdout)
}

// example is the path of a handler of this directory.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	require.NoError(t, err)
	return path
}

// needPrograms skips a test that lacks one of these programs or files, each with
// its Debian package, but not in continuous integration.
func needPrograms(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range pairs {
		program, debian, _ := strings.Cut(pair, ":")
		_, err := exec.LookPath(program)
		if filepath.IsAbs(program) {
			_, err = os.Stat(program)
		}
		if err != nil && os.Getenv("CI") == "" {
			t.Skipf("needs %s (Debian package %s)", program, debian)
		}
		require.NoError(t, err, "needs %s (Debian package %s)", program, debian)
	}
}

// welcoming is the address of a web server that has no API and says 200 to
// everything.
func welcoming(t *testing.T) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "<html>Welcome</html>")
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestDNSHandlersAreShellcheckClean(t *testing.T) {
	needPrograms(t, "shellcheck:shellcheck")
	out, err := exec.Command("shellcheck", "powerdns", "acme-dns").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestDNSHandlersPassOnPhasesThatTheyDoNotImplement(t *testing.T) {
	for _, handler := range []string{"powerdns", "acme-dns"} {
		for _, phase := range []string{"", "pre-perform", "post-perform", "pre-cleanup", "post-cleanup", "deploy_cert", "-x"} {
			require.Equal(t, run{status: 1, stdout: "NotImplemented\n"}, call(t, handler, phase), "%s %q", handler, phase)
		}
	}
}

func TestDNSHandlersRefuseATypeThatTheyDoNotServe(t *testing.T) {
	for _, handler := range []string{"powerdns", "acme-dns"} {
		requireRefused(t, call(t, handler, "perform", "cbot_type=http-01"), `not "http-01"`)
		requireRefused(t, call(t, handler, "perform"), `not ""`)
	}
	requireRefused(t, call(t, "powerdns", "cleanup", "cbot_type=http-01"), `not "http-01"`)
}
