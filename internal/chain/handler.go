package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// Handler is who is called for events: a program, a process that listens, or a
// person at the terminal. It is a line of a chain file, the command on a command
// line, or made by hand with at least Convention and Command.
//
// The keys of a chain line are named in quotes. The JSON form of a handler is
// kept in the journal.
type Handler struct {
	// Convention is the name of the convention that the handler speaks, as
	// "dehydrated"; see envmap.Conventions.
	Convention string `json:"convention"`

	// Command is the program and its arguments, for every event. A program
	// without a slash is looked for in PATH. A json handler can be a process that
	// listens instead: one word, unix:PATH or fifo:DIRECTORY.
	Command []string `json:"command,omitempty"`

	// Commands has, in place of Command, a command for single events: the keys
	// are those of the convention, as "auth" and "cleanup" of certbot. Events
	// without a command are not for the handler.
	Commands map[string][]string `json:"commands,omitempty"`

	// Domains limits the handler to identifiers ("domain"): a DNS name or IP
	// address, or *.NAME for every name below NAME. Empty: all. Of several
	// handlers with Domains, a challenge is for those that name it most closely.
	Domains []string `json:"domain,omitempty"`

	// Types limits the handler to challenge types ("type"), as "dns-01". Empty:
	// all.
	Types []string `json:"type,omitempty"`

	// Phases limits the handler to phases ("phase"), as Event.Phase returns them.
	// Empty: all.
	Phases []string `json:"phase,omitempty"`

	// EnvFiles are paths of files with variables for this handler only ("env").
	EnvFiles []string `json:"env,omitempty"`

	// Timeout is how long one call may take ("timeout"). 0: as long as the
	// runner says.
	Timeout time.Duration `json:"timeout,omitempty"`

	// Optional makes the handler's failure a warning ("optional").
	Optional bool `json:"optional,omitempty"`

	// Strict tells the client of the handler's failure also for informational
	// events, from which it otherwise is kept ("strict").
	Strict bool `json:"strict,omitempty"`

	// User is the name of the user that the program is run as ("user"). Empty:
	// the user of this process. Only root can run it as another.
	User string `json:"user,omitempty"`

	// Settings are the convention's own, by their names, as "mode" of lego.
	Settings map[string]string `json:"settings,omitempty"`

	// Aliases are names of TXT records and where they are published instead,
	// since the first is a CNAME to the second ("alias").
	Aliases map[string]string `json:"alias,omitempty"`

	// Batch has the handler perform an order with one call, after the order's
	// last challenge ("batch").
	Batch bool `json:"batch,omitempty"`

	// Verify says how to look whether what was performed can be seen: "dns" or
	// "http" ("verify"). Empty: not at all.
	Verify string `json:"verify,omitempty"`

	// Persist starts the program once and gives it one event after another
	// ("persist").
	Persist bool `json:"persist,omitempty"`

	// Limit is how many calls this process may make at the same time ("limit").
	// 0: any number.
	Limit int `json:"limit,omitempty"`

	// Line is the number of the handler's line in its chain file, from 1; 0 for
	// a handler that is not from a file. It is for messages, and makes the
	// handler part of a chain; see Bracketed.
	Line int `json:"line,omitempty"`

	convention *envmap.Convention // under the settings; nil: not looked up yet
	closer     []closer           // what handlers with a closer domain= take
}

// Resolved returns the convention that the handler speaks, under its settings. It
// is never nil: if there is no such convention, encoding returns an error.
func (h *Handler) Resolved() *envmap.Convention {
	if h.isResolved() {
		return h.convention
	}
	again := *h
	if err := again.Resolve(); err != nil {
		refuse := func(envmap.Event) (envmap.Call, error) { return envmap.Call{}, err }
		return &envmap.Convention{Name: h.Convention, To: envmap.To{Encode: refuse}}
	}
	return again.convention
}

// IsProgram reports whether the handler is a program that is started, as opposed
// to a process that listens or a person.
func (h *Handler) IsProgram() bool {
	_, listens := h.Endpoint()
	return !listens && !h.IsPerson()
}

// IsPerson reports whether the handler is a person at the terminal.
func (h *Handler) IsPerson() bool { return h.Resolved().To.Person }

// Endpoint returns where a handler that is a process listens.
func (h *Handler) Endpoint() (endpoint.Address, bool) {
	if h.Convention != "json" || len(h.Command) == 0 {
		return endpoint.Address{}, false
	}
	return endpoint.ParseAddress(h.Command[0])
}

// CommandFor returns the handler's program and arguments for an event, or nil.
func (h *Handler) CommandFor(cmd envmap.Cmd) []string {
	if len(h.Commands) == 0 {
		return h.Command
	}
	return h.Commands[h.Resolved().To.Operands[cmd]]
}

// Argv returns the program that is started for an event and its arguments,
// without those of the event: the handler's command, after what the convention
// calls it through.
func (h *Handler) Argv(cmd envmap.Cmd) []string {
	c := h.Resolved()
	var before []string
	switch {
	case c.To.Program != "":
		path, err := process.Companion(c.To.Program)
		if err != nil {
			path = c.To.Program // starting it returns the error
		}
		before = []string{path}
	case c.To.Script != "":
		before = []string{"/bin/sh", "-c", c.To.Script, c.Name}
	}
	return slices.Concat(before, h.CommandFor(cmd))
}

// Words returns the handler's command for people. For a handler that is not a
// program it begins with the convention.
func (h *Handler) Words(cmd envmap.Cmd) []string {
	if h.IsProgram() {
		return slices.Clone(h.CommandFor(cmd))
	}
	return slices.Concat([]string{h.Convention}, h.Command)
}

// Name is how messages about an event call the handler: its line, its convention
// and its program.
func (h *Handler) Name(cmd envmap.Cmd) string {
	name := h.Convention
	if command := h.CommandFor(cmd); len(command) > 0 {
		name += " " + command[0]
	}
	if h.Line > 0 {
		return fmt.Sprintf("line %d: %s", h.Line, name)
	}
	return name
}

// Startable reports what keeps the handler's programs from being started. The
// error is a *process.StartError or a *trust.UnsafeError, or several, joined.
func (h *Handler) Startable() error {
	c := h.Resolved()
	switch {
	case !h.IsProgram() || c.To.Script != "": // the script finds its program
		return nil
	case c.To.Program != "":
		_, err := process.Companion(c.To.Program)
		return err
	}
	var faults []error
	for _, command := range commandsOf(h) {
		faults = append(faults, process.Startable(command[0]))
	}
	return errors.Join(faults...)
}

// Equal reports whether two handlers are the same but for their line: what the
// journal keeps of them is equal.
func (h *Handler) Equal(other *Handler) bool {
	a, b := *h, *other
	a.Line, b.Line = 0, 0
	textA, errA := json.Marshal(a)
	textB, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(textA, textB)
}
