package envmap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// lexicon is the command line of dns-lexicon: the handler's own command is
// lexicon, options and the provider; the action, the zone's name and the record
// follow. One record is made or deleted, by its value.
func lexicon() *Convention {
	return &Convention{
		Name:   "lexicon",
		Doc:    "the lexicon command with a provider: creates or deletes one TXT record, by its value",
		Ref:    "dns-lexicon 3.9.5 and 3.11.7: lexicon/parser.py (generate_base_provider_parser), lexicon/cli.py (handle_output)",
		Traces: "lexicon-documented",
		To: To{
			Encode:   func(e Event) (Call, error) { return encodeLexicon(e, "") },
			Settings: []string{"zone"},
			With:     withLexicon,
			Answer:   lexiconAnswer,
		},
	}
}

// withLexicon reads zone=, for a zone that is not the registered name, and for
// providers that take DOMAIN as it is (ddns). Names outside it are
// not for the handler.
func withLexicon(settings map[string]string) (*Convention, error) {
	c := lexicon()
	zone, found := settings["zone"]
	if !found {
		return c, nil
	}
	if zone = identifier(zone); !isName(zone) {
		return nil, fmt.Errorf("zone=: %s is not a DNS name", quoted(settings["zone"]))
	}
	c.To.Encode = func(e Event) (Call, error) { return encodeLexicon(e, zone) }
	return c, nil
}

// encodeLexicon passes the zone as DOMAIN, or a name below it, which lexicon cuts
// to the registered one. Options are one word with their values: a value may
// begin with a dash.
func encodeLexicon(e Event, zone string) (Call, error) {
	call, err := encodeRecord("lexicon", "create", "delete", e)
	switch {
	case err != nil:
		return Call{}, err
	case zone == "":
		zone = strings.TrimPrefix(e.TXTDomain, "_acme-challenge.")
	case e.TXTDomain != zone && !strings.HasSuffix(e.TXTDomain, "."+zone):
		return Call{}, &UnsupportedError{"lexicon", e.Cmd, e.Type + " outside of zone " + zone}
	}
	call.Args = []string{
		call.Args[0], zone, "TXT",
		"--name=" + e.TXTDomain, "--content=" + e.Validation, "--output=JSON",
	}
	return call, nil
}

// lexiconAnswer judges the result that lexicon prints after its log: it exits
// with 0 even if the provider says false.
func lexiconAnswer(stdout []byte) error {
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	if last := bytes.TrimSpace(lines[len(lines)-1]); bytes.EqualFold(last, []byte("false")) {
		return errors.New("lexicon printed false: its provider has not done it")
	}
	return nil
}
