package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// finding is what a check found wrong.
type finding struct {
	expected string
	seen     string
	ran      []string // command lines and how they ended
	printed  []string
	explain  string
}

// run is one call of the hook.
type run struct {
	events  []envmap.Event // none where the client says something that nobody knows
	call    envmap.Call
	outcome outcome
	err     error
	calls   []call // of the stand-ins
	refused bool   // which failed
}

func (r run) timedOut() bool { return errors.As(r.err, new(*process.TimeoutError)) }

// calledBy reports whether the hook called one of these stand-ins.
func (r run) calledBy(programs ...string) bool {
	return slices.ContainsFunc(r.calls, func(c call) bool { return slices.Contains(programs, c.argv[0]) })
}

// ended is how the hook ended, for people.
func (r run) ended() string {
	switch {
	case r.outcome.declined:
		return fmt.Sprintf("it declined: %v", r.err)
	case r.err != nil:
		return r.err.Error()
	}
	return "exit status 0"
}

// bench is where one check is made.
type bench struct {
	*suite
	ctx   context.Context
	check check
	made  []run  // by this check
	skip  string // why it turned out that the check does not apply
	err   error  // of the world: the check says nothing then

	dir     string            // working directory; "": a new one for each call
	bare    bool              // nothing but PATH, HOME and TMPDIR
	stale   map[string]string // what earlier calls left in the client's environment
	wrapper []string
	stdin   []byte // where the convention gives none
	refuses bool   // the stand-ins for providers fail
}

// environment is what the hook gets besides the call's own variables: all that
// it finds leads into the world.
func (b *bench) environment() map[string]string {
	path := append(append([]string{}, b.Path...), b.scratch.path("bin"), b.path)
	env := map[string]string{
		"PATH": strings.Join(path, ":"), "HOME": b.scratch.path("home"), "TMPDIR": b.scratch.path("tmp"),
	}
	if !b.bare {
		maps.Copy(env, map[string]string{"LANG": "C.UTF-8", "USER": b.user, "LOGNAME": b.user, "SHELL": "/bin/sh", "TERM": "dumb"})
	}
	return env
}

// try runs the hook for events, or for none, with a call that was made for them.
// One that has hung is not called again.
func (b *bench) try(cmd envmap.Cmd, c envmap.Call, events ...envmap.Event) run {
	r := run{events: events, call: c, refused: b.refuses}
	if b.hung {
		r.err = &process.TimeoutError{After: b.Timeout}
	}
	before, err := b.scratch.calls(1)
	t := trial{call: c, dir: b.dir, env: b.variablesOf(cmd, c), wrapper: b.wrapper, timeout: b.Timeout}
	if t.dir == "" && err == nil {
		t.dir, err = b.scratch.newDir()
	}
	if b.err = errors.Join(b.err, err); b.err != nil || b.hung {
		return r
	}
	if c.Stdin == nil {
		t.call.Stdin = b.stdin
	}
	r.outcome, r.err = try(b.ctx, &b.handler, cmd, t)
	r.calls, err = b.scratch.calls(len(before) + 1)
	b.err = errors.Join(b.err, err)
	b.hung = r.timedOut()
	b.account(r)
	b.made, b.runs = append(b.made, r), append(b.runs, r)
	return r
}

// variablesOf are all that the hook gets, later over earlier.
func (b *bench) variablesOf(cmd envmap.Cmd, c envmap.Call) []map[string]string {
	ours := map[string]string{"WEBROOT": b.scratch.path("webroot")}
	return []map[string]string{b.environment(), b.stale, c.Env, b.word(cmd), b.variables, ours}
}

// word tells a hook that is one command for all of its client's what it is
// called for, as our own programs do: the client itself has a command for each.
func (b *bench) word(cmd envmap.Cmd) map[string]string {
	if b.handler.Resolved().To.Operands == nil || b.handler.Commands != nil {
		return nil
	}
	return map[string]string{"EXTAUTH_EVENT": string(cmd), "EXTAUTH_PHASE": envmap.Event{Cmd: cmd}.Phase()}
}

// tell runs the hook for an event.
func (b *bench) tell(e envmap.Event) run {
	c, err := b.handler.Resolved().Encode(e)
	if err != nil {
		b.err = errors.Join(b.err, err)
		return run{}
	}
	return b.try(e.Cmd, c, e)
}

func (b *bench) perform(e envmap.Event) run { return b.tell(e) }

// cleanup takes away what a run performed, or might have.
func (b *bench) cleanup(e envmap.Event, performed run) run {
	return b.tell(cleanupOf(e, performed.outcome.Stdout))
}

// found makes a finding of what the check ran.
func (b *bench) found(expected, seen string, arguments ...any) *finding {
	f := &finding{expected: expected, seen: b.redact(fmt.Sprintf(seen, arguments...))}
	for _, r := range b.made {
		f.ran = append(f.ran, b.commandLine(r)+" -> "+b.redact(r.ended()))
		f.printed = append(f.printed, b.excerpt("stdout", strings.Split(strings.TrimSpace(string(r.outcome.Stdout)), "\n"))...)
		f.printed = append(f.printed, b.excerpt("stderr", r.outcome.stderr)...)
	}
	if b.explain {
		f.explain = b.check.explanation()
	}
	return f
}

// commandLine is a call for people, with its variables where they are all that
// there is.
func (b *bench) commandLine(r run) string {
	var words []string
	if len(r.call.Args) == 0 {
		for _, name := range slices.Sorted(maps.Keys(r.call.Env)) {
			words = append(words, name+"="+r.call.Env[name])
		}
	}
	return cut(b.redact(commandline.Quote(append(words, r.outcome.words...)...)), 400)
}

// excerpt is the beginning of what a hook printed, without its credentials.
func (b *bench) excerpt(stream string, lines []string) []string {
	const most = 10
	var shown []string
	for i, line := range lines {
		if i == most {
			return append(shown, fmt.Sprintf("%s: (%d lines more)", stream, len(lines)-most))
		}
		if line = process.Printable(b.redact(line)); line != "" {
			shown = append(shown, stream+": "+cut(line, 200))
		}
	}
	return shown
}

// cut shortens a text to a number of bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
