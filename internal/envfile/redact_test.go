package envfile

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRedactorKeepsPlaces: what only says where something is, is in the calls of
// clients too, and is not a credential.
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

// TestRedactorHidesEveryLine: texts are shown a line at a time, without control
// characters.
func TestRedactorHidesEveryLine(t *testing.T) {
	hide := Redactor(map[string]string{"KEY": "/first-line\nsecond-line\r\nab\nwith\x1bescape\n", "SHORT": "abc"})
	for line, want := range map[string]string{
		"key: second-line": "key: [redacted]", "withescape": "[redacted]", "/first-line second": "[redacted] second", "abc": "abc",
		url.QueryEscape("/first-line\nsecond-line\r\nab\nwith\x1bescape\n"): "[redacted]",
	} {
		require.Equal(t, want, hide(line), line)
	}
}

// FuzzRedactor: a credential is found in the forms that net/url writes, and
// inside base64.
func FuzzRedactor(f *testing.F) {
	f.Add("p&ss w+rd/ä%$:=@,;?#[]!'()*~-._", "user:")
	f.Fuzz(func(t *testing.T, secret, before string) {
		if len(secret) < minSecret {
			return
		}
		hide := Redactor(map[string]string{"A": secret})
		require.Equal(t, "[redacted]", hide(secret))
		require.Equal(t, "[redacted]", hide(url.QueryEscape(secret)))
		require.Equal(t, "[redacted]", hide(url.PathEscape(secret)))
		require.Equal(t, "[redacted]", hide(strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")))
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			encoded := encoding.EncodeToString([]byte(before + secret + before))
			require.NotEqual(t, encoded, hide(encoded))
		}
	})
}
