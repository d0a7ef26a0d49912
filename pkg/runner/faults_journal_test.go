package runner_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

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
