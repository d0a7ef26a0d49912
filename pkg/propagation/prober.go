// Package propagation waits until the responses to challenges are where a CA
// will look for them: TXT records on every authoritative server of their zone,
// files on every address of their host. It asks the authoritative servers
// themselves, so that no cache on the way keeps an old answer.
package propagation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

const (
	defaultTimeout  = 5 * time.Minute
	defaultInterval = time.Second

	// oneLook bounds a wait that looks once.
	oneLook = 5 * time.Second
)

// Prober asks DNS and HTTP servers. The zero value has no time to wait, and
// looks once; Flags sets the defaults of a program.
type Prober struct {
	Timeout  time.Duration // 0: look once
	Interval time.Duration // between two looks at the same place; 0: a second
	Quorum   int           // how many servers of a zone are enough; 0: all
	NoCNAME  bool          // the record must be at the name itself

	resolvers   endpoints // none: the system's
	nameservers endpoints // none: the zone's own
	port        uint16    // 0: 53, of a zone's own servers

	progress func(done, all int, missing string)
	trace    func(string)
}

// Options is where options are registered, as a *flag.FlagSet.
type Options = interface {
	Func(name, usage string, read func(value string) error)
	BoolFunc(name, usage string, set func(value string) error)
}

// Flags registers the options and sets what holds without them.
func (p *Prober) Flags(set Options) {
	p.Timeout, p.Interval = defaultTimeout, defaultInterval
	p.nameservers.names = true
	set.Func("timeout", "", func(value string) (err error) {
		p.Timeout, err = duration(value, 0)
		return err
	})
	set.Func("interval", "", func(value string) (err error) {
		p.Interval, err = duration(value, time.Millisecond)
		return err
	})
	set.Func("quorum", "", func(value string) (err error) {
		p.Quorum, err = strconv.Atoi(value)
		if err != nil || p.Quorum < 0 {
			return errors.New("not a count")
		}
		return nil
	})
	set.BoolFunc("no-cname", "", func(value string) (err error) {
		p.NoCNAME, err = strconv.ParseBool(value)
		return err
	})
	set.Func("resolver", "", p.resolvers.Set)
	set.Func("nameserver", "", p.nameservers.Set)
}

func duration(value string, least time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, errors.New("not a duration, as 90s or 5m")
	}
	if d < least {
		return 0, fmt.Errorf("less than %s", least)
	}
	return d, nil
}

// Watch sets who is told how it goes; either may be nil.
func (p *Prober) Watch(progress func(done, all int, missing string), trace func(string)) {
	p.progress, p.trace = progress, trace
}

// Wait returns nil when every challenge's response is visible: the validation
// of a dns-... challenge in a TXT record at its TXTDomain, that of http-01 at its
// URI. When the time is over the error is an *UnfinishedError, when ctx ends its
// cause. A URI that cannot be asked is an *envmap.ValueError.
func (p *Prober) Wait(ctx context.Context, challenges []envmap.Event) error {
	if err := checkURIs(challenges); err != nil || len(challenges) == 0 {
		return err
	}
	servers, err := p.recursive(challenges)
	if err != nil {
		return err
	}
	w := p.wait(servers, challenges)
	limited, cancel := context.WithTimeout(ctx, max(p.Timeout, w.least()))
	defer cancel()
	w.all(limited, challenges)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return w.board.error(p.Timeout)
}

// recursive are the servers that find things.
func (p *Prober) recursive(challenges []envmap.Event) ([]netip.AddrPort, error) {
	var servers []netip.AddrPort
	for _, e := range p.resolvers.list {
		if server, ok := e.address(); ok {
			servers = append(servers, server)
		}
	}
	if servers != nil || !p.needsResolver(challenges) {
		return servers, nil
	}
	return systemResolvers("/etc/resolv.conf")
}

// needsResolver tells whether there is a name to find.
func (p *Prober) needsResolver(challenges []envmap.Event) bool {
	for _, e := range challenges {
		if e.Type == envmap.HTTP01 || len(p.nameservers.list) == 0 {
			return true
		}
	}
	for _, e := range p.nameservers.list {
		if _, literal := e.address(); !literal {
			return true
		}
	}
	return false
}

// errSeeking says that a search has only begun.
var errSeeking = errors.New("not found yet where to look")

// wait is one wait at work.
type wait struct {
	*resolver
	follow      bool // CNAMEs
	pace        pace
	gate        *gate
	board       *board
	quorum      int
	nameservers []endpoint
	port        uint16 // of a zone's own servers
}

