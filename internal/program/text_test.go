//go:build linux

package program_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// terminalTest starts programs on a terminal of their own, with a common
// journal.
type terminalTest struct {
	t   *testing.T
	dir string
	env []string
}

func newTerminalTest(t *testing.T, files map[string]string) *terminalTest {
	resetSignals()
	d := &terminalTest{t: t, dir: t.TempDir()}
	for name, text := range files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		require.NoError(t, os.WriteFile(filepath.Join(d.dir, name), []byte(text), mode))
	}
	d.env = append(os.Environ(), "EXTAUTH_STATE_DIR="+filepath.Join(d.dir, "state"), "LOG="+filepath.Join(d.dir, "log"),
		"GORACE="+noDelay)
	return d
}

// person is a running program and the person at its terminal.
type person struct {
	t              *testing.T
	cmd            *exec.Cmd
	screen         *os.File // the side of the terminal that a person sees
	seen           strings.Builder
	stdout, stderr string // files
}

// openTerminal makes a pseudo-terminal. Its own side is not yet anybody's.
func openTerminal(t *testing.T) (screen, tty *os.File) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	raw, err := screen.SyscallConn()
	require.NoError(t, err)
	number := 0
	require.NoError(t, raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}))
	require.NoError(t, err)
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, tty
}

// starts starts a program in a session of its own with a terminal, which is
// neither its standard input nor its output. before prepares the terminal.
func (d *terminalTest) starts(before func(tty *os.File), args ...string) *person {
	screen, tty := openTerminal(d.t)
	defer tty.Close()
	if before != nil {
		before(tty)
	}
	p := &person{t: d.t, screen: screen, cmd: exec.Command(args[0], args[1:]...)}
	stdout, stderr := d.file(&p.stdout), d.file(&p.stderr)
	defer stdout.Close()
	defer stderr.Close()
	p.cmd.Dir, p.cmd.Env = d.dir, d.env
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	p.cmd.ExtraFiles = []*os.File{tty}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	require.NoError(d.t, p.cmd.Start())
	d.t.Cleanup(func() { _ = p.cmd.Process.Kill(); screen.Close() })
	return p
}

// file makes one for what a program prints.
func (d *terminalTest) file(name *string) *os.File {
	f, err := os.CreateTemp(d.t.TempDir(), "")
	require.NoError(d.t, err)
	*name = f.Name()
	return f
}

// output returns what a program printed there.
func (p *person) output(file string) string {
	text, err := os.ReadFile(file)
	require.NoError(p.t, err)
	return string(text)
}

func (d *terminalTest) person(args ...string) *person { return d.starts(nil, args...) }

// reads takes what the screen shows until it ends with a text; "" is the end
// of all.
func (p *person) reads(until string) {
	require.NoError(p.t, p.screen.SetReadDeadline(time.Now().Add(patience)))
	b := make([]byte, 4096)
	for until == "" || !strings.HasSuffix(p.seen.String(), until) {
		n, err := p.screen.Read(b)
		p.seen.Write(b[:n])
		if err != nil { // EIO: nobody has the terminal any more
			require.ErrorIs(p.t, err, syscall.EIO, "seen: %q", p.seen.String())
			require.Empty(p.t, until, "seen: %q, stderr: %s", p.seen.String(), p.output(p.stderr))
			return
		}
	}
}

const question = "Press Enter when all of it is there: "

// answers waits for the question and types.
func (p *person) answers(keys string) {
	p.reads(question)
	_, err := p.screen.WriteString(keys)
	require.NoError(p.t, err)
}

// ends waits for the end of the program, and requires its status or signal.
func (p *person) ends(want string) *person {
	p.reads("")
	require.Equal(p.t, want, ending(p.cmd.Wait()), "seen: %q, stderr: %s", p.seen.String(), p.output(p.stderr))
	require.Empty(p.t, p.output(p.stdout), "certbot captures it")
	return p
}

// shows requires exactly this text on the screen, except for line ends.
func (p *person) shows(want string) *person {
	require.Equal(p.t, want, strings.ReplaceAll(p.seen.String(), "\r\n", "\n"))
	return p
}

