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

// steadyIntervals is for how many intervals the gap between checks is constant.
const steadyIntervals = 30

// schedule decides when to check again: after the interval, later less often,
// and once more just before the end.
type schedule struct {
	interval time.Duration
	start    time.Time
	end      time.Time // zero: there is only one check
}

// errNoTime reports that there is no time for another check.
var errNoTime = errors.New("no time for another check")

// wait waits until it is time for the next check. last is when the previous one
// began.
func (p schedule) wait(ctx context.Context, last time.Time) error {
	if p.end.IsZero() {
		return errNoTime
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

// isExpired reports whether the context's time is over. The network may notice
// a deadline before the context does.
func isExpired(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(end)
}

// next returns when to check again. The gap varies by a tenth, so that many
// waits do not ask in step.
func (p schedule) next(last time.Time) time.Time {
	gap := float64(p.gap(last)) * (0.9 + 0.2*rand.Float64())
	next := last.Add(time.Duration(gap))
	final := p.end.Add(-p.interval)
	if next.After(final) && last.Before(final.Add(-p.interval/2)) {
		return final
	}
	return next
}

// gap is the interval at first, and later a tenth of the elapsed time, up to
// ten intervals.
func (p schedule) gap(now time.Time) time.Duration {
	elapsed := now.Sub(p.start)
	if elapsed < steadyIntervals*p.interval {
		return p.interval
	}
	return min(max(p.interval, elapsed/10), 10*p.interval)
}

const (
	maxQuestions = 64 // queries at once
	maxUntested  = 4  // of them to a server that has not answered its last query
)

// limiter limits how many queries are under way. A server that does not answer
// takes up only a few of them.
type limiter struct {
	slots chan struct{}

	mu      sync.Mutex
	servers map[netip.AddrPort]*serverState
}

// serverState is whether a server answers.
type serverState struct {
	answers atomic.Bool
	slots   chan struct{}
}

func newLimiter() *limiter {
	return &limiter{slots: make(chan struct{}, maxQuestions), servers: map[netip.AddrPort]*serverState{}}
}

func (g *limiter) state(server netip.AddrPort) *serverState {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, known := g.servers[server]
	if !known {
		s = &serverState{slots: make(chan struct{}, maxUntested)}
		g.servers[server] = s
	}
	return s
}

// do calls ask when a slot is free.
func (g *limiter) do(ctx context.Context, server netip.AddrPort, ask func() error) error {
	s := g.state(server)
	if !s.answers.Load() {
		if err := acquire(ctx, s.slots); err != nil {
			return err
		}
		if s.answers.Load() {
			<-s.slots // it has answered in the meantime
		} else {
			defer func() { <-s.slots }()
		}
	}
	if err := acquire(ctx, g.slots); err != nil {
		return err
	}
	defer func() { <-g.slots }()
	err := ask()
	if !isExpired(ctx) { // else the query was cut short
		s.answers.Store(!errors.Is(err, errNoAnswer) && !errors.Is(err, errNoRoute))
	}
	return err
}

func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
