package runner

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// notes is how records and orders are written down: a line for each thing, its
// kind first, then the fields that are set, each with its values in quotes,
//
//	event cmd "perform_challenge" type "dns-01" domain "example.org"
//
// quoted as in Go, so that any byte comes back. One function for each kind says
// what its fields are, for writing and for reading. (encoding/json would do it
// too, at several times the cost for each challenge.)
type notes struct {
	line  []byte              // what is written; nil while reading
	read  map[string][]string // fields of the line that is read
	fault error
}

// errNotes says that a line is none of ours.
var errNotes = errors.New("is not written as our lines are")

// write returns the line of a thing, with its line feed.
func write(kind string, fields func(*notes)) []byte {
	n := &notes{line: append(make([]byte, 0, 512), kind...)}
	fields(n)
	return append(n.line, '\n')
}

// parse takes a line apart.
func parse(line string) (kind string, n *notes, err error) {
	kind, rest, _ := strings.Cut(line, " ")
	n = &notes{read: map[string][]string{}}
	for name := ""; rest != ""; {
		if rest[0] != '"' {
			name, rest, _ = strings.Cut(rest, " ")
			if _, twice := n.read[name]; twice || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_=") != "" {
				return kind, nil, errNotes // two lines in one, where a crash tore the first
			}
			n.read[name] = []string{}
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || name == "" {
			return kind, nil, errNotes
		}
		value, _ := strconv.Unquote(quoted) // it is what QuotedPrefix takes
		n.read[name] = append(n.read[name], value)
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
	}
	return kind, n, nil
}

// list is a field of several values. nil is left out, an empty one is not.
func (n *notes) list(name string, place *[]string) {
	if n.line == nil {
		*place = n.read[name]
		return
	}
	if *place == nil {
		return
	}
	n.line = append(append(n.line, ' '), name...)
	for _, value := range *place {
		n.line = strconv.AppendQuote(append(n.line, ' '), value)
	}
}

// text is a field of one value, "" where it is left out.
func (n *notes) text(name string, place *string) {
	values := []string{*place}
	if *place == "" {
		values = nil
	}
	n.list(name, &values)
	if len(values) == 1 {
		*place = values[0]
	}
}

// optional is a text that may be empty, or not be there at all.
func (n *notes) optional(name string, place **string) {
	var values []string
	if *place != nil {
		values = []string{**place}
	}
	n.list(name, &values)
	if len(values) == 1 {
		*place = &values[0]
	}
}

// number is a decimal field, 0 where it is left out.
func (n *notes) number(name string, place *int64) {
	text := ""
	if *place != 0 {
		text = strconv.FormatInt(*place, 10)
	}
	n.text(name, &text)
	if n.line == nil && text != "" {
		value, err := strconv.ParseInt(text, 10, 64)
		n.fault = errors.Join(n.fault, err)
		*place = value
	}
}

func (n *notes) integer(name string, place *int) {
	wide := int64(*place)
	n.number(name, &wide)
	*place = int(wide)
}

// place is a number that may not be there at all.
func (n *notes) place(name string, place **int) {
	var text *string
	if *place != nil {
		decimal := strconv.Itoa(**place)
		text = &decimal
	}
	n.optional(name, &text)
	if n.line == nil && text != nil {
		value, err := strconv.Atoi(*text)
		n.fault = errors.Join(n.fault, err)
		*place = &value
	}
}

func (n *notes) yes(name string, place *bool) {
	text := ""
	if *place {
		text = "yes"
	}
	n.text(name, &text)
	*place = text != ""
}

// pairs is a field of names with their values, one behind the other.
func (n *notes) pairs(name string, place *map[string]string) {
	var values []string
	for _, key := range sortedKeys(*place) {
		values = append(values, key, (*place)[key])
	}
	n.list(name, &values)
	if n.line == nil && len(values) > 0 {
		*place = map[string]string{}
		for pair := range slices.Chunk(values, 2) {
			(*place)[pair[0]] = pair[len(pair)-1]
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
