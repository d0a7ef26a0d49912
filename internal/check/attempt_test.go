package check

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

func newAttempt(t *testing.T, script string) (*chain.Handler, attempt) {
	path := filepath.Join(t.TempDir(), "hook")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
	h, err := chain.ParseLine([]string{"handler", path, "word"})
	require.NoError(t, err)
	call := envmap.Call{Args: []string{"perform"}, Stdin: []byte("text\n")}
	return &h, attempt{call: call, dir: t.TempDir(), env: []map[string]string{{"A": "1", "B": "1"}, {"B": "2"}}, timeout: time.Minute}
}

func TestAttempt(t *testing.T) {
	t.Setenv("SENTINEL", "of the caller")
	h, one := newAttempt(t, `echo "$* $A $B ${SENTINEL-} $(/bin/cat) $PWD"; echo said >&2; true </dev/tty || exit 3`)
	o, err := runAttempt(context.Background(), h, envmap.PerformChallenge, one)
	require.Equal(t, &process.ExitError{Status: 3}, err, "there is no terminal")
	require.Equal(t, "word perform 1 2  text "+one.dir+"\n", string(o.Stdout))
	require.Equal(t, "said", o.stderr[0])
	require.Equal(t, append(append([]string{}, h.Command...), "perform"), o.words)
	require.False(t, o.declined)
}

func TestAttemptDeclined(t *testing.T) {
	h, one := newAttempt(t, "echo NotImplemented; exit 1")
	o, err := runAttempt(context.Background(), h, envmap.PerformChallenge, one)
	require.ErrorAs(t, err, new(*process.ExitError))
	require.True(t, o.declined)
}

func TestAttemptWithAWrapper(t *testing.T) {
	h, one := newAttempt(t, "exit 3")
	one.wrapper = []string{"/bin/sh", "-c", `"$@"; echo "$# words, status $?"`, "sh"}
	o, err := runAttempt(context.Background(), h, envmap.PerformChallenge, one)
	require.NoError(t, err)
	require.Equal(t, "3 words, status 3\n", string(o.Stdout))
}
