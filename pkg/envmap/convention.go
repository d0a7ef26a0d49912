package envmap

import "strings"

// Convention is a client's way of calling a hook: how an event becomes
// arguments, variables and standard input. It is a row of data; a nil
// function is a direction that nobody has written yet.
type Convention struct {
	Name string // as its users call it, lower case
	Doc  string // one line for people
	Ref  string // the source that it was written from

	// Traces is the directory below testdata/traces with what real clients sent.
	Traces string

	// Owns lists the convention's variables; a final * stands for any rest.
	// They are taken out of every handler's environment before Encode's are
	// put in.
	Owns []string

	// Decode reads what a client sent. Several events come from clients that
	// give a whole order at once. Every event that it returns is valid.
	// Errors: *ValueError, *CallError, *OperationError.
	Decode func(Call) ([]Event, error)

	// Encode writes the call that tells a handler of the event.
	// Errors: *MissingError, *UnsupportedError.
	Encode func(Event) (Call, error)

	// Batch writes one call for all challenges of an order (perform_challenge).
	// nil: the call for the last, with the order as JSON lines on standard
	// input. Errors as Encode's.
	Batch func([]Event) (Call, error)

	// Person is true where no program is called: a person at the terminal is
	// told what Encode or Batch wrote as standard input.
	Person bool

	// Settings names the options of a chain line that are this convention's
	// own. With returns the convention as they make it; they are checked there.
	// nil: there are none.
	Settings []string
	With     func(settings map[string]string) (*Convention, error)

	// Program is the program of ours that is started in the handler's place, with
	// its command as operands, for conventions that need more than a process.
	Program string

	// Script is a text for sh that calls the handler: $1 is the handler's own
	// command, further words and what Encode wrote follow.
	Script string

	// Answer judges what a handler printed that ended with 0. nil: all is well.
	Answer func(stdout []byte) error

	// Declines is the exit status by which the convention's client is told that
	// an event is for somebody else. 0: it knows no such thing.
	Declines int

	// Forgets is true where the client's clean-up does not repeat all that it
	// said when the challenge was performed.
	Forgets bool

	// ReadsStdin is true where the client gives a part of the event on standard
	// input.
	ReadsStdin bool

	// Synopsis are the operands that the client gives to its hook, for people.
	Synopsis string

	// Declined tells whether a handler that ended with a status other than 0
	// only said, in the convention's own words, that it has nothing to do.
	// nil: the convention has no such words.
	Declined func(status int, stdout []byte) bool

	// Replays is true where a clean-up call needs what the handler printed
	// when the challenge was performed.
	Replays bool

	// Operands gives each event the word that a chain line may use to name a
	// command for it alone, as in auth=COMMAND. nil: a handler of this
	// convention is one command.
	Operands map[Cmd]string

	// Brackets is true where the convention's own client always calls before
	// the first and after the last challenge of an order.
	Brackets bool
}

// OwnsVariable tells whether a variable belongs to the convention.
func (c *Convention) OwnsVariable(name string) bool { return owns(c.Owns, name) }

// owns tells whether a variable is in a list as Owns is.
func owns(list []string, name string) bool {
	for _, own := range list {
		if len(own) > len(name)+1 || name == "" || name[0] != own[0] { // nearly all: every variable is looked for in every list
			continue
		}
		if prefix, wild := strings.CutSuffix(own, "*"); name == own || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// EncodeBatch writes one call for all challenges of an order, of which there
// is at least one.
func (c *Convention) EncodeBatch(order []Event) (Call, error) {
	if c.Batch != nil {
		return c.Batch(order)
	}
	call, err := c.Encode(order[len(order)-1])
	call.Stdin = nil
	for _, e := range order {
		call.Stdin = append(call.Stdin, jsonLine(e)...)
	}
	return call, err
}

// ownOf picks a convention's own variables, a list as Owns is, out of an
// environment, except those named.
func ownOf(list []string, env map[string]string, except ...string) map[string]string {
	own := map[string]string{}
	for name, value := range env {
		if owns(list, name) && !contains(except, name) {
			own[name] = value
		}
	}
	return own
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
