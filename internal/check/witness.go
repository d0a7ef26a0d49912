package check

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// witness is how the values that a hook published are seen.
type witness int

const (
	byNothing witness = iota
	byServer          // by asking a DNS server
	byUpdates         // by the updates that nsupdate was given
	byFile            // by the file in the web root
	byCalls           // by calls of other stand-ins with the value
)

func (w witness) describe(s *suite) string {
	switch w {
	case byServer:
		return fmt.Sprintf("published values are looked up on the DNS server %s", s.server())
	case byUpdates:
		return "published values are those of the updates that nsupdate was given"
	case byFile:
		return "published values are looked for in the web root"
	case byCalls:
		return "published values are those that calls of stand-ins have"
	}
	return "nothing was published that could be seen"
}

// server returns the DNS server that is asked, or "".
func (s *suite) server() dnsServer {
	if s.bind != nil {
		return s.bind.dnsServer
	}
	return dnsServer(s.Server)
}

// findWitness finds out how the value of a performed challenge is seen.
func (s *suite) findWitness(t *trial, r hookRun) witness {
	for _, w := range []witness{byServer, byUpdates, byFile, byCalls} {
		if t.seenBy(w, r.events[0]) {
			return w
		}
	}
	return byNothing
}

// published reports whether a challenge's value is where the CA looks for it.
func (t *trial) published(e envmap.Event) bool { return t.seenBy(t.witness, e) }

func (t *trial) seenBy(w witness, e envmap.Event) bool {
	switch w {
	case byServer:
		return t.askServer(e)
	case byUpdates:
		return t.bind == nil && slices.Contains(t.updates()[e.TXTDomain], e.Validation)
	case byFile:
		text, err := os.ReadFile(t.file(e))
		return err == nil && e.Type == envmap.HTTP01 && string(text) == e.Validation
	case byCalls:
		_, held := t.publications[e.Validation]
		return held
	}
	return false
}

// file is the path of the challenge's response in the web root.
func (s *suite) file(e envmap.Event) string {
	return s.scratch.path("webroot", ".well-known", "acme-challenge", e.Token)
}

func (t *trial) askServer(e envmap.Event) bool {
	if t.server() == "" || e.TXTDomain == "" {
		return false
	}
	found, err := t.server().has(t.ctx, e.TXTDomain, e.Validation)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("DNS server %s: %w", t.server(), err)
	}
	return found
}

// updates returns the records after all updates so far.
func (t *trial) updates() records {
	records := records{}
	for _, r := range t.allRuns {
		for _, c := range r.calls {
			if isUpdate(c) && !r.providersFail {
				records.replay(c.stdin)
			}
		}
	}
	return records
}

func isUpdate(c standInCall) bool { return c.argv[0] == "nsupdate" || c.argv[0] == "knsupdate" }

// record keeps which values the calls of a run published and took away, for
// providers without DNS updates. A cleanup that names neither a value nor an ID
// removes all values of the name.
func (s *suite) record(r hookRun) {
	calls := slices.DeleteFunc(slices.Clone(r.calls), isUpdate)
	if len(calls) == 0 || r.providersFail {
		return
	}
	for _, e := range r.events {
		switch e.Cmd {
		case envmap.PerformChallenge:
			s.addPublished(e, calls)
		case envmap.Cleanup:
			s.removePublished(e, calls)
		}
	}
}

func (s *suite) addPublished(e envmap.Event, calls []standInCall) {
	for _, c := range calls {
		if strings.Contains(c.text(), e.Validation) {
			s.publications[e.Validation] = publication{nameOf(e), fmt.Sprintf("extauth-%d-id", c.number)}
		}
	}
}

func nameOf(e envmap.Event) string { return cmp.Or(e.TXTDomain, e.Domain) }

func (s *suite) removePublished(e envmap.Event, calls []standInCall) {
	text := ""
	for _, c := range calls {
		text += c.text() + "\n"
	}
	count := len(s.publications)
	maps.DeleteFunc(s.publications, func(value string, at publication) bool {
		return strings.Contains(text, value) || strings.Contains(text, at.id)
	})
	if len(s.publications) == count {
		maps.DeleteFunc(s.publications, func(_ string, at publication) bool { return at.name == nameOf(e) })
	}
}
