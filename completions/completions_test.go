//go:build unix

// Package completions_test asks the shells what they complete, with the files
// at the paths where each shell looks for them.
package completions_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/pending"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// TestMain makes the test binary extauth-pending if it is called by that name.
// No completion runs another program of ours.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case name == "extauth-pending":
		os.Exit(pending.Pending(cli.Process()))
	case strings.HasPrefix(name, "extauth"):
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// directory is a directory to complete in. It has the programs in bin, the
// completion files under the names that shells look for, a journal, and some
// files in work.
type directory struct {
	dir     string
	records []string // IDs, as extauth-pending shows them
}

func newDirectory(t *testing.T) directory {
	w := directory{dir: t.TempDir()}
	for _, dir := range []string{"bin", "fish", "data/bash-completion/completions", "work/sub"} {
		require.NoError(t, os.MkdirAll(filepath.Join(w.dir, dir), 0o755))
	}
	for name, mode := range map[string]os.FileMode{"a.chain": 0o644, "b.env": 0o600, "run": 0o755} {
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "work", name), nil, mode))
	}
	pending, err := os.Executable()
	require.NoError(t, err)
	for _, program := range programs(t) {
		w.link(t, pending, "bin/"+program)
		w.link(t, "bash/extauth", "data/bash-completion/completions/"+program)
		w.link(t, "fish/extauth.fish", "fish/"+program+".fish")
	}
	w.perform(t)
	return w
}

// link makes a link to a file of ours in the directory.
func (w *directory) link(t *testing.T, file, name string) {
	absolute, err := filepath.Abs(file)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(absolute, filepath.Join(w.dir, name)))
}

// perform leaves two challenges performed.
func (w *directory) perform(t *testing.T) {
	for _, domain := range []string{"a.test", "b.test"} {
		r := runner.Runner{Chain: []runner.Handler{{Convention: "json", Command: []string{"true"}}}, State: filepath.Join(w.dir, "state")}
		e := envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: domain, Validation: strings.Repeat("v", 43)}
		require.NoError(t, r.Run(context.Background(), []envmap.Event{e}))
	}
	w.records = w.left(t)
	require.Len(t, w.records, 2)
}

// left returns the IDs of what is performed, sorted.
func (w *directory) left(t *testing.T) []string {
	left, err := (&runner.Runner{State: filepath.Join(w.dir, "state")}).Leftovers()
	require.NoError(t, err)
	var all []string
	for _, l := range left {
		all = append(all, l.ID[:12])
	}
	slices.Sort(all)
	return all
}

// shells complete lines: bash with the file itself and with bash-completion, which
// looks for it.
func shells() []string { return []string{"bash", "bash-completion", "fish", "zsh"} }

// command returns the command that runs a shell.
func (w directory) command(t *testing.T, shell string) []string {
	here, err := os.Getwd()
	require.NoError(t, err)
	switch shell {
	case "fish":
		return []string{"fish", "--no-config", here + "/testdata/complete.fish", w.dir + "/fish"}
	case "zsh":
		return []string{"zsh", "-f", here + "/testdata/complete.zsh", here + "/zsh", w.dir}
	case "bash":
		return []string{"bash", here + "/testdata/complete.bash", here + "/bash/extauth"}
	}
	return []string{"bash", here + "/testdata/complete.bash", loader}
}

// longest is how long a shell may take for all lines, many times what it needs.
const longest = 3 * time.Minute

// complete asks a shell for the completions of lines, each list sorted. Shells
// differ in how much of the line they write again: a file is reduced to its
// last part, and a value to what follows = or a colon, neither of which bash
// writes again.
func (w directory) complete(t *testing.T, shell string, lines []string) [][]string {
	command := w.command(t, shell)
	need(t, shell, command[0])
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second
	cmd.Dir = filepath.Join(w.dir, "work")
	cmd.Env = []string{
		"PATH=" + w.dir + "/bin:/usr/bin:/bin", "HOME=" + w.dir, "TERM=dumb", "LC_ALL=C.UTF-8",
		"XDG_DATA_HOME=" + w.dir + "/data", "EXTAUTH_STATE_DIR=" + w.dir + "/state",
		"GORACE=atexit_sleep_ms=0",
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(lines, "\n")+"\n"), &stderr
	output, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.Empty(t, stderr.String())
	again := regexp.MustCompile(`^.*[=:/](.+)$`)
	if command[0] == "bash" {
		again = regexp.MustCompile(`^.*/(.+)$`)
	}
	list := split(string(output), again)
	require.Len(t, list, len(lines), string(output))
	return list
}

// split splits the lists, each of which ends with a blank line. It keeps the
// part of a word that the pattern's group matches.
func split(output string, again *regexp.Regexp) [][]string {
	var all [][]string
	list := []string{}
	for _, line := range strings.Split(strings.TrimSuffix(output, "\n"), "\n") {
		word := again.ReplaceAllString(strings.TrimSuffix(line, "/"), "$1")
		if word = strings.TrimSuffix(word, "="); word != "" {
			list = append(list, word)
			continue
		}
		slices.Sort(list)
		all, list = append(all, slices.Compact(list)), []string{}
	}
	return all
}

// loader is bash-completion's file that looks for others.
const loader = "/usr/share/bash-completion/bash_completion"

// need skips a test that lacks a shell, but not in continuous integration. Debian's
// packages have the same names.
func need(t *testing.T, shell, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if shell == "bash-completion" && err == nil {
		_, err = os.Stat(loader)
	}
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("%v; Debian has it in the package %s", err, shell)
	}
	require.NoError(t, err)
}

func programs(t *testing.T) []string {
	mains, err := filepath.Glob("../cmd/*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	var all []string
	for _, main := range mains {
		all = append(all, filepath.Base(filepath.Dir(main)))
	}
	return all
}
