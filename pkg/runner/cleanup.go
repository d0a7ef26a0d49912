package runner

import (
	"bytes"
	"context"
	"errors"

	"github.com/extauth/extauth/pkg/envmap"
)

// cleanup cleans up a call's challenges, last first, with the handlers that
// were started for them. It goes on when a signal asks the process to end: what
// it would leave would have to be cleaned up all the same.
func (c *call) cleanup(ctx context.Context, events []envmap.Event) error {
	j := c.journal()
	existed, err := j.open()
	if err != nil {
		return err
	}
	if events, err = c.whole(events); err != nil || len(events) == 0 {
		return err
	}
	unlock, err := c.lockAll(ctx, j, atOnce(events))
	defer unlock()
	if err != nil {
		return err
	}
	finished := context.WithoutCancel(ctx)
	for _, e := range events { // the first perform of all may have come between
		existed = existed || j.has(key(e)) == nil
	}
	if existed {
		err = c.cleanupKnown(finished, j, events)
	} else {
		err = c.cleanupBlind(finished, events)
	}
	if err == nil && ctx.Err() == nil {
		err = c.deliver(ctx)
	}
	return errors.Join(err, context.Cause(ctx))
}

// cleanupKnown goes by the journal: a challenge that is not in it was rolled
// back or cleaned before, and succeeds at once.
func (c *call) cleanupKnown(ctx context.Context, j journal, events []envmap.Event) error {
	o := order{}
	if len(events) == 1 {
		o = j.order(events[0])
	}
	records, torn, err := c.load(j, events)
	if err != nil {
		return err
	}
	first, last := brackets(o, events, len(records)+len(torn) > 0)
	members, domains := c.members(o, events)
	var errs []error
	if first {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: domains}, nil))
	}
	for _, e := range reversed(events) {
		switch k := key(e); {
		case torn[k]:
			errs = append(errs, c.cleanBlind(ctx, e))
		case records[k] != nil && len(atOnce(events)) == 0:
			errs = append(errs, c.cleanAlone(ctx, j, e))
		case records[k] != nil:
			errs = append(errs, c.cleanPrinting(ctx, j, records[k], e))
		}
	}
	if last {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: domains, Challenges: members}, nil))
	}
	if last || events[0].Remaining == nil {
		errs = append(errs, o.end())
	}
	return errors.Join(errs...)
}

// atOnce are the challenges that are locked as one: all of a call, or none
// where they are too many. Those are locked one by one.
func atOnce(events []envmap.Event) []envmap.Event {
	if len(events) > maxLocked {
		return nil
	}
	return events
}

// cleanAlone cleans up one of many challenges, by its record as it is by then.
func (c *call) cleanAlone(ctx context.Context, j journal, e envmap.Event) error {
	unlock, err := c.lockAll(ctx, j, []envmap.Event{e})
	defer unlock()
	if err != nil {
		return err
	}
	r, err := j.load(key(e))
	if r == nil || err != nil {
		return err
	}
	return c.cleanPrinting(ctx, j, r, e)
}

func (c *call) cleanPrinting(ctx context.Context, j journal, r *record, e envmap.Event) error {
	output, err := c.clean(ctx, j, r, e, nil)
	c.output = append(c.output, output...)
	return err
}

