package hook_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
)

// programs is where extauth-dehydrated is, which these tests run thousands of
// times: as it is shipped, and in race/ with the race detector if the tests
// have it, which makes a program take four times as long to start.
var programs string

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // root's programs refuse what others can write
	status, err := runWithPrograms(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

func runWithPrograms(m *testing.M) (int, error) {
	var err error
	if programs, err = os.MkdirTemp("", "programs"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(programs)
	if err := build(program("")); err != nil {
		return 1, err
	}
	if err := build(program("race"), detector()...); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func program(variant string) string { return filepath.Join(programs, variant, "extauth-dehydrated") }

func build(file string, flags ...string) error {
	args := append(append([]string{"build", "-o", file}, flags...), "./testdata/faulty")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

// detector are the flags that build a program as this test was built.
func detector() []string {
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
}
