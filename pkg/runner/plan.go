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
	events, err := c.whole(events)
	if err != nil {
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
			planned, err := h.plan(e, events)
			if err != nil {
				return nil, err
			}
			lines = append(lines, planned...)
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

// plan is what the handler would be run with for one event of a call.
func (h *Handler) plan(e envmap.Event, all []envmap.Event) ([]string, error) {
	if isBracket(e.Cmd) && !h.bracketed() {
		return nil, nil
	}
	if h.Batch && e.Cmd == envmap.PerformChallenge {
		return h.planBatch(e, all)
	}
	if e.Cmd == envmap.Cleanup && e.AuthOutput == nil {
		printed := "" // what it will be only the journal knows
		e.AuthOutput = &printed
	}
	call, err := h.takes(e)
	if call == nil || err != nil {
		return nil, err
	}
	return []string{h.line(e, *call)}, nil
}

// planBatch is planned behind the last challenge. Those of earlier calls only
// the journal knows.
func (h *Handler) planBatch(e envmap.Event, all []envmap.Event) (lines []string, err error) {
	last := all[len(all)-1]
	if key(e) != key(last) || len(all) == 1 && !isLast(last) {
		return nil, nil
	}
	order := h.ofOrder(all)
	if len(order) == 0 {
		return nil, nil
	}
	convention := h.convention()
	for _, group := range h.groups(order) {
		call, err := convention.EncodeBatch(h.toldAll(group))
		if err != nil {
			return nil, err
		}
		lines = append(lines, h.line(group[len(group)-1], call))
	}
	return lines, nil
}

// line writes a call as a person could type it.
func (h *Handler) line(e envmap.Event, call envmap.Call) string {
	env := about(e)
	for name, value := range call.Env {
		env[name] = value
	}
	if !h.IsProgram() || h.Persist {
		env = nil // no variable goes there
	}
	words := append(sorted(env), h.words(e.Cmd)...)
	line := Quote(append(words, call.Args...))
	if call.Stdin == nil {
		return line
	}
	lines := strings.Split(strings.TrimSuffix(string(call.Stdin), "\n"), "\n")
	return "printf '%s\\n' " + Quote(lines) + " | " + line
}
