package chain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// setAliases reads NAME=>TARGET[,...]: the TXT record of NAME is published at
// TARGET, since NAME is a CNAME to it (RFC 8555 section 8.4 follows it).
func setAliases(h *Handler, value string) error {
	h.Aliases = map[string]string{}
	for _, pair := range strings.Split(value, ",") {
		from, to, found := strings.Cut(pair, "=>")
		from, to = canonicalName(from), canonicalName(to)
		e := envmap.Event{Cmd: envmap.DeployCert, Domains: []string{from, to}}
		if !found || e.Validate() != nil || strings.Contains(from+to, "*") {
			return fmt.Errorf("%q is not NAME=>TARGET, two DNS names", pair)
		}
		h.Aliases[from] = to
	}
	return nil
}

func canonicalName(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// Aliased returns an event as the handler gets it: with its record at the name
// that alias= says.
func (h *Handler) Aliased(e envmap.Event) envmap.Event {
	if to, aliased := h.Aliases[e.TXTDomain]; aliased && e.IsChallenge() {
		e.TXTDomain = to
	}
	if len(h.Aliases) > 0 && len(e.Challenges) > 0 {
		e.Challenges = slices.Clone(e.Challenges)
		for i, c := range e.Challenges {
			e.Challenges[i] = h.Aliased(c)
		}
	}
	return e
}
