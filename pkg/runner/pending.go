package runner

import (
	"context"
	"errors"
	"time"

	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/pkg/envmap"
)

// Leftover is a challenge that was performed and not yet cleaned up.
type Leftover struct {
	ID       string // name of its record: 32 hex digits
	Event    envmap.Event
	Started  time.Time
	Handlers []Handler // those that were started for it, in order
}

// Leftovers lists the journal, newest first. What cannot be read is an error
// beside the list, which has the rest.
func (r *Runner) Leftovers() ([]Leftover, error) {
	entries, err := r.journal().Records()
	var all []Leftover
	for _, entry := range entries {
		all = append(all, Leftover{entry.ID, entry.Event, entry.Started, handlersOf(&entry.Record)})
	}
	return all, err
}

// handlersOf are the handlers of a record, in order.
func handlersOf(r *journal.Record) []Handler {
	var handlers []Handler
	for _, s := range r.Steps {
		handlers = append(handlers, s.Handler)
	}
	return handlers
}

// CleanLeftover cleans up a challenge with the handlers that were started for it,
// last first, as an order of its own. One that another process works on is left
// alone, with a *LockedError.
func (r *Runner) CleanLeftover(ctx context.Context, l Leftover) error {
	own := *r
	own.Chain = l.Handlers
	defer own.Keep()()
	own.pool.settled.Do(settle)
	c := &call{Runner: &own, env: map[string]map[string]string{}}
	if err := c.readEnvFiles(c.Chain); err != nil {
		return err
	}
	j := c.journal()
	unlock, err := j.TryLock(l.ID)
	switch {
	case err != nil:
		return err
	case unlock == nil:
		return &LockedError{Domain: l.Event.Domain}
	}
	defer unlock()
	return c.cleanLeftover(ctx, j, l.ID)
}

func (c *call) cleanLeftover(ctx context.Context, j *journal.Journal, id string) error {
	r, err := j.Load(id)
	if r == nil || err != nil {
		return err // somebody cleaned it up in the meantime
	}
	e := r.Event
	e.Cmd = envmap.Cleanup
	names := domainsOf(envmap.Event{Domain: e.Domain})
	before := c.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Type: e.Type, Domains: names}, nil)
	_, err = c.clean(ctx, j, r, e, nil)
	after := c.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: names, Challenges: []envmap.Event{e}}, nil)
	return errors.Join(before, err, after)
}

// ForgetOrders removes what is known of orders that have no challenge left.
func (r *Runner) ForgetOrders() error { return r.journal().ForgetOrders() }
