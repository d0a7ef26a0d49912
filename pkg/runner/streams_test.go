package runner

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttendOnAnOldKernel: a process that cannot be polled is looked at.
func TestAttendOnAnOldKernel(t *testing.T) {
	input := bytes.Repeat([]byte("x"), 1<<20)
	var stdout, stderr bytes.Buffer
	s, err := openStreams(input, &stdout, &stderr)
	require.NoError(t, err)
	p := &process{argv: []string{"sh", "-c", "/bin/cat; echo done >&2; exit 3"}}
	c, err := p.spawn("/bin/sh", s.theirs, nil)
	require.NoError(t, err)
	s.handOver()
	require.NoError(t, syscall.Close(c.pidfd))
	c.pidfd = -1
	require.False(t, s.attend(c))
	require.Equal(t, 3, c.wait().ExitStatus())
	require.Equal(t, input, stdout.Bytes())
	require.Equal(t, "done\n", stderr.String())
}
