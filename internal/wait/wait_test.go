package wait

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestWaitOnATerminal: one line, rewritten in place, not wider than the
// terminal, and cleared at the end. There is none without a terminal.
func TestWaitOnATerminal(t *testing.T) {
	var seen bytes.Buffer
	s := &screen{w: &seen, width: 40}
	progress := s.progress()
	progress(0, 2, "ns1.example.org:\x1b[31m a")
	progress(1, 2, strings.Repeat("long ", 20))
	s.clear()
	s.clear()
	const first, second = "0 of 2; missing: ns1.example.org:[31m a", "1 of 2; missing: long long long long lo"
	require.Equal(t, "\r"+first+"\x1b[K\r"+second+"\x1b[K\r\x1b[K", seen.String())

	require.Nil(t, (&screen{w: &seen}).progress())
}

// TestWaitTracesOnATerminal: the line is cleared before a message.
func TestWaitTracesOnATerminal(t *testing.T) {
	var seen bytes.Buffer
	s := &screen{w: &seen, width: 40}
	s.progress()(0, 1, "a")
	s.tracer(func(message string) { seen.WriteString(message + "\n") })("found")
	require.Equal(t, "\r0 of 1; missing: a\x1b[K\r\x1b[Kfound\n", seen.String())
	require.Nil(t, s.tracer(nil))
}

// TestColumns: a terminal has a width, even one that does not know it.
func TestColumns(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer terminal.Close()
	require.Equal(t, 80, columns(terminal))
	require.NoError(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 40}))
	require.Equal(t, 40, columns(terminal))
	pipe, other, err := os.Pipe()
	require.NoError(t, err)
	defer pipe.Close()
	defer other.Close()
	require.Zero(t, columns(pipe))
	require.Zero(t, columns(&bytes.Buffer{}))
}
