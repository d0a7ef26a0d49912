//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A person at the terminal is told what to publish. certbot runs in a session
// of its own, whose terminal is ours.
func manualScenarios() []scenario {
	return []scenario{
		{"m_certbot_and_a_person", certbotAndPerson},
		{"m_certbot_and_nobody", certbotAndNobody},
		{"m_hook_and_nobody", hookAndNobody},
	}
}

// certbotAndPerson: Enter is pressed once for the whole order.
func certbotAndPerson(w *world) {
	w.nsupdateKey()
	master, terminal := w.newTerminal()
	cmd := w.manualCertbot()
	cmd.Stdin = terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	certbot := w.start("certbot", cmd)
	require.NoError(w, terminal.Close())
	p := w.newPerson(master)

	require.Zero(w, certbot.wait().ExitStatus(), "%s\n%s", certbot.stderr(), p.text())
	require.NoError(w, p.leave())
	require.Equal(w, 1, p.confirmed, "%s", p.text())
	require.Equal(w, 3, strings.Count(p.text(), "\nfor the identifier "), "%s", p.text())
	require.Equal(w, 3, strings.Count(p.text(), "can be removed, for the identifier "), "%s", p.text())
	said := certbot.stdout() + certbot.stderr()
	for _, word := range []string{"for the identifier", "TXT record", "Press Enter", "reported error code"} {
		require.NotContains(w, said, word)
	}
	w.requireCertificate(w.newCertbot().certificate("main"), w.wildcardNames()...)
	w.requireNothingLeft()
}

// certbotAndNobody: a hook without a terminal says so each time, and nothing
// of what has not been shown has to be removed.
func certbotAndNobody(w *world) {
	cmd := w.manualCertbot()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	certbot := w.start("certbot", cmd)
	require.NotZero(w, certbot.wait().ExitStatus())
	said := certbot.stdout() + certbot.stderr()
	require.Equal(w, 3, strings.Count(said, "reported error code 69"), "%s", said)
	require.Contains(w, said, "there is no terminal to ask at")
	require.NotContains(w, said, "for the identifier")
	require.NoFileExists(w, w.newCertbot().certificate("main"))
	w.requireNothingLeft()
}

// hookAndNobody: the first challenge of an order is not shown yet, and is
// refused all the same.
func hookAndNobody(w *world) {
	for name, value := range map[string]string{
		"CERTBOT_DOMAIN": w.name(""), "CERTBOT_VALIDATION": strings.Repeat("v", 43),
		"CERTBOT_ALL_DOMAINS": strings.Join(w.wildcardNames(), ","), "CERTBOT_REMAINING_CHALLENGES": "2",
	} {
		w.setenv(name, value)
	}
	cmd := exec.Command(lab.program("extauth-hook"), "--to", "text", "auth")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	hook := w.start("hook", cmd)
	require.Equal(w, 69, hook.wait().ExitStatus(), "%s", hook.stderr())
	require.Contains(w, hook.stderr(), "there is no terminal to ask at")
	require.Empty(w, hook.stdout())
	w.requireNothingLeft()
}

func (w *world) manualCertbot() *exec.Cmd {
	words := w.newCertbot().words("certonly", "dns", w.wildcardNames())
	words = append(words, "--manual", "--manual-auth-hook", "extauth-hook --to text auth",
		"--manual-cleanup-hook", "extauth-hook --to text cleanup")
	return exec.Command(words[0], words[1:]...)
}

// newTerminal opens a pseudo-terminal, see pty(7).
func (w *world) newTerminal() (master, terminal *os.File) {
	w.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(w, err)
	w.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	require.NoError(w, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(w, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(w, err)
	return master, terminal
}

// A person does at a terminal what it says. The fields are for after leave,
// but for what mu guards.
type person struct {
	terminal  *os.File
	key       string
	confirmed int
	fault     error
	gone      chan struct{}

	mu   sync.Mutex
	seen bytes.Buffer
}

func (w *world) newPerson(terminal *os.File) *person {
	p := &person{terminal: terminal, key: lab.bind.keyFile(firstZone), gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		p.fault = p.work()
	}()
	return p
}

// leave waits until everything was read: nobody has the terminal any more.
func (p *person) leave() error {
	<-p.gone
	return p.fault
}

func (p *person) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.ReplaceAll(p.seen.String(), "\r\n", "\n")
}

// work publishes what is asked for and confirms it, and when all have left
// the terminal it removes what it was told can be removed.
func (p *person) work() error {
	buffer := make([]byte, 4096)
	for {
		n, err := p.terminal.Read(buffer)
		p.mu.Lock()
		p.seen.Write(buffer[:n])
		p.mu.Unlock()
		if err != nil { // EIO
			return p.update("delete", p.paragraphs("can be removed, for the identifier"))
		}
		if strings.Count(p.text(), "Press Enter when all of it is there: ") > p.confirmed {
			if err := p.confirm(); err != nil {
				return err
			}
		}
	}
}

func (p *person) confirm() error {
	p.confirmed++
	if err := p.update("add", p.paragraphs("for the identifier")); err != nil {
		return err
	}
	_, err := p.terminal.WriteString("\n")
	return err
}

// paragraphs returns the record name and the value of each paragraph with a
// heading.
func (p *person) paragraphs(heading string) [][]string {
	paragraph := regexp.MustCompile(`(?m)^` + heading + ` \S+ \(dns-01\):\n  TXT record +(\S+\.)\n  value +(\S+)\n`)
	return paragraph.FindAllStringSubmatch(p.text(), -1)
}

func (p *person) update(verb string, records [][]string) error {
	var script strings.Builder
	for _, r := range records {
		fmt.Fprintf(&script, "update %s %s 1 TXT \"%s\"\n", verb, r[1], r[2])
	}
	cmd := exec.Command("nsupdate", "-k", p.key)
	cmd.Stdin = strings.NewReader(script.String() + "send\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("nsupdate: %w: %s", err, out)
	}
	return nil
}
