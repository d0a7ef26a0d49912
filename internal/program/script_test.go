package program_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
	"github.com/extauth/extauth/internal/program"
)

var update = flag.Bool("update", false, "write what the programs print into the scripts")

func TestMain(m *testing.M) {
	commands := map[string]func(){"without": without, "unwatched": unwatched, "extauth": called}
	for _, row := range program.All() {
		commands[row.Name] = called
	}
	testscript.Main(m, commands)
}

// called is the program that the process was started as.
func called() {
	restartWithoutDelay()
	os.Exit(program.Main(process()))
}

// unwatched is extauth-dehydrated without the search for credentials, which
// needs descriptors of its own.
func unwatched() { os.Exit(hook.Dehydrated(cli.Process())) }

// process returns the IO of the running process, except for the system's chain
// file, which no test may depend on.
func process() cli.IO {
	io := cli.Process()
	io.SystemChain = os.Getenv("EXTAUTH_TEST_SYSTEM_CHAIN")
	if io.SystemChain == "" {
		io.SystemChain = "/nonexistent/extauth/chain"
	}
	return guarded(io)
}

// resetSignals lets the programs start with the default signal handling even if
// the tests run under nohup(1) or in the background of a shell: a signal that
// is caught here is at its default after execve(2).
func resetSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// TestScript runs the programs as users and clients do: each file below
// testdata/script is one behaviour.
func TestScript(t *testing.T) {
	resetSignals()
	syscall.Umask(0o022) // root's programs refuse what others can write
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               setup,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Condition:           condition,
	})
}

// setup gives a script the programs, the system's tools and a journal of its
// own, and nothing else of the environment that the tests run in. Files that
// begin with #! are executable; only their owner can read those of credentials.
func setup(env *testscript.Env) error {
	programs := filepath.SplitList(env.Getenv("PATH"))[0]
	env.Setenv("PATH", programs+":/usr/bin:/bin")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", noDelay)
	env.Setenv("EXTAUTH_STATE_DIR", filepath.Join(env.WorkDir, "state"))
	limit(env)
	return filepath.WalkDir(env.WorkDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return setMode(path)
	})
}

// longest is how long a script may take, many times what it needs.
const longest = 4 * time.Minute

// limit ends a script that hangs by ending its processes, which all have its
// directory in their environment. The script then fails and shows where it was.
func limit(env *testscript.Env) {
	work := []byte("\x00WORK=" + env.WorkDir + "\x00")
	timer := time.AfterFunc(longest, func() {
		processes, _ := filepath.Glob("/proc/[0-9]*")
		for _, process := range processes {
			environ, _ := os.ReadFile(filepath.Join(process, "environ"))
			pid, err := strconv.Atoi(filepath.Base(process))
			if err != nil || !bytes.Contains(append([]byte{0}, environ...), work) {
				continue
			}
			command, _ := os.ReadFile(filepath.Join(process, "cmdline"))
			fmt.Fprintf(os.Stderr, "hangs in %s: %q\n", env.WorkDir, command)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	env.Defer(func() { timer.Stop() })
}

func setMode(path string) error {
	if filepath.Ext(path) == ".env" {
		return os.Chmod(path, 0o600)
	}
	text, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(text, []byte("#!")) {
		return err
	}
	return os.Chmod(path, 0o755)
}

// status runs a program and requires an exit status, or a signal that it dies
// of, as SIGTERM. Its output can be checked with stdout and stderr, as after
// exec.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status STATUS|SIGNAL program [args...]")
	}
	if got := ending(ts.Exec(args[1], args[2:]...)); got != args[0] {
		ts.Fatalf("%s ended with %s, want %s", args[1], got, args[0])
	}
}

func ending(err error) string {
	exit := new(exec.ExitError)
	switch {
	case err == nil:
		return "0"
	case !errors.As(err, &exit):
		return err.Error()
	}
	if s := exit.Sys().(syscall.WaitStatus); s.Signaled() {
		return unix.SignalName(s.Signal())
	}
	return strconv.Itoa(exit.ExitCode())
}

// condition adds [root], which is true if the tests run as root.
func condition(name string) (bool, error) {
	if name != "root" {
		return false, errors.New("unknown condition")
	}
	return os.Geteuid() == 0, nil
}
