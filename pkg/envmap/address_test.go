package envmap

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAddress: an address is what net/netip takes for one, but for zones.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"192.0.2.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.4.",
		"::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
		"1::2::3", ":::", ":1::2", "1:2", "12345::", "::g", "::ffff:192.0.2.1", "1.2.3.4::", "1:2:3:4:5:6:192.0.2.1",
		"1:2:3:4:5:6:7:192.0.2.1", "::1.2.3.400", "1.2.3.4:5::", "fe80::1%eth0", "::1:", "", ".", ":", "example.org",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		require.Equal(t, err == nil && addr.Zone() == "", isAddress(s), "%q", s)
	})
}
