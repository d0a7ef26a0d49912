package wait

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
)

// isPhase reports whether a word is a phase of the handler convention.
func isPhase(word string) bool {
	switch word {
	case "pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup", "deploy_cert", "unchanged_cert":
		return true
	}
	return false
}

// operandGroup reads dns NAME VALUE or http URL BODY from the front of words.
func operandGroup(words []string) (envmap.Event, error) {
	e := envmap.Event{Cmd: envmap.PerformChallenge}
	if words[0] != "dns" && words[0] != "http" {
		return e, cli.Usage("unknown challenge type %q (want dns or http)", words[0])
	}
	if len(words) < 3 {
		return e, cli.Usage("%s needs two operands and has %d", words[0], len(words)-1)
	}
	e.Validation = words[2]
	if words[0] == "http" {
		e.Type, e.URI = envmap.HTTP01, words[1]
		return e, checkText("BODY", e.Validation)
	}
	e.Type, e.TXTDomain = envmap.DNS01, strings.TrimSuffix(strings.ToLower(words[1]), ".")
	return e, errors.Join(checkName(words[1], e.TXTDomain), checkText("VALUE", e.Validation))
}

// checkName allows identifiers except for wildcards and addresses.
func checkName(typed, name string) error {
	challenge := envmap.Event{Cmd: envmap.PerformChallenge, Type: envmap.DNS01, Domain: name, Validation: strings.Repeat("x", 43)}
	if challenge.Validate() != nil {
		return &envmap.ValueError{Name: "NAME", Value: typed, Reason: "is not a DNS name"}
	}
	return nil
}

// checkText allows 1 to 255 printable ASCII characters, which is what fits into
// one string of a TXT record (RFC 1035 section 3.3.14).
func checkText(name, text string) error {
	printable := func(r rune) bool { return ' ' <= r && r <= '~' }
	if text == "" || len(text) > 255 || strings.ContainsFunc(text, func(r rune) bool { return !printable(r) }) {
		return &envmap.ValueError{Name: name, Value: text, Reason: "is not 1 to 255 printable ASCII characters"}
	}
	return nil
}

// readChallenges reads an order's lines. A wrong line ends it, since waiting
// only for the others would report success too early.
func readChallenges(ctx context.Context, p *cli.Program) (challenges []envmap.Event, err error) {
	err = cli.ReadLines(ctx, p.Stdin, nil, func(number int, line []byte, err error) error {
		var found []envmap.Event
		if err == nil {
			found, err = challengesOf(line, p.Env)
		}
		if err != nil {
			return cli.Refused(fmt.Errorf("line %d: %w", number, err))
		}
		challenges = append(challenges, found...)
		return nil
	})
	return challenges, err
}

// challengesOf returns the challenges of a line: its own, or those of the order
// that it ends.
func challengesOf(line []byte, env map[string]string) (found []envmap.Event, err error) {
	convention, _ := envmap.Lookup("json")
	events, err := convention.Decode(envmap.Call{Stdin: line, Env: env})
	if err != nil {
		return nil, err
	}
	if events[0].Cmd == envmap.PostPerform {
		events = events[0].Challenges
	}
	for _, e := range events {
		dns := strings.HasPrefix(e.Type, "dns-")
		if e.Cmd != envmap.PerformChallenge || !dns && e.Type != envmap.HTTP01 {
			continue // nothing to be seen
		}
		if dns && e.TXTDomain == "" {
			return nil, &envmap.MissingError{Convention: e.Type, Field: "txt_domain"}
		}
		found = append(found, e)
	}
	return found, nil
}

// distinct removes duplicates. A wildcard and its parent domain are two values
// at one name, and both stay.
func distinct(challenges []envmap.Event) []envmap.Event {
	type response struct{ name, uri, value string }
	seen := map[response]bool{}
	var rest []envmap.Event
	for _, e := range challenges {
		r := response{e.TXTDomain, e.URI, e.Validation}
		if e.Type == envmap.HTTP01 {
			r.name = ""
		} else {
			r.uri = ""
		}
		if !seen[r] {
			seen[r] = true
			rest = append(rest, e)
		}
	}
	return rest
}
