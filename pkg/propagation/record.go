package propagation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/extauth/extauth/pkg/envmap"
)

// record waits until a TXT record is visible. Its zone is looked up again after
// each failure: a CNAME or a delegation may appear late too.
func (w *wait) record(ctx context.Context, id int, e envmap.Event) error {
	s := &search{wait: w, id: id, value: e.Validation, cuts: map[cutKey]func() (referral, error){}}
	return w.retry(ctx, location{challenge: id}, func() error { return s.start(ctx, e.TXTDomain) })
}

// search is the search for one TXT value.
type search struct {
	*wait
	id    int
	value string

	mu   sync.Mutex
	cuts map[cutKey]func() (referral, error)

	wildcard sync.Once
}

// cutKey is a name at a server of a zone.
type cutKey struct {
	name    string
	zone    string
	address netip.AddrPort
}

func (s *search) start(ctx context.Context, name string) error {
	if len(s.nameservers) > 0 {
		return s.atNameservers(ctx, name)
	}
	return s.atName(ctx, name, nil)
}

// maxCNAMEs is how many CNAMEs are followed from a name.
const maxCNAMEs = 8

// errCNAMEs reports CNAMEs that lead nowhere.
var errCNAMEs = fmt.Errorf("more than %d CNAMEs, or a loop of them", maxCNAMEs)

// atName waits for the value at a name. path has the names whose CNAMEs led to
// it.
func (s *search) atName(ctx context.Context, name string, path []string) error {
	if slices.Contains(path, name) || len(path) > maxCNAMEs {
		return errCNAMEs
	}
	s.tracker.expect(location{challenge: s.id}, errNotLocated)
	auth, err := s.findAuthority(ctx, name)
	if err != nil {
		return err
	}
	return s.inZone(ctx, auth, append(path, name))
}

