package runner_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// byHand is a runner as an importer makes one, with nothing but what it needs.
func byHand(t *testing.T, handlers ...runner.Handler) *runner.Runner {
	return &runner.Runner{Chain: handlers, State: filepath.Join(t.TempDir(), "state")}
}

// TestHandMadeChain: what is wrong with it is an error of Run, with all faults, and
// never a panic.
func TestHandMadeChain(t *testing.T) {
	for want, h := range map[string]runner.Handler{
		`unknown convention "" (want one of acmesh, `:                 {},
		`unknown convention "dehydratd" (did you mean "dehydrated"?)`: {Convention: "dehydratd", Command: []string{"/bin/true"}},
		"has no command":                     {Convention: "dehydrated"},
		"/nonexistent/hook.sh: no such file": {Convention: "dehydrated", Command: []string{"/nonexistent/hook.sh"}},
		"persist= is for a program that":     {Convention: "dehydrated", Command: []string{"/bin/true"}, Persist: true},
		"has a command for every event and":  {Convention: "certbot", Command: []string{"/bin/true"}, Commands: map[string][]string{"auth": {"/bin/true"}}},
	} {
		err := byHand(t, h).Run(context.Background(), []envmap.Event{perform("a.test")})
		require.ErrorAs(t, err, new(*runner.ChainError))
		require.ErrorContains(t, err, want)
		_, err = byHand(t, h).Plan([]envmap.Event{perform("a.test")})
		require.ErrorContains(t, err, want)
	}
	err := byHand(t, runner.Handler{}, runner.Handler{Convention: "x"}).Run(context.Background(), []envmap.Event{perform("a.test")})
	faults := new(runner.ChainError)
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults.Faults, 2)
}

// TestHandMadeEvents: values are checked before anything is run, whoever made them.
func TestHandMadeEvents(t *testing.T) {
	w := newWorld(t, "dehydrated "+logging(t, "A", "")+"\n")
	for _, change := range []func(*envmap.Event){
		func(e *envmap.Event) { e.Domain = "x;touch PWNED\n--opt" },
		func(e *envmap.Event) { e.Validation = "$(id)" },
		func(e *envmap.Event) { e.Token = "../x" },
		func(e *envmap.Event) { e.Cmd = "frobnicate" },
	} {
		e := perform("a.test")
		change(&e)
		require.ErrorAs(t, w.run(e), new(*envmap.ValueError))
		_, err := w.Plan([]envmap.Event{e})
		require.ErrorAs(t, err, new(*envmap.ValueError))
	}
	require.Empty(t, w.log())
}

// TestHandMadeRouting: of two handlers, the one whose domain is closest is run, as
// in a chain file.
func TestHandMadeRouting(t *testing.T) {
	near := runner.Handler{Convention: "dehydrated", Command: []string{"/bin/true", "near"}, Domains: []string{"www.example.org"}}
	far := runner.Handler{Convention: "dehydrated", Command: []string{"/bin/true", "far"}, Domains: []string{"*.example.org"}}
	lines, err := byHand(t, far, near).Plan([]envmap.Event{perform("www.example.org")})
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "/bin/true near ")
}

// TestZeroFunctions: a runner without Warn, Trace, Deliver and Step works.
func TestZeroFunctions(t *testing.T) {
	r := byHand(t, runner.Handler{Convention: "dehydrated", Command: []string{"/bin/sh", "-c", "echo said >&2; exit 3", "sh"}, Optional: true})
	require.NoError(t, r.Run(context.Background(), []envmap.Event{perform("a.test")}))
	require.NoError(t, r.Run(context.Background(), nil))
	require.NoError(t, r.Run(context.Background(), []envmap.Event{cleanup(perform("a.test"))}))
}
