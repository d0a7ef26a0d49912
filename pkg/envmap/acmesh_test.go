package envmap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func FuzzDecodeAcmesh(f *testing.F) { fuzzCalls(f, "acmesh") }

func acmeshEvent(t *testing.T, args ...string) envmap.Event {
	events, err := lookup(t, "acmesh").Decode(envmap.Call{Args: args})
	require.NoError(t, err, args)
	require.Len(t, events, 1)
	return events[0]
}

// TestAcmeshKeyAuthorization: it is the plugin's to pass on, and must be that of
// the value.
func TestAcmeshKeyAuthorization(t *testing.T) {
	e := acmeshEvent(t, "add", "_acme-challenge.example.org", envmap.DNSValue(keyAuth), keyAuth)
	require.Equal(t, keyAuth, e.KeyAuth)
	require.Equal(t, token, e.Token)
	require.Empty(t, acmeshEvent(t, "add", "_acme-challenge.example.org", value, "").KeyAuth)
	other := "B" + envmap.DNSValue(keyAuth)[1:]
	_, err := lookup(t, "acmesh").Decode(envmap.Call{Args: []string{"add", "_acme-challenge.example.org", other, keyAuth}})
	refused := new(envmap.ValueError)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "VALUE", refused.Name)
	require.True(t, lookup(t, "acmesh").From.Forgets, "the clean-up does not tell it")
}

// TestAcmeshNames: acme.sh passes names on as its user typed them.
func TestAcmeshNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"_acme-challenge.Example.ORG.": {"_acme-challenge.example.org", "example.org"},
		"alias.example.net":            {"alias.example.net", ""}, // --domain-alias
	} {
		e := acmeshEvent(t, "rm", name, value)
		require.Equal(t, envmap.Cleanup, e.Cmd)
		require.Equal(t, want, [2]string{e.TXTDomain, e.Domain})
	}
	e := acmeshEvent(t, "deploy", "*.example.org", "/k", "/c", "/ca", "/f", "/x.pfx")
	require.Equal(t, []string{"*.example.org", "/k", "/c", "/ca", "/f"}, []string{e.Domain, e.KeyPath, e.CertPath, e.ChainPath, e.FullchainPath})
}

func TestAcmeshRefuses(t *testing.T) {
	for words, reason := range map[string]string{
		"":                                       "need add, rm or deploy",
		"add":                                    "got 0 arguments, need FULLDOMAIN VALUE",
		"add _acme-challenge.a.test":             "got 1 argument,",
		"rm _acme-challenge.a.test v k x":        "got 4 arguments",
		"add  " + value:                          "FULLDOMAIN is empty",
		"add _acme-challenge.a.test ":            "VALUE is empty",
		"add _acme-challenge.a.test short":       "VALUE \"short\"",
		"add _acme-challenge.bücher " + value:    "FULLDOMAIN",
		"add _acme-challenge.192.0.2.1 " + value: "FULLDOMAIN",
		"add _acme-challenge.a.test " + value + " no-auth": "VALUE",
		"deploy a.test /k /c /ca":                          "got 4 arguments, need DOMAIN KEY CERT CA FULLCHAIN",
		"deploy a.test /k /c /ca /f /p /x":                 "got 7 arguments",
		"deploy a.test /k  /ca /f":                         "CERT is empty",
		"deploy a.test /k /c ca /f":                        `CA "ca"`,
		"deploy a/test /k /c /ca /f":                       "DOMAIN",
		"notify subject":                                   "unknown operation",
	} {
		var args []string
		if words != "" {
			args = strings.Split(words, " ")
		}
		events, err := lookup(t, "acmesh").Decode(envmap.Call{Args: args})
		require.ErrorContains(t, err, reason, words)
		require.Empty(t, events)
	}
}

