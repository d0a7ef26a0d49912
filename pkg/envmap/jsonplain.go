package envmap

import (
	"encoding/json"
	"strings"
)

// maxPlain bounds how many members a plain object has: each name is compared
// with those before it.
const maxPlain = 32

// plainReader reads JSON that has nothing but printable ASCII in it and no
// backslash, so that a quote always begins or ends a string and spaces are the
// only white space. Streams consist of such lines, which encoding/json reads at
// a fraction of the speed.
type plainReader struct{ rest string }

// plainObject is parseObject for plain objects: values are strings, arrays of
// strings, numbers, true, false or null. It reports false if an object is not
// plain, or if the text is not an object at all. The members are appended to
// object, which is empty.
func plainObject(object []Member, text []byte) ([]Member, bool) {
	r := plainReader{string(text)}
	if !isPlain(r.rest, '\\') || !r.take('{') {
		return nil, false
	}
	for len(object) < maxPlain {
		m, ok := r.member()
		if !ok || hasName(object, m.Name) {
			return nil, false
		}
		object = append(object, m)
		if !r.take(',') {
			return object, r.take('}') && strings.Trim(r.rest, " ") == ""
		}
	}
	return nil, false
}

// isPlain reports whether s is printable ASCII without a backslash and without
// another character, eight bytes at a time.
func isPlain(s string, without byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(s) >= 8; s = s[8:] {
		n := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		backslash, other := n^ones*'\\', n^ones*uint64(without)
		if (n|(n+ones)|(n-ones*' ')|(backslash-ones)&^backslash|(other-ones)&^other)&high != 0 {
			return false
		}
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' || r == rune(without) }) < 0
}

// hasName reports whether object has a member of that name, in any case.
func hasName(object []Member, name string) bool {
	for i := range object {
		if len(object[i].Name) == len(name) && strings.EqualFold(object[i].Name, name) {
			return true
		}
	}
	return false
}

// take consumes c and the spaces before it, if c comes next.
func (r *plainReader) take(c byte) bool {
	for i := 0; i < len(r.rest); i++ {
		if r.rest[i] == c {
			r.rest = r.rest[i+1:]
			return true
		}
		if r.rest[i] != ' ' {
			return false
		}
	}
	return false
}

func (r *plainReader) member() (m Member, ok bool) {
	name, ok := r.string()
	if !ok || !r.take(':') {
		return m, false
	}
	value, ok := r.value()
	return Member{name[1 : len(name)-1], value}, ok
}

// string consumes a string and returns it with its quotes.
func (r *plainReader) string() (string, bool) {
	s := strings.TrimLeft(r.rest, " ")
	if s == "" || s[0] != '"' {
		return "", false
	}
	end := strings.IndexByte(s[1:], '"') + 2
	if end < 2 {
		return "", false
	}
	r.rest = s[end:]
	return s[:end], true
}

// value consumes a value and returns it in the canonical spacing.
func (r *plainReader) value() (string, bool) {
	if value, ok := r.string(); ok {
		return value, true
	}
	if r.take('[') {
		return r.strings()
	}
	word := strings.TrimLeft(r.rest, " ")
	if i := strings.IndexAny(word, " ,}"); i >= 0 {
		word, r.rest = word[:i], word[i:]
	}
	return word, !strings.ContainsAny(word, `"[{`) && json.Valid([]byte(word))
}

// strings consumes strings up to and including the closing bracket.
func (r *plainReader) strings() (string, bool) {
	var values []string
	for {
		value, ok := r.string()
		if !ok {
			return "", false
		}
		values = append(values, value)
		if !r.take(',') {
			return "[" + strings.Join(values, ", ") + "]", r.take(']')
		}
	}
}
