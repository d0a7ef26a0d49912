package envmap

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// jsonLines is the wire format of certbot-external-auth: one object a line,
// "cmd" first, in the spacing of Python's json.dumps. Its documentation and
// the plugin's plugin.py (class AuthenticatorOut) are the source of the
// members and their order; events that the plugin did not have are in its style.
func jsonLines() *Convention {
	return &Convention{
		Name:   "json",
		Doc:    "one JSON object per line on standard input, as certbot-external-auth wrote them",
		Ref:    "certbot-external-auth 0.0.6 to 0.1.2: README, certbot_external_auth/plugin.py",
		Traces: "certbot-external-auth-0.0.6",
		From: From{
			Decode: decodeJSON,
		},
		To: To{
			Encode: encodeJSON,
		},
	}
}

func encodeJSON(e Event) (Call, error) {
	if _, known := fieldsOf(e.Cmd); !known {
		return Call{}, &UnsupportedError{Convention: "json", Cmd: e.Cmd}
	}
	return Call{Stdin: jsonLine(e)}, nil
}

// jsonLine returns an event's line in the canonical form, with its line feed.
// Members that the client did not send are left out.
func jsonLine(e Event) []byte { return append(appendEvent(make([]byte, 0, 512), &e), '\n') }

func appendEvent(b []byte, e *Event) []byte {
	b = append(b, `{"cmd": `...)
	b = appendString(b, string(e.Cmd))
	members, _ := fieldsOf(e.Cmd)
	for _, f := range members {
		b = appendMember(b, e, f)
	}
	for _, m := range e.Extra {
		b = appendExtra(b, m)
	}
	if e.Peer != nil {
		b = strconv.AppendInt(appendName(b, peerUID), int64(*e.Peer), 10)
	}
	return append(b, '}')
}

// appendMember appends one member, or nothing if the client did not say it.
func appendMember(b []byte, e *Event, f *field) []byte {
	switch {
	case len(e.Nulls) > 0 && slices.Contains(e.Nulls, f.name):
		return append(appendName(b, f.name), "null"...)
	case f.text != nil:
		return appendText(b, e, f)
	case f.list != nil:
		return appendList(b, f.name, *f.list(e))
	case f.name == "remaining":
		return appendRemaining(b, e)
	}
	return appendChallenges(b, e)
}

func appendText(b []byte, e *Event, f *field) []byte {
	value := *f.text(e)
	switch {
	case value == "" && !(f.name == "error" && e.Failed):
		return b
	case e.Cmd == Cleanup && f.name == "txt_domain" && value == TXTName(e.Type, e.Domain):
		return b // only written if it does not follow from the domain
	case f.literal:
		return append(appendName(b, f.name), value...)
	}
	return appendString(appendName(b, f.name), value)
}

// peerUID is the member that a process which listens adds to an event: the user
// id of its sender. It is never taken from the sender's line.
const peerUID = "peer_uid"

// From returns the event as one that came in at an address, from a process with
// that user id.
func (e Event) From(address string, uid int) Event {
	e.Via, e.Peer = address, &uid
	extra := e.Extra
	e.Extra = nil
	for _, m := range extra {
		if m.Name != peerUID {
			e.Extra = append(e.Extra, m)
		}
	}
	return e
}

func appendRemaining(b []byte, e *Event) []byte {
	if e.Remaining == nil {
		return b
	}
	return strconv.AppendInt(appendName(b, "remaining"), int64(*e.Remaining), 10)
}

func appendChallenges(b []byte, e *Event) []byte {
	if len(e.Challenges) == 0 {
		return b
	}
	b = append(appendName(b, "challenges"), '[')
	for i := range e.Challenges {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendEvent(b, &e.Challenges[i])
	}
	return append(b, ']')
}

