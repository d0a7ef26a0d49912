package runner

import (
	"context"
	"errors"
	"slices"

	"github.com/extauth/extauth/pkg/envmap"
)

// performance is the performing of a call's challenges, with what is needed to
// undo it.
type performance struct {
	*call
	events  []envmap.Event
	order   order
	done    []*record
	before  bool // pre-perform was run in this call
	journal journal
	unlocks []func() // of challenges of earlier calls
	unlock  func()   // of those that are at work
	locked  int      // the first of them
}

// maxLocked is how many challenges of a call are locked at once. Each lock is an
// open file, which every start of a handler pays for.
const maxLocked = 100

// perform runs the chain for each challenge, and undoes everything when
// something fails.
func (c *call) perform(ctx context.Context, events []envmap.Event) error {
	j := c.journal()
	p := &performance{call: c, events: events, order: c.orderOf(j, events), journal: j, unlock: func() {}}
	err := p.prepare(ctx)
	defer func() {
		for _, f := range append(p.unlocks, p.unlock) {
			f()
		}
	}()
	if err == nil {
		err = p.attempt(ctx)
	}
	if err != nil {
		return p.rollback(context.WithoutCancel(ctx), err)
	}
	return nil
}

// attempt performs the challenges and tells the client. What it did is undone
// even where it panics.
func (p *performance) attempt(ctx context.Context) (err error) {
	defer Recovered(&err)
	if err := p.run(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil { // a handler may end well all the same
		return context.Cause(ctx)
	}
	for _, r := range p.done {
		if err := p.journal.has(key(r.Event)); len(r.Steps) > 0 && err != nil {
			return err // a handler took it away
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
	if _, err := p.journal.open(); err != nil {
		return err
	}
	if err := p.reachable(); err != nil {
		return err
	}
	return p.lockFrom(ctx, 0)
}

// lockFrom locks the challenges from one on, in place of those before it.
func (p *performance) lockFrom(ctx context.Context, at int) (err error) {
	p.unlock()
	p.locked = at
	p.unlock, err = p.lockAll(ctx, p.journal, p.events[at:min(at+maxLocked, len(p.events))])
	return err
}

// orderOf is the order that a single challenge belongs to. One whose place is
// not known is remembered only for clients that leave us to undo it.
func (c *call) orderOf(j journal, events []envmap.Event) order {
	e := events[0]
	if len(events) > 1 || isFirst(e) && isLast(e) && !c.Abandons {
		return order{}
	}
	return j.order(e)
}

// feasible sees before anything is run that each challenge has a handler, and
// that its handlers can be told of it.
func (c *call) feasible(events []envmap.Event) error {
	for _, e := range events {
		taken := false
		for _, h := range c.Chain {
			encoded, err := h.takes(e)
			if err = c.tolerated(h, err); err != nil {
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

// reachable sees whether there is somebody to ask, before the first challenge
// of an order that is shown at its end.
func (p *performance) reachable() error {
	for _, h := range p.Chain {
		if !h.isPerson() || h.Optional || len(h.ofOrder(p.events)) == 0 {
			continue
		}
		if err := checkTerminal(); err != nil {
			return &HandlerError{h, p.events[0], err}
		}
	}
	return nil
}

// lockAll takes the challenges' locks, in the order of their names so that two
// calls never wait for each other. unlock gives back those that were taken.
func (c *call) lockAll(ctx context.Context, j journal, events []envmap.Event) (unlock func(), err error) {
	var unlocks []func()
	unlock = func() {
		for _, f := range reversed(unlocks) {
			f()
		}
	}
	keys := make([]string, len(events))
	for i, e := range events {
		keys[i] = key(e)
	}
	slices.Sort(keys)
	for _, k := range keys {
		free, err := j.lock(ctx, k, firstSet(c.Timeout, DefaultTimeout))
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return unlock, &LockedError{events[0].Domain}
		case err != nil:
			return unlock, lockError(err)
		}
		unlocks = append(unlocks, free)
	}
	return unlock, nil
}

func lockError(err error) error {
	if locked := new(LockedError); errors.As(err, &locked) || interrupted(err) {
		return err
	}
	return &JournalError{err}
}

func (p *performance) run(ctx context.Context) error {
	first, last := p.events[0], p.events[len(p.events)-1]
	if len(p.events) > 1 || isFirst(first) {
		if first.Remaining != nil {
			if err := p.order.begin(); err != nil {
				return err
			}
		}
		p.before = true
		if err := p.bracket(ctx, envmap.Event{Cmd: envmap.PrePerform, Type: p.challengeType(), Domains: p.domains()}, nil); err != nil {
			return err
		}
	}
	ends := len(p.events) > 1 || isLast(last)
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
		return p.bracket(ctx, envmap.Event{Cmd: envmap.PostPerform, Domains: p.domains(), Challenges: p.all()}, nil)
	}
	return nil
}

// domains are the order's identifiers.
func (p *performance) domains() []string {
	return identifiersIn(p.events)
}

// challengeType is the order's where it has one challenge. Others may mix types.
func (p *performance) challengeType() string {
	if e := p.events[0]; len(p.events) == 1 && isLast(e) {
		return e.Type
	}
	return ""
}

// all are the order's challenges that stand, in the order of their performing.
func (p *performance) all() []envmap.Event {
	if events, known := p.order.standing(); known && p.events[0].Remaining != nil {
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
	if err := p.order.add(member{Event: e, Awaited: !last && p.isAwaited(e)}); err != nil {
		return err
	}
	p.done = append(p.done, r)
	for _, h := range p.Chain {
		if err := p.handle(ctx, r, h, last); err != nil {
			return err
		}
	}
	if last {
		return p.keep(p.done)
	}
	return p.keep([]*record{r})
}

// isAwaited tells whether a handler is run for the challenge with those that
// follow.
func (p *performance) isAwaited(e envmap.Event) bool {
	return slices.ContainsFunc(p.Chain, func(h Handler) bool { return h.Batch && len(h.ofOrder([]envmap.Event{e})) > 0 })
}

// handle runs one handler for one challenge, or for the whole order.
func (p *performance) handle(ctx context.Context, r *record, h Handler, last bool) error {
	if h.Batch && last {
		return p.batch(ctx, h)
	}
	encoded, _ := h.takes(r.Event)
	switch {
	case encoded == nil && h.onlyCleans(r.Event):
		_, err := p.beginStep(r, h)
		return err
	case encoded == nil || h.Batch:
		return nil
	}
	return p.step(ctx, r, h)
}

// onlyCleans tells whether a handler that has no part in performing a challenge
// cleans it up: its options or its commands say so.
func (h *Handler) onlyCleans(e envmap.Event) bool {
	nothing := ""
	e.Cmd, e.AuthOutput = envmap.Cleanup, &nothing
	encoded, err := h.takes(e)
	return encoded != nil && err == nil
}

// keep puts on disk what became known behind a handler's end: what it printed,
// where it gets that back, and that it was not run at all.
func (p *performance) keep(records []*record) error {
	for _, r := range records {
		if !r.unsaved {
			continue
		}
		if err := p.journal.put(key(r.Event), r); err != nil {
			return err
		}
		r.unsaved = false
	}
	return nil
}

// step runs one handler for one challenge.
func (p *performance) step(ctx context.Context, r *record, h Handler) error {
	s, err := p.beginStep(r, h)
	if err != nil {
		return err
	}
	output, err := p.invoke(ctx, h, r.Event, nil)
	s.end(h, output, err)
	if err == nil {
		p.output = append(p.output, output...)
		p.verify(ctx, h, []envmap.Event{r.Event})
	}
	return p.tolerated(h, err)
}

// step finds a handler's step, from a run that ended before its time, or adds
// it. Each is found once in a run: a chain may have the same line twice.
func (r *record) step(h Handler) (s *step, fresh bool) {
	for i := range r.Steps {
		if s := &r.Steps[i]; !s.taken && s.Handler.same(h) {
			s.taken = true
			return s, false
		}
	}
	r.Steps = append(r.Steps, step{Handler: h, taken: true})
	return &r.Steps[len(r.Steps)-1], true
}

// drop takes the last step back.
func (r *record) drop(really bool) {
	if really {
		r.Steps = r.Steps[:len(r.Steps)-1]
	}
}

// rollback cleans up what this call did, last first, and with it the rest of
// the order where the client will not.
func (p *performance) rollback(ctx context.Context, cause error) error {
	extra := map[string]string{"EXTAUTH_RESULT": "failed"}
	whole := p.before && (len(p.events) > 1 || isLast(p.events[0]))
	var errs []error
	if whole {
		errs = append(errs, p.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: p.domains()}, extra))
	}
	for i := len(p.done) - 1; i >= 0; i-- {
		errs = append(errs, p.undo(ctx, i, extra))
	}
	if whole {
		errs = append(errs, p.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: p.domains(), Challenges: asCleanup(p.events)}, extra))
	}
	if p.Abandons {
		errs = append(errs, p.abandon(ctx, extra))
	}
	if undo := errors.Join(errs...); undo != nil {
		return &RollbackError{cause, undo}
	}
	return cause
}

// undo cleans up one of the challenges that were done.
func (p *performance) undo(ctx context.Context, i int, extra map[string]string) error {
	r := p.done[i]
	if i < p.locked {
		unlock, err := p.lockAll(ctx, p.journal, []envmap.Event{r.Event})
		defer unlock()
		if err != nil {
			return err
		}
	}
	_, err := p.clean(ctx, p.journal, r, r.Event, extra)
	return errors.Join(err, p.order.add(member{Event: r.Event, Undone: true}))
}

// Abandon undoes what earlier calls performed of an order (Event.Order) of
// which the client will not call again.
func (r *Runner) Abandon(ctx context.Context, client, orderID string) error {
	c := &call{Runner: r, env: map[string]map[string]string{}}
	j := c.journal()
	if err := j.check(); err != nil {
		return err
	}
	p := &performance{call: c, journal: j, order: j.order(envmap.Event{Client: client, Order: orderID})}
	return p.abandon(ctx, map[string]string{"EXTAUTH_RESULT": "failed"})
}

// abandon undoes the challenges of the order that earlier calls performed.
func (p *performance) abandon(ctx context.Context, extra map[string]string) error {
	standing, _ := p.order.standing()
	var errs []error
	for _, e := range reversed(standing) {
		unlock, err := p.lockAll(ctx, p.journal, []envmap.Event{e})
		if err == nil {
			err = p.cleanRecorded(ctx, p.journal, e, extra)
		}
		unlock()
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.order.end())...)
}
