package propagation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// home is where a name's records are: a zone and its servers.
type home struct {
	name    string
	zone    string
	servers []string // names of the zone's servers
}

// home finds the zone that a name is expected in. The name itself is asked about
// at no recursive server: that would keep for long that there is none, and might
// be the one that the CA asks. Where it is a zone of its own, or a CNAME, the
// servers of the zone above it say so.
func (r *resolver) home(ctx context.Context, name string) (home, error) {
	zone, err := r.zone(ctx, parent(name))
	if err != nil {
		return home{}, err
	}
	answer, err := r.find(ctx, zone, dnsmessage.TypeNS)
	if err != nil {
		return home{}, err
	}
	servers := answer.data(zone, dnsmessage.TypeNS)
	slices.Sort(servers)
	if servers = slices.Compact(servers); len(servers) == 0 {
		r.forget(zone, dnsmessage.TypeNS)
		return home{}, fmt.Errorf("zone %s has no name servers", shown(zone))
	}
	return home{name, zone, servers}, nil
}

// zone finds the zone that a name is in: going up, the first name with an SOA
// record (RFC 1034 section 4.2). A negative answer tells it at once (RFC 2308
// section 3). The root is nobody's zone for a challenge.
func (r *resolver) zone(ctx context.Context, name string) (string, error) {
	for at := name; at != ""; at = parent(at) {
		answer, err := r.find(ctx, at, dnsmessage.TypeSOA)
		if err != nil {
			return "", err
		}
		if zone := answer.apex(at); zone != "" {
			return zone, nil
		}
	}
	for at := name; at != ""; at = parent(at) { // it may be delegated yet
		r.forget(at, dnsmessage.TypeSOA)
	}
	return "", errors.New("no zone for it")
}

// apex is the zone that an answer about a name's SOA record tells of, or "".
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
