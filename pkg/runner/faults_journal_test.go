package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// performed returns a directory with one performed challenge, and its record.
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

// TestOnDiskBeforeTheHandlerRuns: the record is written, synced, given its
// name and the name synced, before each handler starts.
func TestOnDiskBeforeTheHandlerRuns(t *testing.T) {
	w := newWorld(t, "handler phase=perform "+logging(t, "A", "")+"\nhandler phase=perform "+logging(t, "B", "")+"\n")
	var steps []string
	w.Step = func(name string) error { steps = append(steps, name); return nil }
	require.NoError(t, w.run(perform("a.test")))
	once := []string{"write", "fsync", "rename", "fsync of the directory", "start perform", "end perform"}
	require.Equal(t, append(once, once...), steps)
}
