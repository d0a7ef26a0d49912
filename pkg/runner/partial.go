package runner

import (
	"slices"

	"github.com/extauth/extauth/pkg/envmap"
)

// complete replaces each event that names only an identifier (Event.Partial) by
// all challenges of it that the journal has. If it has none, nothing is left to
// be cleaned up.
func (c *call) complete(events []envmap.Event) ([]envmap.Event, error) {
	if !slices.ContainsFunc(events, func(e envmap.Event) bool { return e.Partial }) {
		return events, nil
	}
	performed, err := c.Leftovers()
	if err != nil {
		return nil, err
	}
	var all []envmap.Event
	for _, e := range events {
		if !e.Partial {
			all = append(all, e)
			continue
		}
		for _, l := range performed {
			if l.Event.Type == e.Type && l.Event.Domain == e.Domain && l.Event.Via == e.Via {
				all = append(all, completed(e, l.Event))
			}
		}
	}
	return all, nil
}

// completed is a clean-up with the value that was performed.
func completed(e, performed envmap.Event) envmap.Event {
	e = remembered(e, performed)
	e.Validation, e.Partial = performed.Validation, false
	return e
}