// acmeshStandIn is not acme.sh: it has what the plugins below need of it, under
// acme.sh's names, and like acme.sh runs its operands when it is read.
const acmeshStandIn = `
false
: "${NOWHERE}"
_info() { echo "info $*"; }
_err() { echo "err $*" >&2; }
_saveaccountconf_mutable() { echo "SAVED_$1='$2'" >>"$LE_CONFIG_HOME/account.conf"; }
_readaccountconf_mutable() { ( . "$LE_CONFIG_HOME/account.conf" && eval "echo \$SAVED_$1" ); }
_savedomainconf() { echo "$1='$2'" >>"$DOMAIN_PATH/domain.conf"; }
_initpath() { [ -n "$DOMAIN_PATH" ] || DOMAIN_PATH=$LE_CONFIG_HOME/$1; }
main() { "$@"; }
main "$@"
`

// acmeshPlugins are plugins as acme.sh has them, by their files.
func acmeshPlugins() map[string]string {
	return map[string]string{
		"acme.sh": acmeshStandIn,
		"dnsapi/dns_save.sh": `
dns_save_add() {
  Save_Key="${Save_Key:-$(_readaccountconf_mutable Save_Key)}"
  [ "$Save_Key" ] || return 4
  _saveaccountconf_mutable Save_Key "$Save_Key"
  _savedomainconf Kept yes
  _info "added $# <$1> <$2> with $Save_Key, $_SCRIPT_HOME"
}
dns_save_rm() { dns_save_add "$@"; }
`,
		"dnsapi/dns_read.sh": "dns_read_add() { read -r answer && return 1; _info \"read nothing\"; }\n",
		"dnsapi/dns_fail.sh": "dns_fail_add() { _err no such zone; return 3; }\ndns_fail_rm() { false; }\n",
		"dnsapi/dns_exit.sh": "dns_exit_add() { exit 5; }\n",
		"work/dns_mine.sh":   "dns_mine_add() { _info mine; }\n",
	}
}

type acmeshRun struct {
	shell, dir string
	env        []string
}

// run gives the script to a shell as the runner does.
func (r acmeshRun) run(t *testing.T, words ...string) (stdout, stderr string, status int) {
	cmd := exec.Command(r.shell, append([]string{"-c", lookup(t, "acmesh").To.Script, "acmesh"}, words...)...)
	var out, errs strings.Builder
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.dir, strings.NewReader("an answer\n"), &out, &errs
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "ACME_SH=" + filepath.Join(r.dir, "acme.sh"), "LE_WORKING_DIR=" + filepath.Join(r.dir, "work"),
		"EXTAUTH_STATE_DIR=" + filepath.Join(r.dir, "state"), "LE_CONFIG_HOME=" + r.dir, "DOMAIN_PATH=" + r.dir,
	}, r.env...)
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil {
		require.ErrorAs(t, err, &exit)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// eachShell runs a test under the shells that /bin/sh may be.
func eachShell(t *testing.T, test func(*testing.T, acmeshRun)) {
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			for name, text := range acmeshPlugins() {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
			}
			test(t, acmeshRun{shell: shell, dir: dir})
		})
	}
}

const acmeshName, acmeshValue = "_acme-challenge.example.org", "-value; $(false) 'x"

// TestAcmeshScriptKeepsWhatIsSaved: the credentials of the first call are there
// in the next, in a directory of our own; nothing else is written to.
func TestAcmeshScriptKeepsWhatIsSaved(t *testing.T) {
	eachShell(t, func(t *testing.T, r acmeshRun) {
		first := r
		first.env = []string{"Save_Key=secret"}
		for _, call := range []acmeshRun{first, r} {
			stdout, stderr, status := call.run(t, "dns_save", "add", acmeshName, acmeshValue)
			require.Zero(t, status, stderr)
			require.Empty(t, stdout, "it would be certbot's auth output")
			require.Equal(t, "info added 2 <"+acmeshName+"> <"+acmeshValue+"> with secret, "+r.dir+"\n", stderr)
		}
		conf := filepath.Join(r.dir, "state", "acmesh")
		for path, mode := range map[string]os.FileMode{"": 0o700, "account.conf": 0o600, "example.org/domain.conf": 0o600} {
			info, err := os.Stat(filepath.Join(conf, path))
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode().Perm(), path)
		}
		require.NoFileExists(t, filepath.Join(r.dir, "account.conf"))
		require.NoFileExists(t, filepath.Join(r.dir, "domain.conf"))
	})
}

