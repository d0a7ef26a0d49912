package runner

import (
	"context"
	"errors"

	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/pkg/envmap"
)

// failed is what handlers are told in a rollback.
func failed() map[string]string { return map[string]string{"EXTAUTH_RESULT": "failed"} }

// rollback cleans up what this call did, last first, and with it the rest of the
// order if the client will not.
func (p *performance) rollback(ctx context.Context, cause error) error {
	whole := p.before && (len(p.events) > 1 || journal.IsLast(p.events[0]))
	var errs []error
	if whole {
		errs = append(errs, p.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: identifiers(p.events)}, failed()))
	}
	for i := len(p.done) - 1; i >= 0; i-- {
		errs = append(errs, p.undo(ctx, i))
	}
	if whole {
		errs = append(errs, p.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: identifiers(p.events), Challenges: asCleanups(p.events)}, failed()))
	}
	if p.abandons {
		errs = append(errs, p.abandon(ctx))
	}
	if undo := errors.Join(errs...); undo != nil {
		return &RollbackError{cause, undo}
	}
	return cause
}

// undo cleans up one of the challenges that were done.
func (p *performance) undo(ctx context.Context, i int) error {
	r := p.done[i]
	if i < p.locked {
		unlock, err := p.lock(ctx, p.journal, r.Event)
		defer unlock()
		if err != nil {
			return err
		}
	}
	_, err := p.clean(ctx, p.journal, r.Record, r.Event, failed())
	return errors.Join(err, p.order.Add(journal.Member{Event: r.Event, Undone: true}))
}

// Abandon undoes what earlier calls of a client (the name of its convention)
// performed of an order (Event.Order) that the client will not clean up.
func (r *Runner) Abandon(ctx context.Context, client, order string) error {
	c := &call{Runner: r, env: map[string]map[string]string{}}
	if c.pool == nil {
		own := *r
		defer own.Keep()()
		c.Runner = &own
	}
	j := c.journal()
	if err := j.Check(); err != nil {
		return err
	}
	p := &performance{call: c, journal: j, order: j.Order(envmap.Event{Client: client, Order: order})}
	return p.abandon(ctx)
}

// abandon undoes the challenges of the order that earlier calls performed.
func (p *performance) abandon(ctx context.Context) error {
	performed, _ := p.order.Standing()
	var errs []error
	for _, e := range reversed(performed) {
		unlock, err := p.lock(ctx, p.journal, e)
		if err == nil {
			err = p.cleanRecorded(ctx, e)
		}
		unlock()
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.order.End())...)
}

// cleanRecorded cleans up a challenge by its record, if it has one.
func (p *performance) cleanRecorded(ctx context.Context, e envmap.Event) error {
	r, err := p.journal.Load(journal.Key(e))
	if r == nil || err != nil {
		return err
	}
	_, err = p.clean(ctx, p.journal, r, r.Event, failed())
	return err
}
