// Package propagation waits until the responses to challenges are where a CA
// will look for them: TXT records on every authoritative server of their zone,
// files on every address of their host. It asks the authoritative servers
// themselves, so that no cache gives an old answer.
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

	// singleTimeout limits a wait that checks once.
	singleTimeout = 5 * time.Second
)

// Prober asks DNS and HTTP servers. The zero value checks once, without
// waiting; Flags sets a program's defaults.
type Prober struct {
	Timeout  time.Duration // 0: check once
	Interval time.Duration // between two checks of the same address; 0: one second
	Quorum   int           // how many servers of a zone are enough; 0: all
	NoCNAME  bool          // the record must be at the name itself

	resolvers   serverList // none: the system's
	nameservers serverList // none: the zone's own
	port        uint16     // 0: 53, of a zone's own servers

	progress func(done, all int, missing string)
	trace    func(string)
}

// Options is a set of options, as a *flag.FlagSet.
type Options = interface {
	Func(name, usage string, read func(value string) error)
	BoolFunc(name, usage string, set func(value string) error)
}

// Flags registers the options and sets their defaults.
func (p *Prober) Flags(set Options) {
	p.Timeout, p.Interval = defaultTimeout, defaultInterval
	p.nameservers.allowNames = true
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
		return 0, errors.New("not a duration such as 90s or 5m")
	}
	if d < least {
		return 0, fmt.Errorf("less than %s", least)
	}
	return d, nil
}

// Watch sets functions that are called with the progress and with each step;
// either may be nil.
func (p *Prober) Watch(progress func(done, all int, missing string), trace func(string)) {
	p.progress, p.trace = progress, trace
}

// Wait returns nil when every challenge's response is visible: the validation
// of a dns-... challenge in a TXT record at its TXTDomain, that of http-01 at
// its URI. If the time is over, the error is an *UnfinishedError; if ctx ends,
// its cause. A URI that cannot be fetched gives an *envmap.ValueError.
func (p *Prober) Wait(ctx context.Context, challenges []envmap.Event) error {
	if err := checkURIs(challenges); err != nil || len(challenges) == 0 {
		return err
	}
	servers, err := p.recursiveServers(challenges)
	if err != nil {
		return err
	}
	w := p.newWait(servers, challenges)
	limited, cancel := context.WithTimeout(ctx, max(p.Timeout, w.minTime()))
	defer cancel()
	w.run(limited, challenges)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return w.tracker.result(p.Timeout)
}

