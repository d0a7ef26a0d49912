package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// Exit statuses: those above 63 are sysexits.h's.
const (
	StatusFailed       = 1   // a handler failed; all that was done was undone
	StatusLeft         = 2   // a handler failed, and undoing it failed too
	StatusUsage        = 64  // the command line is wrong
	StatusRefused      = 65  // a value or line was refused
	StatusNoInput      = 66  // an input file is missing
	StatusInexpressive = 69  // the handler's convention cannot express the event
	StatusInternal     = 70  // a fault of extauth
	StatusSystem       = 71  // the system refused (fork, exec)
	StatusJournal      = 73  // the journal cannot be written
	StatusOutput       = 74  // output could not be written
	StatusLater        = 75  // locked, or timed out
	StatusPermission   = 77  // unsafe permissions
	StatusConfig       = 78  // bad configuration
	StatusCannotExec   = 126 // env(1): the handler was found and could not be run
	StatusNotFound     = 127 // env(1): there is no such handler
)

// StatusError is an error that ends a program with a status of its own.
type StatusError struct {
	Status int
	Err    error
}

func (e *StatusError) Error() string { return e.Err.Error() }
func (e *StatusError) Unwrap() error { return e.Err }

// Usage returns a fault of the command line.
func Usage(format string, args ...any) error {
	return &StatusError{StatusUsage, fmt.Errorf(format, args...)}
}

// Config returns a fault of the configuration.
func Config(format string, args ...any) error {
	return &StatusError{StatusConfig, fmt.Errorf(format, args...)}
}

// Refused returns the error for a line or a value that is refused.
func Refused(err error) error { return &StatusError{StatusRefused, err} }

// Status returns the exit status for an error. The order matters: an error
// comes before those that it may wrap.
func Status(err error) int {
	own := new(StatusError)
	errors.As(err, &own)
	for _, rule := range []struct {
		status  int
		applies func(error) bool
	}{
		{StatusLeft, is[*runner.RollbackError]},
		{StatusPermission, is[*trust.UnsafeError]},
		{StatusLater, is[*process.TimeoutError]},
		{StatusLater, is[*journal.LockedError]},
		{StatusSystem, func(err error) bool { return is[*runner.HandlerError](err) && is[*process.StartError](err) }},
		{StatusInexpressive, is[*runner.TerminalError]},
		{StatusOutput, is[*OutputError]}, // it may be what ended a handler
		{StatusFailed, is[*runner.HandlerError]},
		{StatusConfig, is[*journal.VersionError]},
		{StatusJournal, is[*journal.TornError]},
		{StatusJournal, is[*journal.Error]},
		{own.Status, is[*StatusError]},
		{StatusUsage, is[*runner.SupervisionError]},
		{StatusUsage, is[*envmap.CallError]},
		{StatusUsage, is[*envmap.OperationError]},
		{StatusRefused, is[*envmap.ValueError]},
		{StatusInexpressive, is[*envmap.MissingError]},
		{StatusInexpressive, is[*envmap.UnsupportedError]},
		{StatusConfig, is[*noHandlerError]},
		{StatusConfig, is[*chain.Error]},
		{StatusConfig, is[*envfile.Error]},
		{StatusConfig, is[*runner.NoHandlerError]},
		{StatusNotFound, isNotFound},
		{StatusCannotExec, is[*process.StartError]},
		{StatusNoInput, func(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) }},
		{StatusPermission, func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
	} {
		if rule.applies(err) {
			return rule.status
		}
	}
	return StatusInternal
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func isNotFound(err error) bool {
	var e *process.StartError
	return errors.As(err, &e) && e.NotFound()
}

// ExitStatus returns the exit status that a shell sees for a program that ends
// with an error: 128+N if it dies of a signal.
func ExitStatus(err error) int {
	signal := new(process.SignalError)
	switch {
	case err == nil:
		return 0
	case is[*OutputError](err) && errors.Is(err, syscall.EPIPE):
		return 128 + int(syscall.SIGPIPE)
	case errors.As(err, &signal):
		return 128 + int(signal.Signal)
	}
	return Status(err)
}
