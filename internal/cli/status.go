package cli

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// Exit statuses: those above 63 are sysexits.h's.
const (
	statusFailed       = 1   // a handler failed; all that was done was undone
	statusLeft         = 2   // a handler failed, and undoing it failed too
	statusUsage        = 64  // the command line is wrong
	statusRefused      = 65  // a value or line was refused
	statusNoInput      = 66  // an input file is missing
	statusInexpressive = 69  // the handler's convention cannot express the event
	statusInternal     = 70  // a fault of extauth
	statusSystem       = 71  // the system refused (fork, exec)
	statusJournal      = 73  // the journal cannot be written
	statusOutput       = 74  // output could not be written
	statusLater        = 75  // locked, or timed out
	statusPermission   = 77  // unsafe permissions
	statusConfig       = 78  // bad configuration
	statusCannotExec   = 126 // env(1): the handler was found and could not be run
	statusNotFound     = 127 // env(1): there is no such handler
)

// usageError is a fault of the command line.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

// configError is a fault of the configuration.
type configError struct{ reason string }

func (e *configError) Error() string { return e.reason }

// unfinished is a wait whose time was over before all was there.
type unfinished interface {
	error
	Unfinished() bool
}

// status is the exit status for an error. The order matters: what wraps comes
// before what it wraps.
func status(err error) int {
	for _, rule := range []struct {
		status  int
		applies func(error) bool
	}{
		{statusLeft, is[*runner.RollbackError]},
		{statusPermission, is[*runner.UnsafeError]},
		{statusLater, is[*runner.TimeoutError]},
		{statusLater, is[*runner.LockedError]},
		{statusLater, is[unfinished]},
		{statusSystem, func(err error) bool { return is[*runner.HandlerError](err) && is[*runner.StartError](err) }},
		{statusInexpressive, is[*runner.TerminalError]},
		{statusOutput, is[*outputError]}, // it may be what ended a handler
		{statusFailed, is[*runner.HandlerError]},
		{statusConfig, is[*runner.VersionError]},
		{statusJournal, is[*runner.TornError]},
		{statusJournal, is[*runner.JournalError]},
		{statusRefused, is[*refusal]},
		{statusUsage, is[*usageError]},
		{statusUsage, is[*envmap.CallError]},
		{statusUsage, is[*envmap.OperationError]},
		{statusRefused, is[*envmap.ValueError]},
		{statusInexpressive, is[*envmap.MissingError]},
		{statusInexpressive, is[*envmap.UnsupportedError]},
		{statusInexpressive, is[*inexpressible]},
		{statusConfig, is[*configError]},
		{statusConfig, is[*noHandlerError]},
		{statusConfig, is[*runner.ChainError]},
		{statusConfig, is[*runner.EnvFileError]},
		{statusConfig, is[*runner.NoHandlerError]},
		{statusNotFound, isNotFound},
		{statusCannotExec, is[*runner.StartError]},
		{statusNoInput, func(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) }},
		{statusPermission, func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
		{statusUsage, func(err error) bool { return is[*listenError](err) && errors.Is(err, fs.ErrInvalid) }},
		{statusSystem, is[*listenError]},
	} {
		if rule.applies(err) {
			return rule.status
		}
	}
	return statusInternal
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func isNotFound(err error) bool {
	var e *runner.StartError
	return errors.As(err, &e) && e.NotFound()
}

// refusal is a line that was refused, whatever was wrong with it.
type refusal struct{ err error }

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }
