package runner_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// performed is a world with one challenge performed, and its record.
func performed(t *testing.T) (w *world, file string, text []byte) {
	w = newWorld(t, "handler phase=perform,cleanup "+logging(t, "A", "")+"\n")
	require.NoError(t, w.run(perform("a.test")))
	files, err := filepath.Glob(filepath.Join(w.State, "journal", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err = os.ReadFile(files[0])
	require.NoError(t, err)
	return w, files[0], text
}

// requireSetAside puts a damaged record in the place of a whole one.
func requireSetAside(t *testing.T, w *world, file string, damaged []byte, note string) {
	require.NoError(t, os.WriteFile(file, damaged, 0o600))
	all, err := w.Leftovers()
	require.Empty(t, all, note)
	require.ErrorContains(t, err, file+".corrupt", note)
	aside, err := os.ReadFile(file + ".corrupt")
	require.NoError(t, err, note)
	require.Equal(t, damaged, aside, note)
	require.NoFileExists(t, file, note)
}

// TestF03_RecordTornAtAnyByte: whatever part of a record a power loss left, it
// is known to be torn.
func TestF03_RecordTornAtAnyByte(t *testing.T) {
	w, file, text := performed(t)
	for n := range text {
		requireSetAside(t, w, file, text[:n], "cut at byte "+string(text[:n]))
	}
	requireSetAside(t, w, file, append(bytes.Clone(text), '\n'), "with something behind it")
	requireSetAside(t, w, file, make([]byte, len(text)), "of zeros, as some file systems leave it")
}

// TestF03_RecordWithAnyBitChanged: nor is what a bad disk made of it believed.
func TestF03_RecordWithAnyBitChanged(t *testing.T) {
	w, file, text := performed(t)
	version := bytes.IndexByte(text, ' ') + 1 // another is no damage
	for n := range text {
		damaged := bytes.Clone(text)
		damaged[n] ^= 1 << (n % 8)
		if n != version && n != version+1 {
			requireSetAside(t, w, file, damaged, "at byte "+string(text[:n]))
		}
	}
}

// TestF03_OnDiskBeforeTheHandlerRuns: the record is written, synced, given its
// name and the name synced, before each handler starts.
func TestF03_OnDiskBeforeTheHandlerRuns(t *testing.T) {
	w := newWorld(t, "handler phase=perform "+logging(t, "A", "")+"\nhandler phase=perform "+logging(t, "B", "")+"\n")
	var steps []string
	w.Step = func(name string) error { steps = append(steps, name); return nil }
	require.NoError(t, w.run(perform("a.test")))
	once := []string{"write", "fsync", "rename", "fsync of the directory", "start perform", "end perform"}
	require.Equal(t, append(once, once...), steps)
}

// TestF17_StepsDoNotGrowWithTheJournal: what is left of other challenges costs
// a perform and a clean-up nothing.
func TestF17_StepsDoNotGrowWithTheJournal(t *testing.T) {
	w, file, text := performed(t)
	steps := 0
	w.Step = func(string) error { steps++; return nil }
	count := func(event envmap.Event) int {
		steps = 0
		require.NoError(t, w.run(event))
		return steps
	}
	alone := []int{count(perform("b.test")), count(cleanup(perform("b.test")))}
	for n := range 10000 {
		name := filepath.Join(filepath.Dir(file), fmt.Sprintf("%032x", n))
		require.NoError(t, os.WriteFile(name, text, 0o600))
	}
	require.Equal(t, alone, []int{count(perform("b.test")), count(cleanup(perform("b.test")))})
}