// TestAcmeshScriptHome: the directory can be named; one that is another's is not
// used, as it is read as a script.
func TestAcmeshScriptHome(t *testing.T) {
	eachShell(t, func(t *testing.T, r acmeshRun) {
		r.env = []string{"Save_Key=secret", "EXTAUTH_ACMESH_HOME=" + filepath.Join(r.dir, "a home")}
		_, stderr, status := r.run(t, "dns_save", "add", acmeshName, acmeshValue)
		require.Zero(t, status, stderr)
		require.FileExists(t, filepath.Join(r.dir, "a home", "account.conf"))
		r.env[1] = "EXTAUTH_ACMESH_HOME=below"
		_, stderr, status = r.run(t, "dns_save", "add", acmeshName, acmeshValue)
		require.Zero(t, status, stderr)
		require.FileExists(t, filepath.Join(r.dir, "below", "account.conf"))
		r.env[1] = "EXTAUTH_ACMESH_HOME=" + filepath.Join(r.dir, "acme.sh")
		_, stderr, status = r.run(t, "dns_save", "add", acmeshName, acmeshValue)
		require.Equal(t, 78, status)
		require.Contains(t, stderr, "$EXTAUTH_ACMESH_HOME")
	})
}

func TestAcmeshScriptEndsAsThePlugin(t *testing.T) {
	eachShell(t, func(t *testing.T, r acmeshRun) {
		for words, want := range map[string]struct {
			status int
			stderr string
		}{
			"dns_read add": {0, "info read nothing\n"},
			"dns_fail add": {3, "err no such zone\n"},
			"dns_fail rm":  {1, ""},
			"dns_exit add": {5, ""},
			"dns_mine add": {0, "info mine\n"},
			"dns_save rm":  {4, ""},
		} {
			stdout, stderr, status := r.run(t, append(strings.Fields(words), acmeshName, acmeshValue)...)
			require.Equal(t, want.status, status, "%s: %s", words, stderr)
			require.Empty(t, stdout)
			if want.stderr != "" {
				require.Equal(t, want.stderr, stderr, words)
			}
		}
	})
}

func TestAcmeshScriptRefuses(t *testing.T) {
	eachShell(t, func(t *testing.T, r acmeshRun) {
		for words, reason := range map[string]string{
			"dns_none add":         "no plugin dns_none in ",
			"dns_read rm":          "dnsapi/dns_read.sh has no function dns_read_rm",
			"dns_../../x add":      "other characters than a-z, 0-9 and _",
			"dns_A add":            "other characters than a-z, 0-9 and _",
			"dns_ add":             "begins with dns_",
			"cf add":               "begins with dns_",
			"dns_save --force add": "no further arguments",
		} {
			stdout, stderr, status := r.run(t, append(strings.Fields(words), acmeshName, acmeshValue)...)
			requireOneLine(t, stdout, stderr, status, reason)
		}
		r.env = []string{"ACME_SH=/nonexistent/acme.sh"}
		stdout, stderr, status := r.run(t, "dns_save", "add", acmeshName, acmeshValue)
		requireOneLine(t, stdout, stderr, status, "$ACME_SH: /nonexistent/acme.sh cannot be read")
		r.env = []string{"ACME_SH=/dev/null"}
		stdout, stderr, status = r.run(t, "dns_save", "add", acmeshName, acmeshValue)
		require.Equal(t, 78, status, stdout+stderr)
	})
}

func requireOneLine(t *testing.T, stdout, stderr string, status int, reason string) {
	require.Equal(t, 78, status, stderr)
	require.Empty(t, stdout)
	require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	require.True(t, strings.HasPrefix(stderr, "acmesh: "), stderr)
	require.Contains(t, stderr, reason)
}

// TestAcmeshScriptIsClean: shellcheck finds nothing but files that it cannot
// follow.
func TestAcmeshScriptIsClean(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC1090", "-")
	cmd.Stdin = strings.NewReader(lookup(t, "acmesh").To.Script)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
}
