package envmap

import "strings"

// maxPlain bounds how many members a plain object has: each name is compared
// with those before it.
const maxPlain = 32

// plainObject is parseObject for plain objects, the common ones, which it reads
// without a parser of JSON: names are plain strings, values plain strings,
// arrays of those, decimal numbers, true, false or null. It is false where an
// object is not plain, or no object at all.
func plainObject(text []byte) ([]Member, bool) {
	c := cursor{text: text}
	whole := string(text)
	object := make([]Member, 0, 16)
	for sep := "{"; len(object) < maxPlain; sep = "," {
		m, ok := c.nextMember(whole, sep)
		if !ok || hasName(object, m.Name) {
			return nil, false
		}
		object = append(object, m)
		if c.take("}") {
			c.space()
			return object, c.atEnd()
		}
	}
	return nil, false
}

// nextMember takes a member behind sep, with the space around it. whole is the
// text again, of which names and values are parts.
func (c *cursor) nextMember(whole, sep string) (m Member, ok bool) {
	c.space()
	if !c.take(sep) {
		return m, false
	}
	c.space()
	start := c.at
	if !c.quoted() {
		return m, false
	}
	m.Name = whole[start+1 : c.at-1]
	c.space()
	if !c.take(":") {
		return m, false
	}
	c.space()
	m.Value, ok = c.value(whole)
	c.space()
	return m, ok
}

// hasName tells whether a name is there already, in small letters or capitals.
// Plain names are ASCII, so that no other letters fold to them.
func hasName(object []Member, name string) bool {
	for _, m := range object {
		if len(m.Name) == len(name) && strings.EqualFold(m.Name, name) {
			return true
		}
	}
	return false
}

// value takes a plain value and returns it in the canonical spacing.
func (c *cursor) value(whole string) (string, bool) {
	start := c.at
	if c.take("[") {
		values, ok := c.elements(whole)
		return "[" + strings.Join(values, ", ") + "]", ok
	}
	ok := c.quoted() || c.take("null") || c.take("true") || c.take("false") || c.signed()
	return whole[start:c.at], ok
}

// quoted takes a plain string with its quotes.
func (c *cursor) quoted() bool {
	if !c.take(`"`) {
		return false
	}
	c.plain()
	return c.take(`"`)
}

// signed takes a number without an exponent.
func (c *cursor) signed() bool {
	c.take("-")
	return c.number()
}

// elements takes plain strings up to and with the closing bracket.
func (c *cursor) elements(whole string) (values []string, ok bool) {
	for c.space(); ; c.space() {
		start := c.at
		if !c.quoted() {
			return nil, false
		}
		values = append(values, whole[start:c.at])
		c.space()
		if c.take("]") {
			return values, true
		}
		if !c.take(",") {
			return nil, false
		}
	}
}

// plainStrings reads an array of plain strings, with their quotes.
func plainStrings(value string) ([]string, bool) {
	c := cursor{text: []byte(value)}
	if !c.take("[") {
		return nil, false
	}
	values, ok := c.elements(value)
	return values, ok && c.atEnd()
}

// unquotedPlain is a value without its quotes, if it is a plain string. The
// value is one that parseObject returned, in which nothing but a backslash
// makes a string other than plain.
func unquotedPlain(value string) (string, bool) {
	inner, ok := strings.CutPrefix(value, `"`)
	if !ok || strings.IndexByte(inner, '\\') >= 0 {
		return "", false
	}
	return strings.TrimSuffix(inner, `"`), true
}
