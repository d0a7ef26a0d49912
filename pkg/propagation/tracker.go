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

// maxErrorLines is how many missing responses an error lists.
const maxErrorLines = 20

// location is where a response is missing. Without an address, the server was
// not found; without a server, the name itself was not.
type location struct {
	challenge int // index
	server    string
	address   string
}

// tracker records what is missing where, and why.
type tracker struct {
	start    time.Time
	progress func(done, all int, missing string)
	trace    func(string)

	mu       sync.Mutex
	subjects []string // what is looked for, by challenge
	done     int
	missing  map[location]string
	hints    []string // possible reasons
}

// expect records that a response is looked for at a location.
func (t *tracker) expect(s location, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hasFailed(s.challenge) {
		return
	}
	t.dropBroader(s)
	if t.missing[s] == "" {
		t.missing[s] = err.Error()
	}
	t.showProgress()
}

// update records why a response is missing; a nil error means that it is there.
func (t *tracker) update(s location, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || !t.hasFailed(s.challenge) {
		t.dropBroader(s)
	}
	if err == nil {
		delete(t.missing, s)
		t.logLocked(t.prefix(s) + "it is there")
	} else if t.missing[s] != err.Error() {
		t.missing[s] = err.Error()
		t.logLocked(t.prefix(s) + err.Error())
	}
	t.showProgress()
}

// hasFailed reports whether a name as a whole has failed. It stays so during
// further tries, until something more specific is known to be missing.
func (t *tracker) hasFailed(id int) bool {
	reason := t.missing[location{challenge: id}]
	return reason != "" && reason != errNotLocated.Error()
}

// dropBroader forgets what was recorded about the whole name or server, since
// something more specific is known now.
func (t *tracker) dropBroader(s location) {
	if s.server != "" || s.address != "" {
		delete(t.missing, location{challenge: s.challenge})
	}
	if s.address != "" {
		delete(t.missing, location{challenge: s.challenge, server: s.server})
	}
}

// clear forgets the locations of a challenge.
func (t *tracker) clear(id int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.missing {
		if s.challenge == id && s != (location{challenge: id}) {
			delete(t.missing, s)
		}
	}
}

// finish counts a challenge whose response is everywhere.
func (t *tracker) finish(id int) {
	t.clear(id)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.missing, location{challenge: id})
	t.done++
	t.logLocked(t.subjects[id] + ": visible")
	t.showProgress()
}

// addHint keeps what a person should know if the wait fails.
func (t *tracker) addHint(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hints = append(t.hints, message)
	t.logLocked(message)
}

// log traces a step of the search.
func (t *tracker) log(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.logLocked(message)
}

func (t *tracker) logLocked(message string) {
	if t.trace != nil {
		t.trace(fmt.Sprintf("%s (%.1fs)", message, time.Since(t.start).Seconds()))
	}
}

func (t *tracker) showProgress() {
	if t.progress == nil {
		return
	}
	first := ""
	for s := range t.missing {
		if line := strings.TrimSuffix(t.prefix(s), ": "); first == "" || line < first {
			first = line
		}
	}
	t.progress(t.done, len(t.subjects), first)
}

// prefix is how a location's line begins.
func (t *tracker) prefix(s location) string {
	text := cmp.Or(s.address, s.server)
	if _, err := netip.ParseAddr(s.server); err != nil && s.address != "" && s.server != "" {
		text += " (" + s.server + ")"
	}
	if text != "" {
		text += ": "
	}
	return text + t.subjects[s.challenge] + ": "
}

// result is nil if nothing is missing.
func (t *tracker) result(waited time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == len(t.subjects) {
		return nil
	}
	var lines []string
	for s, reason := range t.missing {
		lines = append(lines, t.prefix(s)+reason)
	}
	slices.Sort(lines)
	return &UnfinishedError{Waited: waited, Missing: len(t.subjects) - t.done, All: len(t.subjects), Lines: lines, Hints: t.hints}
}

// UnfinishedError reports what was still missing when the time was over, and
// where.
type UnfinishedError struct {
	Waited       time.Duration
	Missing, All int
	Lines        []string // one for each response and location
	Hints        []string // possible reasons
}

func (e *UnfinishedError) Error() string {
	lines := e.Lines[:min(len(e.Lines), maxErrorLines)]
	text := slices.Concat([]string{e.summary()}, e.Hints, lines)
	if rest := len(e.Lines) - len(lines); rest > 0 {
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

// Unfinished reports that another try may well succeed.
func (e *UnfinishedError) Unfinished() bool { return true }

// subject is the URL or the name at which a challenge's response is looked for.
func subject(e envmap.Event) string {
	if e.Type == envmap.HTTP01 {
		return printable(e.URI)
	}
	return printable(e.TXTDomain)
}

// printable returns a name as it is if that is safe, else quoted, and cuts a
// long one.
func printable(s string) string {
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
