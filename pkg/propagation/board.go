package propagation

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// maxLines is how many missing responses an error names.
const maxLines = 20

// spot is a place where a response is missing. Without an address it is the
// server that is not found, without a server the whole name.
type spot struct {
	id      int // of the challenge
	server  string
	address string
}

// board has what is missing where, and why.
type board struct {
	start    time.Time
	progress func(done, all int, missing string)
	trace    func(string)

	mu       sync.Mutex
	subjects []string // of the challenges: what is looked for
	done     int
	missing  map[spot]string
	hints    []string // what may be the reason
}

// expect notes that something is to be looked for.
func (b *board) expect(s spot, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stuck(s.id) {
		return
	}
	b.place(s)
	if b.missing[s] == "" {
		b.missing[s] = err.Error()
	}
	b.show()
}

// put notes why something is missing; there is no reason where it is not.
func (b *board) put(s spot, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || !b.stuck(s.id) {
		b.place(s)
	}
	if err == nil {
		delete(b.missing, s)
		b.say(b.line(s) + "it is there")
	} else if b.missing[s] != err.Error() {
		b.missing[s] = err.Error()
		b.say(b.line(s) + err.Error())
	}
	b.show()
}

// stuck tells whether a name as a whole has failed. That stays noted while it is
// tried again, until something else is known to be missing.
func (b *board) stuck(id int) bool {
	reason := b.missing[spot{id: id}]
	return reason != "" && reason != errSeeking.Error()
}

// place ends the notes about a name, or a server, as a whole: there is one about
// a place.
func (b *board) place(s spot) {
	if s.server != "" || s.address != "" {
		delete(b.missing, spot{id: s.id})
	}
	if s.address != "" {
		delete(b.missing, spot{id: s.id, server: s.server})
	}
}

// clear takes the notes about a challenge's places away.
func (b *board) clear(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.missing {
		if s.id == id && s != (spot{id: id}) {
			delete(b.missing, s)
		}
	}
}

// finish counts a challenge whose response is everywhere.
func (b *board) finish(id int) {
	b.clear(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.missing, spot{id: id})
	b.done++
	b.say(b.subjects[id] + ": visible")
	b.show()
}

// hint keeps what a person should know where the wait fails.
func (b *board) hint(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hints = append(b.hints, message)
	b.say(message)
}

// note tells a step of the search.
func (b *board) note(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.say(message)
}

func (b *board) say(message string) {
	if b.trace != nil {
		b.trace(fmt.Sprintf("%s (%.1fs)", message, time.Since(b.start).Seconds()))
	}
}

func (b *board) show() {
	if b.progress == nil {
		return
	}
	first := ""
	for s := range b.missing {
		if line := strings.TrimSuffix(b.line(s), ": "); first == "" || line < first {
			first = line
		}
	}
	b.progress(b.done, len(b.subjects), first)
}

// line is what a spot's line begins with.
func (b *board) line(s spot) string {
	where := cmp.Or(s.address, s.server)
	if _, err := netip.ParseAddr(s.server); err != nil && s.address != "" && s.server != "" {
		where += " (" + s.server + ")"
	}
	if where != "" {
		where += ": "
	}
	return where + b.subjects[s.id] + ": "
}

// error is nil where nothing is missing.
func (b *board) error(waited time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done == len(b.subjects) {
		return nil
	}
	var lines []string
	for s, reason := range b.missing {
		lines = append(lines, b.line(s)+reason)
	}
	slices.Sort(lines)
	return &UnfinishedError{Waited: waited, Missing: len(b.subjects) - b.done, All: len(b.subjects), Lines: lines, Hints: b.hints}
}

// UnfinishedError says what was missing where when the time was over.
type UnfinishedError struct {
	Waited       time.Duration
	Missing, All int
	Lines        []string // one for each response at each place
	Hints        []string // what may be the reason
}

func (e *UnfinishedError) Error() string {
	shown := e.Lines[:min(len(e.Lines), maxLines)]
	text := slices.Concat([]string{e.summary()}, e.Hints, shown)
	if rest := len(e.Lines) - len(shown); rest > 0 {
		text = append(text, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(text, "\n")
}

func (e *UnfinishedError) summary() string {
	if e.Waited == 0 {
		return fmt.Sprintf("%d of %d not visible", e.Missing, e.All)
	}
	return fmt.Sprintf("%d of %d not visible after %s", e.Missing, e.All, e.Waited)
}

// Unfinished tells that another try may well succeed.
func (e *UnfinishedError) Unfinished() bool { return true }

// subject is what a challenge's response is looked for at.
func subject(e envmap.Event) string {
	if e.Type == envmap.HTTP01 {
		return shown(e.URI)
	}
	return shown(e.TXTDomain)
}

// shown writes a name as it is where that is safe, else quoted; it is cut where
// it is long.
func shown(s string) string {
	const most = 200
	safe := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' })
	switch {
	case len(s) > most:
		return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
	case safe && s != "":
		return s
	}
	return fmt.Sprintf("%q", s)
}
