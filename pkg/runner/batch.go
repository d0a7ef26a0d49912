package runner

import (
	"context"
	"errors"
	"slices"

	"github.com/extauth/extauth/pkg/envmap"
)

// batch runs a handler once for all challenges of the order, after its last. If
// it fails the order has failed, so that all of it is this call's to undo.
func (p *performance) batch(ctx context.Context, h *Handler) error {
	taken := takenBy(h, p.all())
	if len(taken) == 0 {
		return nil
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	for _, group := range groups(h, taken) {
		if err := p.tolerate(h, p.together(ctx, h, group)); err != nil {
			return err
		}
	}
	return nil
}

// groups are the challenges of each call: all in one, or one call for each type
// if the convention cannot mix them.
func groups(h *Handler, order []envmap.Event) [][]envmap.Event {
	if _, err := encodeBatch(h, order); !errors.As(err, new(*envmap.UnsupportedError)) {
		return [][]envmap.Event{order}
	}
	var types []string
	byType := map[string][]envmap.Event{}
	for _, e := range order {
		if !slices.Contains(types, e.Type) {
			types = append(types, e.Type)
		}
		byType[e.Type] = append(byType[e.Type], e)
	}
	var all [][]envmap.Event
	for _, name := range types {
		all = append(all, byType[name])
	}
	return all
}

// encodeBatch encodes one call for several challenges.
func encodeBatch(h *Handler, order []envmap.Event) (envmap.Call, error) {
	aliased := make([]envmap.Event, len(order))
	for i, e := range order {
		aliased[i] = h.Aliased(e)
	}
	return h.Speaks().EncodeBatch(aliased)
}

// takenBy are the challenges that a handler takes.
func takenBy(h *Handler, order []envmap.Event) []envmap.Event {
	var taken []envmap.Event
	for _, e := range order {
		if encoded, err := h.Takes(e); encoded != nil && err == nil {
			taken = append(taken, e)
		}
	}
	return taken
}

// together runs a handler once for several challenges. The journal says first,
// for each of them, that it is going to be run, so that each is cleaned up with
// it.
func (p *performance) together(ctx context.Context, h *Handler, challenges []envmap.Event) error {
	encoded, err := encodeBatch(h, challenges)
	if err != nil {
		return err
	}
	steps, err := p.beginSteps(ctx, h, challenges)
	if err != nil {
		return err
	}
	output, err := p.execute(ctx, h, challenges[len(challenges)-1], &encoded, nil)
	for _, s := range steps {
		s.end(output, err)
	}
	if err == nil {
		p.output = append(p.output, output...)
		p.verify(ctx, h, challenges)
	}
	return err
}

// beginSteps writes a handler's step into the record of each challenge.
func (p *performance) beginSteps(ctx context.Context, h *Handler, challenges []envmap.Event) ([]*step, error) {
	var steps []*step
	for _, e := range challenges {
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