// load reads the challenges' records, and with them the credentials that their
// handlers need, before anything is run. torn are those whose record could not
// be read and is set aside.
func (c *call) load(j journal, events []envmap.Event) (records map[string]*record, torn map[string]bool, err error) {
	records, torn = map[string]*record{}, map[string]bool{}
	for _, e := range events {
		r, err := j.load(key(e))
		switch {
		case errors.As(err, new(*TornError)):
			c.Warn("warning: " + err.Error())
			torn[key(e)] = true
		case err != nil:
			return nil, nil, err
		case r == nil:
			j.tidy(key(e)) // what a crash before its rename left
		default:
			records[key(e)] = r
			for _, s := range r.Steps {
				if err := c.readEnv(s.Handler); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return records, torn, nil
}

// brackets tells whether the order's clean-up begins and ends with this call.
// An order of several calls has phases while its file is there, one of a
// single call while one of its challenges is.
func brackets(o order, events []envmap.Event, recorded bool) (first, last bool) {
	if whole := len(events) > 1 || isFirst(events[0]) && isLast(events[0]); whole {
		return recorded, recorded
	}
	known := o.exists()
	return known && isFirst(events[0]), known && isLast(events[0])
}

// members are the order's challenges, as clean-ups, and its identifiers.
func (c *call) members(o order, events []envmap.Event) ([]envmap.Event, []string) {
	domains := identifiersIn(events)
	if standing, known := o.standing(); known && events[0].Remaining != nil {
		return asCleanup(standing), domains
	}
	return asCleanup(events), domains
}

func asCleanup(events []envmap.Event) []envmap.Event {
	cleanups := make([]envmap.Event, len(events))
	for i, e := range events {
		e.Cmd = envmap.Cleanup
		cleanups[i] = e
	}
	return cleanups
}

// cleanupBlind runs today's chain where there was no journal: it may have been
// lost, or the challenges were performed by other means.
func (c *call) cleanupBlind(ctx context.Context, events []envmap.Event) error {
	c.trace("no journal in %s: cleaning up with every handler of the chain", c.State)
	first, last := events[0], events[len(events)-1]
	domains := identifiersIn(events)
	var errs []error
	if len(events) > 1 || isFirst(first) {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PreCleanup, Domains: domains}, nil))
	}
	for _, e := range reversed(events) {
		errs = append(errs, c.cleanBlind(ctx, e))
	}
	if len(events) > 1 || isLast(last) {
		errs = append(errs, c.bracket(ctx, envmap.Event{Cmd: envmap.PostCleanup, Domains: domains, Challenges: asCleanup(events)}, nil))
	}
	return errors.Join(errs...)
}

// cleanBlind cleans up a challenge of which the journal knows nothing.
func (c *call) cleanBlind(ctx context.Context, e envmap.Event) error {
	var errs []error
	for _, h := range reversed(c.Chain) {
		output, err := c.invoke(ctx, h, e, nil)
		c.output = append(c.output, output...)
		errs = append(errs, c.tolerated(h, err))
	}
	return errors.Join(errs...)
}

// cleanRecorded cleans up a challenge by its record, if it has one.
func (c *call) cleanRecorded(ctx context.Context, j journal, e envmap.Event, extra map[string]string) error {
	r, err := j.load(key(e))
	if r == nil || err != nil {
		return err
	}
	_, err = c.clean(ctx, j, r, r.Event, extra)
	return err
}

// clean undoes a record's handlers, last first, all of them. Each that is done
// is struck off; those that failed stay in the journal. That one could not be
// struck off is of no account once the whole record is gone. extra goes into
// the handlers' environment; in a rollback it says that the challenge failed.
func (c *call) clean(ctx context.Context, j journal, r *record, e envmap.Event, extra map[string]string) ([]byte, error) {
	e = remembered(e, r.Event)
	e.Undone = e.Undone || extra["EXTAUTH_RESULT"] == "failed"
	var output []byte
	var failed, unsaved []error
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		e.AuthOutput = &s.Output
		printed, err := c.invoke(ctx, s.Handler, e, extra)
		output = append(output, printed...)
		if err = c.tolerated(s.Handler, err); err != nil {
			failed = append(failed, err)
			continue
		}
		r.Steps = append(r.Steps[:i:i], r.Steps[i+1:]...)
		if len(r.Steps) > 0 {
			unsaved = append(unsaved, j.save(key(r.Event), r))
		}
	}
	if len(r.Steps) == 0 {
		return output, j.remove(key(r.Event))
	}
	return output, errors.Join(append(failed, unsaved...)...)
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

// same tells whether two handlers are one: what they run, and how, as the
// journal has it.
func (h Handler) same(other Handler) bool {
	h.Line, other.Line = 0, 0
	return bytes.Equal(
		write("handler", func(n *notes) { n.handler(&h) }),
		write("handler", func(n *notes) { n.handler(&other) }),
	)
}
