package envmap

import (
	"bytes"
	"encoding/json"
)

// Result is the line that answers an event when processes give each other
// events as JSON lines:
//
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":true,"output":""}
//	{"cmd":"result","for":"perform_challenge","domain":"example.org","ok":false,"error":"..."}
type Result struct {
	For    Cmd    // the event that it answers; empty if the line does not say
	Domain string // the event's identifier; empty if the line does not say
	OK     bool   // the event was handled
	Output string // what was printed for it
	Error  string // why it was not handled, for people
}

// resultLine has the members of a result in the order in which they are written.
type resultLine struct {
	Cmd    string  `json:"cmd"`
	For    Cmd     `json:"for,omitempty"`
	Domain string  `json:"domain,omitempty"`
	OK     *bool   `json:"ok"`
	Output *string `json:"output,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// ParseResult reads the line of any program: members in any order, case and
// spacing, unknown ones ignored, and null for what is not said. What is not UTF-8
// becomes U+FFFD. The error, a *CallError, says that the line is not a result.
func ParseResult(line []byte) (Result, error) {
	var l resultLine
	if err := json.Unmarshal(line, &l); err != nil || l.Cmd != "result" || l.OK == nil {
		return Result{}, &CallError{Reason: "line is not a result"}
	}
	r := Result{For: l.For, Domain: l.Domain, OK: *l.OK, Error: l.Error}
	if l.Output != nil {
		r.Output = *l.Output
	}
	return r, nil
}

// Asked returns what a result may repeat of the event that it answers: its name
// and its domain. The line is one that Encode wrote.
func Asked(line []byte) (cmd Cmd, domain string) {
	var asked struct {
		Cmd    Cmd
		Domain string
	}
	_ = json.Unmarshal(line, &asked) // cannot fail for such a line
	return asked.Cmd, asked.Domain
}

// IsFor reports whether r answers that event, as far as r says which.
func (r Result) IsFor(cmd Cmd, domain string) bool {
	return (r.For == "" || r.For == cmd) && (r.Domain == "" || r.Domain == domain)
}

// Line returns the line, with its line feed. It has Output if the event was
// handled, and Error if it was not.
func (r Result) Line() []byte {
	l := resultLine{Cmd: "result", For: r.For, Domain: r.Domain, OK: &r.OK}
	if r.OK {
		l.Output = &r.Output
	} else {
		l.Error = r.Error
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(l) // cannot fail: strings and a boolean
	return b.Bytes()
}
