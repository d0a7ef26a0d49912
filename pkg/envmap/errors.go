package envmap

import (
	"errors"
	"fmt"
)

// ValueError refuses a value that its grammar does not allow. Name is what
// the client calls it: a variable, an argument, a JSON member.
type ValueError struct {
	Name   string
	Value  string
	Reason string
	Order  string // Event.Order of the challenge that is refused, where the client told it
}

func (e *ValueError) Error() string {
	if e.Value == "" {
		return e.Name + " " + e.Reason
	}
	return fmt.Sprintf("%s %s %s", e.Name, quoted(e.Value), e.Reason)
}

// CallError says that a call has not the shape of its convention: operands
// that are missing, too many or contradictory.
type CallError struct {
	Call   string // operation or operand, empty where there is none
	Reason string
}

func (e *CallError) Error() string {
	if e.Call == "" {
		return e.Reason
	}
	return e.Call + ": " + e.Reason
}

// OperationError says that nobody knows an operation. dehydrated asks its
// hooks to let such calls pass (dehydrated: hookscript_bricker_hook).
type OperationError struct{ Operation string }

func (e *OperationError) Error() string {
	return "unknown operation " + quoted(e.Operation)
}

// MissingError says that a convention needs something that the event has not.
type MissingError struct {
	Convention string
	Field      string
}

func (e *MissingError) Error() string {
	return e.Convention + ": event has no " + e.Field
}

// UnsupportedError says that a convention has no call for an event, or no client.
type UnsupportedError struct {
	Convention string
	Cmd        Cmd    // the event; empty if the convention has no client to decode for
	Type       string // set if the convention has the call, but not for this challenge type
}

func (e *UnsupportedError) Error() string {
	if e.Cmd == "" {
		return e.Convention + ": has no client that calls us"
	}
	what := string(e.Cmd)
	if e.Type != "" {
		what += " of type " + e.Type
	}
	return e.Convention + ": has no call for " + what
}

// quoted shows an outside value: escaped, and cut where it is long.
func quoted(s string) string {
	const most = 64
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
}

// renamed gives a refused value the name by which the client knows it.
func renamed(err error, names map[string]string) error {
	var v *ValueError
	if !errors.As(err, &v) {
		return err
	}
	if name, ok := names[v.Name]; ok {
		v.Name = name
	}
	return err
}

// count is a number with its noun: "1 argument", "7 arguments".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
