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

// witness is how it is known what a hook has published.
type witness int

const (
	unseen    witness = iota
	byServer          // a DNS server is asked
	byUpdates         // the updates that nsupdate was given are counted up
	byFile            // the file is in the web root
	byCalls           // the value was named in calls of other stand-ins
)

func (w witness) describe(s *suite) string {
	switch w {
	case byServer:
		return fmt.Sprintf("what is published is asked of the DNS server %s", s.server())
	case byUpdates:
		return "what is published is known by the updates that nsupdate was given"
	case byFile:
		return "what is published is looked for in the web root"
	case byCalls:
		return "what is published is known by the values that calls name"
	}
	return "nothing was published that could be seen"
}

// server is the DNS server that is asked; none: "".
func (s *suite) server() server {
	if s.bind != nil {
		return s.bind.server
	}
	return server(s.Server)
}

// witness finds out by which of them a challenge that was performed is seen.
func (s *suite) witness(b *bench, r run) witness {
	for _, w := range []witness{byServer, byUpdates, byFile, byCalls} {
		if b.seenBy(w, r.events[0]) {
			return w
		}
	}
	return unseen
}

// published reports whether a challenge's value is where the CA looks for it.
func (b *bench) published(e envmap.Event) bool { return b.seenBy(b.seen, e) }

func (b *bench) seenBy(w witness, e envmap.Event) bool {
	switch w {
	case byServer:
		return b.askServer(e)
	case byUpdates:
		return b.bind == nil && slices.Contains(b.replayed()[e.TXTDomain], e.Validation)
	case byFile:
		text, err := os.ReadFile(b.file(e))
		return err == nil && e.Type == envmap.HTTP01 && string(text) == e.Validation
	case byCalls:
		_, held := b.held[e.Validation]
		return held
	}
	return false
}

// file is where the CA would find the challenge's response.
func (s *suite) file(e envmap.Event) string {
	return s.scratch.path("webroot", ".well-known", "acme-challenge", e.Token)
}

func (b *bench) askServer(e envmap.Event) bool {
	if b.server() == "" || e.TXTDomain == "" {
		return false
	}
	there, err := b.server().has(b.ctx, e.TXTDomain, e.Validation)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("DNS server %s: %w", b.server(), err)
	}
	return there
}

// replayed are the records that all updates so far leave.
func (b *bench) replayed() records {
	left := records{}
	for _, r := range b.runs {
		for _, c := range r.calls {
			if isUpdate(c) && !r.refused {
				left.replay(c.stdin)
			}
		}
	}
	return left
}

func isUpdate(c call) bool { return c.argv[0] == "nsupdate" || c.argv[0] == "knsupdate" }

// account keeps which values the calls of a run published and took away, for
// providers that are asked by other means than updates. A clean-up that names
// neither a value nor what the stand-in called it means all that the name has.
func (s *suite) account(r run) {
	others := slices.DeleteFunc(slices.Clone(r.calls), isUpdate)
	if len(others) == 0 || r.refused {
		return
	}
	for _, e := range r.events {
		switch e.Cmd {
		case envmap.PerformChallenge:
			s.hold(e, others)
		case envmap.Cleanup:
			s.release(e, others)
		}
	}
}

func (s *suite) hold(e envmap.Event, calls []call) {
	for _, c := range calls {
		if strings.Contains(c.text(), e.Validation) {
			s.held[e.Validation] = publication{nameOf(e), fmt.Sprintf("extauth-%d-id", c.number)}
		}
	}
}

func nameOf(e envmap.Event) string { return cmp.Or(e.TXTDomain, e.Domain) }

func (s *suite) release(e envmap.Event, calls []call) {
	text := ""
	for _, c := range calls {
		text += c.text() + "\n"
	}
	before := len(s.held)
	maps.DeleteFunc(s.held, func(value string, at publication) bool {
		return strings.Contains(text, value) || strings.Contains(text, at.id)
	})
	if len(s.held) == before {
		maps.DeleteFunc(s.held, func(_ string, at publication) bool { return at.name == nameOf(e) })
	}
}
