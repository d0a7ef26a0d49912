package envmap

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Trace is one line of a trace: a call that a client made of its hook, and how
// that ended. Lines are those of testdata/traces; CONTRIBUTING has the members
// that ours add.
type Trace struct {
	From    string  // name of the client's convention; empty if the line does not say
	Version string  // version of the program that was called
	Time    string  // when it was called, RFC 3339
	Program string  // its name
	Call    Call    // Env has the convention's own variables
	Exit    *int    // its exit status, 128+N for a signal; nil if it is not known
	Error   string  // its message
	Seconds float64 // how long it took, in seconds
}

// Line returns the line, with its line feed.
func (t *Trace) Line() []byte {
	b := appendString([]byte(`{"from": `), t.From)
	for _, m := range []Member{{"version", t.Version}, {"time", t.Time}} {
		b = appendString(appendName(b, m.Name), m.Value)
	}
	b = appendList(b, "argv", append([]string{t.Program}, t.Call.Args...))
	b = appendTexts(appendName(b, "env_added"), t.Call.Env)
	if t.Call.Stdin != nil {
		b = appendTexts(appendName(b, "stdin"), map[string]string{"data": string(t.Call.Stdin)})
	}
	return append(t.appendEnd(b), "}\n"...)
}

// appendEnd appends how the call ended, as far as it is known.
func (t *Trace) appendEnd(b []byte) []byte {
	if t.Exit == nil {
		return b
	}
	b = strconv.AppendFloat(appendName(b, "dur"), t.Seconds, 'f', 6, 64)
	b = strconv.AppendInt(appendName(b, "exit"), int64(*t.Exit), 10)
	if t.Error != "" {
		b = appendString(appendName(b, "error"), t.Error)
	}
	return b
}

// appendTexts appends an object of strings, sorted by their names.
func appendTexts(b []byte, texts map[string]string) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(appendString(b, name), ": "...)
		b = appendString(b, texts[name])
	}
	return append(b, '}')
}

// ParseTrace reads a line: one that Line wrote, one that a recorder of a client's
// hooks wrote, one with the event of a documented call, or an event itself, whose
// convention is json. The error is a *CallError or a *ValueError.
func ParseTrace(line []byte) (Trace, error) {
	object, err := ParseObject(line)
	if err != nil {
		return Trace{}, err
	}
	t := Trace{Call: Call{Env: map[string]string{}}}
	for _, m := range object {
		switch m.Name {
		case "cmd":
			return Trace{From: "json", Call: Call{Stdin: line}}, nil
		case "event":
			return Trace{From: "json", Call: Call{Stdin: []byte(m.Value)}}, nil
		}
		if err := t.setMember(m); err != nil {
			return Trace{}, err
		}
	}
	if t.Program == "" {
		return Trace{}, &ValueError{Name: "argv", Reason: "is missing"}
	}
	return t, nil
}

func (t *Trace) setMember(m Member) (err error) {
	switch m.Name {
	case "from":
		t.From, err = stringValue(m.Name, m.Value)
	case "error":
		t.Error, err = stringValue(m.Name, m.Value)
	case "argv":
		err = t.setArgv(m)
	case "env_added":
		err = t.setVariables(m, stringValue)
	case "env_changed":
		err = t.setVariables(m, func(_, value string) (string, error) { return memberText(value, "to") })
	case "stdin":
		var data string
		data, err = memberText(m.Value, "data")
		t.Call.Stdin = []byte(data)
	case "exit":
		err = t.setExit(m.Value)
	}
	return err
}

func (t *Trace) setArgv(m Member) error {
	var argv []string
	if err := setList(&argv, m); err != nil || len(argv) == 0 {
		return err
	}
	t.Program, t.Call.Args = argv[0], argv[1:]
	return nil
}

// setVariables reads an object of variables; text makes each value's text.
func (t *Trace) setVariables(m Member, text func(name, value string) (string, error)) error {
	variables, err := ParseObject([]byte(m.Value))
	if err != nil {
		return err
	}
	for _, v := range variables {
		if t.Call.Env[v.Name], err = text(v.Name, v.Value); err != nil {
			return err
		}
	}
	return nil
}

// memberText returns the text of an object's member, or "".
func memberText(value, name string) (string, error) {
	object, err := ParseObject([]byte(value))
	if err != nil {
		return "", err
	}
	for _, m := range object {
		if m.Name == name {
			return stringValue(name, m.Value)
		}
	}
	return "", nil
}

func (t *Trace) setExit(value string) error {
	status, err := strconv.Atoi(value)
	if err != nil {
		return &ValueError{Name: "exit", Value: value, Reason: "is not a whole number"}
	}
	t.Exit = &status
	return nil
}

// Public returns a call without what a trace must not have: variables that are
// not the convention's own, those that hold a key or a password, and on standard
// input key material and unknown members.
func (c *Convention) Public(call Call) Call {
	public := Call{Args: call.Args, Env: map[string]string{}, Stdin: call.Stdin}
	for name, value := range call.Env {
		if c.OwnsVariable(name) && !IsSecret(name) {
			public.Env[name] = value
		}
	}
	if c.Name == "json" {
		public.Stdin = publicLine(call.Stdin)
	}
	return public
}

// IsSecret reports whether a variable or a member holds key material (key_pem,
// and cbot_json, which has it in it) or a password, as acme.sh's Le_PFXPassword.
func IsSecret(name string) bool {
	return strings.HasSuffix(name, "_pem") || name == "cbot_json" || strings.Contains(strings.ToLower(name), "password")
}

// publicLine returns a JSON line without key material and unknown members, and
// nothing of a line that is not an object.
func publicLine(line []byte) []byte {
	object, err := ParseObject(line)
	if err != nil {
		return []byte{}
	}
	var b []byte
	for _, m := range object {
		if !isWireMember(m.Name) || IsSecret(m.Name) {
			continue
		}
		b = append(appendName(b, m.Name), publicValue(m)...)
	}
	return append(append([]byte{'{'}, strings.TrimPrefix(string(b), ", ")...), "}\n"...)
}

// publicValue returns a member's value: that of challenges has lines in it.
func publicValue(m Member) string {
	values, err := arrayValues(m.Name, m.Value)
	if m.Name != "challenges" || err != nil {
		return m.Value
	}
	for i, value := range values {
		values[i] = strings.TrimSuffix(string(publicLine([]byte(value))), "\n")
	}
	return "[" + strings.Join(values, ", ") + "]"
}

// isWireMember reports whether any event has a member of that name.
func isWireMember(name string) bool { return name == "cmd" || fieldOf(name) != nil }
