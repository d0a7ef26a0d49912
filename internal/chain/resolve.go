package chain

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/extauth/extauth/internal/endpoint"
	"github.com/extauth/extauth/pkg/envmap"
)

// Resolve returns a chain of handlers, which may be made by hand, checked as Parse
// checks those of a file: conventions, keys and values, and whether the programs
// can be started. A handler whose convention was looked up before is not checked
// again. All errors are reported at once, as an *Error.
func Resolve(handlers []Handler) ([]Handler, error) {
	chain := slices.Clone(handlers)
	var faults []error
	for i := range chain {
		for _, fault := range split(resolve(&chain[i])) {
			if len(chain) > 1 {
				fault = fmt.Errorf("handler %d: %w", i+1, fault)
			}
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return nil, &Error{faults}
	}
	route(chain)
	return chain, nil
}

func resolve(h *Handler) error {
	if h.isResolved() {
		return nil
	}
	if err := lookUp(h); err != nil {
		return err
	}
	return errors.Join(append(checkFields(h), split(check(h))...)...)
}

// Resolve looks up the handler's convention, once, without checking anything
// else. It is for handlers that were checked before they were written down.
func (h *Handler) Resolve() error {
	if h.isResolved() {
		return nil
	}
	err := lookUp(h)
	if err == nil {
		err = settle(h)
	}
	if err != nil {
		h.convention = nil
	}
	return err
}

func (h *Handler) isResolved() bool { return h.convention != nil && h.convention.Name == h.Convention }

// lookUp finds the convention, not yet under its settings.
func lookUp(h *Handler) error {
	c, known := envmap.Lookup(h.Convention)
	if !known || c.To.Encode == nil {
		return unknown("convention", h.Convention, conventions())
	}
	h.convention = c
	return nil
}

// settle puts the convention under the handler's settings.
func settle(h *Handler) error {
	if h.convention.To.With == nil {
		return nil
	}
	c, err := h.convention.To.With(h.Settings)
	if err != nil {
		return err
	}
	h.convention = c
	return nil
}

// check looks at the handler as a whole, and whether its programs can be started.
func check(h *Handler) error {
	if err := settle(h); err != nil {
		return err
	}
	commands := len(h.Command) > 0 || len(h.Commands) > 0
	to, listens := h.Endpoint()
	switch {
	case h.IsPerson() && commands:
		return fmt.Errorf("%s asks a person and takes no command", h.Convention)
	case h.IsPerson() && (h.User != "" || len(h.EnvFiles) > 0):
		return fmt.Errorf("user= and env= are for a program; %s asks a person", h.Convention)
	case !h.IsPerson() && !commands:
		return errors.New("has no command")
	case len(h.Command) > 0 && len(h.Commands) > 0:
		return errors.New("has a command for every event and one for a single event")
	case h.Persist && (h.Convention != "json" || listens):
		return errors.New("persist= is for a program that speaks json")
	case checkBatch(h) != nil:
		return checkBatch(h)
	case listens:
		return checkEndpoint(h, to)
	}
	return h.Startable()
}

// checkBatch refuses batch= for a handler that cannot perform a whole order.
func checkBatch(h *Handler) error {
	switch {
	case !h.Batch:
		return nil
	case !h.Performs() && !h.IsPerson():
		return errors.New("batch= is for the phase perform, which phase= leaves out")
	case !h.TakesOrders():
		return fmt.Errorf("batch= is not for %s, which takes one challenge a call", h.Convention)
	case h.Persist:
		return errors.New("persist= and batch= exclude each other: a program that stays is given one event at a time")
	}
	return nil
}

// checkEndpoint refuses what makes sense only for programs.
func checkEndpoint(h *Handler, to endpoint.Address) error {
	switch {
	case len(h.Command) > 1:
		return fmt.Errorf("%s takes no arguments (got %q)", h.Command[0], h.Command[1])
	case to.Path == "":
		return fmt.Errorf("%s has no path", h.Command[0])
	case len(h.EnvFiles) > 0 && h.Verify == "":
		return errors.New("env= is for a program; no variable goes to a process that listens")
	case h.User != "":
		return errors.New("user= is for a program; a process that listens has the user that started it")
	}
	return nil
}

// checkFields checks the values that Parse checks as it reads them.
func checkFields(h *Handler) []error {
	faults := []error{
		keyed("domain", checkDomains(h)),
		keyed("alias", checkAliases(h)),
		keyed("type", checkWords(h.Types, "type", challengeTypes())),
		keyed("phase", checkWords(h.Phases, "phase", phases())),
		checkCommands(h),
	}
	if h.Timeout < 0 {
		faults = append(faults, fmt.Errorf("timeout=: %v is less than 0", h.Timeout))
	}
	if h.Limit < 0 {
		faults = append(faults, fmt.Errorf("limit=: %d is less than 0", h.Limit))
	}
	if h.User != "" {
		faults = append(faults, keyed("user", checkUser(h.User)))
	}
	if h.Verify != "" {
		faults = append(faults, keyed("verify", checkVerify(h.Verify)))
	}
	for _, name := range sortedKeys(h.Settings) {
		faults = append(faults, checkWords([]string{name}, "setting", h.convention.To.Settings))
	}
	return faults
}

// checkDomains brings the globs into their canonical form.
func checkDomains(h *Handler) (err error) {
	if len(h.Domains) > 0 {
		h.Domains, err = ParseGlobs(strings.Join(h.Domains, ","))
	}
	return err
}

// checkAliases brings the names into their canonical form.
func checkAliases(h *Handler) error {
	var pairs []string
	for _, from := range sortedKeys(h.Aliases) {
		pairs = append(pairs, from+"=>"+h.Aliases[from])
	}
	if pairs == nil {
		return nil
	}
	return setAliases(h, strings.Join(pairs, ","))
}

// checkCommands refuses commands that cannot be run or be kept in the journal.
func checkCommands(h *Handler) error {
	for _, operand := range sortedKeys(h.Commands) {
		if err := checkWords([]string{operand}, "command", operands(h.convention)); err != nil {
			return err
		}
		if len(h.Commands[operand]) == 0 {
			return fmt.Errorf("%s= is empty", operand)
		}
	}
	for _, command := range append(commandsOf(h), h.EnvFiles) {
		for _, word := range command {
			if !utf8.ValidString(word) || strings.Contains(word, "\x00") {
				return fmt.Errorf("the word %q is not UTF-8 text", word)
			}
		}
	}
	return nil
}

// commandsOf lists the handler's commands, in a fixed order.
func commandsOf(h *Handler) [][]string {
	all := [][]string{h.Command}
	for _, operand := range sortedKeys(h.Commands) {
		all = append(all, h.Commands[operand])
	}
	return slices.DeleteFunc(all, func(command []string) bool { return len(command) == 0 })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
