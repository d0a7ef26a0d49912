package runner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

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
	j := r.journal()
	if err := j.check(); err != nil {
		return nil, err
	}
	files, err := namesIn(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &JournalError{err}
	}
	var found []*Leftover
	var faults []error
	for _, file := range files {
		if !isKey(file) {
			continue
		}
		record, err := j.load(file)
		faults = append(faults, err)
		if record != nil {
			found = append(found, leftover(file, record))
		}
	}
	slices.SortStableFunc(found, func(a, b *Leftover) int { return b.Started.Compare(a.Started) })
	var all []Leftover
	for _, l := range found {
		all = append(all, *l)
	}
	return all, errors.Join(faults...)
}

// namesIn are the names in a directory, sorted. (os.ReadDir looks at each of them
// besides, which makes every program larger.)
func namesIn(directory string) ([]string, error) {
	d, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// isKey tells a record's name from those of locks, orders and files set aside.
func isKey(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

func leftover(id string, r *record) *Leftover {
	l := &Leftover{ID: id, Event: r.Event, Started: r.Started}
	for _, s := range r.Steps {
		l.Handlers = append(l.Handlers, s.Handler)
	}
	return l
}

// CleanLeftover cleans up a challenge with the handlers that were started for
// it, last first, as an order of its own. One that another process holds is
// left alone, with a *LockedError.
func (r *Runner) CleanLeftover(ctx context.Context, l Leftover) error {
	closeInherited()
	ours := *r
	ours.Chain = l.Handlers
	c := &call{Runner: &ours, env: map[string]map[string]string{}}
	if err := c.readEnvFiles(); err != nil {
		return err
	}
	j := c.journal()
	at := j.place(l.ID + ".lock")
	h, err := tryLock(at)
	if err != nil {
		return &JournalError{err}
	}
	if h == nil {
		return &LockedError{l.Event.Domain}
	}
	defer release(h, at)
	return c.cleanLeftover(ctx, j, l.ID)
}

func (c *call) cleanLeftover(ctx context.Context, j journal, id string) error {
	r, err := j.load(id)
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

// ForgetOrders removes what is known of orders of which no challenge is left.
func (r *Runner) ForgetOrders() error {
	j := r.journal()
	files, err := namesIn(j.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &JournalError{err}
	}
	var errs []error
	for _, file := range files {
		if o := (order{j, file}); strings.HasPrefix(o.name, "order-") && !o.isUnderWay() {
			errs = append(errs, o.end())
		}
	}
	return errors.Join(errs...)
}

// longestOrder is for how long a client may take from the first challenge of an
// order to its last.
const longestOrder = 24 * time.Hour

// isUnderWay tells whether a challenge of the order is still performed, or is
// going to be with the last one, which no record tells.
func (o order) isUnderWay() bool {
	members, _ := o.members()
	info, err := os.Lstat(o.journal.path(o.name))
	waits := err == nil && time.Since(info.ModTime()) < longestOrder &&
		!slices.ContainsFunc(members, func(m member) bool { return isLast(m.Event) })
	return slices.ContainsFunc(members, func(m member) bool {
		return waits && m.Awaited || o.journal.has(key(m.Event)) == nil
	})
}
