package extauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHandlerFloods: a program of ours under a handler that writes 1 GiB to
// each of its streams stays small, keeps what it promises of it, and lets the
// handler finish.
func TestHandlerFloods(t *testing.T) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "extauth-dehydrated")
	build := exec.Command("go", "build", "-o", program, "./cmd/extauth-dehydrated")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))
	for name, text := range map[string]string{
		"chain": "dehydrated ./handler\n",
		"handler": `#!/bin/sh
[ "$1" = deploy_challenge ] || exit 0
head -c 1073741824 /dev/zero
head -c 1073741824 /dev/zero >&2
sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' /proc/$PPID/status >"$PEAK"
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	var stdout, stderr strings.Builder
	cmd := exec.Command(program, "-c", filepath.Join(dir, "chain"), "deploy_challenge", "a.test", "token", "one-0123456789-0123456789-0123456789-abcdef")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "EXTAUTH_STATE_DIR=" + filepath.Join(dir, "state"), "PEAK=" + filepath.Join(dir, "peak")}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.Len())
	require.LessOrEqual(t, stdout.Len(), 32<<10)
	require.LessOrEqual(t, stderr.Len(), 64<<10)
	require.Contains(t, stderr.String(), "dropped")
	peak, err := os.ReadFile(filepath.Join(dir, "peak"))
	require.NoError(t, err)
	require.NotEmpty(t, peak, "the handler did not finish")
	require.Regexp(t, `^([0-9]{1,4}|1[0-5][0-9]{3})\n$`, string(peak), "kB, of 16 MiB")
}

// TestMakeTestLooksForFaults: what everybody runs, continuous
// integration as well, vets the code, runs the tests under the race detector
// where there is a C compiler, and fuzzes.
func TestMakeTestLooksForFaults(t *testing.T) {
	text, err := exec.Command("make", "-n", "test").CombinedOutput()
	require.NoError(t, err, string(text))
	commands := string(text)
	require.Contains(t, commands, "\ngo vet ./...\n")
	require.Regexp(t, `(?m)^.*go test \$\(command -v gcc >/dev/null 2>&1 && echo -race\) .*\./\.\.\.$`, commands)
	require.Regexp(t, `(?m)^sh pkg/fuzz\.sh [0-9]+s$`, commands)
}

// TestEachFuzzTargetIsFuzzed: a target that the command does not find would
// never be fuzzed.
func TestEachFuzzTargetIsFuzzed(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho \"$*\" >>\"$LOG\"\n"), 0o755))
	cmd := exec.Command("sh", "pkg/fuzz.sh", "1s")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LOG="+log)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	calls, err := os.ReadFile(log)
	require.NoError(t, err)
	targets := fuzzTargets(t)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		require.Contains(t, string(calls), "^"+target+"$")
	}
	require.Equal(t, len(targets), strings.Count(string(calls), "\n"), "%s\n%s", targets, calls)
}

// fuzzTargets are all that the repository has.
func fuzzTargets(t *testing.T) []string {
	var targets []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets = append(targets, f.Name.Name)
			}
		}
		return nil
	})
	require.NoError(t, err)
	sort.Strings(targets)
	return targets
}
