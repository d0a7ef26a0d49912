package envmap

import (
	"slices"
	"strings"
)

// Convention is one way of calling a hook: how an event becomes arguments,
// variables and standard input. It is a row of data, made by [Lookup] or
// [Conventions]; nothing changes it afterwards.
type Convention struct {
	Name string // as its users call it, lower case
	Doc  string // one line for people
	Ref  string // the source that it was written from

	// Traces is the directory below testdata/traces with what real clients sent.
	Traces string

	// Owns lists the convention's variables; a final * matches any rest. They are
	// removed from every handler's environment before those that Encode sets are
	// added.
	Owns []string

	From From // its client, which calls us
	To   To   // its handlers, which we call
}

// From describes a convention's client. In the zero From nobody calls us.
type From struct {
	// Decode reads what the client sent. Clients that hand over a whole order at
	// once give several events. Every event that it returns is valid and complete.
	// Errors: *ValueError, *CallError, *OperationError. nil: there is no such
	// client, and Convention.Decode returns an *UnsupportedError.
	Decode func(Call) ([]Event, error)

	// Declines is the exit status that tells the client that an event is for
	// another hook. 0: the client knows no such status.
	Declines int

	// Forgets is true if the client's clean-up does not repeat everything that it
	// said when the challenge was performed.
	Forgets bool

	// ReadsStdin is true if the client passes a part of the event on standard
	// input.
	ReadsStdin bool

	// Synopsis lists the operands that the client gives its hook, for people.
	Synopsis string

	// Abandons is true if the client never cleans up after a challenge could not
	// be performed, so that whoever performed a part of it has to.
	Abandons bool

	// Strict is true if an event that a handler has no call for is an error. A
	// client that sends events of many kinds to every hook is not strict.
	Strict bool
}

// To describes a convention's handlers. In the zero To nobody can be called.
type To struct {
	// Encode makes the call that passes an event to a handler. It does not
	// validate the event, which Convention.Encode does. Errors: *MissingError,
	// *UnsupportedError. nil: there are no such handlers, and Convention.Encode
	// returns an *UnsupportedError.
	Encode func(Event) (Call, error)

	// Batch makes one call for all challenges of an order (perform_challenge), of
	// which there is at least one. nil: the call is that for the last challenge,
	// with the order as JSON lines on standard input. Errors as for Encode.
	Batch func([]Event) (Call, error)

	// Person is true if no program is called: what Encode or Batch wrote as
	// standard input is shown to a person at the terminal.
	Person bool

	// Settings names the options of a chain line that only this convention has.
	// With checks their values and returns the convention that they make. nil:
	// there are none.
	Settings []string
	With     func(settings map[string]string) (*Convention, error)

	// Program is the program of ours that is started instead of the handler, with
	// the handler's command as operands, if a convention needs more than a
	// process.
	Program string

	// Script is a text for sh that calls the handler: $1 is the handler's own
	// command; its further words and what Encode wrote follow.
	Script string

	// Answer judges what a handler printed that exited with 0. nil: the exit
	// status is all that counts.
	Answer func(stdout []byte) error

	// Declined reports whether a handler that exited with a status other than 0
	// says, in the convention's own words, that the event is not for it. nil: the
	// convention has no such words.
	Declined func(status int, stdout []byte) bool

	// Replays is true if a clean-up call needs what the handler printed when the
	// challenge was performed.
	Replays bool

	// Operands gives each event the word by which a chain line may name a command
	// for that event only, as in auth=COMMAND. If the client gives no operand of
	// its own, its user writes the same word after our program's name, and Decode
	// expects it there. nil: a handler is one command for all events.
	Operands map[Cmd]string

	// Brackets is true if the convention's own client always calls the handler
	// before the first and after the last challenge of an order.
	Brackets bool
}

// Decode reads what the convention's client sent: one event, or several if the
// client hands over a whole order at once. Every event is valid and complete;
// none means that the call is of no interest to any hook. Errors: *ValueError
// for a value that its grammar does not allow, *CallError for a call of the
// wrong form, *OperationError for an unknown operation, *UnsupportedError if the
// convention has no client.
func (c *Convention) Decode(call Call) ([]Event, error) {
	if c.From.Decode == nil {
		return nil, &UnsupportedError{Convention: c.Name}
	}
	return c.From.Decode(call)
}

// Encode makes the call that passes an event to the convention's handlers.
// Errors: *ValueError for an event that is not valid, *MissingError if the event
// lacks a value that the call needs, *UnsupportedError if the convention has no
// call for it.
func (c *Convention) Encode(e Event) (Call, error) {
	if err := e.validate(); err != nil {
		return Call{}, err
	}
	if c.To.Encode == nil {
		return Call{}, &UnsupportedError{Convention: c.Name, Cmd: e.Cmd}
	}
	return c.To.Encode(e)
}

// EncodeBatch makes one call for all challenges of an order. Errors are those of
// Encode, and a *CallError for an order without challenges.
func (c *Convention) EncodeBatch(order []Event) (Call, error) {
	if len(order) == 0 {
		return Call{}, &CallError{Reason: "order has no challenges"}
	}
	for i := range order {
		if err := order[i].validate(); err != nil {
			return Call{}, err
		}
	}
	if c.To.Batch != nil {
		return c.To.Batch(order)
	}
	call, err := c.Encode(order[len(order)-1])
	if err != nil {
		return Call{}, err
	}
	call.Stdin = nil
	for i := range order {
		call.Stdin = append(call.Stdin, jsonLine(order[i])...)
	}
	return call, nil
}

// OwnsVariable reports whether a variable belongs to the convention.
func (c *Convention) OwnsVariable(name string) bool { return owns(c.Owns, name) }

// owns reports whether a variable is in a list such as Owns.
func owns(list []string, name string) bool {
	for _, own := range list {
		if prefix, wild := strings.CutSuffix(own, "*"); name == own || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// ownOf returns the variables in env that are in a list such as Owns, except
// those named.
func ownOf(list []string, env map[string]string, except ...string) map[string]string {
	own := map[string]string{}
	for name, value := range env {
		if owns(list, name) && !slices.Contains(except, name) {
			own[name] = value
		}
	}
	return own
}
