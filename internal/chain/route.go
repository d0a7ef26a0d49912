package chain

import "slices"

// closer is what another handler of the chain takes of the names that a handler
// matches too.
type closer struct {
	glob  string   // of its domain=
	types []string // only challenges of these types; none: of all
}

// route sets for each handler with domain= what the others take. Handlers that
// are as close as each other are both called: a zone may have two providers.
func route(chain []Handler) {
	for i := range chain {
		h := &chain[i]
		h.closer = nil
		for _, other := range chain {
			if len(h.Domains) == 0 || !other.Performs() || slices.Equal(other.Domains, h.Domains) {
				continue
			}
			for _, glob := range other.Domains {
				h.closer = append(h.closer, closer{glob, other.Types})
			}
		}
	}
}
