package propagation

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// endpoint is a server as its user gave it: an address or a name, and a port.
type endpoint struct {
	host string
	port uint16
}

// address is the endpoint's, where it is no name.
func (e endpoint) address() (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(e.host)
	return netip.AddrPortFrom(addr, e.port), err == nil
}

// endpoints is an option that is repeatable and takes a list with commas.
type endpoints struct {
	list  []endpoint
	names bool // a host's name will do
}

// Set adds to the list.
func (e *endpoints) Set(value string) error {
	for _, word := range strings.Split(value, ",") {
		one, err := parseEndpoint(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		if _, literal := one.address(); !literal && !e.names {
			return fmt.Errorf("%q is not an address with or without a port", word)
		}
		e.list = append(e.list, one)
	}
	return nil
}

// parseEndpoint reads HOST, HOST:PORT, or an IPv6 address, which stands in
// brackets where a port follows.
func parseEndpoint(word string) (endpoint, error) {
	fault := fmt.Errorf("%q is not HOST or HOST:PORT", word)
	bare := word
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		bare = word[1 : len(word)-1]
	}
	if addr, err := netip.ParseAddr(bare); err == nil {
		return endpoint{addr.String(), 53}, nil
	}
	host, digits, ported := cutPort(word)
	port := uint64(53)
	var err error
	if ported {
		port, err = strconv.ParseUint(digits, 10, 16)
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if err != nil || port == 0 || !isHost(host) {
		return endpoint{}, fault
	}
	return endpoint{host, uint16(port)}, nil
}

// cutPort parts a host from its port and its brackets.
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

// isHost accepts an address, or letters, digits, hyphens, underscores and dots.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	odd := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r) }
	return host != "" && len(host) < 254 && !strings.HasPrefix(host, "-") && !strings.HasPrefix(host, ".") &&
		!strings.Contains(host, "..") && !strings.ContainsFunc(host, odd)
}
