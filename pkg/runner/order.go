package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// order is what is known of the challenges of one certificate across the
// client's calls: a file in the journal to which a line is added for each
// challenge, so that a long order costs no more for each.
type order struct {
	journal journal
	name    string // "" for an order that one call has all of
}

// member is a line of an order's file.
type member struct {
	Event   envmap.Event
	Undone  bool // the challenge was rolled back
	Awaited bool // a handler performs it behind the last of the order
}

func (j journal) order(e envmap.Event) order {
	if e.Order == "" {
		return order{}
	}
	sum := sha256.Sum256([]byte(e.Client + e.Via + "\n" + e.Order))
	return order{j, "order-" + hex.EncodeToString(sum[:16])}
}

// begin forgets what a run that was killed may have left under this name.
func (o order) begin() error {
	if o.name == "" {
		return nil
	}
	if err := o.journal.at("forget the order"); err != nil {
		return &JournalError{err}
	}
	if err := os.Remove(o.journal.path(o.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &JournalError{err}
	}
	return nil
}

// add puts a challenge on the order's file, or takes it off.
func (o order) add(m member) error {
	if o.name == "" {
		return nil
	}
	f, err := o.journal.place(o.name).private(os.O_CREATE | os.O_WRONLY | os.O_APPEND)
	if err != nil {
		return &JournalError{err}
	}
	if err = o.journal.at("add to the order"); err == nil {
		_, err = f.Write(write("member", func(n *notes) { n.member(&m) }))
	}
	if err := errors.Join(err, f.sync(), f.Close()); err != nil {
		return &JournalError{err}
	}
	return nil
}

// standing lists the order's challenges that were performed and not undone;
// known is false where nothing is known of the order.
func (o order) standing() (events []envmap.Event, known bool) {
	members, known := o.members()
	for _, m := range members {
		events = append(events, m.Event)
	}
	return events, known
}

// members reads those that stand. A line that a crash tore is passed over.
func (o order) members() (standing []member, known bool) {
	if o.name == "" {
		return nil, false
	}
	text, err := o.journal.readOwn(o.name)
	if err != nil {
		return nil, false
	}
	undone := map[string]bool{}
	var all []member
	for line := range strings.Lines(string(text)) {
		var m member
		if readMember(line, &m) != nil {
			continue
		}
		undone[key(m.Event)] = m.Undone
		if !m.Undone {
			all = append(all, m)
		}
	}
	for _, m := range all {
		if !undone[key(m.Event)] {
			standing = append(standing, m)
			undone[key(m.Event)] = true // once
		}
	}
	return standing, true
}

// exists tells whether anything is known of the order.
func (o order) exists() bool {
	if o.name == "" {
		return false
	}
	_, err := os.Lstat(o.journal.path(o.name))
	return err == nil
}

// end forgets the order.
func (o order) end() error { return o.begin() }

// isFirst and isLast tell a challenge's place in its order. One of which the
// client says nothing is an order of its own.
func isFirst(e envmap.Event) bool {
	return e.Remaining == nil || len(e.Domains) == 0 || *e.Remaining == len(e.Domains)-1
}

func isLast(e envmap.Event) bool {
	return e.Remaining == nil || len(e.Domains) == 0 || *e.Remaining == 0
}