func (p *Prober) wait(servers []netip.AddrPort, challenges []envmap.Event) *wait {
	now := time.Now()
	w := &wait{gate: newGate(), follow: !p.NoCNAME, quorum: p.Quorum, nameservers: p.nameservers.list, port: cmp.Or(p.port, 53)}
	w.board = &board{start: now, progress: p.progress, trace: p.trace, missing: map[spot]string{}}
	w.pace = pace{interval: p.Interval, start: now}
	if w.pace.interval <= 0 {
		w.pace.interval = defaultInterval
	}
	if p.Timeout > 0 {
		w.pace.end = now.Add(p.Timeout)
	}
	w.resolver = newResolver(servers, w.ask)
	for _, e := range challenges {
		w.board.subjects = append(w.board.subjects, subject(e))
	}
	return w
}

// least is the time that a wait without time takes.
func (w *wait) least() time.Duration {
	if w.pace.end.IsZero() {
		return oneLook
	}
	return 0
}

// all waits for all challenges at once.
func (w *wait) all(ctx context.Context, challenges []envmap.Event) {
	var running sync.WaitGroup
	for id, e := range challenges {
		w.board.expect(spot{id: id}, errSeeking)
		running.Add(1)
		go func() {
			defer running.Done()
			look := w.record
			if e.Type == envmap.HTTP01 {
				look = w.file
			}
			if look(ctx, id, e) == nil {
				w.board.finish(id)
			}
		}()
	}
	running.Wait()
}

// ask asks one DNS server when there is room.
func (w *wait) ask(ctx context.Context, server netip.AddrPort, q query) (r reply, err error) {
	err = w.gate.through(ctx, server, func() (err error) {
		r, err = exchange(ctx, server, q)
		return err
	})
	return r, err
}

// certain is after how many tries the addresses of one family are taken for all
// where the look-up of the other keeps failing.
const certain = 3

// locate finds a host's addresses.
func (w *wait) locate(ctx context.Context, at spot, host string) (found []netip.Addr, err error) {
	tries := 0
	err = w.retry(ctx, at, func() (err error) {
		tries++
		found, err = w.addresses(ctx, host)
		if len(found) > 0 && tries >= certain {
			return nil
		}
		return err
	})
	return found, err
}

// retry tries until it succeeds, and notes at a spot why it has not.
func (w *wait) retry(ctx context.Context, at spot, try func() error) error {
	for {
		begun := time.Now()
		err := try()
		if err == nil || isOver(ctx) || errors.Is(err, errOver) {
			return err
		}
		w.board.put(at, err)
		if err := w.pace.again(ctx, begun); err != nil {
			return err
		}
	}
}

// everywhere returns nil when try has succeeded at every address of a server
// that this machine has a route to, and at one at least.
func (w *wait) everywhere(ctx context.Context, at spot, addresses []netip.AddrPort, try func(context.Context, netip.AddrPort) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome)
	var running sync.WaitGroup
	for _, address := range addresses {
		running.Add(1)
		go func() {
			defer running.Done()
			w.until(ctx, address, try, outcomes)
		}()
	}
	go func() {
		running.Wait()
		close(outcomes)
	}()
	return w.collect(at, addresses, outcomes, cancel)
}

// outcome is how a look at an address went.
type outcome struct {
	address netip.AddrPort
	err     error
}

// until looks at an address until the response is there. What a look finds that
// the end of the wait has broken off is no finding.
func (w *wait) until(ctx context.Context, address netip.AddrPort, try func(context.Context, netip.AddrPort) error, outcomes chan<- outcome) {
	for {
		begun := time.Now()
		err := try(ctx, address)
		if err != nil && isOver(ctx) {
			return
		}
		outcomes <- outcome{address, err}
		if err == nil || w.pace.again(ctx, begun) != nil {
			return
		}
	}
}

// collect notes the outcomes until they are all that is needed, or have ended.
func (w *wait) collect(at spot, addresses []netip.AddrPort, outcomes <-chan outcome, cancel func()) error {
	last := map[netip.AddrPort]error{}
	for _, address := range addresses {
		last[address] = errSilent
		w.board.expect(spot{at.id, at.server, address.String()}, errSilent)
	}
	complete := false
	for o := range outcomes {
		last[o.address] = o.err
		w.board.put(spot{at.id, at.server, o.address.String()}, o.err)
		if complete = complete || isComplete(last); complete {
			cancel() // and read on, so that nobody is left writing
		}
	}
	if complete {
		return nil
	}
	return errOver
}

// isComplete passes over the addresses that nobody here can reach, unless that
// is all of them.
func isComplete(last map[netip.AddrPort]error) bool {
	seen := false
	for _, err := range last {
		if err != nil && !errors.Is(err, errNoRoute) {
			return false
		}
		seen = seen || err == nil
	}
	return seen
}
