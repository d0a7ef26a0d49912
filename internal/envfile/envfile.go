// Package envfile reads env files, which have the credentials of handlers, and
// takes their values out of texts.
//
// godotenv reads them. It has no error for much that it changes or drops, so
// that what is given to it is checked first: a value arrives as a reader of the
// file expects it, or the file is refused. Its own errors show values, and are
// not passed on.
package envfile

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/joho/godotenv"

	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
)

// Error refuses an env file. It never shows a value.
type Error struct{ Faults []error }

func (e *Error) Error() string { return errors.Join(e.Faults...).Error() }

// Read reads env files, later over earlier. The error is an *Error, an
// *trust.UnsafeError or an *fs.PathError.
func Read(files ...string) (map[string]string, error) {
	all := map[string]string{}
	for _, file := range files {
		text, err := trust.ReadSecret(file)
		if errors.As(err, new(*trust.NotRegularError)) {
			return nil, &Error{[]error{err}}
		}
		if err != nil {
			return nil, err
		}
		variables, err := parse(file, string(text))
		if err != nil {
			return nil, err
		}
		maps.Copy(all, variables)
	}
	return all, nil
}

// parse reads the text of a file. Faults name its lines.
func parse(file, text string) (map[string]string, error) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\uFEFF"), "\r\n", "\n")
	var faults []error
	variables, lines := map[string]string{}, map[string]int{}
	for number, g := 1, newGrammar(); text != ""; {
		a, length, err := g.next(text)
		if first := lines[a.name]; err == nil && first > 0 {
			err = fmt.Errorf("duplicate variable %s (first in line %d)", a.name, first)
		}
		if err == nil && a.name != "" {
			lines[a.name] = number
			variables[a.name], err = a.read()
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, number, err))
		}
		number += strings.Count(text[:length], "\n")
		text = text[length:]
	}
	if len(faults) > 0 {
		return nil, &Error{faults}
	}
	return variables, nil
}

// grammar is what may be in an env file.
type grammar struct{ empty, name, bare, bareFault, quoted, quotedFault, escape *regexp.Regexp }

func newGrammar() *grammar {
	const blank = `[ \t\v\f\x{85}\x{A0}]` // as godotenv has them
	const name = blank + `*(?:export` + blank + `+)?([A-Za-z_][A-Za-z0-9_]*)` + blank + `*`
	return &grammar{
		empty:       regexp.MustCompile(`^` + blank + `*(?:#.*)?$`),
		name:        regexp.MustCompile(`^` + name + `(?:=|:` + blank + `|:$)` + blank + `*`),
		bare:        regexp.MustCompile(`^(.*?)` + blank + `*(?:` + blank + `#.*)?$`), // godotenv takes the last # for the comment's
		bareFault:   regexp.MustCompile("^#|[$`]|\\\\$"),
		quoted:      regexp.MustCompile(`^(?:'[^']*'|"(?:[^"\\]|\\(?s:.))*")`),
		quotedFault: regexp.MustCompile(`[$\\]`),
		escape:      regexp.MustCompile("\\\\[nr\\\\\"$`!]"), // those that godotenv writes
	}
}

// assignment is a name and a value as they are written.
type assignment struct {
	name  string
	head  string // with what is around it, up to the value
	value string // with its quotes
}

// next reads the assignment that a text begins with, and returns its length. A
// blank line or a comment has no name. If there is anything else, the length is
// that of the line.
func (g *grammar) next(text string) (a assignment, length int, err error) {
	line, _, _ := strings.Cut(text, "\n")
	length = min(len(line)+1, len(text))
	if !isText(line) {
		return a, length, errors.New("is not UTF-8 text")
	}
	if g.empty.MatchString(line) {
		return a, length, nil
	}
	match := g.name.FindStringSubmatch(line)
	if match == nil {
		return a, length, errors.New("expected NAME=value")
	}
	a.head, a.name = match[0], match[1]
	if value := text[len(a.head):]; value != "" && strings.Contains(`'"`, value[:1]) {
		return g.quotedValue(a, value, length)
	}
	a.value = g.bare.FindStringSubmatch(line[len(a.head):])[1]
	return a, length, mustBeQuoted(g.bareFault.FindString(a.value))
}

// quotedValue reads a value that may go on in further lines. Only a comment may
// follow it.
func (g *grammar) quotedValue(a assignment, text string, lineLength int) (assignment, int, error) {
	a.value = g.quoted.FindString(text)
	after, _, _ := strings.Cut(text[len(a.value):], "\n")
	length := len(a.head) + min(len(a.value)+len(after)+1, len(text))
	isAlone := a.value != "" && g.empty.MatchString(after)
	switch {
	case !isAlone && length > lineLength, a.value == "":
		return a, lineLength, errors.New("its quote is not closed, or has something after it in another line")
	case !isAlone:
		return a, lineLength, errors.New("has something after its closing quote")
	case !isText(a.value + after):
		return a, length, errors.New("is not UTF-8 text")
	case strings.HasSuffix(a.value, `\'`):
		return a, length, errors.New(`has a backslash before its closing quote; write \\ in double quotes`)
	case a.value[0] == '"':
		return a, length, mustBeQuoted(g.quotedFault.FindString(g.escape.ReplaceAllString(a.value, "")))
	}
	return a, length, nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\r") }

// mustBeQuoted refuses the character that a text begins with, if there is one.
func mustBeQuoted(text string) error {
	switch text {
	case "":
		return nil
	case "#":
		return errors.New("'#' must be in quotes")
	}
	return fmt.Errorf("%q must be in single quotes, or after a backslash in double quotes", text[0])
}

// read has godotenv read the value. It drops an escaped quote at the end, and
// takes a quote after an escaped backslash for an escaped one: neither is at the
// end if a full stop is.
func (a assignment) read() (string, error) {
	if a.name == "PATH" || process.Injects(a.name, "") {
		return "", fmt.Errorf("%s may not be set: it would make handlers run other code", a.name)
	}
	stop, text := "", a.value
	if end := len(text) - 1; end > 0 && strings.Contains(`'"`, text[:1]) {
		stop, text = ".", text[:end]+"."+text[end:]
	}
	variables, err := godotenv.Unmarshal(a.head + text)
	value, found := strings.CutSuffix(variables[a.name], stop)
	if _, named := variables[a.name]; err != nil || !named || !found || len(variables) != 1 {
		return "", errors.New("expected NAME=value")
	}
	return value, nil
}
