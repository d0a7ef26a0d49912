package envmap

import "strings"

// What these functions cut is known to be JSON, without space or in the canonical
// spacing.

// cutObject cuts an object into its members. Names come without quotes.
func cutObject(object string) (members []Member) {
	for rest := object[1:]; rest != "}"; rest = strings.TrimLeft(rest, ", ") {
		m := Member{}
		m.Name, rest = cutValue(rest)
		m.Name = unquote(m.Name)
		m.Value, rest = cutValue(strings.TrimLeft(rest, ": "))
		members = append(members, m)
	}
	return members
}

// cutArray cuts an array into its values.
func cutArray(array string) (values []string) {
	for rest := array[1:]; rest != "]"; rest = strings.TrimLeft(rest, ", ") {
		value := ""
		value, rest = cutValue(rest)
		values = append(values, value)
	}
	return values
}

// cutValue cuts off the value, or the name, that text begins with.
func cutValue(text string) (value, rest string) {
	open := 0 // how many brackets and braces
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"':
			i += quotedLength(text[i:]) - 1
		case open == 0 && strings.IndexByte(",:]}", b) >= 0:
			return text[:i], text[i:]
		case b == '[' || b == '{':
			open++
		case b == ']' || b == '}':
			open--
		}
	}
	return text, ""
}

// quotedLength is the length of the string that text begins with, in bytes with
// its quotes.
func quotedLength[T string | []byte](text T) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
