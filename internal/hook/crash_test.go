package hook_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// crashTest is a directory in which two handlers publish records as files. The
// second may fail.
type crashTest struct {
	t       *testing.T
	dir     string
	program string
	calls   [][]string // what the client calls to perform
	clean   [][]string // and to clean up
}

const recorded = "one-0123456789-0123456789-0123456789-abcdef"

// handlerText publishes a record as a file. The second handler of a chain fails
// after its work if the test says so.
const handlerText = `#!/bin/sh
record=$WORLD/records/$1.$cbot_domain
case $2 in
perform) : >"$record"; [ "$1" != second ] || [ ! -e "$WORLD/fails" ] ;;
cleanup) [ ! -e "$record" ] || rm "$record" ;;
esac
`

func newCrashTest(t *testing.T, fails bool, scenario string) *crashTest {
	r := &crashTest{t: t, dir: t.TempDir(), program: program("")}
	require.NoError(t, os.Mkdir(filepath.Join(r.dir, "records"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "handler"), []byte(handlerText), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "chain"), []byte("handler ./handler first\nhandler ./handler second\n"), 0o644))
	if fails {
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, "fails"), nil, 0o644))
	}
	one, two := []string{"a.test", "t1", recorded}, []string{"b.test", "t2", recorded}
	switch scenario {
	case "one challenge":
		r.calls, r.clean = operations("deploy_challenge", one), operations("clean_challenge", one)
	case "two in one call":
		both := append(append([]string{}, one...), two...)
		r.calls, r.clean = operations("deploy_challenge", both), operations("clean_challenge", both)
	case "two calls":
		r.calls, r.clean = operations("deploy_challenge", one, two), operations("clean_challenge", one, two)
	}
	return r
}

func operations(name string, calls ...[]string) [][]string {
	var all [][]string
	for _, c := range calls {
		all = append(all, append([]string{name}, c...))
	}
	return all
}

// run calls the program once, with a fault, and returns how it ended and what
// it wrote to standard error.
func (r *crashTest) run(fault string, args []string) (syscall.WaitStatus, string) {
	cmd := exec.Command(r.program, append([]string{"-c", filepath.Join(r.dir, "chain")}, args...)...)
	cmd.Env = append(os.Environ(), "WORLD="+r.dir, "EXTAUTH_STATE_DIR="+filepath.Join(r.dir, "state"), "EXTAUTH_TEST_FAULT="+fault,
		"altnames=a.test b.test", "BASEDIR=/b", "CHALLENGETYPE=dns-01",
		"GORACE=atexit_sleep_ms=0") // else each program waits a second at its end
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err != nil {
		require.ErrorAs(r.t, err, new(*exec.ExitError))
	}
	return cmd.ProcessState.Sys().(syscall.WaitStatus), stderr.String()
}

// files lists what is below a directory.
func (r *crashTest) files(name string) []string {
	var all []string
	_ = filepath.WalkDir(filepath.Join(r.dir, name), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	return all
}

// requireCleanable cleans up twice, as the client would: then the directory and
// the journal are empty, and the second time prints nothing.
func (r *crashTest) requireCleanable(note string) {
	for _, again := range []bool{false, true} {
		for _, args := range r.clean {
			state, stderr := r.run("", args)
			require.Zero(r.t, state.ExitStatus(), "%s: %s", note, stderr)
			if again {
				require.Empty(r.t, stderr, note)
			}
		}
	}
	require.Empty(r.t, r.files("records"), note)
	require.Empty(r.t, r.files("state"), note)
}

// save copies the records and the journal, for restore.
func (r *crashTest) save() {
	r.shell("mkdir saved && cp -a records saved/ && { [ ! -e state ] || cp -a state saved/; }")
}

// restore brings back what save copied.
func (r *crashTest) restore() { r.shell("rm -rf records state && cp -a saved/. .") }

func (r *crashTest) shell(command string) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, string(out))
}

// lead makes all calls but the last of a scenario's performing or cleaning up,
// and returns that one.
func (r *crashTest) lead(cleaning bool) []string {
	calls := r.calls
	if cleaning {
		calls = append(append([][]string{}, r.calls...), r.clean...)
	}
	for _, args := range calls[:len(calls)-1] {
		r.run("", args)
	}
	return calls[len(calls)-1]
}

