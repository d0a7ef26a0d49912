package envmap

// ParseObject reads one JSON object as strictly as an event's line: UTF-8, no name
// twice, nothing behind it. The error is a *CallError.
func ParseObject(text []byte) ([]Member, error) { return parseObject(text) }

// Parts are what the value of a member that ParseObject returned is made of: an
// object's members, or an array's values, without names.
func (m Member) Parts() (parts []Member) {
	switch m.Value[0] {
	case '{':
		return cutObject(m.Value)
	case '[':
		for _, value := range cutArray(m.Value) {
			parts = append(parts, Member{Value: value})
		}
	}
	return parts
}

// Text is the text of a string, and anything else as it stands in JSON.
func (m Member) Text() string {
	if m.Value[0] != '"' {
		return m.Value
	}
	return unquote(m.Value)
}
