package envmap

import (
	"strings"
	"unicode/utf16"
)

// appendName appends a comma and a member's name, one of ours.
func appendName(b []byte, name string) []byte {
	b = append(b, `, "`...)
	b = append(b, name...)
	return append(b, `": `...)
}

// appendString appends a string as Python's json.dumps writes it: ASCII, with \u
// escapes in lower-case hex (CPython: json/encoder.py, ESCAPE_DCT). What is not
// UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		b = appendRune(b, r)
	}
	return append(b, '"')
}

func appendRune(b []byte, r rune) []byte {
	const escaped, escapes = "\b\f\n\r\t\"\\", `bfnrt"\` // RFC 8259 section 7
	if i := strings.IndexRune(escaped, r); i >= 0 {
		return append(b, '\\', escapes[i])
	}
	if ' ' <= r && r <= '~' {
		return append(b, byte(r))
	}
	for _, unit := range utf16.AppendRune(nil, r) {
		b = appendUnit(b, unit)
	}
	return b
}

// appendUnit appends a UTF-16 code unit as \uXXXX.
func appendUnit(b []byte, unit uint16) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

// appendExtra appends a member with a name of somebody else's.
func appendExtra(b []byte, m Member) []byte {
	b = appendString(append(b, ", "...), m.Name)
	b = append(b, ": "...)
	return append(b, m.Value...)
}

// appendList appends a member that is an array of strings, unless it is empty.
func appendList(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(appendName(b, name), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}
