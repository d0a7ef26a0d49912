package runner

import (
	"maps"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// Plan returns what Run would run if every handler succeeded: one shell-quoted
// command a line, with the variables that it adds, and what it gives on standard
// input. The values of env files and key material are not shown. Errors as Run's,
// before it runs anything.
func (r *Runner) Plan(events []envmap.Event) ([]string, error) {
	c, err := r.call(events)
	if err != nil {
		return nil, err
	}
	if err := c.readEnvFiles(c.Chain); err != nil {
		return nil, err
	}
	if events, err = c.complete(events); err != nil {
		return nil, err
	}
	if len(events) > 0 && events[0].Cmd == envmap.PerformChallenge {
		if err := c.feasible(events); err != nil {
			return nil, err
		}
	}
	var lines []string
	for _, e := range withBrackets(withoutKeys(events)) {
		for _, h := range c.chainFor(e.Cmd) {
			planned, err := plan(h, e, events, c.variables(h))
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
	domains := identifiers(events)
	if len(events) > 1 || journal.IsFirst(events[0]) {
		all = append([]envmap.Event{{Cmd: before, Domains: domains}}, all...)
	}
	if len(events) > 1 || journal.IsLast(events[len(events)-1]) {
		all = append(all[:len(all):len(all)], envmap.Event{Cmd: after, Domains: domains, Challenges: events})
	}
	return all
}

// hidden replaces a value that is not shown.
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

// plan is what a handler would be run with for one event of a call. secrets are the
// variables of its env files.
func plan(h *Handler, e envmap.Event, all []envmap.Event, secrets map[string]string) ([]string, error) {
	if isBracket(e.Cmd) && !h.Bracketed() {
		return nil, nil
	}
	if h.Batch && e.Cmd == envmap.PerformChallenge {
		return planBatch(h, e, withoutKeys(all), secrets)
	}
	if e.Cmd == envmap.Cleanup && e.AuthOutput == nil {
		printed := "" // only the journal knows what it will be
		e.AuthOutput = &printed
	}
	encoded, err := h.Encode(e)
	if encoded == nil || err != nil {
		return nil, err
	}
	return []string{line(h, e, encoded, secrets)}, nil
}

// planBatch is planned after the last challenge. Those of earlier calls only the
// journal knows.
func planBatch(h *Handler, e envmap.Event, all []envmap.Event, secrets map[string]string) (lines []string, err error) {
	last := all[len(all)-1]
	if journal.Key(e) != journal.Key(last) || len(all) == 1 && !journal.IsLast(last) {
		return nil, nil
	}
	taken := h.Filter(all)
	if len(taken) == 0 {
		return nil, nil
	}
	for _, group := range h.Groups(taken) {
		encoded, err := h.EncodeBatch(group)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line(h, group[len(group)-1], &encoded, secrets))
	}
	return lines, nil
}

// line writes a call as a person could type it.
func line(h *Handler, e envmap.Event, encoded *envmap.Call, secrets map[string]string) string {
	line := typed(h, e, encoded, secrets)
	if encoded.Stdin == nil {
		return line
	}
	text, whole := strings.CutSuffix(string(encoded.Stdin), "\n")
	if !whole {
		return "printf %s " + commandline.Quote(text) + " | " + line
	}
	return "printf '%s\\n' " + commandline.Quote(strings.Split(text, "\n")...) + " | " + line
}

// commandOf is typed for a call that was encoded for the event with its key.
func commandOf(h *Handler, e envmap.Event, encoded *envmap.Call, secrets map[string]string) string {
	if e.KeyPEM != "" || e.CertPEM != "" {
		if again, err := h.Encode(withoutKey(e)); err == nil && again != nil {
			encoded = again
		}
	}
	return typed(h, e, encoded, secrets)
}

// typed is the command with its variables. A handler that needs a program of
// ours is shown as an operand of that.
func typed(h *Handler, e envmap.Event, encoded *envmap.Call, secrets map[string]string) string {
	env := map[string]string{}
	for name := range secrets {
		env[name] = hidden
	}
	if h.IsProgram() && !h.Persist { // no other variable goes to the others
		maps.Copy(env, process.EventVariables(e))
		maps.Copy(env, encoded.Env)
	}
	words := h.Words(e.Cmd)
	if h.Resolved().To.Program != "" {
		words = h.Argv(e.Cmd)
	}
	var assignments []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		assignments = append(assignments, name+"="+env[name])
	}
	return commandline.Quote(slices.Concat(assignments, words, encoded.Args)...)
}
