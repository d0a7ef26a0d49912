package runner

import (
	"context"
	"errors"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// batch runs a handler once for all challenges of the order, behind its last.
// When it fails the order has failed, so that all of it is this call's to undo.
func (p *performance) batch(ctx context.Context, h Handler) error {
	order := h.ofOrder(p.all())
	if len(order) == 0 {
		return nil
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	for _, group := range h.groups(order) {
		if err := p.tolerated(h, p.together(ctx, h, group)); err != nil {
			return err
		}
	}
	return nil
}

// groups are the challenges of each call: all in one, or one call for each type
// where the convention cannot mix them.
func (h *Handler) groups(order []envmap.Event) [][]envmap.Event {
	convention := h.convention()
	if _, err := convention.EncodeBatch(h.toldAll(order)); !errors.As(err, new(*envmap.UnsupportedError)) {
		return [][]envmap.Event{order}
	}
	var groups [][]envmap.Event
	place := map[string]int{}
	for _, e := range order {
		i, known := place[e.Type]
		if !known {
			i = len(groups)
			place[e.Type], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// together runs a handler once for several challenges. The journal says first,
// for each of them, that it is going to be run, so that each is cleaned up with
// it.
func (p *performance) together(ctx context.Context, h Handler, challenges []envmap.Event) error {
	convention := h.convention()
	encoded, err := convention.EncodeBatch(h.toldAll(challenges))
	if err != nil {
		return err
	}
	steps, err := p.begin(ctx, h, challenges)
	if err != nil {
		return err
	}
	output, err := p.execute(ctx, h, challenges[len(challenges)-1], &encoded, nil)
	for _, s := range steps {
		s.end(h, output, err)
	}
	if err == nil {
		p.output = append(p.output, output...)
		p.verify(ctx, h, challenges)
	}
	return err
}

// ofOrder are the challenges that the handler takes.
func (h *Handler) ofOrder(all []envmap.Event) []envmap.Event {
	var taken []envmap.Event
	for _, e := range all {
		if call, err := h.takes(e); call != nil && err == nil {
			taken = append(taken, e)
		}
	}
	return taken
}

func (h *Handler) toldAll(order []envmap.Event) []envmap.Event {
	told := make([]envmap.Event, len(order))
	for i, e := range order {
		told[i] = h.told(e)
	}
	return told
}

// begun is a handler's step in a challenge's record.
type begun struct {
	record *record
	step   *step
	fresh  bool
}

// begin writes a handler's step into the record of each challenge.
func (p *performance) begin(ctx context.Context, h Handler, order []envmap.Event) ([]begun, error) {
	var steps []begun
	for _, e := range order {
		r, err := p.recordOf(ctx, e)
		if err != nil {
			return nil, err
		}
		s, err := p.beginStep(r, h)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// beginStep writes a handler's step into a record before the handler is run.
func (p *performance) beginStep(r *record, h Handler) (begun, error) {
	s, fresh := r.step(h)
	if err := p.journal.save(key(r.Event), r); err != nil {
		r.drop(fresh)
		return begun{}, err
	}
	return begun{r, s, fresh}, nil
}

// end keeps what the handler printed, where it gets it back, and takes the step
// away where it could not be started: it has nothing to undo then.
func (b begun) end(h Handler, output []byte, err error) {
	if h.convention().To.Replays {
		b.step.Output, b.record.unsaved = string(output), true // for others it is nothing to keep
	}
	if b.fresh && isNotStarted(err) {
		b.record.drop(true)
		b.record.unsaved = true
	}
}

func isNotStarted(err error) bool {
	return errors.As(err, new(*StartError)) || errors.As(err, new(*UnsafeError)) || errors.As(err, new(*TerminalError))
}

// gather finds the records of the whole order, in its order. Those that earlier
// calls left are locked until this call ends.
func (p *performance) gather(ctx context.Context) error {
	var all []*record
	for _, e := range p.all() {
		r, err := p.recordOf(ctx, e)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	p.done = all
	return nil
}

func (p *performance) recordOf(ctx context.Context, e envmap.Event) (*record, error) {
	name := key(e)
	for _, r := range p.done {
		if r.key == name {
			return r, nil
		}
	}
	unlock, err := p.lockAll(ctx, p.journal, []envmap.Event{e})
	p.unlocks = append(p.unlocks, unlock)
	if err != nil {
		return nil, err
	}
	return p.readRecord(e)
}

// readRecord reads a challenge's record, or makes one. What is torn is lost.
func (p *performance) readRecord(e envmap.Event) (*record, error) {
	r, err := p.journal.load(key(e))
	if errors.As(err, new(*TornError)) {
		p.Warn("warning: " + err.Error())
	} else if err != nil {
		return nil, err
	}
	if r == nil {
		r = &record{Started: time.Now()}
	}
	r.Event, r.key = e, key(e)
	return r, nil
}
