//go:build linux

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixture is the path of a hook script of these tests.
func (w *world) fixture(name string) string { return w.absolute("testdata", name) }

// handler is the path of a handler that people get.
func (w *world) handler(name string) string { return w.absolute("..", "hooks", "examples", name) }

func (w *world) absolute(elements ...string) string {
	w.Helper()
	path, err := filepath.Abs(filepath.Join(elements...))
	require.NoError(w, err)
	require.FileExists(w, path)
	return path
}

func TestFixturesAreShellcheckClean(t *testing.T) {
	needLaboratory(t)
	scripts, err := filepath.Glob("testdata/*")
	require.NoError(t, err)
	out, err := exec.Command("shellcheck", scripts...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// nsupdateKey lets the fixtures and the nsupdate handler update the first zone.
func (w *world) nsupdateKey() { w.setenv("NSUPDATE_KEY", lab.bind.keyFile(firstZone)) }

// A call is what the record fixture saw of one call of it.
type call struct {
	args  []string
	env   map[string]string
	stdin string
}

// recordCalls makes the record fixture write here, and become another program
// when it is given.
func (w *world) recordCalls(then string) {
	w.Helper()
	w.setenv("RECORDS", w.mkdir("records"))
	w.setenv("THEN", then)
}

// publisher makes a handler that answers the pre and post phases itself, in
// silence, and leaves the rest to an example: a wrapper as people write them.
func (w *world) publisher(example string) string {
	w.Helper()
	return w.writeExecutable("publish-"+example, lines(
		"#!/bin/sh",
		`case $1 in perform | cleanup) exec `+w.handler(example)+` "$1" ;; esac`))
}

// recorded are the calls so far, first to last.
func (w *world) recorded() []call {
	w.Helper()
	entries, err := os.ReadDir(w.path("records"))
	require.NoError(w, err)
	var calls []call
	for _, entry := range entries {
		dir := filepath.Join(w.path("records"), entry.Name())
		c := call{env: map[string]string{}, stdin: w.read(filepath.Join(dir, "stdin"))}
		c.args = splitNul(w.read(filepath.Join(dir, "args")))
		for _, variable := range splitNul(w.read(filepath.Join(dir, "env"))) {
			name, value, _ := strings.Cut(variable, "=")
			c.env[name] = value
		}
		calls = append(calls, c)
	}
	return calls
}

func (w *world) read(path string) string {
	w.Helper()
	content, err := os.ReadFile(path)
	require.NoError(w, err)
	return string(content)
}

func splitNul(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\x00"), "\x00")
}
