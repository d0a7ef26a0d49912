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

// attempts is how often every recursive server is asked before a look-up fails.
const attempts = 2

// resolver finds things through recursive servers. What was found is kept; what
// failed is asked again by the next who needs it.
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

// find answers from memory, or together with all who look for the same now.
func (r *resolver) find(ctx context.Context, name string, kind dnsmessage.Type) (reply, error) {
	q := query{name: name, kind: kind, recurse: true}
	l, mine := r.claim(q)
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

// claim finds a look-up, or begins one that is then the caller's to do.
func (r *resolver) claim(q query) (l *lookup, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known := r.known[q]
	if !known {
		l = &lookup{done: make(chan struct{})}
		r.known[q] = l
	}
	return l, !known
}

// forget has the next one ask again.
func (r *resolver) forget(name string, kind dnsmessage.Type) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, query{name: name, kind: kind, recurse: true})
}

// search asks the servers in turn, the one that answered last first. That
// there is no such name is an answer.
func (r *resolver) search(ctx context.Context, q query) (reply, error) {
	err := errors.New("no resolver: give one with --resolver")
	first := int(r.preferred.Load())
	for i := range attempts * len(r.servers) {
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

// addresses are all that a host has, of both families. There may be some and an
// error, where the look-up of one family failed. CNAMEs on the way are the
// resolver's.
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
	return nil, fmt.Errorf("%s has no address", shown(host))
}

// addresses are those in an answer.
func (r reply) addresses() (all []netip.Addr) {
	for _, a := range r.answers {
		if addr, ok := netip.AddrFromSlice([]byte(a.data)); ok && (a.kind == dnsmessage.TypeA || a.kind == dnsmessage.TypeAAAA) {
			all = append(all, addr)
		}
	}
	return all
}

// systemResolvers reads resolv.conf(5). Without an entry, or without the file, it
// is this host.
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