// inZone waits until a zone's servers have the value or refer elsewhere, and
// then until it is there too. Each may get a CNAME or delegation at its own
// time, and until the last one has it, a CA may find nothing.
func (s *search) inZone(ctx context.Context, auth authority, path []string) error {
	s.tracker.log(fmt.Sprintf("%s is in the zone %s, servers %q", printable(auth.name), printable(auth.zone), auth.servers))
	var m sync.Mutex
	var referrals []referral
	err := s.waitForQuorum(ctx, len(auth.servers), func(ctx context.Context, i int) error {
		return s.waitForServer(ctx, hostPort{auth.servers[i], s.port}, func(ctx context.Context, address netip.AddrPort) error {
			found, err := s.askServer(ctx, address, auth)
			m.Lock()
			defer m.Unlock()
			if err == nil && found.isSet() {
				referrals = append(referrals, found)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	return s.followReferrals(ctx, referrals, path)
}

// followReferrals waits where the servers of a zone refer to.
func (s *search) followReferrals(ctx context.Context, referrals []referral, path []string) error {
	done := map[string]bool{}
	for _, found := range referrals {
		key := found.cname + " " + found.authority.zone
		if done[key] {
			continue
		}
		done[key] = true
		var err error
		if found.cname != "" {
			err = s.atName(ctx, found.cname, path)
		} else {
			err = s.inZone(ctx, found.authority, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// waitForQuorum calls each for n servers and returns when a quorum of them has
// succeeded.
func (s *search) waitForQuorum(ctx context.Context, n int, each func(context.Context, int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error)
	for i := range n {
		go func() { results <- each(ctx, i) }()
	}
	needed := s.quorumOf(n)
	for range n {
		if err := <-results; err == nil {
			needed--
		}
		if needed <= 0 {
			cancel() // and wait for the others to return
		}
	}
	if needed > 0 {
		return errNoTime
	}
	s.tracker.clear(s.id)
	return nil
}

// quorumOf returns how many of n servers must have the value.
func (s *search) quorumOf(n int) int {
	if s.quorum == 0 {
		return n
	}
	return min(s.quorum, n)
}

// waitForServer waits until a server has the value at all of its addresses.
func (s *search) waitForServer(ctx context.Context, e hostPort, try func(context.Context, netip.AddrPort) error) error {
	at := location{challenge: s.id, server: e.host}
	s.tracker.expect(at, errNotLocated)
	addresses, err := s.locate(ctx, at, e.host)
	if err != nil {
		return err
	}
	return s.waitForAddresses(ctx, at, withPort(addresses, e.port), try)
}

func withPort(addresses []netip.Addr, port uint16) []netip.AddrPort {
	var all []netip.AddrPort
	for _, address := range addresses {
		all = append(all, netip.AddrPortFrom(address, port))
	}
	return all
}

// referral is where a server refers to for a name. It is empty if the server
// has the value itself.
type referral struct {
	cname     string
	authority authority
}

func (f referral) isSet() bool { return f.cname != "" || f.authority.zone != "" }

// askServer asks one of a zone's own servers. The error says what is missing.
func (s *search) askServer(ctx context.Context, address netip.AddrPort, auth authority) (referral, error) {
	zoneBelow := s.cut(ctx, address, auth)
	r, err := s.ask(ctx, address, query{name: auth.name, kind: dnsmessage.TypeTXT})
	if err != nil {
		return referral{}, err
	}
	if alias := r.cname(auth.name); alias != "" && r.authoritative && s.follow {
		s.wildcard.Do(func() { s.checkWildcard(ctx, address, auth.name, alias) })
		return referral{cname: alias}, nil
	}
	if zone, servers := r.delegation(auth.name); zone != auth.zone && isWithin(zone, auth.zone) {
		return referral{authority: authority{auth.name, zone, servers}}, nil
	}
	if err := s.mismatch(r, auth.name); err != nil {
		return referral{}, err
	}
	if !r.authoritative {
		return referral{}, errors.New("not authoritative for the zone")
	}
	return zoneBelow()
}

// checkWildcard finds out if a wildcard made the CNAME, which may not be meant
// for the challenge (RFC 1034 section 4.3.3), by asking for a sibling that does
// not exist.
func (s *search) checkWildcard(ctx context.Context, address netip.AddrPort, name, alias string) {
	beside := fmt.Sprintf("extauth-%08x.%s", rand.Uint32(), parent(name))
	r, err := s.ask(ctx, address, query{name: beside, kind: dnsmessage.TypeTXT})
	if err == nil && r.cname(beside) == alias {
		s.tracker.addHint(fmt.Sprintf("%s: a wildcard makes it a CNAME to %s", printable(name), printable(alias)))
	}
}

// cut begins to look for a zone cut below, at the same time as the first query
// for the value, and returns a function that waits for the result.
func (s *search) cut(ctx context.Context, address netip.AddrPort, auth authority) func() (referral, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := cutKey{auth.name, auth.zone, address}
	look, known := s.cuts[at]
	if !known {
		look = sync.OnceValues(func() (referral, error) {
			found, err := s.zoneBelow(ctx, address, auth)
			if err != nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.cuts, at) // ask again
			}
			return found, err
		})
		s.cuts[at] = look
		go func() { _, _ = look() }()
	}
	return look
}

// zoneBelow finds out if a server has the value in a zone below the given one:
// that zone may have further servers.
func (s *search) zoneBelow(ctx context.Context, address netip.AddrPort, auth authority) (referral, error) {
	r, err := s.ask(ctx, address, query{name: auth.name, kind: dnsmessage.TypeSOA})
	if err != nil {
		return referral{}, err
	}
	zone := r.apex(auth.name)
	if !r.authoritative || zone == auth.zone || !isWithin(zone, auth.zone) {
		return referral{}, nil
	}
	r, err = s.ask(ctx, address, query{name: zone, kind: dnsmessage.TypeNS})
	servers := r.data(zone, dnsmessage.TypeNS)
	if err != nil || len(servers) == 0 {
		return referral{}, cmp.Or(err, fmt.Errorf("zone %s has no name servers", printable(zone)))
	}
	return referral{authority: authority{auth.name, zone, servers}}, nil
}

// mismatch says why an answer is not the expected one, or returns nil.
func (s *search) mismatch(r reply, name string) error {
	switch {
	case r.hasTXT(name, s.value):
		return nil
	case r.code != dnsmessage.RCodeSuccess:
		return errors.New(codeText(r.code))
	case r.truncated:
		return errors.New("truncated answer")
	case r.cname(name) != "":
		return fmt.Errorf("a CNAME to %s, and not followed", printable(r.cname(name)))
	}
	return fmt.Errorf("no TXT record with the value %q", s.value)
}

// atNameservers waits for the servers that the user named. No zone is looked
// up, and CNAMEs are followed by asking the same servers.
func (s *search) atNameservers(ctx context.Context, name string) error {
	return s.waitForQuorum(ctx, len(s.nameservers), func(ctx context.Context, i int) error {
		return s.waitForServer(ctx, s.nameservers[i], func(ctx context.Context, address netip.AddrPort) error {
			return s.askNameserver(ctx, address, name)
		})
	})
}

// askNameserver asks one server for a name and for the targets of its CNAMEs.
func (s *search) askNameserver(ctx context.Context, address netip.AddrPort, name string) error {
	for range maxCNAMEs + 1 {
		r, err := s.ask(ctx, address, query{name: name, kind: dnsmessage.TypeTXT})
		if err != nil {
			return err
		}
		end := name
		for range maxCNAMEs {
			if next := r.cname(end); next != "" && s.follow {
				end = next
			}
		}
		if r.hasTXT(end, s.value) {
			return nil
		}
		if end == name || len(r.data(end, dnsmessage.TypeTXT)) > 0 {
			return s.mismatch(r, end)
		}
		name = end
	}
	return errCNAMEs
}
