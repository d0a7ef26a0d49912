package runner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/extauth/extauth/pkg/envmap"
)

// Handler is a program that is called for events: a line of a chain file, or
// the one on the command line.
type Handler struct {
	Convention string              // the convention that it speaks
	Command    []string            // program and arguments, for every event
	Commands   map[string][]string // instead of Command: one for each operand (auth, cleanup, ...)

	Domains  []string          // only for these identifiers; *.example.org is every name below
	Types    []string          // only for these challenge types
	Phases   []string          // only in these phases
	EnvFiles []string          // dotenv files for this handler alone
	Timeout  time.Duration     // 0: the runner's
	Optional bool              // its failure is a warning
	Strict   bool              // its failure reaches the client for informational events too
	User     string            // run as this user
	Settings map[string]string // the convention's own
	Aliases  map[string]string // TXT names that are published elsewhere, where their CNAMEs lead
	Closer   []closer          // what lines with a closer domain= take
	Batch    bool              // performs an order once, behind its last challenge
	Verify   string            // "dns" or "http": look whether what was performed can be seen
	Persist  bool              // is started once, and given one event behind another
	Limit    int               // of its calls at the same time in this process; 0: none

	Line int // in its chain file, 0 on a command line
}

// convention is the one that the handler speaks, under its line's settings.
func (h *Handler) convention() *envmap.Convention {
	c, err := h.settled()
	if err != nil { // a chain with such a line is never run
		c, _ = envmap.Lookup(h.Convention)
	}
	return c
}

// settled is convention, with what is wrong with the settings.
func (h *Handler) settled() (*envmap.Convention, error) {
	c, _ := envmap.Lookup(h.Convention)
	if c.To.With == nil {
		return c, nil
	}
	return c.To.With(h.Settings)
}

// IsProgram tells whether the handler is a program that is started, as opposed
// to a process that listens or a person at the terminal.
func (h *Handler) IsProgram() bool {
	_, listens := h.endpoint()
	return !listens && !h.isPerson()
}

// argv is the program that is started for an event, and the handler's own
// words.
func (h *Handler) argv(cmd envmap.Cmd) []string {
	convention := h.convention()
	before := []string{}
	switch {
	case convention.To.Program != "":
		path, err := Companion(convention.To.Program)
		if err != nil {
			path = convention.To.Program // starting it says what is wrong
		}
		before = []string{path}
	case convention.To.Script != "":
		before = []string{"/bin/sh", "-c", convention.To.Script, convention.Name}
	}
	return append(before, h.command(cmd)...)
}

// name is how messages call a handler: its convention and its program.
func (h *Handler) name(e envmap.Event) string {
	program := ""
	if argv := h.command(e.Cmd); len(argv) > 0 {
		program = " " + argv[0]
	}
	if h.Line > 0 {
		return fmt.Sprintf("line %d: %s%s", h.Line, h.Convention, program)
	}
	return h.Convention + program
}

// words are a handler's command, for people: that of a handler that is no
// program begins with its convention.
func (h *Handler) words(cmd envmap.Cmd) []string {
	if h.IsProgram() {
		return append([]string{}, h.command(cmd)...)
	}
	return append([]string{h.Convention}, h.Command...)
}

// programs lists the handler's commands, in a fixed order.
func (h *Handler) programs() [][]string {
	if len(h.Command) > 0 {
		return [][]string{h.Command}
	}
	var all [][]string
	for _, operand := range slices.Sorted(maps.Keys(h.Commands)) {
		all = append(all, h.Commands[operand])
	}
	return all
}

// Startable sees whether what the handler is run by is there. Errors as those
// of the function of this name.
func (h *Handler) Startable() error {
	convention := h.convention()
	if convention.To.Program != "" {
		_, err := Companion(convention.To.Program)
		return err
	}
	if convention.To.Script != "" {
		return nil // the script finds it
	}
	var faults []error
	for _, argv := range h.programs() {
		faults = append(faults, Startable(argv[0]))
	}
	return errors.Join(faults...)
}
