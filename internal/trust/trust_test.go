package trust_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/trust"
)

// TestPathsAreWalked: after a symbolic link, .. is the parent of what the link
// leads to. Another program than that would be checked otherwise.
func TestPathsAreWalked(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root refuses what others can change")
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
	require.NoError(t, trust.CheckPath(filepath.Join(base, "safe/program")))
	require.ErrorAs(t, trust.CheckPath(base+"/safe/link/../program"), new(*trust.UnsafeError))
	t.Chdir(base)
	require.NoError(t, trust.CheckPath("./safe/program"))
	require.ErrorAs(t, trust.CheckPath("safe/link/../program"), new(*trust.UnsafeError))
}

func TestFilesOfOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	own, open, link := filepath.Join(dir, "own"), filepath.Join(dir, "open"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(own, []byte("text"), 0o600))
	require.NoError(t, os.WriteFile(open, nil, 0o600))
	require.NoError(t, os.Chmod(open, 0o666))
	require.NoError(t, os.Symlink(own, link))
	text, err := trust.ReadOwn(own)
	require.NoError(t, err)
	require.Equal(t, "text", string(text))
	for _, path := range []string{open, link} {
		_, err := trust.ReadOwn(path)
		require.ErrorAs(t, err, new(*trust.UnsafeError), path)
		_, err = trust.Append(path)
		require.ErrorAs(t, err, new(*trust.UnsafeError), path)
	}
	_, err = trust.CreatePrivate(link, os.O_WRONLY)
	require.Error(t, err)
	_, err = trust.ReadSecret(dir)
	require.ErrorAs(t, err, new(*trust.NotRegularError))
}
