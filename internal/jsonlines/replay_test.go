package jsonlines_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestReplayOfEveryTrace: recorded and documented calls are replayed without
// changes.
func TestReplayOfEveryTrace(t *testing.T) {
	for _, c := range envmap.Conventions() {
		files, err := filepath.Glob(filepath.Join("../../testdata/traces", c.Traces, "*.jsonl"))
		require.NoError(t, err)
		for _, file := range files {
			t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				requireReplayed(t, c, file)
			})
		}
	}
}

// requireReplayed plans a trace's calls for a handler of every event, and
// requires each event of the golden files in the plan.
func requireReplayed(t *testing.T, c *envmap.Convention, file string) {
	require.NotEmpty(t, c.Traces)
	absolute, err := filepath.Abs(file)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain"), []byte("json true\n"), 0o644))
	cmd := exec.Command("extauth-json", "--dry-run", "--from", c.Name, "-c", "chain", "replay", absolute)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GORACE=atexit_sleep_ms=0", "TMPDIR="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	golden, err := os.ReadFile(filepath.Join("../../pkg/envmap/testdata/golden", c.Name, filepath.Base(file)))
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
		return // nothing of it is decoded there
	}
	for _, cmd := range []string{"perform_challenge", "cleanup", "deploy_cert"} {
		begin, want := fmt.Sprintf("{%q: %q, ", "cmd", cmd), 0
		for _, line := range strings.Split(string(golden), "\n") {
			partial := cmd == "cleanup" && !strings.Contains(line, `"validation"`) // only a journal has the rest
			if strings.HasPrefix(line, begin) && !partial {
				want++
			}
		}
		require.Equal(t, want, strings.Count(stdout.String(), "'"+begin), "%s: %s", cmd, stdout.String())
	}
}
