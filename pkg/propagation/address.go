package propagation

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// hostPort is a server as the user gave it: an address or a name, and a port.
type hostPort struct {
	host string
	port uint16
}

// address returns the server's address. It reports false if the host is a name.
func (e hostPort) address() (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(e.host)
	return netip.AddrPortFrom(addr, e.port), err == nil
}

// serverList is the value of a repeatable option that takes a comma-separated
// list.
type serverList struct {
	list       []hostPort
	allowNames bool // host names are allowed too
}

// Set adds to the list.
func (e *serverList) Set(value string) error {
	for _, word := range strings.Split(value, ",") {
		one, err := parseHostPort(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		if _, literal := one.address(); !literal && !e.allowNames {
			return fmt.Errorf("%q is not an address with or without a port", word)
		}
		e.list = append(e.list, one)
	}
	return nil
}

// parseHostPort reads HOST, HOST:PORT, or an IPv6 address, in brackets if a
// port follows.
func parseHostPort(word string) (hostPort, error) {
	malformed := fmt.Errorf("%q is not HOST or HOST:PORT", word)
	unbracketed := word
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		unbracketed = word[1 : len(word)-1]
	}
	if addr, err := netip.ParseAddr(unbracketed); err == nil {
		return hostPort{addr.String(), 53}, nil
	}
	host, digits, hasPort := cutPort(word)
	port := uint64(53)
	var err error
	if hasPort {
		port, err = strconv.ParseUint(digits, 10, 16)
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if err != nil || port == 0 || !isHost(host) {
		return hostPort{}, malformed
	}
	return hostPort{host, uint16(port)}, nil
}

// cutPort splits a host from its port and removes its brackets.
func cutPort(word string) (host, port string, found bool) {
	if rest, bracket := strings.CutPrefix(word, "["); bracket {
		host, port, found = strings.Cut(rest, "]:")
		if !found {
			host = ""
		}
		return host, port, found
	}
	return strings.Cut(word, ":")
}

// isHost reports whether host is an address, or consists of letters, digits,
// hyphens, underscores and dots.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	forbidden := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r) }
	return host != "" && len(host) < 254 && !strings.HasPrefix(host, "-") && !strings.HasPrefix(host, ".") &&
		!strings.Contains(host, "..") && !strings.ContainsFunc(host, forbidden)
}
