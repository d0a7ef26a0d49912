package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// closer is what another line takes of the names that a line matches too.
type closer struct {
	Domain string   // a glob of its domain=
	Types  []string // only challenges of these types; none: of all
}

// route tells each line of a chain with domain= what the others take. Lines that
// are as close as each other are both run: a zone may have two providers.
func route(chain []Handler) {
	for i := range chain {
		for _, other := range chain {
			if len(chain[i].Domains) == 0 || !other.performs() || slices.Equal(other.Domains, chain[i].Domains) {
				continue
			}
			for _, glob := range other.Domains {
				chain[i].Closer = append(chain[i].Closer, closer{glob, other.Types})
			}
		}
	}
}

// performs tells whether a line has a part in performing challenges.
func (h *Handler) performs() bool {
	return len(h.Phases) == 0 || slices.Contains(h.Phases, "perform")
}

// setAliases reads NAME=>TARGET[,...]: the TXT record of NAME is published at
// TARGET, since NAME is a CNAME to it (RFC 8555 section 8.4 follows it).
func (h *Handler) setAliases(value string) error {
	h.Aliases = map[string]string{}
	for _, pair := range strings.Split(value, ",") {
		from, to, found := strings.Cut(pair, "=>")
		from, to = txtName(from), txtName(to)
		e := envmap.Event{Cmd: envmap.DeployCert, Domains: []string{from, to}}
		if !found || e.Validate() != nil || strings.Contains(from+to, "*") {
			return fmt.Errorf("alias=: %q is not NAME=>TARGET, two DNS names", pair)
		}
		h.Aliases[from] = to
	}
	return nil
}

func txtName(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// told is an event as the handler is told of it: with its record where alias=
// has it.
func (h *Handler) told(e envmap.Event) envmap.Event {
	if to, aliased := h.Aliases[e.TXTDomain]; aliased && e.IsChallenge() {
		e.TXTDomain = to
	}
	if len(h.Aliases) > 0 && len(e.Challenges) > 0 {
		e.Challenges = slices.Clone(e.Challenges)
		for i, c := range e.Challenges {
			e.Challenges[i] = h.told(c)
		}
	}
	return e
}
