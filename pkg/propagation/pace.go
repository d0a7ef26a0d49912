package propagation

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// steady is for how many intervals the pace is constant.
const steady = 30

// pace says when to look again: after the interval, later more rarely, and once
// more just before the end.
type pace struct {
	interval time.Duration
	start    time.Time
	end      time.Time // zero: there is one look, and no other
}

// errOver says that there is no time for another look.
var errOver = errors.New("no time for another look")

// again waits until it is time for the look after the one begun at last.
func (p pace) again(ctx context.Context, last time.Time) error {
	if p.end.IsZero() {
		return errOver
	}
	timer := time.NewTimer(time.Until(p.next(last)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isOver tells whether the time for a wait has gone. The network may notice a
// deadline before the context does.
func isOver(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(end)
}

// next is when to look again. The interval is spread by a tenth, so that many
// who wait do not ask as one.
func (p pace) next(last time.Time) time.Time {
	gap := float64(p.gap(last)) * (0.9 + 0.2*rand.Float64())
	next := last.Add(time.Duration(gap))
	final := p.end.Add(-p.interval)
	if next.After(final) && last.Before(final.Add(-p.interval/2)) {
		return final
	}
	return next
}

// gap is the interval, and in the tail a tenth of the time that has gone, up to
// ten intervals.
func (p pace) gap(now time.Time) time.Duration {
	elapsed := now.Sub(p.start)
	if elapsed < steady*p.interval {
		return p.interval
	}
	return min(max(p.interval, elapsed/10), 10*p.interval)
}

const (
	inFlight = 64 // questions at once
	untested = 4  // of them to a server that has not answered yet, or no longer
)

// gate bounds how many questions are under way. A server that is silent holds
// up few of them.
type gate struct {
	all chan struct{}

	mu      sync.Mutex
	servers map[netip.AddrPort]*standing
}

// standing is what is known about a server's answering.
type standing struct {
	heard atomic.Bool
	few   chan struct{}
}

func newGate() *gate {
	return &gate{all: make(chan struct{}, inFlight), servers: map[netip.AddrPort]*standing{}}
}

func (g *gate) standing(server netip.AddrPort) *standing {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, known := g.servers[server]
	if !known {
		s = &standing{few: make(chan struct{}, untested)}
		g.servers[server] = s
	}
	return s
}

// through asks when there is room for it.
func (g *gate) through(ctx context.Context, server netip.AddrPort, ask func() error) error {
	s := g.standing(server)
	if !s.heard.Load() {
		if err := acquire(ctx, s.few); err != nil {
			return err
		}
		if s.heard.Load() {
			<-s.few // it has answered meanwhile
		} else {
			defer func() { <-s.few }()
		}
	}
	if err := acquire(ctx, g.all); err != nil {
		return err
	}
	defer func() { <-g.all }()
	err := ask()
	if !isOver(ctx) { // else it was not given its time
		s.heard.Store(!errors.Is(err, errSilent) && !errors.Is(err, errNoRoute))
	}
	return err
}

func acquire(ctx context.Context, room chan struct{}) error {
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
