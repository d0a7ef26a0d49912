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

// record waits until a TXT record is visible. Where its name is, is looked for
// anew after each failure: a CNAME or a delegation may appear late too.
func (w *wait) record(ctx context.Context, id int, e envmap.Event) error {
	s := &search{wait: w, id: id, value: e.Validation, cuts: map[place]func() (finding, error){}}
	return w.retry(ctx, spot{id: id}, func() error { return s.from(ctx, e.TXTDomain) })
}

// search is the search for one TXT value.
type search struct {
	*wait
	id    int
	value string

	mu   sync.Mutex
	cuts map[place]func() (finding, error)

	suspected sync.Once
}

// place is a name at a server of a zone.
type place struct {
	name    string
	zone    string
	address netip.AddrPort
}

func (s *search) from(ctx context.Context, name string) error {
	if len(s.nameservers) > 0 {
		return s.atNameservers(ctx, name)
	}
	return s.at(ctx, name, nil)
}

// maxAliases is how many CNAMEs are followed from a name.
const maxAliases = 8

// errAliases says that CNAMEs lead nowhere.
var errAliases = fmt.Errorf("more than %d CNAMEs, or a loop of them", maxAliases)

// at waits for the value at a name that was reached over the path.
func (s *search) at(ctx context.Context, name string, path []string) error {
	if slices.Contains(path, name) || len(path) > maxAliases {
		return errAliases
	}
	s.board.expect(spot{id: s.id}, errSeeking)
	h, err := s.home(ctx, name)
	if err != nil {
		return err
	}
	return s.in(ctx, h, append(path, name))
}

