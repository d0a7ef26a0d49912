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
	ran      []string // command lines and their results
	printed  []string
	explain  string
}

// hookRun is one call of the hook.
type hookRun struct {
	events        []envmap.Event // none for an operation that the hook cannot know
	call          envmap.Call
	result        result
	err           error
	calls         []standInCall // of stand-ins
	providersFail bool          // the stand-ins for providers failed
}

func (r hookRun) timedOut() bool { return errors.As(r.err, new(*process.TimeoutError)) }

// calledBy reports whether the hook called one of these stand-ins.
func (r hookRun) calledBy(programs ...string) bool {
	return slices.ContainsFunc(r.calls, func(c standInCall) bool { return slices.Contains(programs, c.argv[0]) })
}

// status describes how the hook ended.
func (r hookRun) status() string {
	switch {
	case r.result.declined:
		return fmt.Sprintf("it declined: %v", r.err)
	case r.err != nil:
		return r.err.Error()
	}
	return "exit status 0"
}

// trial is one check of a hook.
type trial struct {
	*suite
	ctx   context.Context
	check check
	runs  []hookRun // of this check
	skip  string    // why the check turned out not to apply
	err   error     // not the hook's: the check has no result then

	dir           string            // working directory; "": a new one for each call
	bareEnv       bool              // only PATH, HOME and TMPDIR
	staleEnv      map[string]string // variables that earlier calls left behind
	wrapper       []string
	stdin         []byte // if the convention gives none
	providersFail bool   // the stand-ins for providers fail
}

// environment returns the hook's variables besides those of the call. All its
// paths are in the scratch directory.
func (t *trial) environment() map[string]string {
	path := append(append([]string{}, t.Path...), t.scratch.path("bin"), t.path)
	env := map[string]string{
		"PATH": strings.Join(path, ":"), "HOME": t.scratch.path("home"), "TMPDIR": t.scratch.path("tmp"),
	}
	if !t.bareEnv {
		maps.Copy(env, map[string]string{"LANG": "C.UTF-8", "USER": t.user, "LOGNAME": t.user, "SHELL": "/bin/sh", "TERM": "dumb"})
	}
	return env
}

// attempt runs the hook with a call that was made for events, or for none. A
// hook that hung is not called again.
func (t *trial) attempt(cmd envmap.Cmd, c envmap.Call, events ...envmap.Event) hookRun {
	r := hookRun{events: events, call: c, providersFail: t.providersFail}
	if t.hung {
		r.err = &process.TimeoutError{After: t.Timeout}
	}
	before, err := t.scratch.calls(1)
	a := attempt{call: c, dir: t.dir, env: t.variablesOf(cmd, c), wrapper: t.wrapper, timeout: t.Timeout}
	if a.dir == "" && err == nil {
		a.dir, err = t.scratch.newDir()
	}
	if t.err = errors.Join(t.err, err); t.err != nil || t.hung {
		return r
	}
	if c.Stdin == nil {
		a.call.Stdin = t.stdin
	}
	r.result, r.err = runAttempt(t.ctx, &t.handler, cmd, a)
	r.calls, err = t.scratch.calls(len(before) + 1)
	t.err = errors.Join(t.err, err)
	t.hung = r.timedOut()
	t.record(r)
	t.runs, t.allRuns = append(t.runs, r), append(t.allRuns, r)
	return r
}

// variablesOf returns all variables of the hook, later maps over earlier.
func (t *trial) variablesOf(cmd envmap.Cmd, c envmap.Call) []map[string]string {
	ours := map[string]string{"WEBROOT": t.scratch.path("webroot")}
	return []map[string]string{t.environment(), t.staleEnv, c.Env, t.eventVariables(cmd), t.variables, ours}
}

// eventVariables returns the variables by which a hook that is one command for
// all events knows the event, as our own programs set them: the client itself
// has a command for each.
func (t *trial) eventVariables(cmd envmap.Cmd) map[string]string {
	if t.handler.Resolved().To.Operands == nil || t.handler.Commands != nil {
		return nil
	}
	return map[string]string{"EXTAUTH_EVENT": string(cmd), "EXTAUTH_PHASE": envmap.Event{Cmd: cmd}.Phase()}
}

// runEvent runs the hook for an event.
func (t *trial) runEvent(e envmap.Event) hookRun {
	c, err := t.handler.Resolved().Encode(e)
	if err != nil {
		t.err = errors.Join(t.err, err)
		return hookRun{}
	}
	return t.attempt(e.Cmd, c, e)
}

func (t *trial) perform(e envmap.Event) hookRun { return t.runEvent(e) }

// cleanup cleans up what a run performed, or might have.
func (t *trial) cleanup(e envmap.Event, performed hookRun) hookRun {
	return t.runEvent(cleanupOf(e, performed.result.Stdout))
}

// newFinding returns a finding with the check's runs.
func (t *trial) newFinding(expected, seen string, arguments ...any) *finding {
	f := &finding{expected: expected, seen: t.redact(fmt.Sprintf(seen, arguments...))}
	for _, r := range t.runs {
		f.ran = append(f.ran, t.commandLine(r)+" -> "+t.redact(r.status()))
		f.printed = append(f.printed, t.excerpt("stdout", strings.Split(strings.TrimSpace(string(r.result.Stdout)), "\n"))...)
		f.printed = append(f.printed, t.excerpt("stderr", r.result.stderr)...)
	}
	if t.explain {
		f.explain = t.check.explanation()
	}
	return f
}

// commandLine shows a call to people. It has the variables if there are no
// arguments.
func (t *trial) commandLine(r hookRun) string {
	var words []string
	if len(r.call.Args) == 0 {
		for _, name := range slices.Sorted(maps.Keys(r.call.Env)) {
			words = append(words, name+"="+r.call.Env[name])
		}
	}
	return truncate(t.redact(commandline.Quote(append(words, r.result.words...)...)), 400)
}

// excerpt returns the beginning of a hook's output, without its credentials.
func (t *trial) excerpt(stream string, lines []string) []string {
	const maxLines = 10
	var shown []string
	for i, line := range lines {
		if i == maxLines {
			return append(shown, fmt.Sprintf("%s: (%d lines more)", stream, len(lines)-maxLines))
		}
		if line = process.Printable(t.redact(line)); line != "" {
			shown = append(shown, stream+": "+truncate(line, 200))
		}
	}
	return shown
}

// truncate cuts a text to at most most bytes.
func truncate(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
