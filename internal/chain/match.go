package chain

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Encode returns the call that tells the handler of an event. It is nil if the
// event is not for the handler: its keys say so, or its convention has no call
// for it. The error is what the convention's Encode returned, such as an
// *envmap.MissingError.
func (h *Handler) Encode(e envmap.Event) (*envmap.Call, error) {
	if !h.Matches(e) || h.CommandFor(e.Cmd) == nil && !h.IsPerson() {
		return nil, nil
	}
	call, err := h.Resolved().Encode(h.Aliased(e))
	if errors.As(err, new(*envmap.UnsupportedError)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &call, nil
}

// EncodeBatch returns one call for challenges of an order, of which there is at
// least one. Errors are those of Convention.EncodeBatch.
func (h *Handler) EncodeBatch(challenges []envmap.Event) (envmap.Call, error) {
	aliased := make([]envmap.Event, len(challenges))
	for i, e := range challenges {
		aliased[i] = h.Aliased(e)
	}
	return h.Resolved().EncodeBatch(aliased)
}

// Groups divides challenges of an order into those of each batch call: all in
// one, or one call for each type if the convention cannot mix them.
func (h *Handler) Groups(challenges []envmap.Event) [][]envmap.Event {
	if _, err := h.EncodeBatch(challenges); !errors.As(err, new(*envmap.UnsupportedError)) {
		return [][]envmap.Event{challenges}
	}
	var groups [][]envmap.Event
	index := map[string]int{}
	for _, e := range challenges {
		i, known := index[e.Type]
		if !known {
			i = len(groups)
			index[e.Type], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// Filter returns the events that the handler takes.
func (h *Handler) Filter(events []envmap.Event) []envmap.Event {
	var taken []envmap.Event
	for _, e := range events {
		if call, err := h.Encode(e); call != nil && err == nil {
			taken = append(taken, e)
		}
	}
	return taken
}

// OnlyCleans reports whether a handler that does not perform a challenge cleans
// it up all the same, as its keys or its commands say.
func (h *Handler) OnlyCleans(e envmap.Event) bool {
	printed := ""
	e.Cmd, e.AuthOutput = envmap.Cleanup, &printed
	call, err := h.Encode(e)
	return call != nil && err == nil
}

// Performs reports whether the handler has a part in performing challenges.
func (h *Handler) Performs() bool {
	return len(h.Phases) == 0 || slices.Contains(h.Phases, "perform")
}

// TakesOrders reports whether the handler can be given a whole order: by its
// convention, or as lines on standard input, which a handler that is called
// through something else never sees.
func (h *Handler) TakesOrders() bool {
	c := h.Resolved()
	return c.To.Batch != nil || c.To.Script == "" && c.To.Program == "" && c.To.Answer == nil
}

// Bracketed reports whether the handler is called before and after an order. One
// on a command line gets what its own client would send. A process that listens,
// or stays, sees from a challenge where its order begins and ends, and is called
// only if phase= says so.
func (h *Handler) Bracketed() bool {
	if _, listens := h.Endpoint(); listens || h.Persist {
		return len(h.Phases) > 0
	}
	return h.Line > 0 || h.Resolved().To.Brackets
}

// Verifies reports whether verify= is for challenges of a type.
func (h *Handler) Verifies(challengeType string) bool {
	switch h.Verify {
	case "dns":
		return strings.HasPrefix(challengeType, "dns-")
	case "http":
		return challengeType == envmap.HTTP01
	}
	return false
}

// Matches applies domain=, type= and phase=. An event without an identifier or
// without a type passes the key for it.
func (h *Handler) Matches(e envmap.Event) bool {
	if len(h.Phases) > 0 && !slices.Contains(h.Phases, e.Phase()) {
		return false
	}
	if len(h.Types) > 0 && !matchesTypes(h, e) {
		return false
	}
	if len(h.Domains) == 0 {
		return true
	}
	names := identifiersOf(e)
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return matchesDomain(h, name, e) })
}

func matchesTypes(h *Handler, e envmap.Event) bool {
	if len(e.Challenges) == 0 {
		return e.Type == "" || slices.Contains(h.Types, e.Type)
	}
	return slices.ContainsFunc(e.Challenges, func(c envmap.Event) bool { return slices.Contains(h.Types, c.Type) })
}

// identifiersOf returns a challenge's one identifier, or all that an event names.
func identifiersOf(e envmap.Event) []string {
	if e.IsChallenge() {
		return []string{cmp.Or(e.Domain, e.TXTDomain)}
	}
	names := e.Domains
	if e.Domain != "" {
		names = append(slices.Clone(names), e.Domain)
	}
	return names
}

// matchesDomain reports whether a handler is for a name. A challenge is for the
// handlers whose domain= is closest to its name, any other event for all that
// match.
func matchesDomain(h *Handler, name string, e envmap.Event) bool {
	own := closeness(h.Domains, name)
	if own == 0 || !e.IsChallenge() {
		return own > 0
	}
	return !slices.ContainsFunc(h.closer, func(c closer) bool {
		return (len(c.types) == 0 || slices.Contains(c.types, e.Type)) && closeness([]string{c.glob}, name) > own
	})
}
