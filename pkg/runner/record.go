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
	unsaved bool // it differs from what is on disk
}

// step is a handler's step in a record.
type step struct {
	*journal.Step
	record *record
	added  bool // by this run
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
	return &record{Record: r, key: key}, nil
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
	unlock, err := p.lock(ctx, p.journal, e)
	if err != nil {
		return nil, err
	}
	p.unlocks = append(p.unlocks, unlock)
	return p.readRecord(e)
}

// beginStep writes a handler's step into a record before the handler is run.
func (p *performance) beginStep(r *record, h *Handler) (step, error) {
	anchored := h.Anchored()
	p.env[envFilesOf(&anchored)] = p.variables(h)
	written, added := r.Step(anchored)
	s := step{written, r, added}
	if err := p.journal.Save(r.key, r.Record); err != nil {
		s.drop()
		return s, err
	}
	return s, nil
}

// end keeps what the handler printed, if it gets that back, and drops the step if
// the handler could not be started: it has nothing to undo then.
func (s step) end(output []byte, err error) {
	if s.Handler.Resolved().To.Replays {
		s.Output, s.record.unsaved = string(output), true
	}
	if isNotStarted(err) {
		s.drop()
	}
}

// drop removes the step, which is the record's last, if this run added it.
func (s step) drop() {
	if s.added {
		s.record.Steps, s.record.unsaved = s.record.Steps[:len(s.record.Steps)-1], true
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
		if err := p.journal.Save(r.key, r.Record); err != nil {
			return err
		}
		r.unsaved = false
	}
	return nil
}
