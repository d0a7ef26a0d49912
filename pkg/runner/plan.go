package runner

import (
	"maps"
	"slices"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// Plan says what Run would run if every handler did well: one shell-quoted
// command a line, with the variables that it adds, and what it gives on
// standard input. The values of env files and key material are not shown.
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
	for _, e := range withBrackets(withoutKeys(events)) {
		chain := c.Chain
		if isCleaning(e.Cmd) {
			chain = reversed(chain)
		}
		for _, h := range chain {
			planned, err := h.plan(e, events, c.variables(h))
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

// hidden stands for a value that is not shown.
const hidden = "***"

func withoutKeys(events []envmap.Event) []envmap.Event {
	shown := make([]envmap.Event, len(events))
	for i, e := range events {
		shown[i] = withoutKey(e)
	}
	return shown
}

// withoutKey is an event as it is shown: without key material.
func withoutKey(e envmap.Event) envmap.Event {
	for _, pem := range []*string{&e.KeyPEM, &e.CertPEM} {
		if *pem != "" {
			*pem = hidden
		}
	}
	return e
}

// plan is what the handler would be run with for one event of a call. secrets are
// the variables of its env files.
func (h *Handler) plan(e envmap.Event, all []envmap.Event, secrets map[string]string) ([]string, error) {
	if isBracket(e.Cmd) && !h.bracketed() {
		return nil, nil
	}
	if h.Batch && e.Cmd == envmap.PerformChallenge {
		return h.planBatch(e, withoutKeys(all), secrets)
	}
	if e.Cmd == envmap.Cleanup && e.AuthOutput == nil {
		printed := "" // what it will be only the journal knows
		e.AuthOutput = &printed
	}
	call, err := h.takes(e)
	if call == nil || err != nil {
		return nil, err
	}
	return []string{h.line(e, *call, secrets)}, nil
}

// planBatch is planned behind the last challenge. Those of earlier calls only
// the journal knows.
func (h *Handler) planBatch(e envmap.Event, all []envmap.Event, secrets map[string]string) (lines []string, err error) {
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
		lines = append(lines, h.line(group[len(group)-1], call, secrets))
	}
	return lines, nil
}

// line writes a call as a person could type it.
func (h *Handler) line(e envmap.Event, call envmap.Call, secrets map[string]string) string {
	line := h.typed(e, call, secrets)
	if call.Stdin == nil {
		return line
	}
	text, whole := strings.CutSuffix(string(call.Stdin), "\n")
	if !whole {
		return "printf %s " + quote(text) + " | " + line
	}
	return "printf '%s\\n' " + Quote(strings.Split(text, "\n")) + " | " + line
}

// shown is typed for a call that was made for the event itself, with its key.
func (h *Handler) shown(e envmap.Event, call envmap.Call, secrets map[string]string) string {
	if e.KeyPEM != "" || e.CertPEM != "" {
		if again, err := h.convention().Encode(withoutKey(e)); err == nil {
			call = again
		}
	}
	return h.typed(e, call, secrets)
}

// typed is the command with its variables. A handler that needs a program of ours
// is shown behind that.
func (h *Handler) typed(e envmap.Event, call envmap.Call, secrets map[string]string) string {
	env := map[string]string{}
	for name := range secrets {
		env[name] = hidden
	}
	if h.IsProgram() && !h.Persist { // no other variable goes to the others
		maps.Copy(env, about(e))
		maps.Copy(env, call.Env)
	}
	words := h.words(e.Cmd)
	if h.convention().To.Program != "" {
		words = h.argv(e.Cmd)
	}
	return Quote(slices.Concat(sorted(env), words, call.Args))
}
