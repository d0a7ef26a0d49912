package envmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep an unknown member may nest.
const maxDepth = 32

// Member is a member of a JSON object: its name and its value as JSON text.
type Member struct {
	Name  string
	Value string
}

// ParseObject reads one JSON object as strictly as an event's line: UTF-8 only,
// no half surrogate pair, no duplicate name (in any case), nothing after the
// object, at most 32 levels. Values have the spacing and escapes of Python's
// json.dumps; numbers are unchanged. The error is a *CallError.
func ParseObject(text []byte) ([]Member, error) {
	switch {
	case !utf8.Valid(text):
		return nil, &CallError{Reason: "line is not UTF-8"}
	case hasHalfPair(text):
		return nil, &CallError{Reason: "a string has half a surrogate pair"}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if errors.Is(err, io.EOF) || err == nil && first != json.Delim('{') {
		return nil, &CallError{Reason: "line is not a JSON object"}
	}
	if err != nil {
		return nil, syntaxError(d)
	}
	object, err := readMembers(d, 1)
	if err != nil {
		return nil, err
	}
	if rest := bytes.TrimLeft(text[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, &CallError{Reason: fmt.Sprintf("unexpected data after the JSON object at byte %d", len(text)-len(rest)+1)}
	}
	return object, nil
}

// Parts returns what the value of a member that ParseObject returned consists
// of: an object's members, or an array's values, without names.
func (m Member) Parts() (parts []Member) {
	if strings.HasPrefix(m.Value, "{") {
		parts, _ = ParseObject([]byte(m.Value))
		return parts
	}
	values, _ := arrayValues(m.Name, m.Value)
	for _, value := range values {
		parts = append(parts, Member{Value: value})
	}
	return parts
}

// Text returns the text of a string, and the JSON text of any other value.
func (m Member) Text() string {
	if !strings.HasPrefix(m.Value, `"`) {
		return m.Value
	}
	return unquote(m.Value)
}

// syntaxError says where d stopped: at the string or the word that is wrong.
func syntaxError(d *json.Decoder) error {
	return &CallError{Reason: fmt.Sprintf("line is not JSON near byte %d", d.InputOffset())}
}

// readMembers reads an object after its opening brace.
func readMembers(d *json.Decoder, depth int) (object []Member, err error) {
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, syntaxError(d)
		}
		value, err := appendValue(nil, d, depth)
		if err != nil {
			return nil, err
		}
		m := Member{name.(string), string(value)}
		// Names that differ only in case are duplicates: some readers fold case.
		if seen[folded(m.Name)] {
			return nil, &CallError{Reason: "duplicate member " + quoted(m.Name)}
		}
		seen[folded(m.Name)] = true
		object = append(object, m)
	}
	return object, closed(d)
}

// closed consumes the bracket or the brace that ends an array or an object.
func closed(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return syntaxError(d)
	}
	return nil
}

// folded returns a name without regard to case, as Unicode folds it.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// appendValue reads a value and appends it in the canonical form. Numbers are
// unchanged.
func appendValue(b []byte, d *json.Decoder, depth int) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, syntaxError(d)
	}
	if depth > maxDepth {
		return nil, &CallError{Reason: fmt.Sprintf("line nests deeper than %d", maxDepth)}
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return appendObject(b, d, depth+1)
		}
		return appendArray(b, d, depth+1)
	case json.Number:
		return append(b, token...), nil
	case string:
		return appendString(b, token), nil
	case bool:
		return strconv.AppendBool(b, token), nil
	}
	return append(b, "null"...), nil
}

func appendObject(b []byte, d *json.Decoder, depth int) ([]byte, error) {
	object, err := readMembers(d, depth)
	if err != nil {
		return nil, err
	}
	b = append(b, '{')
	for i, m := range object {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(appendString(b, m.Name), ": "...)
		b = append(b, m.Value...)
	}
	return append(b, '}'), nil
}

func appendArray(b []byte, d *json.Decoder, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = appendValue(b, d, depth); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), closed(d)
}

// stringValue reads a member that must be a string. The member's value is one
// that ParseObject returned.
func stringValue(name, value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return "", &ValueError{Name: name, Reason: "is not a string"}
	}
	text := unquote(value)
	if len(text) < len(value)-2 && strings.IndexByte(text, 0) >= 0 { // it had an escape
		return "", &ValueError{Name: name, Reason: "has a NUL character"}
	}
	return text, nil
}

// unquote returns the text of a JSON string.
func unquote(value string) string {
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(value), &text) // cannot fail: it is a string
	return text
}

// arrayValues reads the values of a member that must be an array. The member's
// value is one that ParseObject returned.
func arrayValues(name, value string) (values []string, err error) {
	if !strings.HasPrefix(value, "[") {
		return nil, &ValueError{Name: name, Reason: "is not an array"}
	}
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(value), &raw); err != nil {
		return nil, &ValueError{Name: name, Reason: "is not an array"}
	}
	for _, r := range raw {
		values = append(values, string(r))
	}
	return values, nil
}

// hasHalfPair reports whether one of the escapes \ud800 to \udfff is not part of
// a pair, so that it is not a character. encoding/json reads it as U+FFFD.
func hasHalfPair(text []byte) bool {
	for i := bytes.IndexByte(text, '\\'); i >= 0 && i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch high, ok := unicodeEscape(text[i:]); {
		case !ok:
			i++ // a short escape, as \n or \\
		case utf16.IsSurrogate(high):
			low, _ := unicodeEscape(text[min(i+6, len(text)):])
			if utf16.DecodeRune(high, low) == utf8.RuneError {
				return true
			}
			i += 11
		}
	}
	return false
}

// unicodeEscape reads the \uXXXX that text begins with.
func unicodeEscape(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
