package envmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestWhatIsWrittenIsOwned: whatever a convention sets for a handler is taken
// out of the next handler's environment.
func TestWhatIsWrittenIsOwned(t *testing.T) {
	for _, e := range everyEvent(t) {
		for _, to := range envmap.Conventions() {
			call, _ := to.Encode(e)
			for name := range call.Env {
				require.True(t, strings.HasPrefix(name, "EXTAUTH_") || to.OwnsVariable(name), "%s: %s", to.Name, name)
			}
		}
	}
}

// TestOwnedGoesByTheConventions: the rows and the conventions list the same.
func TestOwnedGoesByTheConventions(t *testing.T) {
	for _, c := range envmap.Conventions() {
		for _, own := range c.Owns {
			require.NotContains(t, strings.TrimSuffix(own, "*"), "*", c.Name)
			require.True(t, envmap.Owned(strings.Replace(own, "*", "x", 1)), "%s: %s", c.Name, own)
		}
	}
	for _, other := range []string{"", "*", "PATH", "CERTBOT", "xCERTBOT_DOMAIN", "DOMAIN_DIRS", "cmd cert_pem", "LEGO_PATH"} {
		require.False(t, envmap.Owned(other), other)
	}
}
