//go:build linux

package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// shared is a directory of all tests.
var shared string

// TestMain makes it. Root's PATH may lack sbin.
func TestMain(m *testing.M) {
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	var err error
	if shared, err = os.MkdirTemp("", "programs"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(shared)
	os.Exit(status)
}

// programs puts the programs that clients call into the shared directory, and the
// handlers that follow a new certificate, once for all tests.
var programs = sync.OnceValue(func() error {
	build := []string{"go", "build", "-o", shared + "/"}
	for _, name := range []string{"hook", "dehydrated", "lego", "pending", "check"} {
		build = append(build, "../../cmd/extauth-"+name)
	}
	install := append(append([]string{"install", "-m", "755"}, deployHandlers()...), shared)
	for _, command := range [][]string{build, install} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", command[0], err, out)
		}
	}
	return nil
})

func buildPrograms(t *testing.T) string {
	t.Helper()
	require.NoError(t, programs())
	return shared
}

// writeExecutable writes a program while no test starts a process, which would
// inherit the open file: the kernel executes no file that is open for writing.
func writeExecutable(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o755)
}

// ports are those that a test of this process has been given.
var ports sync.Map

// unused reports whether no other test has been given the port.
func unused(port int) bool {
	_, given := ports.LoadOrStore(port, true)
	return !given
}
