//go:build linux

package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"
)

// Ansible, as Debian ships it, runs the module and the play that people get.
// The module drives certbot through extauth-json exec.
func ansibleScenarios() []scenario {
	return []scenario{
		{"o_ansible_issues_once", ansibleIssues},
		{"o_ansible_perform_fails", ansibleFails},
	}
}

// The second run of a play changes nothing.
func ansibleIssues(w *world) {
	vars := w.newAnsible()
	got := w.issuePlay(vars)
	got.requireSuccess(w.T)
	require.Regexp(w, `localhost +: ok=3 +changed=2 `, got.output)
	require.Contains(w, got.output, filepath.Join(w.path("letsencrypt"), "live", "web", "fullchain.pem"))
	c := w.newCertbot()
	w.requireCertificate(c.certificate("wildcard"), w.wildcardPair()...)
	w.requireCertificate(c.certificate("web"), w.name("www"))
	w.requireNothingLeft()

	got = w.issuePlay(vars)
	got.requireSuccess(w.T)
	require.Regexp(w, `localhost +: ok=2 +changed=0 `, got.output)
	w.requireNothingLeft()
	w.requireNothingRuns()
}

// The first challenge is performed, and taken back when the second cannot be.
func ansibleFails(w *world) {
	vars := w.newAnsible()
	flaky := w.writeExecutable("flaky", lines(
		"#!/bin/sh",
		"# the second call fails",
		`mkdir "$HOME/first" 2>/dev/null || ! mkdir "$HOME/second" 2>/dev/null || { echo "no route to host" >&2; exit 1; }`,
		`exec "$@"`))
	vars["nsupdate"] = append([]string{flaky}, vars["nsupdate"].([]string)...)
	got := w.issuePlay(vars)
	got.requireFailure(w.T)
	require.Regexp(w, `localhost +: ok=0 +changed=0 .* failed=1 `, got.output)
	require.Contains(w, got.output, `"msg": "perform dns-01 for `+w.name("")+`: ssh: exit status 1: no route to host; the client ended with status 1"`)
	require.Contains(w, got.output, "Hook '--manual-auth-hook' for "+w.name("")+" reported error code 1", "the client's output")
	require.Equal(w, 2, strings.Count(got.output, `"txt_domain": `), "challenges")
	require.NoFileExists(w, w.newCertbot().certificate("wildcard"))
	w.requireNothingLeft()
	w.requireNothingRuns()
}

// newAnsible prepares the machine of a play, and returns the play's variables.
func (w *world) newAnsible() map[string]any {
	w.Helper()
	w.setenv("ANSIBLE_NOCOLOR", "1")
	w.setenv("ANSIBLE_HOME", w.path("ansible"))
	w.setenv("ANSIBLE_LOCAL_TEMP", w.path("ansible/local"))
	w.setenv("ANSIBLE_REMOTE_TEMP", w.path("ansible/remote"))
	w.setenv("PYTHONDONTWRITEBYTECODE", "1")
	w.standInForSSH()
	env := w.write("nsupdate.env", lines("NSUPDATE_SERVER=127.0.0.1", "NSUPDATE_KEY="+lab.bind.keyFile(firstZone)))
	return map[string]any{
		"wildcard_domain": w.name(""), "web_domain": w.name("www"), "webroot": w.webroot,
		"certbot": []string{
			"certbot", "run", "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
			"--keep-until-expiring", "--key-type", "ecdsa", "--server", lab.pebble.directory(),
			"--config-dir", w.path("letsencrypt"), "--work-dir", w.path("work"), "--logs-dir", w.path("logs"),
		},
		"nsupdate": []string{"extauth-json", "--env-file", env, "--to", "handler", "run", "--", w.handler("nsupdate")},
	}
}

// standInForSSH does what ssh does with a command, on this machine: its words
// become a line for a shell.
func (w *world) standInForSSH() {
	w.Helper()
	w.mkdir("bin")
	w.writeExecutable("bin/ssh", lines("#!/bin/sh", `[ "$1 $2" = "-T ns1.example.org" ] || exit 255`, "shift 2", `exec sh -c "$*"`))
	w.setenv("PATH", w.path("bin")+":"+binDirectory(lab.dir)+":"+systemPath)
}

// issuePlay runs the example's play.
func (w *world) issuePlay(vars map[string]any) result {
	w.Helper()
	content, err := json.Marshal(vars)
	require.NoError(w, err)
	return w.run("ansible-playbook", "--extra-vars", "@"+w.write("vars.json", string(content)), w.handler("ansible/issue.yml"))
}

// requireNothingRuns wants no process of this world's: its home directory is
// in the environment of each.
func (w *world) requireNothingRuns() {
	w.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(w, err)
	for _, path := range environments {
		env, _ := os.ReadFile(path) // it may have ended
		require.NotContains(w, strings.Split(string(env), "\x00"), "HOME="+w.dir, "%s", path)
	}
}
