package runner

import (
	"context"
	"errors"
	"time"

	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/pkg/envmap"
)

// record is the journal's record of a challenge that is being performed.
type record struct {
	*journal.Record
	key     string
	claimed []bool // for each step, whether it is this run's and not left by an earlier one
	unsaved bool   // it differs from what is on disk
}

// step is a handler's step in a record: the handler, and what it printed.
type step struct {
	record  *record
	handler *Handler
	index   int
	fresh   bool // added by this run
}

// readRecord reads a challenge's record, or makes one. A torn one is lost.
func (p *performance) readRecord(e envmap.Event) (*record, error) {
	key := journal.Key(e)
	r, err := p.journal.Load(key)
	if errors.As(err, new(*journal.TornError)) {
		p.warn("warning: " + err.Error())
	} else if err != nil {
		return nil, err
	}
	if r == nil {
		r = &journal.Record{Started: time.Now()}
	}
	r.Event = e
	return &record{Record: r, key: key, claimed: make([]bool, len(r.Steps))}, nil
}

// recordOf finds the record of one of the order's challenges. That of an earlier
// call is locked until this call ends.
func (p *performance) recordOf(ctx context.Context, e envmap.Event) (*record, error) {
	key := journal.Key(e)
	for _, r := range p.done {
		if r.key == key {
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

// beginStep writes a handler's step into a record before the handler is run.
func (p *performance) beginStep(r *record, h *Handler) (*step, error) {
	s := r.claim(h)
	if err := p.journal.Save(r.key, r.Record); err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

// claim finds a handler's step, from a run that ended before its time, or adds
// it. Each is found once in a run: a chain may have the same line twice.
func (r *record) claim(h *Handler) *step {
	for i := range r.Steps {
		if !r.claimed[i] && r.Steps[i].Handler.Equal(h) {
			r.claimed[i] = true
			return &step{r, h, i, false}
		}
	}
	r.Steps = append(r.Steps, journal.Step{Handler: *h})
	r.claimed = append(r.claimed, true)
	return &step{r, h, len(r.Steps) - 1, true}
}

// end keeps what the handler printed, if it gets that back, and drops the step if
// the handler could not be started: it has nothing to undo then.
func (s *step) end(output []byte, err error) {
	if s.handler.Speaks().To.Replays {
		s.record.Steps[s.index].Output, s.record.unsaved = string(output), true
	}
	if isNotStarted(err) {
		s.drop()
	}
}

// drop removes the step, which is the record's last, if this run added it.
func (s *step) drop() {
	if s.fresh {
		s.record.Steps, s.record.claimed = s.record.Steps[:s.index], s.record.claimed[:s.index]
		s.record.unsaved = true
	}
}

func isNotStarted(err error) bool {
	return errors.As(err, new(*StartError)) || errors.As(err, new(*UnsafeError)) || errors.As(err, new(*TerminalError))
}

// keep puts on disk what became known after a handler's end: what it printed, if
// it gets that back, and that it was not run at all.
func (p *performance) keep(records ...*record) error {
	for _, r := range records {
		if !r.unsaved {
			continue
		}
		if err := p.put(r); err != nil {
			return err
		}
		r.unsaved = false
	}
	return nil
}

// put saves a record, or removes it if no handler is left in it.
func (p *performance) put(r *record) error {
	if len(r.Steps) == 0 {
		return p.journal.Remove(r.key)
	}
	return p.journal.Save(r.key, r.Record)
}