func (p *person) says(pattern string) *person {
	if pattern == "" {
		require.Empty(p.t, p.output(p.stderr))
	} else {
		require.Regexp(p.t, pattern, p.output(p.stderr))
	}
	return p
}

// certbots returns certbot's variables of the challenge at a place in an order.
func (d *terminalTest) certbots(place int, names ...string) {
	d.env = append(d.env, "CERTBOT_DOMAIN="+names[place], "CERTBOT_VALIDATION="+valueOf(names[place]),
		"CERTBOT_ALL_DOMAINS="+strings.Join(names, ","), fmt.Sprint("CERTBOT_REMAINING_CHALLENGES=", len(names)-1-place))
}

func valueOf(name string) string { return (name + strings.Repeat("-", 43))[:43] }

// order is a call of the front end for certbot.
func (d *terminalTest) order(operand string, options ...string) []string {
	return append(append([]string{"extauth-hook"}, options...), operand)
}

func told(names ...string) string {
	text := ""
	for _, name := range names {
		text += "for the identifier " + name + " (dns-01):\n  TXT record         _acme-challenge." + name + ".\n  value              " + valueOf(name) + "\n"
	}
	return text
}

func asked(names ...string) string {
	return "Publish this, then press Enter.\n\n" + told(names...) + "\n" + question
}

func removable(names ...string) string {
	text := ""
	for _, name := range names {
		text += "can be removed, " + told(name)
	}
	return text
}

func (d *terminalTest) log() string {
	text, err := os.ReadFile(filepath.Join(d.dir, "log"))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(d.t, err)
	require.NoError(d.t, os.Remove(filepath.Join(d.dir, "log")))
	return string(text)
}

// pending returns the names in the journal.
func (d *terminalTest) pending() []string {
	cmd := exec.Command("extauth-pending", "list", "--json")
	cmd.Env = d.env
	out, err := cmd.Output()
	require.NoError(d.t, err)
	var names []string
	for _, line := range strings.Split(string(out), "\n") {
		if _, rest, found := strings.Cut(line, `"domain":"`); found {
			name, _, _ := strings.Cut(rest, `"`)
			names = append(names, name)
		}
	}
	return names
}

func (d *terminalTest) requireEmptyJournal() {
	files, err := filepath.Glob(filepath.Join(d.dir, "state", "journal", "*"))
	require.NoError(d.t, err)
	require.Empty(d.t, files)
}

// TestTextOneChallenge: a person is asked, confirms, and learns what can be
// removed; nothing of it appears outside the terminal.
func TestTextOneChallenge(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	d.certbots(0, "a")
	p := d.person("extauth-hook", "--to", "text", "auth")
	p.answers("\r")
	p.ends("0").shows(asked("a") + "\n").says("")
	require.Equal(t, []string{"a"}, d.pending())
	d.person("extauth-hook", "--to", "text", "cleanup").ends("0").shows(removable("a")).says("")
	d.requireEmptyJournal()
	d.person("extauth-hook", "--to", "text", "cleanup").ends("0").shows("").says("")
}

// TestTextOrderOfCertbot: three calls are one question, at the last.
func TestTextOrderOfCertbot(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"chain": "text\n"})
	for _, options := range [][]string{{"--to", "text"}, {"-c", "chain"}} {
		for place := range 2 {
			d.certbots(place, "a", "b", "c")
			d.person(d.order("auth", options...)...).ends("0").shows("").says("")
		}
		d.certbots(2, "a", "b", "c")
		p := d.person(d.order("auth", options...)...)
		p.answers("\r")
		p.ends("0").shows(asked("a", "b", "c") + "\n").says("")
		require.ElementsMatch(t, []string{"a", "b", "c"}, d.pending())
		for place, name := range []string{"a", "b", "c"} {
			d.certbots(place, "a", "b", "c")
			d.person(d.order("cleanup", options...)...).ends("0").shows(removable(name)).says("")
		}
		d.requireEmptyJournal()
	}
}

