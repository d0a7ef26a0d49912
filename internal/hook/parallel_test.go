package hook_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manyProcesses is a directory in which many processes work at once.
type manyProcesses struct {
	t      *testing.T
	dir    string
	all    sync.WaitGroup
	mu     sync.Mutex
	failed []string // of processes that failed or printed something
}

func newManyProcesses(t *testing.T, handler string) *manyProcesses {
	c := &manyProcesses{t: t, dir: t.TempDir()}
	for _, name := range []string{"records", "started"} {
		require.NoError(t, os.Mkdir(filepath.Join(c.dir, name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "handler"), []byte("#!/bin/sh\n"+handler), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "chain"), []byte("dehydrated ./handler\n"), 0o644))
	return c
}

// start calls the program in a process of its own.
func (c *manyProcesses) start(operation, domain string) {
	cmd := exec.Command(program(""), "-c", filepath.Join(c.dir, "chain"), operation, domain, "token", recorded)
	cmd.Env = append(os.Environ(), "WORLD="+c.dir, "EXTAUTH_STATE_DIR="+filepath.Join(c.dir, "state"))
	c.all.Add(1)
	go func() {
		defer c.all.Done()
		if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed = append(c.failed, fmt.Sprintf("%s %s: %v: %s", operation, domain, err, said))
		}
	}()
}

func (c *manyProcesses) requireAllWell() {
	c.all.Wait()
	require.Empty(c.t, c.failed)
}

func (c *manyProcesses) files(pattern ...string) []string {
	files, err := filepath.Glob(filepath.Join(append([]string{c.dir}, pattern...)...))
	require.NoError(c.t, err)
	return files
}

// TestFiftyProcessesForOneChallenge: only one works at a time, to perform or to
// clean up, and the journal has the result of the last one.
func TestFiftyProcessesForOneChallenge(t *testing.T) {
	t.Parallel()
	c := newManyProcesses(t, `mkdir "$WORLD/inside" || exit
case $1 in
deploy_challenge) : >"$WORLD/records/$2" ;;
clean_challenge) rm "$WORLD/records/$2" ;;
esac
rmdir "$WORLD/inside"
`)
	c.start("deploy_challenge", "a.test") // without a journal, cleaning up is blind
	c.requireAllWell()
	for i := range 50 {
		c.start([]string{"deploy_challenge", "clean_challenge"}[i%2], "a.test")
	}
	c.requireAllWell()
	require.Len(t, c.files("state", "journal", "*"), len(c.files("records", "*")))
	c.start("clean_challenge", "a.test")
	c.requireAllWell()
	require.Empty(t, c.files("records", "*"))
	require.Empty(t, c.files("state", "journal", "*"))
}

// TestTwoHundredProcessesForTwoHundredChallenges: none waits for another. Each
// handler waits until all have started, which would not happen if one had to
// wait.
func TestTwoHundredProcessesForTwoHundredChallenges(t *testing.T) {
	t.Parallel()
	const many = 200
	c := newManyProcesses(t, `[ "$1" = deploy_challenge ] || exec rm "$WORLD/records/$2"
: >"$WORLD/records/$2"
: >"$WORLD/started/$2"
read -r _ <"$WORLD/gate"
`)
	require.NoError(t, syscall.Mkfifo(filepath.Join(c.dir, "gate"), 0o600))
	gate, err := os.OpenFile(filepath.Join(c.dir, "gate"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer gate.Close()
	for i := range many {
		c.start("deploy_challenge", fmt.Sprintf("%d.test", i))
	}
	require.Eventually(t, func() bool { return len(c.files("started", "*")) == many }, time.Minute, 10*time.Millisecond)
	_, err = gate.WriteString(strings.Repeat("\n", many))
	require.NoError(t, err)
	c.requireAllWell()
	require.Len(t, c.files("records", "*"), many)
	require.Len(t, c.files("state", "journal", "*"), many)
	for i := range many {
		c.start("clean_challenge", fmt.Sprintf("%d.test", i))
	}
	c.requireAllWell()
	require.Empty(t, c.files("records", "*"))
	require.Empty(t, c.files("state", "journal", "*"))
}
