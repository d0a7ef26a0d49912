package runner

import (
	"context"
	"errors"

	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/pkg/envmap"
)

// cleaning is the cleaning up of a call's challenges.
type cleaning struct {
	*call
	events  []envmap.Event
	journal *journal.Journal
	order   journal.Order
	records map[string]*journal.Record
	torn    map[string]bool // challenges whose record could not be read
}

// cleanup cleans up a call's challenges, last first, with the handlers that were
// started for them. It goes on if a signal asks the process to end: what it left
// would have to be cleaned up all the same.
func (c *call) cleanup(ctx context.Context, events []envmap.Event) error {
	j := c.journal()
	existed, err := j.Open()
	if err != nil {
		return err
	}
	if events, err = c.complete(events); err != nil || len(events) == 0 {
		return err
	}
	unlock, err := c.lock(ctx, j, lockedTogether(events)...)
	defer unlock()
	if err != nil {
		return err
	}
	for _, e := range events { // the first perform of all may have come between
		existed = existed || j.Has(journal.Key(e)) == nil
	}
	all := &cleaning{call: c, events: events, journal: j}
	clean := all.blind
	if existed {
		clean = all.known
	}
	err = clean(context.WithoutCancel(ctx))
	if err == nil && ctx.Err() == nil {
		err = c.deliver(ctx)
	}
	return errors.Join(err, context.Cause(ctx))
}

// known goes by the journal: a challenge that is not in it was rolled back or
// cleaned up before, and succeeds at once.
func (c *cleaning) known(ctx context.Context) error {
	if len(c.events) == 1 {
		c.order = c.journal.Order(c.events[0])
	}
	if err := c.load(); err != nil {
		return err
	}
	first, last := c.brackets()
	members, domains := c.members(), identifiers(c.events)
	var errs []error
	if first {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: domains}, nil))
	}
	for _, e := range reversed(c.events) {
		errs = append(errs, c.challenge(ctx, e))
	}
	if last {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: domains, Challenges: members}, nil))
	}
	if last || c.events[0].Remaining == nil {
		errs = append(errs, c.order.End())
	}
	return errors.Join(errs...)
}

// challenge cleans up one challenge.
func (c *cleaning) challenge(ctx context.Context, e envmap.Event) error {
	key := journal.Key(e)
	switch r := c.records[key]; {
	case c.torn[key]:
		return c.cleanBlind(ctx, e)
	case r == nil:
		return nil
	case len(lockedTogether(c.events)) == 0:
		return c.cleanLocked(ctx, e)
	default:
		return c.cleanPrinting(ctx, r, e)
	}
}

// lockedTogether are the challenges that are locked at once: all of a call, or
// none if they are too many. Those are locked one by one.
func lockedTogether(events []envmap.Event) []envmap.Event {
	if len(events) > maxLocked {
		return nil
	}
	return events
}

// cleanLocked locks one of many challenges, and cleans it up by its record as it
// is by then.
func (c *cleaning) cleanLocked(ctx context.Context, e envmap.Event) error {
	unlock, err := c.lock(ctx, c.journal, e)
	defer unlock()
	if err != nil {
		return err
	}
	r, err := c.journal.Load(journal.Key(e))
	if r == nil || err != nil {
		return err
	}
	return c.cleanPrinting(ctx, r, e)
}

func (c *cleaning) cleanPrinting(ctx context.Context, r *journal.Record, e envmap.Event) error {
	output, err := c.clean(ctx, c.journal, r, e, nil)
	c.output = append(c.output, output...)
	return err
}

