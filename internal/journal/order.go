package journal

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// Order is what is known of the challenges of one certificate across the client's
// calls: a file to which a line is added for each challenge, so that a long order
// costs no more for each. The zero Order is one that one call has all of; nothing
// is written of it.
type Order struct {
	journal *Journal
	name    string
}

// Member is a challenge of an order.
type Member struct {
	Event   envmap.Event
	Undone  bool // it was rolled back
	Awaited bool // a handler performs it after the last challenge of the order
}

// memberText is a Member as it is written.
type memberText struct {
	Event   eventText `json:"event"`
	Undone  bool      `json:"undone,omitempty"`
	Awaited bool      `json:"awaited,omitempty"`
}

// orderPrefix begins the name of an order's file.
const orderPrefix = "order-"

// Order returns the order that an event says it belongs to.
func (j *Journal) Order(e envmap.Event) Order {
	if e.Order == "" {
		return Order{}
	}
	return Order{j, orderPrefix + shortHash(e.Client+e.Via+"\n"+e.Order)}
}

// Begin forgets what a run that was killed may have left under the order's name.
func (o Order) Begin() error {
	if o.name == "" {
		return nil
	}
	if err := o.journal.step("forget the order"); err != nil {
		return &Error{err}
	}
	if err := os.Remove(o.journal.path(o.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{err}
	}
	return nil
}

// End forgets the order.
func (o Order) End() error { return o.Begin() }

// Add writes a challenge down, or that it was undone.
func (o Order) Add(m Member) error {
	if o.name == "" {
		return nil
	}
	line, err := encode(memberText{eventText(m.Event), m.Undone, m.Awaited})
	if err != nil {
		return &Error{err}
	}
	f, err := trust.CreatePrivate(o.journal.path(o.name), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return &Error{err}
	}
	if err = o.journal.step("add to the order"); err == nil {
		_, err = f.Write(line)
	}
	return wrap(errors.Join(err, f.Sync(), f.Close()))
}

// Standing lists the challenges that were performed and not undone. known is
// false if nothing is known of the order.
func (o Order) Standing() (events []envmap.Event, known bool) {
	members, known := o.members()
	for _, m := range members {
		events = append(events, m.Event)
	}
	return events, known
}

// Exists reports whether anything is known of the order.
func (o Order) Exists() bool { return o.name != "" && o.journal.Has(o.name) == nil }

// members returns those that stand, each once.
func (o Order) members() (standing []Member, known bool) {
	if o.name == "" {
		return nil, false
	}
	text, err := trust.ReadOwn(o.journal.path(o.name))
	if err != nil {
		return nil, false
	}
	all := parseMembers(string(text))
	left := map[string]bool{}
	for _, m := range all {
		left[Key(m.Event)] = !m.Undone
	}
	for _, m := range all {
		if key := Key(m.Event); left[key] && !m.Undone {
			standing = append(standing, m)
			left[key] = false
		}
	}
	return standing, true
}

// parseMembers reads the lines of an order. One that a crash tore is passed over.
func parseMembers(text string) (all []Member) {
	for line := range strings.Lines(text) {
		var t memberText
		if json.Unmarshal([]byte(line), &t) == nil && t.Event.Cmd != "" && strings.HasSuffix(line, "\n") {
			all = append(all, Member{envmap.Event(t.Event), t.Undone, t.Awaited})
		}
	}
	return all
}

// ForgetOrders removes the orders of which no challenge is left.
func (j *Journal) ForgetOrders() error {
	names, err := j.names()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if o := (Order{j, name}); strings.HasPrefix(name, orderPrefix) && !o.isUnderWay() {
			errs = append(errs, o.End())
		}
	}
	return errors.Join(errs...)
}

// longestOrder is how long a client may take from the first challenge of an order
// to its last.
const longestOrder = 24 * time.Hour

// isUnderWay reports whether a challenge of the order is still performed, or is
// going to be with the last one, of which no record tells.
func (o Order) isUnderWay() bool {
	members, _ := o.members()
	info, err := os.Lstat(o.journal.path(o.name))
	waits := err == nil && time.Since(info.ModTime()) < longestOrder &&
		!slices.ContainsFunc(members, func(m Member) bool { return IsLast(m.Event) })
	return slices.ContainsFunc(members, func(m Member) bool {
		return waits && m.Awaited || o.journal.Has(Key(m.Event)) == nil
	})
}

// IsFirst reports whether a challenge is the first of its order. One whose place
// the client does not tell is an order of its own.
func IsFirst(e envmap.Event) bool {
	return e.Remaining == nil || len(e.Domains) == 0 || *e.Remaining == len(e.Domains)-1
}

// IsLast reports whether a challenge is the last of its order; see IsFirst.
func IsLast(e envmap.Event) bool {
	return e.Remaining == nil || len(e.Domains) == 0 || *e.Remaining == 0
}
