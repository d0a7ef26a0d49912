package runner

import (
	"cmp"
	"fmt"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
)

// HandlerError is a handler that could not do what it was called for. Err is an
// *ExitError, a *TimeoutError, a *StartError, an *UnsafeError, the context's
// cause, or what a process that listens answered.
type HandlerError struct {
	Handler Handler
	Event   envmap.Event
	Err     error
}

func (e *HandlerError) Error() string {
	what := e.Event.Phase()
	if name := cmp.Or(e.Event.Domain, e.Event.TXTDomain); name != "" {
		what += fmt.Sprintf(" %q", name)
	}
	return fmt.Sprintf("%s: %s: %v", e.Handler.Name(e.Event.Cmd), what, e.Err)
}

func (e *HandlerError) Unwrap() error { return e.Err }

// RollbackError says that a failure could not be undone: the journal names what
// is left.
type RollbackError struct{ Cause, Undo error }

func (e *RollbackError) Error() string {
	return fmt.Sprintf("%v\nundoing it: %v", e.Cause, e.Undo)
}

func (e *RollbackError) Unwrap() []error { return []error{e.Cause, e.Undo} }

// NoHandlerError says that no handler takes an event that one must take.
type NoHandlerError struct{ Event envmap.Event }

func (e *NoHandlerError) Error() string {
	return fmt.Sprintf("no handler takes %s %s %q", e.Event.Phase(), e.Event.Type, cmp.Or(e.Event.Domain, e.Event.TXTDomain))
}

type (
	// ChainError has everything that is wrong with a chain in its field Faults.
	ChainError = chain.Error

	// EnvFileError refuses an env file; its field Faults has a message for each
	// line. It never shows a value.
	EnvFileError = envfile.Error

	// UnsafeError refuses a file that others could read or change: its fields
	// are Path, Reason and Remedy, the command that makes it safe.
	UnsafeError = trust.UnsafeError

	// StartError says why a program could not be started: its fields are Path,
	// Reason and Err.
	StartError = process.StartError

	// ExitError is a program that ended with a Status other than 0, or by a
	// Signal.
	ExitError = process.ExitError

	// TimeoutError is a program that was stopped After its time was over.
	TimeoutError = process.TimeoutError

	// JournalError says that the journal cannot be read or written; Err has the
	// reason.
	JournalError = journal.Error

	// LockedError says that another process works on the same challenge, for a
	// Domain.
	LockedError = journal.LockedError
)
