package runner

import (
	"context"

	"github.com/extauth/extauth/pkg/envmap"
)

// batch runs a handler once for all challenges of the order, after its last. If
// it fails the order has failed, so that all of it is this call's to undo.
func (p *performance) batch(ctx context.Context, h *Handler) error {
	taken := h.Filter(p.all())
	if len(taken) == 0 {
		return nil
	}
	if err := p.gather(ctx); err != nil {
		return err
	}
	for _, group := range h.Groups(taken) {
		if err := p.tolerate(h, p.together(ctx, h, group)); err != nil {
			return err
		}
	}
	return nil
}

// together runs a handler once for several challenges. The journal says first,
// for each of them, that it is going to be run, so that each is cleaned up with
// it.
func (p *performance) together(ctx context.Context, h *Handler, challenges []envmap.Event) error {
	encoded, err := h.EncodeBatch(challenges)
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
func (p *performance) beginSteps(ctx context.Context, h *Handler, challenges []envmap.Event) ([]step, error) {
	var steps []step
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
