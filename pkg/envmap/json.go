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
		Doc:    "one JSON object a line on standard input, as certbot-external-auth wrote them",
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

// wire lists each event's members in the order in which they are written.
var wire = [...]struct {
	cmd     Cmd
	members []string
}{
	{PerformChallenge, []string{"type", "domain", "token", "z_domain", "validation", "txt_domain", "uri", "command",
		"cert_path", "key_path", "port", "key_auth", "cert_pem", "key_pem", "remaining", "domains"}},
	{Cleanup, []string{"type", "status", "domain", "token", "validation", "key_auth", "validated", "error",
		"txt_domain", "remaining", "domains"}},
	{PrePerform, []string{"domains"}},
	{PostPerform, []string{"domains", "challenges"}},
	{PreCleanup, []string{"domains"}},
	{PostCleanup, []string{"domains", "challenges"}},
	{DeployCert, []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path", "timestamp", "cert_timestamp", "domains"}},
	{UnchangedCert, []string{"domain", "cert_path", "key_path", "chain_path", "fullchain_path", "timestamp", "cert_timestamp", "domains"}},
	{SyncCert, []string{"cert_path", "key_path", "chain_path", "fullchain_path", "csr_path", "domains"}},
	{DeployOCSP, []string{"domain", "ocsp_path", "timestamp", "domains"}},
	{GenerateCSR, []string{"domain", "cert_dir", "domains"}},
	{InvalidChallenge, []string{"domain", "error", "domains"}},
	{RequestFailure, []string{"status", "body", "method", "headers"}},
	{Startup, []string{}},
	{Exit, []string{"error", "domains", "failed_domains"}},
	{Save, []string{"title", "temporary"}},
	{Restart, []string{}},
	{Report, []string{"messages"}},
}

// membersOf returns an event's members; known is false if there is no such event.
func membersOf(cmd Cmd) (names []string, known bool) {
	for i := range wire {
		if wire[i].cmd == cmd {
			return wire[i].members, true
		}
	}
	return nil, false
}

// list returns the field of a member that is an array of identifiers, or nil.
func (e *Event) list(name string) *[]string {
	switch name {
	case "domains":
		return &e.Domains
	case "failed_domains":
		return &e.FailedDomains
	}
	return nil
}

// isLiteral reports whether a member's text is JSON already: numbers, booleans
// and the array of messages.
func isLiteral(name string) bool {
	switch name {
	case "timestamp", "cert_timestamp", "temporary", "messages":
		return true
	}
	return false
}

func encodeJSON(e Event) (Call, error) {
	if _, known := membersOf(e.Cmd); !known {
		return Call{}, &UnsupportedError{Convention: "json", Cmd: e.Cmd}
	}
	return Call{Stdin: jsonLine(e)}, nil
}

// AppendLine appends the event's line in the canonical form, with its line feed.
// Members that the client did not send are left out.
func (e *Event) AppendLine(b []byte) []byte { return append(appendEvent(b, e), '\n') }

// jsonLine returns the event's line.
func jsonLine(e Event) []byte { return e.AppendLine(make([]byte, 0, 512)) }

func appendEvent(b []byte, e *Event) []byte {
	b = append(b, `{"cmd": `...)
	b = appendString(b, string(e.Cmd))
	names, _ := membersOf(e.Cmd)
	for _, name := range names {
		b = appendMember(b, e, name)
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
func appendMember(b []byte, e *Event, name string) []byte {
	if len(e.Nulls) > 0 && slices.Contains(e.Nulls, name) {
		return append(appendName(b, name), "null"...)
	}
	switch name {
	case "remaining":
		return appendRemaining(b, e)
	case "challenges":
		return appendChallenges(b, e)
	case "domains", "failed_domains":
		return appendList(b, name, *e.list(name))
	}
	return appendText(b, e, name)
}

func appendText(b []byte, e *Event, name string) []byte {
	value := *e.text(name)
	switch {
	case value == "" && !(name == "error" && e.Failed):
		return b
	case name == "txt_domain" && e.Cmd == Cleanup && value == TXTName(e.Type, e.Domain):
		return b // only written if it does not follow from the domain
	case isLiteral(name):
		return append(appendName(b, name), value...)
	}
	return appendString(appendName(b, name), value)
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
	events := make([]Event, 1)
	if err := events[0].ReadLine(c.Stdin, c.Env["EXTAUTH_THUMBPRINT"]); err != nil {
		return nil, err
	}
	return events, nil
}

// ReadLine sets the event to that of a line, with or without its line feed, as
// the json convention's Decode does. The thumbprint is that of Complete. The
// error is a *CallError or a *ValueError; the event is not valid then.
func (e *Event) ReadLine(line []byte, thumbprint string) error {
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(line, '\n') >= 0 {
		return &CallError{Reason: "more than one line"}
	}
	*e = Event{}
	return e.decodeObject(line, thumbprint)
}

// decodeObject reads an event from its JSON text and checks it.
func (e *Event) decodeObject(text []byte, thumbprint string) error {
	var room [16]Member
	object, err := parseObject(room[:0], text)
	if err != nil {
		return err
	}
	names, err := e.setCmd(object)
	if err != nil {
		return err
	}
	for _, m := range object {
		if err := e.setMember(m, names); err != nil {
			return err
		}
	}
	e.Client = "json"
	return e.finish(thumbprint)
}

// setCmd sets the event's kind, and returns the names of its members.
func (e *Event) setCmd(object []Member) ([]string, error) {
	for _, m := range object {
		if m.Name != "cmd" {
			continue
		}
		cmd, err := stringValue("cmd", m.Value)
		if err != nil {
			return nil, err
		}
		e.Cmd = Cmd(cmd)
		names, known := membersOf(e.Cmd)
		if !known {
			return nil, &ValueError{Name: "cmd", Value: cmd, Reason: "is not an event"}
		}
		return names, nil
	}
	return nil, &ValueError{Name: "cmd", Reason: "is missing"}
}

// setMember stores a member in its field, or among the extra ones. names are
// the event's members.
func (e *Event) setMember(m Member, names []string) error {
	switch {
	case m.Name == "cmd":
		return nil
	case m.Name == "port" && (e.Cmd == DeployCert || e.Cmd == UnchangedCert):
		// certbot-external-auth wrote the timestamp under this name (FIELD_TIMESTAMP).
		m.Name = "timestamp"
	case !slices.Contains(names, m.Name):
		return e.setExtra(m, names)
	}
	if m.Value == "null" {
		e.Nulls = append(e.Nulls, m.Name)
		return nil
	}
	return e.setValue(m)
}

// setExtra keeps an unknown member. One that differs from a known name only in
// case is refused: some readers would take it for that one.
func (e *Event) setExtra(m Member, names []string) error {
	for _, known := range append([]string{"cmd"}, names...) {
		if folded(m.Name) == known {
			return &CallError{Reason: "unknown member " + quoted(m.Name) + " (did you mean " + quoted(known) + "?)"}
		}
	}
	e.Extra = append(e.Extra, m)
	return nil
}

func (e *Event) setValue(m Member) error {
	switch {
	case m.Name == "remaining":
		return e.setRemaining(m.Value)
	case m.Name == "challenges":
		return e.setChallenges(m.Value)
	case e.list(m.Name) != nil:
		return setList(e.list(m.Name), m)
	case isLiteral(m.Name):
		return e.setLiteral(m)
	}
	text, err := stringValue(m.Name, m.Value)
	if err != nil {
		return err
	}
	if text == "" && !e.mayBeEmpty(m.Name) {
		return &ValueError{Name: m.Name, Reason: "is empty"}
	}
	*e.text(m.Name) = text
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

func (e *Event) setRemaining(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return &ValueError{Name: "remaining", Value: value, Reason: "is not a whole number"}
	}
	e.Remaining = &n
	return nil
}

func (e *Event) setLiteral(m Member) error {
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
	*e.text(m.Name) = m.Value
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

func (e *Event) setChallenges(value string) error {
	values, err := arrayValues("challenges", value)
	if err != nil {
		return err
	}
	for _, v := range values {
		var c Event
		if err := c.decodeObject([]byte(v), ""); err != nil {
			return err
		}
		if !c.IsChallenge() {
			return &ValueError{Name: "challenges", Value: string(c.Cmd), Reason: "is not a challenge"}
		}
		e.Challenges = append(e.Challenges, c)
	}
	return nil
}