// TestTextOrderOfDehydrated: HOOK_CHAIN=yes is one question; a clean-up of all
// of it needs no answer.
func TestTextOrderOfDehydrated(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	triplets := []string{"a", "t", valueOf("a"), "b", "t", valueOf("b")}
	p := d.person(append([]string{"extauth-dehydrated", "--to", "text", "deploy_challenge"}, triplets...)...)
	p.answers("\r")
	p.ends("0").shows(asked("a", "b") + "\n").says("")
	d.person(append([]string{"extauth-dehydrated", "--to", "text", "clean_challenge"}, triplets...)...).
		ends("0").shows(removable("b", "a")).says("")
	d.requireEmptyJournal()
	d.person("extauth-dehydrated", "--to", "text", "startup_hook").ends("0").shows("").says("")
}

// TestTextAsksForEach if the chain says so.
func TestTextAsksForEach(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"chain": "text batch=no\n"})
	for place, name := range []string{"a", "b"} {
		d.certbots(place, "a", "b")
		p := d.person("extauth-hook", "-c", "chain", "auth")
		p.answers("\r")
		p.ends("0").shows(asked(name) + "\n").says("")
	}
}

const logger = "#!/bin/sh\necho \"$1 $2\" >>\"$LOG\"\n"

// TestTextEndOfInput: Ctrl-D confirms nothing. All is undone, of every line and
// every challenge.
func TestTextEndOfInput(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"hook": logger, "chain": "dehydrated ./hook\ntext\n"})
	d.certbots(0, "a", "b")
	d.person("extauth-hook", "-c", "chain", "auth").ends("0").shows("").says("")
	d.certbots(1, "a", "b")
	p := d.person("extauth-hook", "-c", "chain", "auth")
	p.answers("\x04")
	p.ends("1").says(`^extauth-hook: line 2: text: perform "b": was not confirmed: the terminal's input ended\n$`)
	require.Contains(t, p.seen.String(), "can be removed")
	require.Equal(t, "deploy_challenge a\ndeploy_challenge b\nclean_challenge b\nclean_challenge a\n", d.log())
	require.Empty(t, d.pending())
	for place := range 2 {
		d.certbots(place, "a", "b")
		d.person("extauth-hook", "-c", "chain", "cleanup").ends("0").shows("").says("")
	}
	d.requireEmptyJournal()
}

// TestTextControlC: the process dies of it when all is undone.
func TestTextControlC(t *testing.T) {
	t.Parallel()
	for _, key := range []struct{ key, signal string }{{"\x03", "SIGINT"}, {"something typed\x03", "SIGINT"}} {
		d := newTerminalTest(t, map[string]string{"hook": logger, "chain": "dehydrated ./hook\ntext\n"})
		d.certbots(0, "a")
		p := d.person("extauth-hook", "-c", "chain", "auth")
		p.answers(key.key)
		p.ends(key.signal)
		require.Contains(t, p.seen.String(), "can be removed")
		require.Equal(t, "deploy_challenge a\nclean_challenge a\n", d.log())
		d.requireEmptyJournal()
	}
}

// TestTextHangup: the person goes away, and the terminal with them.
func TestTextHangup(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"hook": logger, "chain": "dehydrated ./hook\ntext\n"})
	d.certbots(0, "a")
	p := d.person("extauth-hook", "-c", "chain", "auth")
	p.reads(question)
	require.NoError(t, p.screen.Close())
	require.Contains(t, []string{"SIGHUP", "1"}, ending(p.cmd.Wait()), p.output(p.stderr))
	require.Contains(t, p.output(p.stderr), "can be removed, for the identifier a ")
	require.Equal(t, "deploy_challenge a\nclean_challenge a\n", d.log())
	d.requireEmptyJournal()
}

// TestTextTimeout: the time for an answer is limited.
func TestTextTimeout(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"chain": "text\n", "own.chain": "text timeout=150ms\n"})
	d.certbots(0, "a")
	for _, options := range [][]string{{"--timeout", "150ms", "--to", "text"}, {"--timeout=150ms", "-c", "chain"}, {"-c", "own.chain"}} {
		p := d.person(d.order("auth", options...)...)
		p.ends("75").says(`text: perform "a": timed out after 150ms\n$`)
		require.Equal(t, asked("a")+"\n"+removable("a"), strings.ReplaceAll(p.seen.String(), "\r\n", "\n"))
		d.requireEmptyJournal()
	}
}

