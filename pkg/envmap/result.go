package envmap

import (
	"strconv"
	"strings"
)

// Result is the line that answers an event, where processes give each other
// events as JSON lines:
//
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":true,"output":""}
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":false,"error":"..."}
type Result struct {
	For    Cmd    // the event's; empty where the line does not say it
	Domain string // the event's; empty where the line does not say it
	OK     bool   // it was done
	Output string // what was printed for it
	Error  string // why it was not done, for people
}

// ParseResult reads the line of any program: members in any order and spacing,
// unknown ones passed over, and null where it says nothing. What is not UTF-8
// becomes U+FFFD. The error, a *CallError, says that it is no result.
func ParseResult(line []byte) (Result, error) {
	a, ok := readAnswer(line)
	if !ok || a.cmd != "result" || a.ok != "true" && a.ok != "false" {
		return Result{}, &CallError{Reason: "line is not a result"}
	}
	return Result{Cmd(a.event), a.domain, a.ok == "true", a.output, a.error}, nil
}

// Asked is what a result may repeat of the event that it answers: its name and
// its domain. line is one that Encode wrote.
func Asked(line []byte) (cmd Cmd, domain string) {
	a, _ := readAnswer(line)
	return Cmd(a.cmd), a.domain
}

// IsFor tells whether it is the result of an event, where it says of which.
func (r Result) IsFor(cmd Cmd, domain string) bool {
	return (r.For == "" || r.For == cmd) && (r.Domain == "" || r.Domain == domain)
}

// answer is what is read of a line. Names count without regard to case, and of one
// that stands twice the last.
type answer struct {
	cmd, event, domain, output, error string

	ok string // as JSON
}

// readAnswer is false where a line is no object, or a member is not what it must
// be. Plain lines, the common ones, are read as plainObject does.
func readAnswer(line []byte) (a answer, ok bool) {
	if a.setPlain(line) {
		return a, true
	}
	compact, ok := compacted(line)
	if !ok || compact[0] != '{' {
		return answer{}, false
	}
	a = answer{}
	for _, m := range cutObject(compact) {
		if !a.set(m) {
			return a, false
		}
	}
	return a, true
}

// setPlain stores the members of a plain line; false where it is not plain.
func (a *answer) setPlain(line []byte) bool {
	c := cursor{text: line}
	whole := string(line)
	for sep := "{"; ; sep = "," {
		m, ok := c.nextMember(whole, sep)
		if !ok || !a.set(m) {
			return false
		}
		if c.take("}") {
			c.space()
			return c.atEnd()
		}
	}
}

// set stores a member; false where its value is of the wrong type.
func (a *answer) set(m Member) bool {
	if strings.EqualFold(m.Name, "ok") {
		a.ok = m.Value
		return m.Value == "true" || m.Value == "false" || m.Value == "null"
	}
	place := a.place(m.Name)
	switch {
	case place == nil || m.Value == "null":
		return true
	case m.Value[0] != '"':
		return false
	}
	*place = unquote(m.Value)
	return true
}

// place is where a member that is a text goes; nil for others.
func (a *answer) place(name string) *string {
	for _, known := range [...]struct {
		name  string
		place *string
	}{{"cmd", &a.cmd}, {"for", &a.event}, {"domain", &a.domain}, {"output", &a.output}, {"error", &a.error}} {
		if strings.EqualFold(name, known.name) {
			return known.place
		}
	}
	return nil
}

// Line writes the line, with its line feed. It has Output where the event was
// done, and else Error.
func (r Result) Line() []byte {
	b := append(make([]byte, 0, 128+len(r.Output)+len(r.Error)), `{"cmd":"result"`...)
	if r.For != "" {
		b = appendUTF8(append(b, `,"for":`...), string(r.For))
	}
	if r.Domain != "" {
		b = appendUTF8(append(b, `,"domain":`...), r.Domain)
	}
	b = strconv.AppendBool(append(b, `,"ok":`...), r.OK)
	switch {
	case r.OK:
		b = appendUTF8(append(b, `,"output":`...), r.Output)
	case r.Error != "":
		b = appendUTF8(append(b, `,"error":`...), r.Error)
	}
	return append(b, "}\n"...)
}
