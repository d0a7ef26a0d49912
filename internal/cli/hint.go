package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/journal"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/internal/trust"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// noHandlerError reports that nothing names a handler.
type noHandlerError struct{ detail string }

func (e *noHandlerError) Error() string {
	return "no handler: " + e.detail + "; give one on the command line, by --chain, or by $EXTAUTH_TO and $EXTAUTH_HANDLER"
}

// hint returns the one command or edit that most likely fixes an error, for a
// person. It is empty if there is none, or if the message has it already.
func hint(err error) string {
	for _, hint := range []func(error) string{
		hintOfHandler, hintOfLock, hintOfTime, hintOfJournal, hintOfConvention, hintOfMissing, hintOfPermission,
	} {
		if text := hint(err); text != "" {
			return text
		}
	}
	return ""
}

// hintOfHandler is for 78, if there is no handler, and 126, if it may not be executed.
func hintOfHandler(err error) string {
	start := new(process.StartError)
	switch {
	case is[*noHandlerError](err):
		return "--to dehydrated and a HANDLER after --, or -c with a chain file"
	case is[*runner.NoHandlerError](err):
		return "a line in the chain file whose domain= and type= take it"
	case errors.As(err, &start) && errors.Is(start.Err, fs.ErrPermission) && isRegular(start.Path):
		return commandline.Quote("chmod", "+x", start.Path)
	}
	return ""
}

// hintOfLock is for 75, if another process works on the same challenge.
func hintOfLock(err error) string {
	if is[*journal.LockedError](err) {
		return "extauth-pending list"
	}
	return ""
}

// hintOfTime is for 75, if a handler took too long.
func hintOfTime(err error) string {
	if is[*process.TimeoutError](err) {
		return "--timeout with more, or timeout= in the handler's line"
	}
	return ""
}

// hintOfJournal is for 2 and 73.
func hintOfJournal(err error) string {
	switch {
	case is[*runner.RollbackError](err), is[*journal.TornError](err):
		return "extauth-pending list"
	case is[*journal.Error](err):
		return "--state-dir with a directory that can be written"
	}
	return ""
}

// hintOfConvention is for 69.
func hintOfConvention(err error) string {
	missing := new(envmap.MissingError)
	switch {
	case errors.As(err, &missing) && strings.HasPrefix(missing.Field, "key_auth"):
		return "EXTAUTH_THUMBPRINT in the environment, with the thumbprint of the account's key"
	case is[*runner.TerminalError](err):
		return "the same command at a terminal"
	case is[*envmap.UnsupportedError](err):
		return "a handler that speaks json, which has words for every event"
	}
	return ""
}

// hintOfMissing is for 66: it shows what there is instead.
func hintOfMissing(err error) string {
	missing := new(fs.PathError)
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) || is[*process.StartError](err) {
		return ""
	}
	dir := filepath.Dir(missing.Path)
	for !isDirectory(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	return commandline.Quote("ls", "-l", dir)
}

// hintOfPermission is for 77, if the message has no command that fixes it.
func hintOfPermission(err error) string {
	refused := new(fs.PathError)
	if errors.As(err, &refused) && errors.Is(err, fs.ErrPermission) && !is[*trust.UnsafeError](err) && !is[*process.StartError](err) {
		return commandline.Quote("namei", "-l", refused.Path)
	}
	return ""
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 == 0
}

// isTerminal reports whether a person reads a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}
