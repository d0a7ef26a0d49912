package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDrive: rows run once in each round and once before the first, with their
// input, environment, and commands before and after.
func TestDrive(t *testing.T) {
	p := newPrepared(t)
	count := filepath.Join(p.disk, "count")
	shell := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	input, err := p.write("input", "two words\n")
	require.NoError(t, err)
	measured, err := p.measure(block{rounds: 4, rows: []row{
		{label: "each", args: shell(`echo each >>` + count)},
		{label: "around", args: shell(`test -e ` + count + `.here`), before: shell(`: >` + count + `.here`), after: shell(`rm ` + count + `.here`)},
		{label: "input", args: shell(`read -r line && test "$line" = "$WORD"`), env: []string{"WORD=two words"}, in: input},
	}})
	require.NoError(t, err)
	require.Len(t, measured["each"], 4)
	text, err := os.ReadFile(count)
	require.NoError(t, err)
	require.Len(t, text, 4*len("each\n"))
	require.Positive(t, measured["input"][0].value)
	require.Less(t, measured["input"][0].memory, 8192)
}

// TestDriveNamesFaults: the error says which row failed, or cannot be run.
func TestDriveNamesFaults(t *testing.T) {
	p := newPrepared(t)
	for text, r := range map[string]row{
		"/nonexistent: No such file or directory":      {args: []string{"/nonexistent"}},
		"a: wait status 0x100":                         {args: []string{"/bin/true"}, after: []string{"/bin/false"}},
		"b: wait status 0x200: /bin/ls: cannot access": {args: []string{"/bin/ls", "/nonexistent"}},
	} {
		r.label, _, _ = strings.Cut(text, ": ")
		_, err := p.measure(block{rounds: 1, rows: []row{r}})
		require.ErrorContains(t, err, text)
	}
}
