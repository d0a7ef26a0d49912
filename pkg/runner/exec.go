package runner

import (
	"fmt"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// SupervisionError says that a handler cannot replace this process: what it is
// promised needs somebody to remember or to judge it.
type SupervisionError struct{ Convention, Reason string }

func (e *SupervisionError) Error() string {
	return fmt.Sprintf("this %s handler %s, and so needs supervision", e.Convention, e.Reason)
}

// Exec replaces this process by a handler, as execve(2) does: the process id, exit
// status, standard streams and signals are the handler's. There is no journal and
// no rollback. If the convention writes the event on standard input, that is a
// pipe with it. trace, if it is not nil, is told the command as the last thing
// before.
//
// Exec returns only with an error: a *SupervisionError if the handler cannot be
// run this way, a *ChainError, a *StartError if the program cannot be run, an
// *UnsafeError, an *EnvFileError, or what Encode returned.
func Exec(h Handler, e envmap.Event, environ []string, trace func(string)) error {
	if err := h.Resolve(); err != nil {
		return &ChainError{Faults: []error{err}}
	}
	if err := replaceable(&h, e); err != nil {
		return err
	}
	encoded, err := h.Resolved().Encode(h.Aliased(e))
	if err != nil {
		return err
	}
	variables, err := envfile.Read(h.EnvFiles...)
	if err != nil {
		return err
	}
	argv := append(h.Argv(e.Cmd), encoded.Args...)
	path, err := process.Locate(argv[0])
	if err != nil {
		return err
	}
	if trace != nil {
		trace("exec: " + commandOf(&h, e, &encoded, variables))
	}
	return process.Become(path, argv, process.Environment(environ, encoded.Env, variables, process.EventVariables(e)), encoded.Stdin)
}

// replaceable reports, as a *SupervisionError, why a process cannot become the
// handler for an event.
func replaceable(h *Handler, e envmap.Event) error {
	to := h.Resolved().To
	reason := ""
	switch {
	case !h.IsProgram():
		reason = "is not a program"
	case to.Declined != nil || to.Answer != nil:
		reason = "says in a way of its own how it ended"
	case e.IsChallenge() && to.Replays && e.Client != h.Convention:
		reason = "gets back at the clean-up what it printed"
	case e.IsChallenge() && forgets(e):
		reason = "is told at the clean-up what its client does not repeat"
	case h.Timeout > 0 || h.User != "":
		reason = "has a time limit or a user of its own"
	default:
		return nil
	}
	return &SupervisionError{h.Convention, reason}
}

// forgets reports whether the client of an event does not repeat everything when
// it cleans up.
func forgets(e envmap.Event) bool {
	client, known := envmap.Lookup(e.Client)
	return known && client.From.Forgets
}