// load reads the challenges' records, and with them the credentials that their
// handlers need, before anything is run.
func (c *cleaning) load() error {
	c.records, c.torn = map[string]*journal.Record{}, map[string]bool{}
	for _, e := range c.events {
		key := journal.Key(e)
		r, err := c.journal.Load(key)
		switch {
		case errors.As(err, new(*journal.TornError)):
			c.warn("warning: " + err.Error())
			c.torn[key] = true
		case err != nil:
			return err
		case r == nil:
			c.journal.Tidy(key) // what a crash before its rename left
		default:
			c.records[key] = r
			if err := c.readEnvFiles(handlersOf(r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// brackets reports whether the order's clean-up begins and ends with this call.
// An order of several calls has phases while its file exists, one of a single
// call while one of its challenges is recorded.
func (c *cleaning) brackets() (first, last bool) {
	if len(c.events) > 1 || journal.IsFirst(c.events[0]) && journal.IsLast(c.events[0]) {
		recorded := len(c.records)+len(c.torn) > 0
		return recorded, recorded
	}
	known := c.order.Exists()
	return known && journal.IsFirst(c.events[0]), known && journal.IsLast(c.events[0])
}

// members are the order's challenges, as clean-ups.
func (c *cleaning) members() []envmap.Event {
	if performed, known := c.order.Standing(); known && c.events[0].Remaining != nil {
		return asCleanups(performed)
	}
	return asCleanups(c.events)
}

func asCleanups(events []envmap.Event) []envmap.Event {
	cleanups := make([]envmap.Event, len(events))
	for i, e := range events {
		e.Cmd = envmap.Cleanup
		cleanups[i] = e
	}
	return cleanups
}

// blind runs today's chain if there was no journal: it may have been lost, or
// the challenges were performed by other means.
func (c *cleaning) blind(ctx context.Context) error {
	c.trace("no journal in %s: cleaning up with every handler of the chain", c.State)
	domains := identifiers(c.events)
	var errs []error
	if len(c.events) > 1 || journal.IsFirst(c.events[0]) {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: domains}, nil))
	}
	for _, e := range reversed(c.events) {
		errs = append(errs, c.cleanBlind(ctx, e))
	}
	if len(c.events) > 1 || journal.IsLast(c.events[0]) {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: domains, Challenges: asCleanups(c.events)}, nil))
	}
	return errors.Join(errs...)
}

// cleanBlind cleans up a challenge that the journal does not know.
func (c *cleaning) cleanBlind(ctx context.Context, e envmap.Event) error {
	var errs []error
	for _, h := range c.chainFor(e.Cmd) {
		output, err := c.invoke(ctx, h, e, nil)
		c.output = append(c.output, output...)
		errs = append(errs, c.tolerate(h, err))
	}
	return errors.Join(errs...)
}

// clean undoes a record's handlers, last first, all of them. Each that is done is
// struck off; those that failed stay in the journal. That one could not be struck
// off does not matter once the whole record is gone. extra goes into the handlers'
// environment; in a rollback it says that the challenge failed.
func (c *call) clean(ctx context.Context, j *journal.Journal, r *journal.Record, e envmap.Event, extra map[string]string) ([]byte, error) {
	if err := c.readEnvFiles(handlersOf(r)); err != nil {
		return nil, err
	}
	e = remembered(e, r.Event)
	e.Undone = e.Undone || extra["EXTAUTH_RESULT"] == "failed"
	var output []byte
	var failures, unsaved []error
	key := journal.Key(r.Event)
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		e.AuthOutput = &s.Output
		printed, err := c.invoke(ctx, &s.Handler, e, extra)
		output = append(output, printed...)
		if err = c.tolerate(&s.Handler, err); err != nil {
			failures = append(failures, err)
			continue
		}
		r.Steps = append(r.Steps[:i:i], r.Steps[i+1:]...)
		if len(r.Steps) > 0 {
			unsaved = append(unsaved, j.Save(key, r))
		}
	}
	if len(r.Steps) == 0 {
		return output, j.Remove(key)
	}
	return output, errors.Join(append(failures, unsaved...)...)
}

// remembered is the clean-up event with what only the performing call said.
func remembered(e, performed envmap.Event) envmap.Event {
	e.Cmd = envmap.Cleanup
	for _, fill := range []struct{ to, from *string }{
		{&e.Token, &performed.Token}, {&e.KeyAuth, &performed.KeyAuth}, {&e.TXTDomain, &performed.TXTDomain},
		{&e.URI, &performed.URI}, {&e.ZDomain, &performed.ZDomain},
		{&e.CertPath, &performed.CertPath}, {&e.KeyPath, &performed.KeyPath}, {&e.Port, &performed.Port},
	} {
		if *fill.to == "" {
			*fill.to = *fill.from
		}
	}
	return e
}
