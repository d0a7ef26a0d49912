package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnknownConvention: a misspelt one has the one that was meant, any other has
// the list.
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