// eachFault runs a scenario's last call again and again, with the fault at every
// step of it, until no step is left.
func eachFault(t *testing.T, scenario, fault string, fails, cleaning bool, check func(r *crashTest, state syscall.WaitStatus, note string)) {
	r := newCrashTest(t, fails, scenario)
	if fault == "SIGTERM" {
		r.program = program("race")
	}
	last := r.lead(cleaning)
	r.save()
	for n, hit := 1, true; hit; n++ {
		r.restore()
		state, stderr := r.run(fmt.Sprintf("%s %d", fault, n), last)
		hit = strings.Contains(stderr, "fault at: ")
		note := fmt.Sprintf("%s: %s at step %d: %s", scenario, fault, n, stderr)
		check(r, state, note)
		r.requireCleanable(note)
		require.Less(t, n, 200, "it does not end")
	}
}

var scenarios = []string{"one challenge", "two in one call", "two calls"}

// TestKilledAtEveryStep: after SIGKILL at any step of a perform, with or
// without a failing handler, a cleanup finds all that is left.
func TestKilledAtEveryStep(t *testing.T) {
	for _, scenario := range scenarios {
		for _, fails := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, fails %v", scenario, fails), func(t *testing.T) {
				t.Parallel()
				eachFault(t, scenario, "SIGKILL", fails, false, func(*crashTest, syscall.WaitStatus, string) {})
			})
		}
	}
}

// TestKilledAtEveryStepOfACleanup: a repeated cleanup does the rest.
func TestKilledAtEveryStepOfACleanup(t *testing.T) {
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			eachFault(t, scenario, "SIGKILL", false, true, func(*crashTest, syscall.WaitStatus, string) {})
		})
	}
}

// TestSignalAtEveryStep: a signal that can be caught undoes everything, and the
// process dies of it. One that comes when all is done is too late.
func TestSignalAtEveryStep(t *testing.T) {
	for _, fault := range []string{"SIGTERM", "SIGINT", "SIGHUP"} {
		for _, scenario := range scenarios {
			t.Run(fault+", "+scenario, func(t *testing.T) {
				t.Parallel()
				eachFault(t, scenario, fault, false, false, func(r *crashTest, state syscall.WaitStatus, note string) {
					if state.Signaled() {
						require.Empty(t, r.files("records"), note)
						require.Empty(t, r.files("state"), note)
					} else {
						require.Zero(t, state.ExitStatus(), note)
					}
				})
			})
		}
	}
}

// TestDiskErrorAtEveryWrite: a failed perform leaves nothing, or reports with
// status 2 that it does. In both cases a cleanup can be repeated.
func TestDiskErrorAtEveryWrite(t *testing.T) {
	for _, fault := range []string{"ENOSPC", "EIO"} {
		for _, scenario := range scenarios {
			t.Run(fault+", "+scenario, func(t *testing.T) {
				t.Parallel()
				eachFault(t, scenario, fault, false, false, func(r *crashTest, state syscall.WaitStatus, note string) {
					if status := state.ExitStatus(); status != 0 && status != 2 {
						require.Empty(t, r.files("records"), note)
						require.Empty(t, r.files("state"), note)
					}
				})
			})
		}
	}
}

// TestDiskErrorAtEveryWriteOfACleanup: the handlers are run all the same.
func TestDiskErrorAtEveryWriteOfACleanup(t *testing.T) {
	for _, fault := range []string{"ENOSPC", "EIO"} {
		for _, scenario := range scenarios {
			t.Run(fault+", "+scenario, func(t *testing.T) {
				t.Parallel()
				eachFault(t, scenario, fault, false, true, func(*crashTest, syscall.WaitStatus, string) {})
			})
		}
	}
}

// TestPanicAtEveryStep: a panic undoes everything too. The status is 70 or 2,
// and the message has the place but not the text of the panic.
func TestPanicAtEveryStep(t *testing.T) {
	for _, scenario := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			eachFault(t, scenario, "panic", false, false, func(r *crashTest, state syscall.WaitStatus, note string) {
				require.Contains(t, []int{0, 2, 70}, state.ExitStatus(), note)
				require.NotContains(t, note, "SENTINEL")
				require.NotContains(t, note, "goroutine")
				if state.ExitStatus() == 70 {
					require.Contains(t, note, "internal fault at ")
					require.Empty(t, r.files("records"), note)
				}
			})
		})
	}
}
