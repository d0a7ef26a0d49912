package runner

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

func newTrial(t *testing.T, script string) (Handler, Trial) {
	path := filepath.Join(t.TempDir(), "hook")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
	h, err := ParseHandler([]string{"handler", path, "word"})
	require.NoError(t, err)
	call := envmap.Call{Args: []string{"perform"}, Stdin: []byte("text\n")}
	return h, Trial{Call: call, Dir: t.TempDir(), Env: []map[string]string{{"A": "1", "B": "1"}, {"B": "2"}}, Timeout: time.Minute}
}

func TestTryGivesWhatItIsTold(t *testing.T) {
	t.Setenv("SENTINEL", "of the caller")
	h, trial := newTrial(t, `echo "$* $A $B ${SENTINEL-} $(/bin/cat) $PWD"; echo said >&2; true </dev/tty || exit 3`)
	o, err := h.Try(context.Background(), envmap.PerformChallenge, trial)
	require.Equal(t, &ExitError{Status: 3}, err, "there is no terminal")
	require.Equal(t, "word perform 1 2  text "+trial.Dir+"\n", string(o.Stdout))
	require.Equal(t, "said", o.Stderr[0])
	require.Equal(t, append(append([]string{}, h.Command...), "perform"), o.Words)
	require.False(t, o.Declined)
}

func TestTryKnowsADeclinedEvent(t *testing.T) {
	h, trial := newTrial(t, "echo NotImplemented; exit 1")
	o, err := h.Try(context.Background(), envmap.PerformChallenge, trial)
	require.ErrorAs(t, err, new(*ExitError))
	require.True(t, o.Declined)
}

func TestTryHandsTheCommandToAWrapper(t *testing.T) {
	h, trial := newTrial(t, "exit 3")
	trial.Wrapper = []string{"/bin/sh", "-c", `"$@"; echo "$# words, status $?"`, "sh"}
	o, err := h.Try(context.Background(), envmap.PerformChallenge, trial)
	require.NoError(t, err)
	require.Equal(t, "3 words, status 3\n", string(o.Stdout))
}

func TestParseHandlerNamesWhatIsMissing(t *testing.T) {
	_, err := ParseHandler([]string{"dehydrated", "./absent"})
	start := new(StartError)
	require.ErrorAs(t, err, &start)
	require.True(t, start.NotFound())
}
