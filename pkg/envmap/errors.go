package envmap

import (
	"errors"
	"fmt"
)

// ValueError says that a value is missing, or is not what its grammar allows.
type ValueError struct {
	Name   string // what the client calls it: a variable, an argument, a JSON member
	Value  string // as it came; empty if it is missing or secret
	Reason string // the rest of the sentence: "is not a DNS name"
	Order  string // Event.Order of the challenge, if the client has it
}

func (e *ValueError) Error() string {
	if e.Value == "" {
		return e.Name + " " + e.Reason
	}
	return fmt.Sprintf("%s %s %s", e.Name, quoted(e.Value), e.Reason)
}

// CallError says that a call does not have the form of its convention: operands
// that are missing, too many or contradictory, or a line that is not an event.
type CallError struct {
	Call   string // the operation or operand; empty if there is none
	Reason string
}

func (e *CallError) Error() string {
	if e.Call == "" {
		return e.Reason
	}
	return e.Call + ": " + e.Reason
}

// OperationError says that a call names an unknown operation. dehydrated asks its
// hooks to ignore such calls (dehydrated: hookscript_bricker_hook).
type OperationError struct{ Operation string }

func (e *OperationError) Error() string {
	return "unknown operation " + quoted(e.Operation)
}

// MissingError says that a convention needs a value that the event does not have.
type MissingError struct {
	Convention string
	Field      string // the JSON member
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

// quoted returns a value from outside for a message: escaped, and cut if it is
// long.
func quoted(s string) string {
	const most = 64
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
}

// renamed gives the value in a ValueError the name by which the client knows it.
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

// count returns a number with its noun: "1 argument", "7 arguments".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
