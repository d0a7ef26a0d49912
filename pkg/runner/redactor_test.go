package runner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRedactorKeepsPlaces: what only says where something is stands in the calls
// of clients too, and is no credential.
func TestRedactorKeepsPlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.env")
	text := "ZONE=example.org\nFQDN=ns1.example.org.\nSERVER=192.0.2.53\nSIX=2001:db8::53\nKEYFILE=/etc/tsig.key\nSECRET=hunter2.\nJWT=eyJhbGciOi.eyJzdWIiOi\nHEX=00112233.445566ab\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	hide := FilesRedactor([]string{file})
	for _, kept := range []string{"_acme-challenge.example.org", "ns1.example.org.", "192.0.2.53", "2001:db8::53", "/etc/tsig.key"} {
		require.Equal(t, kept, hide(kept))
	}
	for _, gone := range []string{"hunter2.", "eyJhbGciOi.eyJzdWIiOi", "00112233.445566ab"} {
		require.Equal(t, "a [redacted] b", hide("a "+gone+" b"))
	}
	require.Equal(t, "as it is", FilesRedactor([]string{"/nonexistent"})("as it is"))
}
