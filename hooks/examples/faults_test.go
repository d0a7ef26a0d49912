//go:build unix

package examples_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const nobody = 65534

// TestDocumentRootOfAnotherUser: who owns the document root may put links
// into it. As root, webroot writes nothing where they lead.
func TestDocumentRootOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs files of another user")
	}
	links := map[string]string{
		"well-known":     ".well-known",
		"acme-challenge": ".well-known/acme-challenge",
		"the file":       ".well-known/acme-challenge/" + token,
	}
	for name, link := range links {
		t.Run(name, func(t *testing.T) {
			root, victim := t.TempDir(), t.TempDir()
			require.NoError(t, os.Lchown(root, nobody, nobody))
			link := filepath.Join(root, link)
			require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
			require.NoError(t, os.Symlink(victim, link))
			require.NoError(t, os.Lchown(link, nobody, nobody))
			vars := []string{"WEBROOT=" + root, "cbot_type=http-01", "cbot_token=" + token, "cbot_validation=" + token + "." + thumbprint}
			call(t, "webroot", "perform", vars...)
			requireEmpty(t, victim)

			mine := filepath.Join(victim, token)
			require.NoError(t, os.WriteFile(mine, []byte("not the challenge"), 0o600))
			call(t, "webroot", "cleanup", vars...)
			require.FileExists(t, mine)
		})
	}
}

// TestLinkOfRoot: one that root put there is how a web server shares the
// directory of the challenges among its sites.
func TestLinkOfRoot(t *testing.T) {
	root, shared := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, ".well-known"), 0o755))
	require.NoError(t, os.Symlink(shared, filepath.Join(root, ".well-known/acme-challenge")))
	vars := []string{"WEBROOT=" + root, "cbot_type=http-01", "cbot_token=" + token, "cbot_validation=" + token + "." + thumbprint}
	requireDone(t, call(t, "webroot", "perform", vars...))
	require.FileExists(t, filepath.Join(shared, token))
	requireDone(t, call(t, "webroot", "cleanup", vars...))
	requireEmpty(t, shared)
}

func requireEmpty(t *testing.T, directory string) {
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	require.Empty(t, entries)
}
