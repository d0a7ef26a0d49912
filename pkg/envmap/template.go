package envmap

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/extauth/extauth/internal/commandline"
)

// template is any program whose operands its user writes down: the settings
// perform= and cleanup= of a chain line are words with fields, such as
// "add {txt_domain} {validation}".
func template() *Convention {
	return &Convention{
		Name:   "template",
		Doc:    "any program: its arguments are words with fields, such as perform='add {txt_domain} {validation}'",
		Ref:    "this file; the fields are the members of the JSON protocol (json.go)",
		Traces: "template-documented",
		To: To{
			Encode:   func(e Event) (Call, error) { return Call{}, &UnsupportedError{Convention: "template", Cmd: e.Cmd} },
			Settings: []string{"perform", "cleanup"},
			With:     withTemplates,
		},
	}
}

// templateFields returns what may be in braces: members of a challenge.
func templateFields() []string {
	return []string{"txt_domain", "domain", "validation", "token", "key_auth", "uri", "type"}
}

// pattern is a word of a template: texts, with a field between each two.
type pattern struct{ texts, fields []string }

// withTemplates reads the settings. There is no call for an event without one.
func withTemplates(settings map[string]string) (*Convention, error) {
	templates := map[Cmd][]pattern{}
	for cmd, setting := range map[Cmd]string{PerformChallenge: "perform", Cleanup: "cleanup"} {
		text, found := settings[setting]
		if !found {
			continue
		}
		words, err := parseTemplate(text)
		if err != nil {
			return nil, fmt.Errorf("%s=: %w", setting, err)
		}
		templates[cmd] = words
	}
	if len(templates) == 0 {
		return nil, errors.New("template needs perform= or cleanup=")
	}
	c := template()
	c.To.Encode = func(e Event) (Call, error) { return encodeTemplate(templates[e.Cmd], e) }
	return c, nil
}

func encodeTemplate(words []pattern, e Event) (Call, error) {
	if words == nil {
		return Call{}, &UnsupportedError{Convention: "template", Cmd: e.Cmd}
	}
	if !mentions(words, "txt_domain") {
		e.Domain = e.recordOwner()
	}
	call := Call{Args: []string{}, Env: map[string]string{}}
	for _, w := range words {
		word, err := w.fill(e)
		if err != nil {
			return Call{}, err
		}
		call.Args = append(call.Args, word)
	}
	return call, nil
}

func mentions(words []pattern, field string) bool {
	for _, w := range words {
		if slices.Contains(w.fields, field) {
			return true
		}
	}
	return false
}

// fill inserts the event's values. Whatever they contain stays one word.
func (p pattern) fill(e Event) (string, error) {
	word := p.texts[0]
	for i, field := range p.fields {
		value := *e.text(field)
		if value == "" {
			return "", &MissingError{"template", field}
		}
		word += value + p.texts[i+1]
	}
	return word, nil
}

func parseTemplate(text string) ([]pattern, error) {
	words, err := templateWords(text)
	if err != nil {
		return nil, err
	}
	var patterns []pattern
	fields := 0
	for _, word := range words {
		p, err := parsePattern(word)
		if err != nil {
			return nil, err
		}
		patterns, fields = append(patterns, p), fields+len(p.fields)
	}
	if fields == 0 {
		return nil, errors.New("has no field (want one of " + fieldList() + ")")
	}
	return patterns, nil
}

func parsePattern(word string) (pattern, error) {
	var p pattern
	for {
		text, rest, more := strings.Cut(word, "{")
		p.texts = append(p.texts, text)
		if !more {
			return p, nil
		}
		field, after, closed := strings.Cut(rest, "}")
		if !closed || !slices.Contains(templateFields(), field) {
			return p, fmt.Errorf("unknown field %s (want one of %s)", quoted("{"+rest[:len(rest)-len(after)]), fieldList())
		}
		p.fields, word = append(p.fields, field), after
	}
}

func fieldList() string {
	fields := templateFields()
	sort.Strings(fields)
	return "{" + strings.Join(fields, "}, {") + "}"
}

// templateWords splits a template as a chain line is split. A substitution would
// reach the handler as it is written, so that it is refused.
func templateWords(text string) ([]string, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return nil, errors.New("has a control character")
	}
	words, err := commandline.Split(text)
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		if strings.Contains(word, "$(") || strings.Contains(word, "`") {
			return nil, fmt.Errorf("%s is a substitution; no shell is used", quoted(word))
		}
	}
	return words, nil
}
