//go:build linux

package program_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stderrOf runs a program whose standard error is a terminal, or a pipe, and
// returns what it said there.
func (d *terminalTest) stderrOf(terminal bool, args ...string) string {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = d.dir, d.env
	if !terminal {
		var b strings.Builder
		cmd.Stderr = &b
		require.Error(d.t, cmd.Run())
		return b.String()
	}
	screen, tty := openTerminal(d.t)
	defer screen.Close()
	cmd.Stderr = tty
	err := cmd.Run()
	require.Error(d.t, err)
	tty.Close()
	require.NoError(d.t, screen.SetReadDeadline(time.Now().Add(patience)))
	text, err := io.ReadAll(screen)
	require.ErrorIs(d.t, err, syscall.EIO) // nobody has the terminal any more
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// TestHints: on a terminal an error is followed by the next step, elsewhere by
// nothing.
func TestHints(t *testing.T) {
	d := newTerminalTest(t, map[string]string{
		"chain": "dehydrated true\n", "other": "dehydrated domain=example.net true\n", "plain": "no program\n", "file": "",
		"slow":  "#!/bin/sh\ntest \"$1\" = clean_challenge || exec tail -f /dev/null\n",
		"fails": "dehydrated false\n", "json": "json ./slow\n",
	})
	d.env = append(d.env, "CERTBOT_DOMAIN=example.org", "CERTBOT_VALIDATION="+valueOf("one"))
	for _, hint := range []struct {
		args []string
		want string // what is to be tried; empty: nothing
	}{
		{[]string{"extauth-hook", "auth"}, "--to dehydrated and a HANDLER after --, or -c with a chain file"},
		{[]string{"extauth-hook", "-c", "other", "auth"}, "a line in the chain file whose domain= and type= take it"},
		{[]string{"extauth-hook", "-c", d.dir + "/no/such/chain", "auth"}, "ls -l " + d.dir},
		{[]string{"extauth-hook", "-c", "chain", "-e", "no.env", "auth"}, "ls -l ."},
		{[]string{"extauth-hook", "--to", "dehydrated", "auth", "./plain"}, "chmod +x ./plain"},
		{[]string{"extauth-hook", "--to", "handler", "pre", "true"}, "a handler that speaks json, which has words for every event"},
		{[]string{"extauth-hook", "--to", "httpreq", "-c", "chain", "auth"}, ""}, // usage has a next step of its own
		{[]string{"extauth-hook", "--state-dir", "file/x", "-c", "chain", "auth"}, "--state-dir with a directory that can be written"},
		{[]string{"extauth-hook", "--timeout", "100ms", "--to", "dehydrated", "auth", "./slow"}, "--timeout with more, or timeout= in the handler's line"},
		{[]string{"extauth-lego", "--handler", "true", "--to", "uacme", "present", "_acme-challenge.example.org.", "short"}, ""},
		{[]string{"extauth-hook", "-c", "fails", "auth"}, "extauth-pending list"}, // it could not be undone either
	} {
		elsewhere := d.stderrOf(false, hint.args...)
		require.NotContains(t, elsewhere, ": try: ")
		if hint.want != "" {
			elsewhere += hint.args[0] + ": try: " + hint.want + "\n"
		}
		require.Equal(t, elsewhere, d.stderrOf(true, hint.args...), hint.args)
	}
}

// TestHintOfABusyChallenge: after a long wait the hint says where to look.
func TestHintOfABusyChallenge(t *testing.T) {
	d := newTerminalTest(t, map[string]string{
		"chain": "dehydrated ./handler\n", "handler": "#!/bin/sh\ntest -e begun && exit\n: >begun\nexec tail -f /dev/null\n",
	})
	d.env = append(d.env, "CERTBOT_DOMAIN=example.org", "CERTBOT_VALIDATION="+valueOf("one"))
	busy := exec.Command("extauth-hook", "-c", "chain", "auth")
	busy.Dir, busy.Env, busy.Stderr = d.dir, d.env, os.Stderr
	require.NoError(t, busy.Start())
	defer func() { busy.Process.Signal(syscall.SIGTERM); busy.Wait() }()
	require.Eventually(t, func() bool { _, err := os.Stat(d.dir + "/begun"); return err == nil }, patience, 10*time.Millisecond)
	got := d.stderrOf(true, "extauth-hook", "--timeout", "1s", "-c", "chain", "auth")
	require.Regexp(t, `^extauth-hook: another process is busy with a challenge for "example\.org"\nextauth-hook: try: extauth-pending list\n$`, got)
}
