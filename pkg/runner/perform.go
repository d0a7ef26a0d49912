package runner

import (
	"cmp"
	"context"
	"slices"

	"github.com/extauth/extauth/internal/fault"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/pkg/envmap"
)

// performance is the performing of a call's challenges, with what is needed to
// undo it.
type performance struct {
	*call
	events   []envmap.Event
	journal  *journal.Journal
	order    journal.Order
	abandons bool // the client leaves it to us to undo the whole order
	done     []*record
	before   bool     // pre-perform was run in this call
	unlocks  []func() // of challenges of earlier calls
	unlock   func()   // of those that are at work
	locked   int      // the first of them
}

// maxLocked is how many challenges of a call are locked at once. Each lock is an
// open file.
const maxLocked = 100

// perform runs the chain for each challenge, and undoes everything if something
// fails.
func (c *call) perform(ctx context.Context, events []envmap.Event) error {
	p := &performance{call: c, events: events, journal: c.journal(), abandons: abandons(events[0]), unlock: func() {}}
	p.order = p.orderOf(events)
	err := p.prepare(ctx)
	defer p.unlockAll()
	if err == nil {
		err = p.attempt(ctx)
	}
	if err != nil {
		return p.rollback(context.WithoutCancel(ctx), err)
	}
	return nil
}

func (p *performance) unlockAll() {
	for _, unlock := range append(p.unlocks, p.unlock) {
		unlock()
	}
}

// orderOf is the order that a single challenge belongs to. One whose position is
// not known is remembered only for clients that leave it to us to undo it.
func (p *performance) orderOf(events []envmap.Event) journal.Order {
	e := events[0]
	if len(events) > 1 || journal.IsFirst(e) && journal.IsLast(e) && !p.abandons {
		return journal.Order{}
	}
	return p.journal.Order(e)
}

// attempt performs the challenges and tells the client. What it did is undone
// even if it panics.
func (p *performance) attempt(ctx context.Context) (err error) {
	defer fault.Recover(&err)
	if err := p.run(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil { // a handler may end well all the same
		return context.Cause(ctx)
	}
	for _, r := range p.done {
		if err := p.journal.Has(r.key); len(r.Steps) > 0 && err != nil {
			return err // a handler removed it
		}
	}
	return p.deliver(ctx)
}

// prepare does what can fail before anything is run.
func (p *performance) prepare(ctx context.Context) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := p.feasible(p.events); err != nil {
		return err
	}
	if _, err := p.journal.Open(); err != nil {
		return err
	}
	if err := p.reachable(); err != nil {
		return err
	}
	return p.lockFrom(ctx, 0)
}

// lockFrom locks the challenges from one on, in place of those before it.
func (p *performance) lockFrom(ctx context.Context, first int) (err error) {
	p.unlock()
	p.locked = first
	p.unlock, err = p.lock(ctx, p.journal, p.events[first:min(first+maxLocked, len(p.events))]...)
	return err
}

// lock locks challenges. unlock is never nil.
func (c *call) lock(ctx context.Context, j *journal.Journal, events ...envmap.Event) (unlock func(), err error) {
	return j.Lock(ctx, events, cmp.Or(c.Timeout, DefaultTimeout))
}

// feasible checks, before anything is run, that each challenge has a handler,
// and that its handlers can be told of it.
func (c *call) feasible(events []envmap.Event) error {
	for _, e := range events {
		taken := false
		for i := range c.Chain {
			encoded, err := c.Chain[i].Encode(e)
			if err = c.tolerate(&c.Chain[i], err); err != nil {
				return err
			}
			taken = taken || encoded != nil
		}
		if !taken {
			return &NoHandlerError{e}
		}
	}
	return nil
}

// reachable checks that there is somebody to ask, before the first challenge of
// an order that is shown at its end.
func (p *performance) reachable() error {
	for i := range p.Chain {
		h := &p.Chain[i]
		if !h.IsPerson() || h.Optional || len(h.Filter(p.events)) == 0 {
			continue
		}
		if err := checkTerminal(); err != nil {
			return &HandlerError{*h, p.events[0], err}
		}
	}
	return nil
}

func (p *performance) run(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	ends := len(p.events) > 1 || journal.IsLast(p.events[0])
	for i, e := range p.events {
		if i == p.locked+maxLocked {
			if err := p.lockFrom(ctx, i); err != nil {
				return err
			}
		}
		if err := p.challenge(ctx, e, ends && i == len(p.events)-1); err != nil {
			return err
		}
	}
	if ends {
		return p.bracket(ctx, envmap.Event{Cmd: envmap.PostPerform, Domains: identifiers(p.events), Challenges: p.all()}, nil)
	}
	return nil
}

// begin runs what comes before an order, if the call begins one.
func (p *performance) begin(ctx context.Context) error {
	first := p.events[0]
	if len(p.events) == 1 && !journal.IsFirst(first) {
		return nil
	}
	if first.Remaining != nil {
		if err := p.order.Begin(); err != nil {
			return err
		}
	}
	p.before = true
	return p.bracket(ctx, envmap.Event{Cmd: envmap.PrePerform, Type: challengeType(p.events), Domains: identifiers(p.events)}, nil)
}

// challengeType is the order's if it has one challenge. Others may mix types.
func challengeType(events []envmap.Event) string {
	if e := events[0]; len(events) == 1 && journal.IsLast(e) {
		return e.Type
	}
	return ""
}

// all are the order's challenges that are performed, in the order of their
// performing.
func (p *performance) all() []envmap.Event {
	if events, known := p.order.Standing(); known && p.events[0].Remaining != nil {
		return events
	}
	return p.events
}

// challenge runs the chain for one challenge. Before each handler the journal
// says that it is going to be run. last: no challenge of the order follows.
func (p *performance) challenge(ctx context.Context, e envmap.Event, last bool) error {
	r, err := p.readRecord(e)
	if err != nil {
		return err
	}
	if err := p.order.Add(journal.Member{Event: e, Awaited: !last && p.isAwaited(e)}); err != nil {
		return err
	}
	p.done = append(p.done, r)
	for i := range p.Chain {
		if err := p.handle(ctx, r, &p.Chain[i], last); err != nil {
			return err
		}
	}
	if last {
		return p.keep(p.done...)
	}
	return p.keep(r)
}

// isAwaited reports whether a handler is run for the challenge together with
// those that follow.
func (p *performance) isAwaited(e envmap.Event) bool {
	return slices.ContainsFunc(p.Chain, func(h Handler) bool {
		return h.Batch && len(h.Filter([]envmap.Event{e})) > 0
	})
}

// handle runs one handler for one challenge, or for the whole order.
func (p *performance) handle(ctx context.Context, r *record, h *Handler, last bool) error {
	if h.Batch && last {
		return p.batch(ctx, h)
	}
	encoded, _ := h.Encode(r.Event)
	switch {
	case encoded == nil && h.OnlyCleans(r.Event):
		_, err := p.beginStep(r, h)
		return err
	case encoded == nil || h.Batch:
		return nil
	}
	return p.step(ctx, r, h)
}

// step runs one handler for one challenge.
func (p *performance) step(ctx context.Context, r *record, h *Handler) error {
	s, err := p.beginStep(r, h)
	if err != nil {
		return err
	}
	output, err := p.invoke(ctx, h, r.Event, nil)
	s.end(output, err)
	if err == nil {
		p.output = append(p.output, output...)
		p.verify(ctx, h, []envmap.Event{r.Event})
	}
	return p.tolerate(h, err)
}
