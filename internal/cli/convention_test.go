package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnknownConvention: the message suggests the convention that was meant, or
// lists all.
func TestUnknownConvention(t *testing.T) {
	for name, meant := range map[string]string{
		"dehydratd": "dehydrated", "certobt": "certbot", "jso": "json", "Lego": "lego", "mod-md": "mod_md", "acme.sh": "acmesh",
	} {
		_, err := HandlerConvention(name)
		require.EqualError(t, err, `unknown convention "`+name+`" (did you mean "`+meant+`"?)`)
	}
	for _, name := range []string{"", "x", "certificate", "../pwn"} {
		_, err := HandlerConvention(name)
		require.ErrorContains(t, err, `unknown convention "`+name+`" (want one of acmesh, `)
		require.Equal(t, StatusUsage, Status(err))
	}
}
