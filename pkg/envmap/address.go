package envmap

import "strings"

// The forms of IP addresses. Package net/netip reads them too, and judges here
// in the tests: a program that links it interns zones before it begins.

// isAddress accepts an IPv4 or IPv6 address without a zone.
func isAddress(s string) bool { return isIPv4(s) || isIPv6(s) }

// isIPv4 accepts four decimal numbers up to 255 without leading zeros
// (RFC 6943 section 3.1.1, the strict form).
func isIPv4(s string) bool {
	fields := 0
	for field := range strings.SplitSeq(s, ".") {
		if fields++; fields > 4 || !isOctet(field) {
			return false
		}
	}
	return fields == 4
}

func isOctet(s string) bool {
	switch {
	case s == "" || len(s) > 3 || s[0] == '0' && len(s) > 1:
		return false
	case !only(s, func(c byte) bool { return '0' <= c && c <= '9' }):
		return false
	}
	return len(s) < 3 || s <= "255"
}

// isIPv6 accepts eight groups of one to four hex digits, of which :: stands for
// one or more that are zero; the last two may be an IPv4 address (RFC 4291
// section 2.2).
func isIPv6(s string) bool {
	if !strings.Contains(s, ":") {
		return false
	}
	left, right, compressed := strings.Cut(s, "::")
	if !compressed {
		n, ok := groups(s, true)
		return ok && n == 8
	}
	before, ok := groups(left, false)
	after, also := groups(right, true)
	return ok && also && before+after < 8
}

// groups counts groups of 16 bits; ends tells whether an IPv4 address may be
// the last.
func groups(s string, ends bool) (n int, ok bool) {
	if s == "" {
		return 0, true
	}
	fields := strings.Split(s, ":")
	if last := len(fields) - 1; ends && isIPv4(fields[last]) {
		n, fields = 2, fields[:last]
	}
	for _, field := range fields {
		if field == "" || len(field) > 4 || !only(field, isHex) {
			return 0, false
		}
		n++
	}
	return n, true
}
