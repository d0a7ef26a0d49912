//go:build linux

package examples_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const sshdConf = `ListenAddress 127.0.0.1:%[2]s
HostKey %[1]s/host
AuthorizedKeysFile %[1]s/user.pub
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
`

// All hosts are this one. stranger is known under no name, and down has nobody
// at its port.
const sshConf = `IdentityFile %[1]s/user
IdentitiesOnly yes
UserKnownHostsFile %[1]s/known
GlobalKnownHostsFile /dev/null
User root
HostName 127.0.0.1
Host down
	Port %[3]s
Host *
	Port %[2]s
Host one two
	HostKeyAlias known
`

func TestSSHCopy(t *testing.T) {
	t.Parallel()
	needRoot(t)
	need(t, "ssh", "openssh-client")
	need(t, "sshd", "openssh-server")
	privilegeSeparation(t)
	runDeployTests(t, []deployTest{
		{"copies key and full chain", sshCopies},
		{"copies a wildcard", sshCopiesAWildcard},
		{"runs the command on each host", sshRunsTheCommand},
		{"tries all hosts and tells of each that failed", sshTriesAll},
		{"tells what a failing command said", sshTellsOfTheCommand},
		{"replaces nothing when the transfer is cut short", sshIsCutShort},
		{"trusts no host that is not known", sshTrustsNobody},
	})
}

// startSSHD starts a server that root can log in to by key. Files there would
// be for all to write, by its umask.
func (d *deployment) startSSHD() {
	d.Helper()
	for _, key := range []string{"host", "user"} {
		output, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", d.path(key)).CombinedOutput()
		require.NoError(d, err, "%s", output)
	}
	d.write("known", "known "+d.read("host.pub"))
	port := freePort(d.T)
	d.write("ssh.conf", fmt.Sprintf(sshConf, d.dir, port, freePort(d.T)))
	config := d.write("sshd.conf", fmt.Sprintf(sshdConf, d.dir, port))
	d.mkdir("far")
	d.start("sh", "-c", "umask 0; exec \"$0\" \"$@\"", need(d.T, "sshd", "openssh-server"), "-D", "-e", "-f", config)
	require.Eventually(d, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		return err == nil && conn.Close() == nil
	}, soon, tick)
}

// privilegeSeparation makes the directory that Debian's sshd needs, and its unit
// or init script makes; it goes again, unless somebody uses it.
func privilegeSeparation(t *testing.T) {
	t.Helper()
	err := os.Mkdir("/run/sshd", 0o755)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.Remove("/run/sshd") })
}

func (d *deployment) sshLine(hosts string, settings ...string) {
	d.Helper()
	d.line("handler", "ssh-copy", append(settings, "SSH_HOSTS='"+hosts+"'", "SSH_DIR="+d.path("far"), "SSH_CONFIG="+d.path("ssh.conf"))...)
}

func (d *deployment) requireCopied(name string) {
	d.Helper()
	d.requireFiles(d.path("far"), map[string]os.FileMode{name + ".pem": 0o600, name + ".key": 0o600})
	require.Equal(d, d.read("live/fullchain.pem"), d.read("far", name+".pem"))
	require.Equal(d, d.read("live/privkey.pem"), d.read("far", name+".key"))
}

func sshCopies(d *deployment) {
	d.startSSHD()
	d.sshLine("one")
	d.watch("ssh", "cat", "dd", "mv")
	for range 2 { // the second replaces the first
		d.issue("a.test")
		requireDone(d.T, d.deploy("a.test"))
		d.requireCopied("a.test")
	}
	d.requireHidden()
}

func sshCopiesAWildcard(d *deployment) {
	d.startSSHD()
	d.sshLine("one")
	d.issue("*.a.test")
	requireDone(d.T, d.deploy("*.a.test"))
	d.requireCopied("_.a.test")
}

// The files are there when it runs.
func sshRunsTheCommand(d *deployment) {
	d.startSSHD()
	d.sshLine("one two", "SSH_COMMAND='ls "+d.path("far")+" >>"+d.path("listed")+"; echo done'")
	d.issue("a.test")
	requireDone(d.T, d.deploy("a.test"))
	require.Equal(d, strings.Repeat("a.test.key\na.test.pem\n", 2), d.read("listed"))
}

func sshTriesAll(d *deployment) {
	d.startSSHD()
	d.sshLine("down stranger one")
	d.issue("a.test")
	got := d.deploy("a.test")
	require.Equal(d, 1, got.status)
	require.Empty(d, got.stdout)
	lines := strings.Split(strings.TrimSpace(got.stderr), "\n")
	require.Len(d, lines, 3, "a line for each host that failed, and the handler's status: %s", got.stderr)
	require.Regexp(d, `ssh-copy: down: .*Connection refused`, lines[0])
	require.Regexp(d, `ssh-copy: stranger: .*Host key verification failed`, lines[1])
	d.requireCopied("a.test")
}

func sshTellsOfTheCommand(d *deployment) {
	d.startSSHD()
	d.issue("a.test")
	for command, why := range map[string]string{
		"echo one; echo two >&2; echo three >&2; exit 3": "ssh-copy: two: two three",
		"exit 3": "ssh-copy: two: ended with status 3",
	} {
		d.sshLine("one two", "SSH_COMMAND='"+command+"'")
		got := d.deploy("a.test")
		require.Equal(d, 1, got.status)
		require.Contains(d, got.stderr, why+"\n")
	}
}

func sshIsCutShort(d *deployment) {
	d.startSSHD()
	d.sshLine("one", "SSH_COMMAND='touch "+d.path("reloaded")+"'")
	d.issue("a.test")
	whole := len(d.read("live/privkey.pem")) + len(d.read("live/fullchain.pem"))
	ssh, err := exec.LookPath("ssh")
	require.NoError(d, err)
	for _, size := range []int{0, 100, whole - 100, whole - 1} {
		d.putFirst("ssh", fmt.Sprintf("head -c %d | %s \"$@\"\n", size, ssh))
		got := d.deploy("a.test")
		require.Equal(d, 1, got.status)
		require.Contains(d, got.stderr, "ssh-copy: one: the transfer was cut short\n")
		d.requireFiles(d.path("far"), map[string]os.FileMode{})
	}
	require.NoFileExists(d, d.path("reloaded"))
}

// A configuration that trusts everybody does not count.
func sshTrustsNobody(d *deployment) {
	d.startSSHD()
	d.sshLine("stranger")
	d.write("ssh.conf", "StrictHostKeyChecking no\n"+d.read("ssh.conf"))
	d.issue("a.test")
	require.Equal(d, 1, d.deploy("a.test").status)
	d.requireFiles(d.path("far"), map[string]os.FileMode{})
}
