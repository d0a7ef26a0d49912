package runner

import (
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Plan says what Run would run if every handler did well: one shell-quoted
// command a line, with the variables that it adds, and what it gives on
// standard input. Variables from env files are not shown.
func (r *Runner) Plan(events []envmap.Event) ([]string, error) {
	c := &call{Runner: r, env: map[string]map[string]string{}}
	if err := c.readEnvFiles(); err != nil {
		return nil, err
	}
	if len(events) > 0 && events[0].Cmd == envmap.PerformChallenge {
		if err := c.feasible(events); err != nil {
			return nil, err
		}
	}
	var lines []string
	for _, e := range withBrackets(events) {
		chain := c.Chain
		if isCleaning(e.Cmd) {
			chain = reversed(chain)
		}
		for _, h := range chain {
			line, err := plan(h, e)
			if err != nil {
				return nil, err
			}
			if line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines, nil
}

// withBrackets puts the phases of an order around its challenges.
func withBrackets(events []envmap.Event) []envmap.Event {
	if len(events) == 0 || !events[0].IsChallenge() {
		return events
	}
	before, after := envmap.PrePerform, envmap.PostPerform
	if events[0].Cmd == envmap.Cleanup {
		before, after = envmap.PreCleanup, envmap.PostCleanup
		events = reversed(events)
	}
	all := events
	domains := identifiersIn(events)
	if len(events) > 1 || isFirst(events[0]) {
		all = append([]envmap.Event{{Cmd: before, Domains: domains}}, all...)
	}
	if len(events) > 1 || isLast(events[len(events)-1]) {
		all = append(all[:len(all):len(all)], envmap.Event{Cmd: after, Domains: domains, Challenges: events})
	}
	return all
}

func identifiersIn(events []envmap.Event) []string {
	if len(events[0].Domains) > 0 {
		return events[0].Domains
	}
	return []string{events[0].Domain}
}

func plan(h Handler, e envmap.Event) (string, error) {
	if isBracket(e.Cmd) && !h.bracketed() {
		return "", nil
	}
	if e.Cmd == envmap.Cleanup && e.AuthOutput == nil {
		printed := "" // what it will be only the journal knows
		e.AuthOutput = &printed
	}
	call, err := h.takes(e)
	if call == nil || err != nil {
		return "", err
	}
	env := about(e)
	for name, value := range call.Env {
		env[name] = value
	}
	if !h.IsProgram() {
		env = nil // no variable goes there
	}
	words := append(sorted(env), h.words(e.Cmd)...)
	line := Quote(append(words, call.Args...))
	if call.Stdin != nil {
		lines := strings.Split(strings.TrimSuffix(string(call.Stdin), "\n"), "\n")
		line = "printf '%s\\n' " + Quote(lines) + " | " + line
	}
	return line, nil
}