// in waits until a zone's servers have the value, or send elsewhere for it;
// then it has to be there as well. Each may send elsewhere at its own time, and
// until the last one does a CA may find nothing.
func (s *search) in(ctx context.Context, h home, path []string) error {
	s.board.note(fmt.Sprintf("%s is in the zone %s, servers %q", shown(h.name), shown(h.zone), h.servers))
	var m sync.Mutex
	var elsewhere []finding
	err := s.enough(ctx, len(h.servers), func(ctx context.Context, i int) error {
		return s.server(ctx, endpoint{h.servers[i], s.port}, func(ctx context.Context, address netip.AddrPort) error {
			found, err := s.look(ctx, address, h)
			m.Lock()
			defer m.Unlock()
			if err == nil && found.isElsewhere() {
				elsewhere = append(elsewhere, found)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	return s.further(ctx, elsewhere, path)
}

// further goes where the servers of a zone have sent.
func (s *search) further(ctx context.Context, elsewhere []finding, path []string) error {
	done := map[string]bool{}
	for _, found := range elsewhere {
		key := found.alias + " " + found.home.zone
		if done[key] {
			continue
		}
		done[key] = true
		var err error
		if found.alias != "" {
			err = s.at(ctx, found.alias, path)
		} else {
			err = s.in(ctx, found.home, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enough runs a wait for each of n servers and returns when the quorum of them
// is reached.
func (s *search) enough(ctx context.Context, n int, each func(context.Context, int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error)
	for i := range n {
		go func() { results <- each(ctx, i) }()
	}
	needed := s.needed(n)
	for range n {
		if err := <-results; err == nil {
			needed--
		}
		if needed <= 0 {
			cancel() // and hear the others out
		}
	}
	if needed > 0 {
		return errOver
	}
	s.board.clear(s.id)
	return nil
}

// needed is the quorum of n servers.
func (s *search) needed(n int) int {
	if s.quorum == 0 {
		return n
	}
	return min(s.quorum, n)
}

// server waits until a server has the value at all of its addresses.
func (s *search) server(ctx context.Context, e endpoint, try func(context.Context, netip.AddrPort) error) error {
	at := spot{id: s.id, server: e.host}
	s.board.expect(at, errSeeking)
	addresses, err := s.locate(ctx, at, e.host)
	if err != nil {
		return err
	}
	return s.everywhere(ctx, at, ported(addresses, e.port), try)
}

func ported(addresses []netip.Addr, port uint16) []netip.AddrPort {
	var all []netip.AddrPort
	for _, address := range addresses {
		all = append(all, netip.AddrPortFrom(address, port))
	}
	return all
}

// finding is where a server sends for a name, or nothing where it has the value
// itself.
type finding struct {
	alias string
	home  home
}

func (f finding) isElsewhere() bool { return f.alias != "" || f.home.zone != "" }

// look asks one of a zone's own servers. The error says what is missing.
func (s *search) look(ctx context.Context, address netip.AddrPort, h home) (finding, error) {
	below := s.cut(ctx, address, h)
	r, err := s.ask(ctx, address, query{name: h.name, kind: dnsmessage.TypeTXT})
	if err != nil {
		return finding{}, err
	}
	if alias := r.alias(h.name); alias != "" && r.authoritative && s.follow {
		s.suspected.Do(func() { s.suspect(ctx, address, h.name, alias) })
		return finding{alias: alias}, nil
	}
	if zone, servers := r.refers(h.name); zone != h.zone && isWithin(zone, h.zone) {
		return finding{home: home{h.name, zone, servers}}, nil
	}
	if err := s.verdict(r, h.name); err != nil {
		return finding{}, err
	}
	if !r.authoritative {
		return finding{}, errors.New("not authoritative for the zone")
	}
	return below()
}

// suspect sees whether a wildcard made the CNAME: then nobody may have meant it
// for the challenge (RFC 1034 section 4.3.3). A name beside it that nobody has
// tells.
func (s *search) suspect(ctx context.Context, address netip.AddrPort, name, alias string) {
	beside := fmt.Sprintf("extauth-%08x.%s", rand.Uint32(), parent(name))
	r, err := s.ask(ctx, address, query{name: beside, kind: dnsmessage.TypeTXT})
	if err == nil && r.alias(beside) == alias {
		s.board.hint(fmt.Sprintf("%s: a wildcard makes it a CNAME to %s", shown(name), shown(alias)))
	}
}

// cut begins to look for a zone below, beside the first question for the value,
// and returns what waits for the answer.
func (s *search) cut(ctx context.Context, address netip.AddrPort, h home) func() (finding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := place{h.name, h.zone, address}
	look, known := s.cuts[at]
	if !known {
		look = sync.OnceValues(func() (finding, error) {
			found, err := s.below(ctx, address, h)
			if err != nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				delete(s.cuts, at) // to be asked again
			}
			return found, err
		})
		s.cuts[at] = look
		go func() { _, _ = look() }()
	}
	return look
}

// below sees whether a server that has the value has it in a zone below the one
// that it was asked as a server of: that one may have further servers.
func (s *search) below(ctx context.Context, address netip.AddrPort, h home) (finding, error) {
	r, err := s.ask(ctx, address, query{name: h.name, kind: dnsmessage.TypeSOA})
	if err != nil {
		return finding{}, err
	}
	zone := r.apex(h.name)
	if !r.authoritative || zone == h.zone || !isWithin(zone, h.zone) {
		return finding{}, nil
	}
	r, err = s.ask(ctx, address, query{name: zone, kind: dnsmessage.TypeNS})
	servers := r.data(zone, dnsmessage.TypeNS)
	if err != nil || len(servers) == 0 {
		return finding{}, cmp.Or(err, fmt.Errorf("zone %s has no name servers", shown(zone)))
	}
	return finding{home: home{h.name, zone, servers}}, nil
}

// verdict says why an answer is not what is waited for.
func (s *search) verdict(r reply, name string) error {
	switch {
	case r.has(name, s.value):
		return nil
	case r.code != dnsmessage.RCodeSuccess:
		return errors.New(codeText(r.code))
	case r.truncated:
		return errors.New("truncated answer")
	case r.alias(name) != "":
		return fmt.Errorf("a CNAME to %s, and not followed", shown(r.alias(name)))
	}
	return fmt.Errorf("no TXT record with the value %q", s.value)
}

// atNameservers waits for the servers that the user named. There is no zone to
// find, and it is theirs to know where CNAMEs lead.
func (s *search) atNameservers(ctx context.Context, name string) error {
	return s.enough(ctx, len(s.nameservers), func(ctx context.Context, i int) error {
		return s.server(ctx, s.nameservers[i], func(ctx context.Context, address netip.AddrPort) error {
			return s.follows(ctx, address, name)
		})
	})
}

// follows asks one server for a name and for what its CNAMEs lead to.
func (s *search) follows(ctx context.Context, address netip.AddrPort, name string) error {
	for range maxAliases + 1 {
		r, err := s.ask(ctx, address, query{name: name, kind: dnsmessage.TypeTXT})
		if err != nil {
			return err
		}
		end := name
		for range maxAliases {
			if next := r.alias(end); next != "" && s.follow {
				end = next
			}
		}
		if r.has(end, s.value) {
			return nil
		}
		if end == name || len(r.data(end, dnsmessage.TypeTXT)) > 0 {
			return s.verdict(r, end)
		}
		name = end
	}
	return errAliases
}
