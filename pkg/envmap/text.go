package envmap

import (
	"fmt"
	"strings"
)

// text shows a person what to publish, as the text mode of
// certbot-external-auth and certbot's own manual plugin do: what Encode writes
// as standard input is for a terminal, and no program is called.
func text() *Convention {
	return &Convention{
		Name:   "text",
		Doc:    "manual mode: tells a person at the terminal what to publish, and waits for Enter",
		Ref:    "certbot-external-auth 0.0.6 to 0.1.2: certbot_external_auth/plugin.py (text mode); RFC 8555 section 8",
		Traces: "certbot-external-auth-0.0.6",
		To: To{
			Encode: func(e Event) (Call, error) { return encodeText([]Event{e}) },
			Batch:  encodeText,
			Person: true,
		},
	}
}

// encodeText writes what a person has to do for the challenges of an order, or
// what can be taken away again.
func encodeText(order []Event) (Call, error) {
	var b strings.Builder
	for _, e := range order {
		if err := appendPerson(&b, e); err != nil {
			return Call{}, err
		}
	}
	return Call{Stdin: []byte(b.String())}, nil
}

func appendPerson(b *strings.Builder, e Event) error {
	if !e.IsChallenge() {
		return &UnsupportedError{Convention: "text", Cmd: e.Cmd}
	}
	lines, err := response(e)
	if err != nil {
		return err
	}
	heading := "for the identifier %s (%s):\n"
	if e.Cmd == Cleanup {
		heading = "can be removed, for the identifier %s (%s):\n"
	}
	fmt.Fprintf(b, heading, e.Domain, e.Type)
	for _, l := range lines {
		if l.value == "" {
			return &MissingError{"text", l.member}
		}
		fmt.Fprintf(b, "  %-18s %s\n", l.name, l.value)
	}
	return nil
}

// textLine is a line for a person; member is the event's member that has its value.
type textLine struct{ name, value, member string }

// response returns what the CA will look for, in the words of the RFC that defines
// the type.
func response(e Event) ([]textLine, error) {
	switch e.Type {
	case DNS01, DNSAccount01, DNSPersist01: // RFC 8555 section 8.4
		return []textLine{{"TXT record", absolute(e.TXTDomain), "txt_domain"}, {"value", e.Validation, "validation"}}, nil
	case HTTP01: // RFC 8555 section 8.3
		return []textLine{{"URL", e.URI, "uri"}, {"file content", e.Validation, "validation"}}, nil
	case TLSALPN01: // RFC 8737 section 3
		return []textLine{{"protocol", "acme-tls/1", ""}, {"certificate for", e.Domain, "domain"},
			{"acmeIdentifier", ALPNHex(e.Validation), "validation"}}, nil
	case TLSSNI01: // draft-ietf-acme-acme-01 section 7.3
		return []textLine{{"certificate for", e.Validation, "validation"}}, nil
	}
	return nil, &UnsupportedError{Convention: "text", Cmd: e.Cmd, Type: e.Type}
}

// absolute returns a DNS name as a zone file needs it, with its final dot.
func absolute(name string) string {
	if name == "" {
		return ""
	}
	return name + "."
}
