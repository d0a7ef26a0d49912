//go:build linux

package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A world is what one scenario has for itself: a label that no other scenario
// has used, below which it asks for names, and directories for the client, the
// journal and the files of http-01.
type world struct {
	*testing.T
	label   string
	dir     string // working and home directory of the client
	state   string // journal
	webroot string
	env     []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	label := "x" + strings.ToLower(rand.Text()[:10])
	w := &world{T: t, label: label, dir: t.TempDir(), webroot: lab.nginx.webroot(label)}
	w.state = filepath.Join(w.dir, "state")
	w.setenv("PATH", binDirectory(lab.dir)+":"+systemPath)
	w.setenv("HOME", w.dir)
	w.setenv("LANG", "C.UTF-8")
	w.setenv("EXTAUTH_STATE_DIR", w.state)
	require.NoError(t, os.MkdirAll(w.webroot, 0o755))
	t.Cleanup(w.explain)
	return w
}

// explain shows what the servers know about a failed scenario.
func (w *world) explain() {
	if !w.Failed() {
		return
	}
	for _, s := range lab.services() {
		w.Logf("%s on %s:\n%s", s.name, w.label, s.logged(w.label))
	}
}

// setenv adds a variable to the environment that the client starts with.
func (w *world) setenv(name, value string) { w.env = append(w.env, name+"="+value) }

// name is a name of this world in the first zone, prefix "" for the apex.
func (w *world) name(prefix string) string { return w.nameIn(firstZone, prefix) }

func (w *world) nameIn(zone, prefix string) string {
	if prefix != "" {
		prefix += "."
	}
	return prefix + w.label + "." + zone
}

// wildcardPair are a name and its wildcard: two challenges with one domain and
// one record name.
func (w *world) wildcardPair() []string { return []string{w.name(""), w.name("*")} }

// wildcardNames are the same and one more.
func (w *world) wildcardNames() []string { return append(w.wildcardPair(), w.name("www")) }

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// write makes a file of this world, and its path. A file of credentials is
// refused where others can read it.
func (w *world) write(name, content string) string {
	w.Helper()
	mode := os.FileMode(0o644)
	if filepath.Ext(name) == ".env" {
		mode = 0o600
	}
	// While a file is open for writing no other scenario may start a process, which
	// would inherit it: the kernel executes no such file.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(w, os.WriteFile(w.path(name), []byte(content), mode))
	return w.path(name)
}

func (w *world) writeExecutable(name, content string) string {
	w.Helper()
	path := w.write(name, content)
	require.NoError(w, os.Chmod(path, 0o755))
	return path
}

// mkdir makes a directory of this world.
func (w *world) mkdir(name string) string {
	w.Helper()
	require.NoError(w, os.Mkdir(w.path(name), 0o755))
	return w.path(name)
}

// A result is a client's exit status and its output.
type result struct {
	status int
	output string
}

func (r result) requireSuccess(t *testing.T) {
	t.Helper()
	require.Zero(t, r.status, "%s", r.output)
}

func (r result) requireFailure(t *testing.T) {
	t.Helper()
	require.NotZero(t, r.status, "%s", r.output)
}

// hang is how long a client may take: many times what it needs on a busy
// machine.
const hang = 10 * time.Minute

// run runs a client to its end, or kills it with everything it started. When
// the tests are interrupted the client dies with the thread that started it.
func (w *world) run(name string, args ...string) result {
	w.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	path, err := exec.LookPath(name)
	require.NoError(w, err)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorAs(w, err, new(*exec.ExitError), "%s", out)
	}
	require.NoError(w, ctx.Err(), "%s took too long:\n%s", name, out)
	return result{cmd.ProcessState.ExitCode(), string(out)}
}

// requireCertificate wants a certificate for exactly these names.
func (w *world) requireCertificate(path string, names ...string) {
	w.Helper()
	content, err := os.ReadFile(path)
	require.NoError(w, err)
	block, _ := pem.Decode(content)
	require.NotNil(w, block, "%s is no PEM file", path)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(w, err)
	require.ElementsMatch(w, names, cert.DNSNames)
}

// requireNothingLeft is the end of every scenario: no record, no file of a
// challenge, and an empty journal.
func (w *world) requireNothingLeft() {
	w.Helper()
	records, err := lab.bind.txtRecords(w.label)
	require.NoError(w, err)
	require.Empty(w, records, "records left in the zone")
	require.Empty(w, regularFiles(w, w.webroot), "files left in the webroot")
	require.Empty(w, regularFiles(w, w.state), "entries left in the journal")
}

// regularFiles lists the files below a directory, which may not exist.
func regularFiles(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	return found
}
