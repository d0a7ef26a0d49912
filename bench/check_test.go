package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a command, and shows what it wrote if it does not end with 0.
func run(t *testing.T, words ...string) {
	t.Helper()
	output, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// newPrepared returns a workspace with all peers built, and with a program of
// ours that takes no time.
func newPrepared(t *testing.T) workspace {
	t.Helper()
	p, err := newWorkspace(t.TempDir(), ".")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.remove()) })
	require.NoError(t, p.prepare())
	p.fast(t)
	return p
}

func (p workspace) fast(t *testing.T) {
	t.Helper()
	_ = os.Remove(p.ours("extauth-hook"))
	require.NoError(t, os.Link(p.peer("nostd"), p.ours("extauth-hook")))
}

// checkStart checks the block start with fewer rounds.
func (p workspace) checkStart() (output string, missed []line, err error) {
	b, err := p.start(true)
	if err != nil {
		return "", nil, err
	}
	b.rounds = 25
	var w strings.Builder
	missed, err = p.missedBars(&w, b)
	return w.String(), missed, err
}

// TestCheckPassesAFastProgram: a program that takes no time meets every bar.
func TestCheckPassesAFastProgram(t *testing.T) {
	output, missed, err := newPrepared(t).checkStart()
	require.NoError(t, err)
	require.Empty(t, missed, output)
	require.NotContains(t, output, "missed")
}

// TestCheckSeesASlowProgram: a delay of 20 milliseconds is found.
func TestCheckSeesASlowProgram(t *testing.T) {
	p := newPrepared(t)
	require.NoError(t, os.Remove(p.ours("extauth-hook")))
	run(t, "gcc", "-O2", "-static", `-DREAL="`+p.peer("nostd")+`"`, "-o", p.ours("extauth-hook"), "testdata/slow.c")
	output, missed, err := p.checkStart()
	require.NoError(t, err)
	require.NotEmpty(t, missed)
	require.Contains(t, output, "missed  `--exec` / empty Go program: ")
	require.Equal(t, 3, strings.Count(output, "missed  `--exec` / empty Go program: "), "it is measured again")
}

// TestCheckNamesWhatCannotBeRun: the check fails if a program is missing.
func TestCheckNamesWhatCannotBeRun(t *testing.T) {
	p := newPrepared(t)
	require.NoError(t, os.Remove(p.ours("extauth-hook")))
	var output strings.Builder
	err := p.check(&output, func(m blockMaker) bool { return m.name == "start" })
	require.ErrorContains(t, err, "extauth-hook: No such file or directory")
}

// TestBarsAreThePromisedOnes: the bars are those of the README and the design.
func TestBarsAreThePromisedOnes(t *testing.T) {
	p := newPrepared(t)
	require.NoError(t, os.WriteFile(p.ours("extauth-json"), []byte("#!/bin/sh\nexec cat\n"), 0o755))
	got := map[string]string{}
	for _, m := range blockMakers() {
		if !m.hasBar {
			continue
		}
		b, err := m.make(p, true)
		require.NoError(t, err)
		for _, l := range b.lines {
			if l.bar > 0 {
				got[m.name+": "+l.name] = l.goal()
			}
		}
	}
	require.Equal(t, map[string]string{
		"start: `--exec` / empty Go program": "at most 2", "start: `--exec` / bash adapter": "at most 1",
		"chain: supervised perform / empty Go program": "at most 3", "chain: supervised cleanup / empty Go program": "at most 3",
		"chain: supervised deploy / empty Go program": "at most 3", "stream: `jq -c .` / `extauth-json`": "at least 10",
	}, got)
}

func TestUsage(t *testing.T) {
	require.ErrorContains(t, bench(nil, ".", []string{"walk"}), "usage")
}

// TestIntoReadme: only what is between the marks is replaced.
func TestIntoReadme(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	require.NoError(t, os.WriteFile(file, []byte("a\n<!-- make bench -->\nold\n<!-- make bench: end -->\nb\n"), 0o600))
	require.NoError(t, intoReadme(file, "new\n"))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "a\n<!-- make bench -->\nnew\n<!-- make bench: end -->\nb\n", string(text))
	require.NoError(t, os.WriteFile(file, []byte("a\n"), 0o600))
	require.ErrorContains(t, intoReadme(file, "new\n"), "no place for the table")
}
