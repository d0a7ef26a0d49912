package envmap

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The characters that have short escapes, and what each has behind its backslash
// (RFC 8259 section 7).
const (
	escaped = "\b\f\n\r\t\"\\/"
	escapes = `bfnrt"\/`
)

// stringValue reads a member that must be a string. The member's value is one
// that parseObject returned.
func stringValue(name, value string) (string, error) {
	if text, ok := unquotedPlain(value); ok {
		return text, nil
	}
	if !strings.HasPrefix(value, `"`) {
		return "", &ValueError{Name: name, Reason: "is not a string"}
	}
	text := unquote(value)
	if strings.ContainsRune(text, 0) {
		return "", &ValueError{Name: name, Reason: "has a NUL character"}
	}
	return text, nil
}

// unquote is the text of a JSON string. Bytes that are not UTF-8, and halves of
// surrogate pairs, become U+FFFD each.
func unquote(s string) string {
	s = s[1 : len(s)-1]
	n := lengthOf(plainBytes(), s)
	if n == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:n]...)
	for s = s[n:]; s != ""; s = s[n:] {
		r, size := firstRune(s)
		b, s = utf8.AppendRune(b, r), s[size:]
		n = lengthOf(plainBytes(), s)
		b = append(b, s[:n]...)
	}
	return string(b)
}

// firstRune is the character that the inside of a JSON string begins with, and
// how many bytes it takes there.
func firstRune(s string) (r rune, size int) {
	if s[0] != '\\' {
		return utf8.DecodeRuneInString(s)
	}
	if s[1] != 'u' {
		return rune(escaped[strings.IndexByte(escapes, s[1])]), 2
	}
	r, _ = unicodeEscape(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := unicodeEscape(s[6:])
	if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
		return r, 12
	}
	return r, 6
}

// hasHalfPair tells whether a \ud800 to \udfff escape stands alone, so that it is
// no character.
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
func unicodeEscape[T string | []byte](text T) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// appendString writes a string as Python's json.dumps does: ASCII, with \u
// escapes in lower-case hex (CPython: json/encoder.py, ESCAPE_DCT).
func appendString(b []byte, s string) []byte {
	return appendQuoted(b, s, func(rune, int) bool { return true })
}

// appendUTF8 writes a string as encoding/json does without its escapes for HTML:
// UTF-8, with escapes for control characters, for U+2028 and U+2029, and for what
// is not UTF-8.
func appendUTF8(b []byte, s string) []byte {
	return appendQuoted(b, s, func(r rune, size int) bool {
		return r < ' ' || strings.ContainsRune("\"\\\u2028\u2029", r) || r == utf8.RuneError && size == 1
	})
}

// appendQuoted writes a string in which plain characters are as they are. escape
// tells which of the others become escapes, by their length in UTF-8, too.
func appendQuoted(b []byte, s string, escape func(r rune, size int) bool) []byte {
	b = append(b, '"')
	for s != "" {
		n := lengthOf(plainBytes(), s)
		b = append(b, s[:n]...)
		if s = s[n:]; s == "" {
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		if escape(r, size) {
			b = appendEscape(b, r)
		} else {
			b = append(b, s[:size]...)
		}
		s = s[size:]
	}
	return append(b, '"')
}

// appendEscape writes a character that is not plain.
func appendEscape(b []byte, r rune) []byte {
	if i := strings.IndexRune(escaped, r); i >= 0 {
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