// TestTextOptional: what is not confirmed is not done, and the rest goes on.
func TestTextOptional(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"hook": logger, "chain": "text optional=yes\ndehydrated ./hook\n"})
	d.certbots(0, "a")
	p := d.person("extauth-hook", "-c", "chain", "auth")
	p.answers("\x04")
	p.ends("0").says(`^extauth-hook: warning: line 1: text: perform "a": was not confirmed`)
	require.Equal(t, "deploy_challenge a\n", d.log())
}

// stop is Ctrl-S: the terminal takes no more.
func stop(t *testing.T) func(tty *os.File) {
	return func(tty *os.File) {
		raw, err := tty.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), unix.TCXONC, unix.TCOOFF) }))
		require.NoError(t, err)
	}
}

// endsInTime waits for a program whose terminal nobody reads.
func (p *person) endsInTime(limit time.Duration) string {
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		return ending(err)
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		return "no end: " + ending(<-done)
	}
}

// TestTextTimeoutOfAStoppedTerminal: a terminal whose output is stopped shows
// nothing, and the time is limited all the same.
func TestTextTimeoutOfAStoppedTerminal(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	d.certbots(0, "a")
	p := d.starts(stop(t), "extauth-hook", "--timeout", "200ms", "--to", "text", "auth")
	require.Equal(t, "75", p.endsInTime(15*time.Second), p.output(p.stderr))
}

// TestTextSignalAtAStoppedTerminal: SIGTERM is obeyed there too.
func TestTextSignalAtAStoppedTerminal(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, map[string]string{"hook": "#!/bin/sh\n[ \"$1\" = clean_challenge ] || kill -TERM $PPID\n", "chain": "dehydrated ./hook\ntext\n"})
	d.certbots(0, "a")
	p := d.starts(stop(t), "extauth-hook", "-c", "chain", "auth")
	require.Equal(t, "SIGTERM", p.endsInTime(15*time.Second), p.output(p.stderr))
}

// TestTextCleanupAtAStoppedTerminal does not wait.
func TestTextCleanupAtAStoppedTerminal(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	d.certbots(0, "a")
	p := d.person("extauth-hook", "--to", "text", "auth")
	p.answers("\r")
	p.ends("0")
	p = d.starts(stop(t), "extauth-hook", "--to", "text", "cleanup")
	require.Equal(t, "0", p.endsInTime(15*time.Second), p.output(p.stderr))
}

// TestTextOfALongOrder: all of it is shown, even if it is more than a terminal
// accepts at once.
func TestTextOfALongOrder(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	var names, words []string
	for i := range 45 {
		name := fmt.Sprintf("n%d", i)
		names = append(names, name)
		words = append(words, name, "t", valueOf(name))
	}
	p := d.person(append([]string{"extauth-dehydrated", "--to", "text", "deploy_challenge"}, words...)...)
	p.answers("\r")
	p.ends("0").shows(asked(names...) + "\n").says("")
}

// TestTextIsNotAskedAtStandardInput: standard input is the client's, and not an
// answer.
func TestTextIsNotAskedAtStandardInput(t *testing.T) {
	t.Parallel()
	d := newTerminalTest(t, nil)
	line := `{"cmd": "perform_challenge", "type": "http-01", "domain": "2001:db8::1", "token": "t", "validation": "t.` + valueOf("a") + `"}`
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "lines"), []byte(line+"\n\n\n"), 0o644))
	p := d.person("sh", "-c", "exec extauth-json --to text run <lines >out")
	p.answers("\r")
	p.ends("0")
	require.Contains(t, p.seen.String(), "  URL                http://[2001:db8::1]/.well-known/acme-challenge/t\r\n")
	text, err := os.ReadFile(filepath.Join(d.dir, "out"))
	require.NoError(t, err)
	require.Contains(t, string(text), `"ok":true`)
}