// recursiveServers returns the servers that resolve names.
func (p *Prober) recursiveServers(challenges []envmap.Event) ([]netip.AddrPort, error) {
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

// needsResolver reports whether there is a name to resolve.
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

// errNotLocated reports that a search has only begun.
var errNotLocated = errors.New("server not found yet")

// wait is the state of one call of Prober.Wait.
type wait struct {
	*resolver
	follow      bool // CNAMEs
	schedule    schedule
	limiter     *limiter
	tracker     *tracker
	quorum      int
	nameservers []hostPort
	port        uint16 // of a zone's own servers
}

func (p *Prober) newWait(servers []netip.AddrPort, challenges []envmap.Event) *wait {
	now := time.Now()
	w := &wait{limiter: newLimiter(), follow: !p.NoCNAME, quorum: p.Quorum, nameservers: p.nameservers.list, port: cmp.Or(p.port, 53)}
	w.tracker = &tracker{start: now, progress: p.progress, trace: p.trace, missing: map[location]string{}}
	w.schedule = schedule{interval: p.Interval, start: now}
	if w.schedule.interval <= 0 {
		w.schedule.interval = defaultInterval
	}
	if p.Timeout > 0 {
		w.schedule.end = now.Add(p.Timeout)
	}
	w.resolver = newResolver(servers, w.ask)
	for _, e := range challenges {
		w.tracker.subjects = append(w.tracker.subjects, subject(e))
	}
	return w
}

// minTime is how long a wait that checks once may take.
func (w *wait) minTime() time.Duration {
	if w.schedule.end.IsZero() {
		return singleTimeout
	}
	return 0
}

// run waits for all challenges at once.
func (w *wait) run(ctx context.Context, challenges []envmap.Event) {
	var running sync.WaitGroup
	for id, e := range challenges {
		w.tracker.expect(location{challenge: id}, errNotLocated)
		running.Add(1)
		go func() {
			defer running.Done()
			look := w.record
			if e.Type == envmap.HTTP01 {
				look = w.file
			}
			if look(ctx, id, e) == nil {
				w.tracker.finish(id)
			}
		}()
	}
	running.Wait()
}

// ask queries one DNS server when the limiter has a free slot.
func (w *wait) ask(ctx context.Context, server netip.AddrPort, q query) (r reply, err error) {
	err = w.limiter.do(ctx, server, func() (err error) {
		r, err = exchange(ctx, server, q)
		return err
	})
	return r, err
}

// maxFamilyTries is after how many tries the addresses of one family are enough
// if the lookup of the other keeps failing.
const maxFamilyTries = 3

// locate finds a host's addresses.
func (w *wait) locate(ctx context.Context, at location, host string) (found []netip.Addr, err error) {
	tries := 0
	err = w.retry(ctx, at, func() (err error) {
		tries++
		found, err = w.addresses(ctx, host)
		if len(found) > 0 && tries >= maxFamilyTries {
			return nil
		}
		return err
	})
	return found, err
}

// retry calls try until it succeeds, and records at a location why it has not.
func (w *wait) retry(ctx context.Context, at location, try func() error) error {
	for {
		start := time.Now()
		err := try()
		if err == nil || isExpired(ctx) || errors.Is(err, errNoTime) {
			return err
		}
		w.tracker.update(at, err)
		if err := w.schedule.wait(ctx, start); err != nil {
			return err
		}
	}
}

// waitForAddresses returns nil when try has succeeded at every address of a
// server that this machine has a route to, and at least at one.
func (w *wait) waitForAddresses(ctx context.Context, at location, addresses []netip.AddrPort, try func(context.Context, netip.AddrPort) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	attempts := make(chan attempt)
	var running sync.WaitGroup
	for _, address := range addresses {
		running.Add(1)
		go func() {
			defer running.Done()
			w.waitForAddress(ctx, address, try, attempts)
		}()
	}
	go func() {
		running.Wait()
		close(attempts)
	}()
	return w.collect(at, addresses, attempts, cancel)
}

// attempt is the result of a check of an address.
type attempt struct {
	address netip.AddrPort
	err     error
}

// waitForAddress checks an address until the response is there. An error of a
// check that the end of the wait has cut short does not count.
func (w *wait) waitForAddress(ctx context.Context, address netip.AddrPort, try func(context.Context, netip.AddrPort) error, attempts chan<- attempt) {
	for {
		start := time.Now()
		err := try(ctx, address)
		if err != nil && isExpired(ctx) {
			return
		}
		attempts <- attempt{address, err}
		if err == nil || w.schedule.wait(ctx, start) != nil {
			return
		}
	}
}

// collect records the attempts until every address has the response, or there
// are no more.
func (w *wait) collect(at location, addresses []netip.AddrPort, attempts <-chan attempt, cancel func()) error {
	last := map[netip.AddrPort]error{}
	for _, address := range addresses {
		last[address] = errNoAnswer
		w.tracker.expect(location{at.challenge, at.server, address.String()}, errNoAnswer)
	}
	complete := false
	for a := range attempts {
		last[a.address] = a.err
		w.tracker.update(location{at.challenge, at.server, a.address.String()}, a.err)
		if complete = complete || isComplete(last); complete {
			cancel() // and read on, so that no sender blocks
		}
	}
	if complete {
		return nil
	}
	return errNoTime
}

// isComplete ignores addresses without a route, unless there are no others.
func isComplete(last map[netip.AddrPort]error) bool {
	reached := false
	for _, err := range last {
		if err != nil && !errors.Is(err, errNoRoute) {
			return false
		}
		reached = reached || err == nil
	}
	return reached
}
