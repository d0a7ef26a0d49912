// Faulty is extauth-dehydrated with a fault at one of its steps, for the tests
// of crashes. EXTAUTH_TEST_FAULT says which, and where: "SIGKILL 7" or "EIO 3".
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/hook"
)

func main() {
	io := cli.Process()
	io.Step = step()
	os.Exit(hook.Dehydrated(io))
}

// faults are what can happen at a step: signals, and errors of the disk.
var faults = map[string]error{
	"SIGKILL": nil, "SIGTERM": nil, "SIGINT": nil, "SIGHUP": nil,
	"ENOSPC": syscall.ENOSPC, "EIO": syscall.EIO,
	"panic": errPanic,
}

// errPanic is a fault of the program itself.
var errPanic = errors.New("panic")

// step returns the hook for the fault that the environment asks for, or nil.
func step() func(string) error {
	fault, at, asked := strings.Cut(os.Getenv("EXTAUTH_TEST_FAULT"), " ")
	if !asked {
		return nil
	}
	n, _ := strconv.Atoi(at)
	return func(name string) error {
		if n--; n != 0 {
			return nil
		}
		fmt.Fprintf(os.Stderr, "fault at: %s\n", name)
		if err := faults[fault]; errors.Is(err, errPanic) {
			panic("with a text that has SENTINEL-hunter2 in it")
		} else if err != nil {
			return err
		}
		raise(fault)
		return nil
	}
}

// raise sends a signal to this process. A signal that is caught arrives on its
// own time: whatever it stops is stopped at the latest when the next handler
// has ended.
func raise(name string) {
	s := map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT, "SIGHUP": syscall.SIGHUP}[name]
	_ = syscall.Kill(os.Getpid(), s)
}
