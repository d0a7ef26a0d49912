package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDrive: rows run in the rounds that they are for, as often as they say,
// with their input, environment and what stands around them.
func TestDrive(t *testing.T) {
	p := prepared(t)
	count := filepath.Join(p.disk, "count")
	shell := func(script string) []string { return []string{"/bin/sh", "-c", script} }
	taken, err := p.drive(block{rounds: 4, rows: []row{
		{label: "each", args: shell(`echo each >>` + count), times: 3},
		{label: "second", args: shell(`echo second >>` + count), every: 2},
		{label: "around", args: shell(`test -e ` + count + `.here`), before: shell(`: >` + count + `.here`), after: shell(`rm ` + count + `.here`)},
		{label: "input", args: shell(`read -r line && test "$line" = "$WORD"`), env: []string{"WORD=two words"}, in: p.file(t, "two words\n")},
	}})
	require.NoError(t, err)
	require.Len(t, taken["each"], 4)
	require.Len(t, taken["second"], 2)
	require.Contains(t, taken["second"], 2)
	text, err := os.ReadFile(count)
	require.NoError(t, err)
	require.Len(t, text, 12*len("each\n")+2*len("second\n"))
	require.Positive(t, taken["input"][0].value)
	require.Less(t, taken.peak("input"), 8192)
	namesFaults(t, p)
}

// namesFaults: the error says which row failed, or cannot be run.
func namesFaults(t *testing.T, p place) {
	for text, r := range map[string]row{
		"none: /nonexistent: No such file or directory": {args: []string{"/nonexistent"}},
		"a: wait status 0x100":                          {args: []string{"/bin/true"}, after: []string{"/bin/false"}},
		"b: wait status 0x200: /bin/ls: cannot access":  {args: []string{"/bin/ls", "/nonexistent"}},
	} {
		label, said, _ := strings.Cut(text, ": ")
		r.label = label
		_, err := p.drive(block{rounds: 1, rows: []row{r}})
		require.ErrorContains(t, err, said)
	}
}

// file is one to read.
func (p place) file(t *testing.T, text string) string {
	name, err := p.write(filepath.Base(t.Name()), text)
	require.NoError(t, err)
	return name
}
