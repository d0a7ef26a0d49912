package runner

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// takes tells whether the handler is to be called for an event, and with what.
// It is passed over (nil, nil) where its options say so or its convention has
// no call; what the convention needs and the event has not is an error.
func (h *Handler) takes(e envmap.Event) (*envmap.Call, error) {
	if !h.matches(e) || h.command(e.Cmd) == nil && !h.isPerson() {
		return nil, nil
	}
	c := h.convention()
	call, err := c.Encode(h.told(e))
	if unsupported := new(envmap.UnsupportedError); errors.As(err, &unsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &call, nil
}

// command is the handler's program and arguments for an event, or nil.
func (h *Handler) command(cmd envmap.Cmd) []string {
	if len(h.Commands) == 0 {
		return h.Command
	}
	c := h.convention()
	return h.Commands[c.To.Operands[cmd]]
}

// matches applies domain=, type= and phase=. An event that has no identifier
// or no type is not held back by the option about it.
func (h *Handler) matches(e envmap.Event) bool {
	if len(h.Phases) > 0 && !slices.Contains(h.Phases, e.Phase()) {
		return false
	}
	if len(h.Types) > 0 && !h.matchesTypes(e) {
		return false
	}
	if len(h.Domains) == 0 {
		return true
	}
	names := identifiersOf(e)
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return h.matchesDomain(name, e) })
}

func (h *Handler) matchesTypes(e envmap.Event) bool {
	if len(e.Challenges) == 0 {
		return e.Type == "" || slices.Contains(h.Types, e.Type)
	}
	return slices.ContainsFunc(e.Challenges, func(c envmap.Event) bool { return slices.Contains(h.Types, c.Type) })
}

// identifiersOf are a challenge's one identifier, or all that an event names.
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

// domainsOf are the identifiers of an event's order: its own where it is alone,
// none where the client does not tell it.
func domainsOf(e envmap.Event) []string {
	if len(e.Domains) > 0 || e.Domain == "" {
		return e.Domains
	}
	return []string{e.Domain}
}

// identifiersIn are the identifiers of the order that a call is about: those that
// the client lists, or its challenges'.
func identifiersIn(events []envmap.Event) []string {
	if len(events) == 1 || len(events[0].Domains) > 0 {
		return domainsOf(events[0])
	}
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.Domain
	}
	return names
}

// matchesDomain: a challenge is for the lines whose domain= is closest to its
// name; what is no challenge is for every line that matches.
func (h *Handler) matchesDomain(name string, e envmap.Event) bool {
	close := closeness(h.Domains, name)
	if close == 0 || !e.IsChallenge() {
		return close > 0
	}
	return !slices.ContainsFunc(h.Closer, func(c closer) bool {
		return (len(c.Types) == 0 || slices.Contains(c.Types, e.Type)) && closeness([]string{c.Domain}, name) > close
	})
}

// closeness is how much of a name the longest glob says that matches it: *.example.org
// matches every name below example.org, example.org itself alone. 0: none does.
func closeness(globs []string, name string) int {
	most := 0
	for _, glob := range globs {
		suffix, wild := strings.CutPrefix(glob, "*")
		switch {
		case name == glob:
			most = max(most, len(name)+1)
		case wild && strings.HasSuffix(name, suffix) && len(name) > len(suffix):
			most = max(most, len(suffix))
		}
	}
	return most
}
