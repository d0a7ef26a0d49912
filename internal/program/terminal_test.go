//go:build linux

package program_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// asking is a handler that asks a person before it publishes anything. redirection
// says where.
func asking(redirection string) map[string]string {
	return map[string]string{"asks.sh": "#!/bin/sh\nexec " + redirection + asks}
}

const asks = `
echo "$1" >>"$LOG"
test "$1" = deploy_challenge || exit 0
printf 'Publish it? '
read -r answer && echo "$answer" >>"$LOG"
`

// single is a call of the front end for certbot with one handler and the person's
// terminal as its standard streams, but for those that are redirected.
func (d *terminalTest) single(redirections string) *person {
	d.certbots(0, "a")
	return d.person("sh", "-c", "exec extauth-hook --to dehydrated auth -- ./asks.sh </dev/tty "+redirections)
}

// types waits for a text on the screen and types.
func (p *person) types(after, keys string) {
	p.reads(after)
	_, err := p.screen.WriteString(keys)
	require.NoError(p.t, err)
}

// TestHandlerAsks: a handler on the command line asks at the terminal, or on a
// standard error that is one, where its question has no line feed.
func TestHandlerAsks(t *testing.T) {
	t.Parallel()
	for at, redirections := range map[string]string{">/dev/tty": "", ">&2": "2>/dev/tty"} {
		d := newTerminalTest(t, asking(at))
		p := d.single(redirections)
		p.types("Publish it? ", "yes\r")
		p.ends("0").says("").shows("Publish it? yes\n")
		require.Equal(t, "deploy_challenge\nyes\n", d.log())
		require.Equal(t, []string{"a"}, d.pending())
	}
}

// TestHandlerAsksAnotherStandardError: what it says there goes to the client's log
// a line at a time, under its name.
func TestHandlerAsksAnotherStandardError(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, asking(">/dev/tty; echo hello >&2"))
	p := d.single("")
	p.types("Publish it? ", "yes\r")
	p.ends("0").says(`^extauth-hook: dehydrated \./asks\.sh: hello\n$`)
}

// TestHandlerAsksControlC: it reaches the handler as it reaches everything at the
// terminal. All is undone, and the process dies of it.
func TestHandlerAsksControlC(t *testing.T) {
	t.Parallel()
	for at, redirections := range map[string]string{">/dev/tty": "", ">&2": "2>/dev/tty"} {
		d := newTerminalTest(t, asking(at))
		p := d.single(redirections)
		p.types("Publish it? ", "\x03")
		p.ends("SIGINT")
		require.Equal(t, "deploy_challenge\nclean_challenge\n", d.log())
		d.requireEmptyJournal()
	}
}

// TestHandlerAsksTooLong: a handler that waits for an answer for ever is stopped,
// although the terminal is its own too.
func TestHandlerAsksTooLong(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, asking(">/dev/tty"))
	d.certbots(0, "a")
	p := d.person("sh", "-c", "exec extauth-hook --timeout 200ms --to dehydrated auth -- ./asks.sh </dev/tty")
	p.ends("75").says(`dehydrated \./asks\.sh: perform "a": timed out after 200ms\n$`)
	require.Equal(t, "deploy_challenge\nclean_challenge\n", d.log())
	d.requireEmptyJournal()
}
