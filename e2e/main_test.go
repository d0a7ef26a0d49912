//go:build linux

// Package e2e_test issues real certificates: certbot and dehydrated as Debian
// ships them, with a real CA (pebble), a real DNS server (BIND) and a real web
// server (nginx), and the programs of this repository between client and hook.
//
// Some clients and hooks have no option for a port, a resolver or a CA, so that
// everything runs in a network and mount namespace of its own, on addresses and
// files that they expect. That needs root. Nothing leaves the machine, and
// nothing of the machine is changed.
//
// When a program is missing the tests skip and name its package; when CI is set
// they fail. Run them with -count=1: the go command does not see that the
// programs they build have changed.
package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// The process that a person starts is outside: it checks, builds, and runs
// itself again inside the namespaces, with this directory as the mark.
const directoryVariable = "EXTAUTH_E2E_DIRECTORY"

// What TestMain hands to the tests. Exactly one of the two is set.
var (
	obstacle string // why the tests cannot run
	lab      *laboratory
)

// atOnce is how many scenarios run at the same time without -parallel: a client
// spends most of its time waiting for the CA, for a record, or for its own
// pauses.
const atOnce = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if !slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.parallel") }) {
		_ = flag.Set("test.parallel", atOnce)
	}
	if dir := os.Getenv(directoryVariable); dir != "" {
		os.Exit(inside(m, dir))
	}
	if obstacle = findObstacle(); obstacle != "" || flag.Lookup("test.list").Value.String() != "" {
		os.Exit(m.Run())
	}
	os.Exit(outside())
}

// outside owns the directory of the run, so that it goes away however the
// process inside ends.
func outside() int {
	dir, err := os.MkdirTemp("", "extauth-e2e-")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	if err := prepare(dir); err != nil {
		return complain(err)
	}
	return reexec(dir)
}

func inside(m *testing.M, dir string) int {
	defer enterNamespaces()()
	started, err := startLaboratory(dir)
	defer started.stop()
	if err != nil {
		return complain(err)
	}
	lab = started
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// needLaboratory is the first line of every test.
func needLaboratory(t *testing.T) {
	t.Helper()
	switch {
	case obstacle == "":
	case os.Getenv("CI") != "":
		t.Fatal(obstacle)
	default:
		t.Skip(obstacle)
	}
}
