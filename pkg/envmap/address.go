package envmap

import (
	"net/netip"
	"strings"
)

// isAddress reports whether s is an IPv4 address (RFC 6943 section 3.1.1, the
// strict form) or an IPv6 address (RFC 4291 section 2.2) without a zone.
func isAddress(s string) bool {
	if s == "" || !strings.Contains(s, ":") && !isDigit(s[len(s)-1]) {
		return false // as nearly all names
	}
	address, err := netip.ParseAddr(s)
	return err == nil && address.Zone() == ""
}
