package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/runner"
)

// TestStoppedHandler: the time of a handler that was stopped, as by Ctrl-Z,
// goes on, and SIGKILL reaches it.
func TestStoppedHandler(t *testing.T) {
	w := newWorld(t, "handler timeout=200ms phase=perform,cleanup "+script(t, `echo "$1" >>"$LOG"; [ "$1" = cleanup ] || kill -STOP $$`)+"\n")
	began := time.Now()
	require.ErrorAs(t, w.run(perform("a.test")), new(*runner.TimeoutError))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, []string{"perform", "cleanup"}, w.log())
	w.requireEmptyJournal()
}
