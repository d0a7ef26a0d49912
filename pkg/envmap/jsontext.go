package envmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	switch {
	case !utf8.Valid(text):
		return nil, &CallError{Reason: "line is not UTF-8"}
	case hasHalfPair(text):
		return nil, &CallError{Reason: "a string has half a surrogate pair"}
	}
	compact, ok := compacted(text)
	switch {
	case !ok:
		return nil, syntaxError(text)
	case compact[0] != '{':
		return nil, &CallError{Reason: "line is not a JSON object"}
	}
	return parseMembers(compact, 1)
}

// compacted is a text without the space between what it is made of; ok tells
// whether it is JSON. (Of encoding/json it needs the syntax alone: what reads
// values by their types would make every start of a program slower.)
func compacted(text []byte) (compact string, ok bool) {
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.String(), err == nil
}

// syntaxError says where a text stops being one JSON object.
func syntaxError(text []byte) error {
	n := lengthOfJSON(text)
	begun, whole := bytes.TrimLeft(text, " \t\r\n"), json.Valid(text[:n])
	switch {
	case whole && begun[0] == '{':
		return &CallError{Reason: fmt.Sprintf("something stands behind the JSON object at byte %d", n+1)}
	case whole || len(begun) == 0 || begun[0] == '[':
		return &CallError{Reason: "line is not a JSON object"}
	}
	return &CallError{Reason: fmt.Sprintf("line is not JSON near byte %d", n)}
}

// lengthOfJSON is how much of a text that is not JSON could begin one that is,
// in bytes, up to the string or the word that something is wrong with.
func lengthOfJSON(text []byte) int {
	ended := append(bytes.Clone(text), 0) // a NUL may stand nowhere, so that it ends a text that is cut off
	fault := &json.SyntaxError{Offset: 1}
	errors.As(json.Indent(&bytes.Buffer{}, ended, "", ""), &fault) // Compact counts no bytes
	n := int(fault.Offset) - 1
	for i := 0; i < n; i++ {
		if ended[i] == '"' {
			start := i
			if i += quotedLength(ended[i:]) - 1; i >= n {
				return start
			}
		}
	}
	return len(bytes.TrimRight(text[:n], "abcdefghijklmnopqrstuvwxyz"))
}

// parseMembers reads an object in compact form. Values become canonical.
func parseMembers(compact string, depth int) ([]Member, error) {
	object := cutObject(compact)
	seen := make(map[string]bool, len(object))
	for i, m := range object {
		value, err := appendValue(nil, m.Value, depth)
		if err != nil {
			return nil, err
		}
		// A second spelling of a name is no second name: some readers fold case.
		if seen[folded(m.Name)] {
			return nil, &CallError{Reason: "member " + quoted(m.Name) + " stands twice"}
		}
		seen[folded(m.Name)] = true
		object[i].Value = string(value)
	}
	return object, nil
}

// folded is a name without regard to case, as Unicode folds it.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// appendValue writes a value, given in compact form, in the canonical form.
// Numbers stay as they stood.
func appendValue(b []byte, compact string, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, &CallError{Reason: fmt.Sprintf("line nests deeper than %d", maxDepth)}
	}
	switch compact[0] {
	case '{':
		return appendObject(b, compact, depth+1)
	case '[':
		return appendArray(b, compact, depth+1)
	case '"':
		return appendString(b, unquote(compact)), nil
	}
	return append(b, compact...), nil
}

func appendObject(b []byte, compact string, depth int) ([]byte, error) {
	object, err := parseMembers(compact, depth)
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

func appendArray(b []byte, compact string, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i, value := range cutArray(compact) {
		if i > 0 {
			b = append(b, ", "...)
		}
		if b, err = appendValue(b, value, depth); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// arrayValues reads the values of a member that must be an array. The member's
// value is one that parseObject returned.
func arrayValues(name, value string) ([]string, error) {
	if values, ok := plainStrings(value); ok {
		return values, nil
	}
	if !strings.HasPrefix(value, "[") {
		return nil, &ValueError{Name: name, Reason: "is not an array"}
	}
	return cutArray(value), nil
}
