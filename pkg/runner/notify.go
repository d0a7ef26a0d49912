package runner

import (
	"context"
	"errors"
	"slices"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// notify runs the handlers for an event that is not a challenge. All are run,
// and their errors joined; generate_csr ends with the first handler that prints
// something.
func (c *call) notify(ctx context.Context, events []envmap.Event) error {
	var errs []error
	for _, e := range events {
		for i := range c.Chain {
			h := &c.Chain[i]
			output, err := c.invoke(ctx, h, e, nil)
			errs = append(errs, c.tolerate(h, c.inform(h, e, err)))
			c.output = append(c.output, output...)
			if e.Cmd == envmap.GenerateCSR && len(output) > 0 {
				break
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.deliver(ctx)
}

// inform turns the failure of an informational event into a warning: the client
// only lets its hook know, and a failure would only keep it from going on.
func (c *call) inform(h *Handler, e envmap.Event, err error) error {
	if err == nil || h.Strict || !e.Informational() || process.Interrupted(err) {
		return err
	}
	c.warn("warning: " + err.Error())
	return nil
}

// bracket runs an order's pre- or post- phase: the chain in order, or bottom to
// top for a clean-up, whose errors are joined.
func (c *call) bracket(ctx context.Context, e envmap.Event, extra map[string]string) error {
	var errs []error
	for _, h := range c.chainFor(e.Cmd) {
		if !h.Bracketed() {
			continue
		}
		output, err := c.invoke(ctx, h, e, extra)
		if err = c.tolerate(h, err); err != nil && !isCleaning(e.Cmd) {
			return err
		}
		errs = append(errs, err)
		if extra == nil {
			c.output = append(c.output, output...)
		}
	}
	return errors.Join(errs...)
}

// chainFor is the chain in the order in which it is run for an event.
func (c *call) chainFor(cmd envmap.Cmd) []*Handler {
	handlers := make([]*Handler, len(c.Chain))
	for i := range c.Chain {
		handlers[i] = &c.Chain[i]
	}
	if isCleaning(cmd) {
		slices.Reverse(handlers)
	}
	return handlers
}

func isBracket(cmd envmap.Cmd) bool {
	switch cmd {
	case envmap.PrePerform, envmap.PostPerform, envmap.PreCleanup, envmap.PostCleanup:
		return true
	}
	return false
}

// isCleaning reports whether an event is run bottom to top.
func isCleaning(cmd envmap.Cmd) bool {
	return cmd == envmap.Cleanup || cmd == envmap.PreCleanup || cmd == envmap.PostCleanup
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