func decodeJSON(c Call) ([]Event, error) {
	line := bytes.TrimSuffix(bytes.TrimSuffix(c.Stdin, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(line, '\n') >= 0 {
		return nil, &CallError{Reason: "more than one line"}
	}
	events := make([]Event, 1)
	if err := decodeObject(&events[0], line, c.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, err
	}
	return events, nil
}

// decodeObject reads an event from its JSON text and checks it.
func decodeObject(e *Event, text []byte, thumbprint string) error {
	object, err := ParseObject(text)
	if err != nil {
		return err
	}
	members, err := setCmd(e, object)
	if err != nil {
		return err
	}
	for _, m := range object {
		if err := setMember(e, m, members); err != nil {
			return err
		}
	}
	e.Client = "json"
	return e.finish(thumbprint)
}

// setCmd sets the event's kind, and returns its fields.
func setCmd(e *Event, object []Member) ([]*field, error) {
	for _, m := range object {
		if m.Name != "cmd" {
			continue
		}
		cmd, err := stringValue("cmd", m.Value)
		if err != nil {
			return nil, err
		}
		e.Cmd = Cmd(cmd)
		members, known := fieldsOf(e.Cmd)
		if !known {
			return nil, &ValueError{Name: "cmd", Value: cmd, Reason: "is not an event"}
		}
		return members, nil
	}
	return nil, &ValueError{Name: "cmd", Reason: "is missing"}
}

// setMember stores a member in its field, one of the event's, or among the extra
// members.
func setMember(e *Event, m Member, members []*field) error {
	if m.Name == "cmd" {
		return nil
	}
	if m.Name == "port" && (e.Cmd == DeployCert || e.Cmd == UnchangedCert) {
		m.Name = "timestamp" // certbot-external-auth wrote it under this name (FIELD_TIMESTAMP)
	}
	for _, f := range members {
		if f.name == m.Name {
			return setField(e, f, m)
		}
	}
	return setExtra(e, m, members)
}

// setExtra keeps an unknown member. One that differs from a known name only in
// case is refused: some readers would take it for that one.
func setExtra(e *Event, m Member, members []*field) error {
	for _, f := range append([]*field{{name: "cmd"}}, members...) {
		if folded(m.Name) == f.name {
			return &CallError{Reason: "unknown member " + quoted(m.Name) + " (did you mean " + quoted(f.name) + "?)"}
		}
	}
	e.Extra = append(e.Extra, m)
	return nil
}

func setField(e *Event, f *field, m Member) error {
	switch {
	case m.Value == "null":
		e.Nulls = append(e.Nulls, m.Name)
		return nil
	case f.list != nil:
		return setList(f.list(e), m)
	case f.literal:
		return setLiteral(e, f, m)
	case f.text != nil:
		return setText(e, f, m)
	case m.Name == "remaining":
		return setRemaining(e, m.Value)
	}
	return setChallenges(e, m.Value)
}

func setText(e *Event, f *field, m Member) error {
	text, err := stringValue(m.Name, m.Value)
	if err != nil {
		return err
	}
	if text == "" && !e.mayBeEmpty(m.Name) {
		return &ValueError{Name: m.Name, Reason: "is empty"}
	}
	*f.text(e) = text
	e.Failed = e.Failed || e.Cmd == Exit && m.Name == "error"
	return nil
}

// mayBeEmpty reports whether clients send a member empty: texts for people, and
// the validation of a tls-sni-01 clean-up.
func (e *Event) mayBeEmpty(name string) bool {
	switch name {
	case "error", "status", "body", "headers", "title", "command":
		return true
	}
	return name == "validation" && e.Cmd == Cleanup && e.Type == TLSSNI01
}

func setRemaining(e *Event, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return &ValueError{Name: "remaining", Value: value, Reason: "is not a whole number"}
	}
	e.Remaining = &n
	return nil
}

func setLiteral(e *Event, f *field, m Member) error {
	ok := false
	switch m.Name {
	case "temporary":
		ok = m.Value == "true" || m.Value == "false"
	case "messages":
		ok = strings.HasPrefix(m.Value, "[")
	default:
		ok = isNumber(m.Value)
	}
	if !ok {
		return &ValueError{Name: m.Name, Value: m.Value, Reason: "has the wrong type"}
	}
	*f.text(e) = m.Value
	return nil
}

func setList(list *[]string, m Member) error {
	values, err := arrayValues(m.Name, m.Value)
	if err != nil {
		return err
	}
	for _, value := range values {
		text, err := stringValue(m.Name, value)
		if err != nil {
			return err
		}
		*list = append(*list, text)
	}
	return nil
}

func setChallenges(e *Event, value string) error {
	values, err := arrayValues("challenges", value)
	if err != nil {
		return err
	}
	for _, v := range values {
		var c Event
		if err := decodeObject(&c, []byte(v), ""); err != nil {
			return err
		}
		if !c.IsChallenge() {
			return &ValueError{Name: "challenges", Value: string(c.Cmd), Reason: "is not a challenge"}
		}
		e.Challenges = append(e.Challenges, c)
	}
	return nil
}
