package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/runner"
)

// TestPathsAreWalked: behind a symbolic link, .. is the parent of what the link
// leads to. Another program than that would be looked at otherwise.
func TestPathsAreWalked(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("what others can change is refused to root alone")
	}
	base := t.TempDir()
	for _, dir := range []string{"safe", "open", "open/inside"} {
		require.NoError(t, os.Mkdir(filepath.Join(base, dir), 0o755))
	}
	for _, program := range []string{"safe/program", "open/program"} {
		require.NoError(t, os.WriteFile(filepath.Join(base, program), []byte("#!/bin/sh\n"), 0o755))
	}
	require.NoError(t, os.Symlink(filepath.Join(base, "open/inside"), filepath.Join(base, "safe/link")))
	require.NoError(t, os.Chmod(filepath.Join(base, "open/program"), 0o777))
	require.NoError(t, runner.Startable(filepath.Join(base, "safe/program")))
	require.ErrorAs(t, runner.Startable(base+"/safe/link/../program"), new(*runner.UnsafeError))
	t.Chdir(base)
	require.NoError(t, runner.Startable("./safe/program"))
	require.ErrorAs(t, runner.Startable("safe/link/../program"), new(*runner.UnsafeError))
}
