package propagation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// maxRounds is how often each recursive server is asked before a lookup fails.
const maxRounds = 2

// resolver resolves names by recursive servers. Answers are kept; a lookup that
// failed is repeated when it is needed again.
type resolver struct {
	servers []netip.AddrPort
	ask     func(context.Context, netip.AddrPort, query) (reply, error)

	preferred atomic.Int64 // index of the server that answered last

	mu    sync.Mutex
	known map[query]*lookup
}

// lookup is under way until done is closed.
type lookup struct {
	done  chan struct{}
	reply reply
	err   error
}

func newResolver(servers []netip.AddrPort, ask func(context.Context, netip.AddrPort, query) (reply, error)) *resolver {
	return &resolver{servers: servers, ask: ask, known: map[query]*lookup{}}
}

// find returns a kept answer, or shares a lookup that is under way.
func (r *resolver) find(ctx context.Context, name string, kind dnsmessage.Type) (reply, error) {
	q := query{name: name, kind: kind, recurse: true}
	l, mine := r.join(q)
	if mine {
		l.reply, l.err = r.search(ctx, q)
		if l.err != nil {
			r.forget(name, kind)
		}
		close(l.done)
	}
	select {
	case <-l.done:
		return l.reply, l.err
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	}
}

// join returns the lookup for a query. If there was none, the caller must do it
// (mine is true).
func (r *resolver) join(q query) (l *lookup, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known := r.known[q]
	if !known {
		l = &lookup{done: make(chan struct{})}
		r.known[q] = l
	}
	return l, !known
}

// forget drops an answer, so that the next find asks again.
func (r *resolver) forget(name string, kind dnsmessage.Type) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, query{name: name, kind: kind, recurse: true})
}

// search asks the servers in turn, beginning with the one that answered last.
// NXDOMAIN is an answer too.
func (r *resolver) search(ctx context.Context, q query) (reply, error) {
	err := errors.New("no resolver: give one with --resolver")
	first := int(r.preferred.Load())
	for i := range maxRounds * len(r.servers) {
		n := (first + i) % len(r.servers)
		var answer reply
		answer, err = r.ask(ctx, r.servers[n], q)
		if err == nil && (answer.code == dnsmessage.RCodeSuccess || answer.code == dnsmessage.RCodeNameError) {
			r.preferred.Store(int64(n))
			return answer, nil
		}
		if err == nil {
			err = errors.New(codeText(answer.code))
		}
		err = fmt.Errorf("resolver %s: %w", r.servers[n], err)
		if ctx.Err() != nil {
			break
		}
	}
	return reply{}, err
}

// addresses returns a host's addresses of both families. It returns some and an
// error if the lookup of one family failed. The resolver follows CNAMEs.
func (r *resolver) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	four, err4 := r.find(ctx, host, dnsmessage.TypeA)
	six, err6 := r.find(ctx, host, dnsmessage.TypeAAAA)
	all := append(four.addresses(), six.addresses()...)
	if err := cmp.Or(err4, err6); err != nil || len(all) > 0 {
		return all, err
	}
	r.forget(host, dnsmessage.TypeA)
	r.forget(host, dnsmessage.TypeAAAA)
	return nil, fmt.Errorf("%s has no address", printable(host))
}

// addresses returns the addresses in an answer.
func (r reply) addresses() (all []netip.Addr) {
	for _, a := range r.answers {
		if addr, ok := netip.AddrFromSlice([]byte(a.data)); ok && (a.kind == dnsmessage.TypeA || a.kind == dnsmessage.TypeAAAA) {
			all = append(all, addr)
		}
	}
	return all
}

// systemResolvers returns the name servers of resolv.conf(5). Without an entry,
// or without the file, that is this host.
func systemResolvers(path string) ([]netip.AddrPort, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []netip.AddrPort
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil {
			all = append(all, netip.AddrPortFrom(addr, 53))
		}
	}
	if all == nil {
		all = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	return all, nil
}
