package process_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/process"
)

// run runs these tests as a program that becomes another.
func run(t *testing.T, stdin string, argv ...string) (process.Result, error) {
	t.Helper()
	p := &process.Process{Argv: append([]string{os.Args[0], "become", stdin}, argv...), Env: []string{"PATH=/usr/bin:/bin", "GORACE=atexit_sleep_ms=0"}, Stdin: []byte("ours")}
	return p.Run(context.Background())
}

func TestBecome(t *testing.T) {
	result, err := run(t, "", "sh", "-c", `cat; echo " $0 $1 $A"; exit 3`, "zero", "one")
	require.ErrorAs(t, err, new(*process.ExitError))
	require.Equal(t, 3, result.Status)
	require.Equal(t, "ours zero one 1\n", string(result.Stdout))
	result, err = run(t, "theirs\n", "cat")
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("theirs\n", 1000), string(result.Stdout))
}

func TestBecomeCannot(t *testing.T) {
	result, _ := run(t, strings.Repeat("x", 100), "cat")
	require.Equal(t, 99, result.Status, "100000 bytes do not fit into a pipe")
	result, err := run(t, "", "/etc/passwd")
	require.NoError(t, err)
	require.Equal(t, "/etc/passwd: exists but is not executable; chmod +x it\n", string(result.Stdout))
}
