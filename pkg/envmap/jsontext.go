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

// parseObject reads one JSON object strictly: UTF-8, no half surrogate pair,
// no name twice, nothing behind it. Values come back in the canonical spacing.
func parseObject(text []byte) ([]Member, error) {
	if object, ok := plainObject(text); ok {
		return object, nil
	}
	return parseAnyObject(text)
}

// parseAnyObject is parseObject for every text, and the one that says what is
// wrong with it.
func parseAnyObject(text []byte) ([]Member, error) {
	d, err := decoder(text)
	if err != nil {
		return nil, err
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, syntaxError(err, d)
	}
	object, err := parseMembers(d, 1)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &CallError{Reason: fmt.Sprintf("something stands behind the JSON object at byte %d", d.InputOffset())}
	}
	return object, nil
}

func decoder(text []byte) (*json.Decoder, error) {
	if !utf8.Valid(text) {
		return nil, &CallError{Reason: "line is not UTF-8"}
	}
	if hasHalfPair(text) {
		return nil, &CallError{Reason: "a string has half a surrogate pair"}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d, nil
}

func syntaxError(err error, d *json.Decoder) error {
	if err == nil || errors.Is(err, io.EOF) && d.InputOffset() == 0 {
		return &CallError{Reason: "line is not a JSON object"}
	}
	return &CallError{Reason: fmt.Sprintf("line is not JSON near byte %d", d.InputOffset())}
}

// hasHalfPair tells whether a \ud800 to \udfff escape stands alone, which the
// decoder would silently turn into U+FFFD.
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

// parseMembers reads the members up to and with the closing brace.
func parseMembers(d *json.Decoder, depth int) ([]Member, error) {
	var object []Member
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, syntaxError(err, d)
		}
		value, err := parseValue(d, depth)
		if err != nil {
			return nil, err
		}
		m := Member{name.(string), string(value)}
		// A second spelling of a name is no second name: some readers fold case.
		if seen[folded(m.Name)] {
			return nil, &CallError{Reason: "member " + quoted(m.Name) + " stands twice"}
		}
		seen[folded(m.Name)] = true
		object = append(object, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, syntaxError(err, d)
	}
	return object, nil
}

// folded is a name without regard to case, as Unicode folds it.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// parseValue reads any value and returns it in the canonical form.
func parseValue(d *json.Decoder, depth int) ([]byte, error) {
	t, err := d.Token()
	if err != nil {
		return nil, syntaxError(err, d)
	}
	if depth > maxDepth {
		return nil, &CallError{Reason: fmt.Sprintf("line nests deeper than %d", maxDepth)}
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return canonicalObject(d, depth+1)
		}
		return canonicalArray(d, depth+1)
	case string:
		return appendString(nil, t), nil
	case nil:
		return []byte("null"), nil
	}
	return fmt.Append(nil, t), nil // a number as it stood, true or false
}

func canonicalObject(d *json.Decoder, depth int) ([]byte, error) {
	object, err := parseMembers(d, depth)
	if err != nil {
		return nil, err
	}
	b := []byte{'{'}
	for i, m := range object {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(appendString(b, m.Name), ": "...)
		b = append(b, m.Value...)
	}
	return append(b, '}'), nil
}

func canonicalArray(d *json.Decoder, depth int) ([]byte, error) {
	values, err := parseElements(d, depth)
	if err != nil {
		return nil, err
	}
	return append(append([]byte{'['}, strings.Join(values, ", ")...), ']'), nil
}

// parseElements reads an array's values up to and with the closing bracket.
func parseElements(d *json.Decoder, depth int) ([]string, error) {
	var values []string
	for d.More() {
		value, err := parseValue(d, depth)
		if err != nil {
			return nil, err
		}
		values = append(values, string(value))
	}
	if _, err := d.Token(); err != nil {
		return nil, syntaxError(err, d)
	}
	return values, nil
}

// arrayValues reads the values of a member that must be an array.
func arrayValues(name, value string) ([]string, error) {
	if values, ok := plainStrings(value); ok {
		return values, nil
	}
	d, err := decoder([]byte(value))
	if err != nil {
		return nil, err
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, &ValueError{Name: name, Reason: "is not an array"}
	}
	return parseElements(d, 1)
}

// stringValue reads a member that must be a string.
func stringValue(name, value string) (string, error) {
	if text, ok := unquotedPlain(value); ok {
		return text, nil
	}
	var s string
	if err := json.Unmarshal([]byte(value), &s); err != nil || value == "null" {
		return "", &ValueError{Name: name, Reason: "is not a string"}
	}
	if strings.ContainsRune(s, 0) {
		return "", &ValueError{Name: name, Reason: "has a NUL character"}
	}
	return s, nil
}

// appendString writes a string as Python's json.dumps does: ASCII, with \u
// escapes in lower-case hex (CPython: json/encoder.py, ESCAPE_DCT).
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for s != "" {
		n := lengthOf(plainBytes(), s)
		b = append(b, s[:n]...)
		if s = s[n:]; s != "" {
			r, size := utf8.DecodeRuneInString(s)
			b, s = appendEscape(b, r), s[size:]
		}
	}
	return append(b, '"')
}

// appendEscape writes a character that is not plain.
func appendEscape(b []byte, r rune) []byte {
	const short = "\b\f\n\r\t\"\\"
	const escapes = `bfnrt"\`
	if i := strings.IndexRune(short, r); i >= 0 {
		return append(b, '\\', escapes[i])
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(b, high), low)
	}
	return appendUnit(b, r)
}

// appendUnit writes a UTF-16 code unit as \uXXXX.
func appendUnit(b []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}
