package propagation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// authority is where a name's records are: a zone and its servers.
type authority struct {
	name    string
	zone    string
	servers []string // names of the zone's servers
}

// findAuthority finds the zone that a name is expected in. It does not ask a
// recursive server about the name itself: that server would cache that there is
// no such record, and the CA might use it. If the name is a zone of its own, or
// a CNAME, the servers of the parent zone say so.
func (r *resolver) findAuthority(ctx context.Context, name string) (authority, error) {
	zone, err := r.findZone(ctx, parent(name))
	if err != nil {
		return authority{}, err
	}
	answer, err := r.find(ctx, zone, dnsmessage.TypeNS)
	if err != nil {
		return authority{}, err
	}
	servers := answer.data(zone, dnsmessage.TypeNS)
	slices.Sort(servers)
	if servers = slices.Compact(servers); len(servers) == 0 {
		r.forget(zone, dnsmessage.TypeNS)
		return authority{}, fmt.Errorf("zone %s has no name servers", printable(zone))
	}
	return authority{name, zone, servers}, nil
}

// findZone finds the zone that a name is in: the first name with an SOA record,
// going up (RFC 1034 section 4.2). A negative answer has it at once (RFC 2308
// section 3). The root does not count.
func (r *resolver) findZone(ctx context.Context, name string) (string, error) {
	for at := name; at != ""; at = parent(at) {
		answer, err := r.find(ctx, at, dnsmessage.TypeSOA)
		if err != nil {
			return "", err
		}
		if zone := answer.apex(at); zone != "" {
			return zone, nil
		}
	}
	for at := name; at != ""; at = parent(at) { // it may be delegated later
		r.forget(at, dnsmessage.TypeSOA)
	}
	return "", errors.New("no zone found")
}

// apex returns the zone in an answer about a name's SOA record, or "".
func (r reply) apex(name string) string {
	if len(r.data(name, dnsmessage.TypeSOA)) > 0 {
		return name
	}
	if len(r.answers) > 0 {
		return "" // a CNAME: the authority is its target's
	}
	for _, a := range r.authority {
		if a.kind == dnsmessage.TypeSOA && isWithin(name, a.name) {
			return a.name
		}
	}
	return ""
}
