package check

import (
	"slices"
	"strings"
)

// records are TXT values by name, as nsupdate's scripts leave them if every
// update succeeds.
type records map[string][]string

// replay applies the updates of one script; those that it does not send are
// lost.
func (r records) replay(script string) {
	var waiting [][]string
	for line := range strings.Lines(script) {
		words := strings.Fields(strings.ToLower(line))
		switch {
		case len(words) == 0 || words[0] == "send":
			for _, update := range waiting {
				r.apply(update)
			}
			waiting = nil
		case words[0] == "update" || words[0] == "add" || strings.HasPrefix(words[0], "del"):
			waiting = append(waiting, strings.Fields(line))
		}
	}
}

// apply applies one update: [update] add NAME [TTL] [CLASS] TXT VALUE..., or
// [update] del|delete NAME [TTL] [CLASS] [TXT [VALUE...]].
func (r records) apply(words []string) {
	if strings.EqualFold(words[0], "update") {
		words = words[1:]
	}
	if len(words) < 2 {
		return
	}
	name, rest := canonical(words[1]), words[2:]
	txt := slices.IndexFunc(rest, func(w string) bool { return strings.EqualFold(w, "TXT") })
	value := ""
	if txt >= 0 {
		value = strings.ReplaceAll(strings.Join(rest[txt+1:], " "), `"`, "")
	}
	switch {
	case strings.EqualFold(words[0], "add"):
		if value != "" && !slices.Contains(r[name], value) {
			r[name] = append(r[name], value)
		}
	case value == "":
		delete(r, name)
	default:
		r[name] = slices.DeleteFunc(r[name], func(v string) bool { return v == value })
	}
}

func canonical(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }
