package runner

import "github.com/extauth/extauth/pkg/envmap"

// domainsOf are the identifiers of an event's order: its own if it is the only
// one, none if the client does not list them.
func domainsOf(e envmap.Event) []string {
	if len(e.Domains) > 0 || e.Domain == "" {
		return e.Domains
	}
	return []string{e.Domain}
}

// identifiers are those of the order that a call is about: those that the client
// lists, or its challenges'.
func identifiers(events []envmap.Event) []string {
	if len(events) == 1 || len(events[0].Domains) > 0 {
		return domainsOf(events[0])
	}
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.Domain
	}
	return names
}

// abandons reports whether the client of an event never cleans up after a
// challenge could not be performed (dehydrated): the whole order is undone then.
func abandons(e envmap.Event) bool {
	client, known := envmap.Lookup(e.Client)
	return known && client.From.Abandons
}
