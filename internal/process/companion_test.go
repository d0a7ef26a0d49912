package process_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
)

// TestCompanion: our programs may be links to one file in another directory, and
// those in PATH come last.
func TestCompanion(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	program, linked, inPath := copied(t, self), t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(program, filepath.Join(linked, "tests")))
	find := func() string {
		p := &process.Process{Argv: []string{filepath.Join(linked, "tests"), "companion", "other"}, Env: []string{"PATH=" + inPath, "GORACE=atexit_sleep_ms=0"}}
		result, err := p.Run(context.Background())
		require.NoError(t, err)
		return string(result.Stdout)
	}
	require.Equal(t, " other: is neither beside this program nor in PATH; it is a link to extauth\n", find())
	for _, dir := range []string{inPath, linked, filepath.Dir(program)} {
		path := filepath.Join(dir, "other")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
		require.Equal(t, path+" <nil>\n", find())
	}
}
