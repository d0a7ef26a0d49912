package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a command, and shows what it wrote where it does not end with 0.
func run(t *testing.T, words ...string) {
	t.Helper()
	said, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// prepared is a place with everything built that programs are compared with.
func prepared(t *testing.T) place {
	t.Helper()
	p, err := settle(t.TempDir(), ".")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.remove()) })
	require.NoError(t, p.prepare())
	return p
}

// shortStart is the check of the start with fewer rounds.
func (p place) shortStart() []maker {
	return []maker{{"start", func(bool) (block, error) {
		b, err := p.start(true)
		b.rounds = 50
		return b, err
	}}}
}

func TestCheck(t *testing.T) {
	p := prepared(t)
	t.Run("sees a slow program", func(t *testing.T) { seesSlow(t, p) })
	t.Run("passes a fast program", func(t *testing.T) { passesFast(t, p) })
	t.Run("says so by its status", func(t *testing.T) { hasStatus(t, p) })
	t.Run("names what cannot be run", func(t *testing.T) {
		var said strings.Builder
		p.build = t.TempDir()
		require.False(t, p.check(&said, p.shortStart()))
		require.Regexp(t, `^MISSED  start: .*extauth-\w+: No such file or directory\n$`, said.String())
	})
}

// seesSlow: two milliseconds in front of extauth-hook are found out, and laid to
// it alone.
func seesSlow(t *testing.T, p place) {
	p.build = fast(t, p)
	real := filepath.Join(t.TempDir(), "extauth-hook")
	run(t, "go", "build", "-trimpath", "-o", real, "../cmd/extauth-hook")
	slow := filepath.Join(p.build, "extauth-hook")
	require.NoError(t, os.Remove(slow))
	run(t, "gcc", "-O2", "-static", `-DREAL="`+real+`"`, "-o", slow, "testdata/slow.c")
	var said strings.Builder
	require.False(t, p.check(&said, p.shortStart()))
	require.Contains(t, said.String(), "MISSED  start: extauth-hook: goal at most 1.4")
	require.NotContains(t, said.String(), "MISSED  start: extauth-lego")
}

// fast is a directory of programs that take no time.
func fast(t *testing.T, p place) string {
	dir := t.TempDir()
	for _, name := range []string{"extauth-hook", "extauth-dehydrated", "extauth-lego", "extauth-uacme"} {
		require.NoError(t, os.Link(p.peer("nostd"), filepath.Join(dir, name)))
	}
	return dir
}

// passesFast: what takes no time meets every goal.
func passesFast(t *testing.T, p place) {
	p.build = fast(t, p)
	var said strings.Builder
	require.True(t, p.check(&said, p.shortStart()), "%s", &said)
	require.NotContains(t, said.String(), "MISSED")
}

// hasStatus: as a command the check ends with 1 where a goal is missed.
func hasStatus(t *testing.T, p place) {
	p.build = t.TempDir()
	var said strings.Builder
	status, err := p.work(&said, true, []string{"start"})
	require.Equal(t, 1, status)
	require.EqualError(t, err, "goals are missed")
}

func TestUsage(t *testing.T) {
	status, err := bench(nil, ".", []string{"walk"})
	require.Equal(t, 64, status)
	require.ErrorContains(t, err, "usage")
}
