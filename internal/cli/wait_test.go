//go:build linux

package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/getopt"
	"github.com/extauth/extauth/pkg/envmap"
)

// scripted stands in for the network: how a wait is shown is what is tested.
type scripted struct {
	progress func(done, all int, missing string)
}

func (*scripted) Flags(getopt.Registry) {}

func (s *scripted) Watch(progress func(done, all int, missing string), _ func(string)) {
	s.progress = progress
}

func (s *scripted) Wait(context.Context, []envmap.Event) error {
	if s.progress != nil {
		s.progress(0, 2, "ns1.example.org:\x1b[31m a")
		s.progress(1, 2, strings.Repeat("long ", 20))
	}
	return nil
}

// TestWaitOnATerminal: one line, rewritten in place, as wide as the terminal and
// gone at the end; nothing of it for anybody else.
func TestWaitOnATerminal(t *testing.T) {
	screen, tty := openTerminal(t)
	defer screen.Close()
	raw, err := tty.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 40})
	}))
	require.NoError(t, err)
	args := []string{"extauth-wait", "dns", "_acme-challenge.example.org", "value"}
	require.Zero(t, cli.Wait(cli.IO{Args: args, Stderr: tty}, &scripted{}))
	require.NoError(t, tty.Close())
	var seen strings.Builder
	require.NoError(t, screen.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 4096)
	for err = nil; err == nil; {
		var n int
		n, err = screen.Read(b)
		seen.Write(b[:n])
	}
	const first, second = "0 of 2; missing: ns1.example.org:[31m a", "1 of 2; missing: long long long long lo"
	require.Equal(t, "\r"+first+"\x1b[K\r"+second+"\x1b[K\r\x1b[K", seen.String())

	var stderr bytes.Buffer
	require.Zero(t, cli.Wait(cli.IO{Args: args, Stderr: &stderr}, &scripted{}))
	require.Empty(t, stderr.String())
}
