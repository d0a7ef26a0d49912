//go:build linux

package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The paths of all programs, whatever PATH is: root's may lack sbin, and the
// user's own python3 lacks Debian's modules.
const systemPath = "/usr/bin:/bin:/usr/sbin:/sbin"

const (
	ddnsTsigHook = "/usr/share/dehydrated-hook-ddns-tsig/dehydrated-hook-ddns-tsig.py"
	exampleHook  = "/usr/share/doc/dehydrated/examples/hook.sh"
	systemBundle = "/etc/ssl/certs/ca-certificates.crt"
)

// needed lists every program and file of other people, and its Debian package.
func needed() [][2]string {
	return [][2]string{
		{"acmetool", "acmetool"},
		{"ansible-playbook", "ansible-core"},
		{"apache2", "apache2-bin"},
		{"certbot", "certbot"},
		{"curl", "curl"},
		{"dehydrated", "dehydrated"},
		{exampleHook, "dehydrated"},
		{ddnsTsigHook, "dehydrated-hook-ddns-tsig"},
		{systemBundle, "ca-certificates"},
		{"dig", "bind9-dnsutils"},
		{"ip", "iproute2"},
		{"lego", "lego"},
		{"named", "bind9"},
		{"nginx", "nginx-light"},
		{"nsupdate", "bind9-dnsutils"},
		{"openssl", "openssl"},
		{"pebble", "pebble"},
		{"shellcheck", "shellcheck"},
		{"uacme", "uacme"},
		{"unshare", "util-linux"},
	}
}

// findObstacle returns everything that keeps the tests from running, or "".
func findObstacle() string {
	var lines []string
	for _, need := range needed() {
		if !isThere(need[0]) {
			lines = append(lines, "needs "+need[0]+" (Debian package "+need[1]+")")
		}
	}
	if os.Geteuid() != 0 {
		lines = append(lines, "needs root, for a mount and a network namespace")
	} else if out, err := exec.Command("unshare", "--mount", "--net", "true").CombinedOutput(); err != nil {
		lines = append(lines, "needs a mount and a network namespace: "+strings.TrimSpace(string(out)))
	}
	return strings.Join(lines, "\n")
}

func isThere(program string) bool {
	if filepath.IsAbs(program) {
		_, err := os.Stat(program)
		return err == nil
	}
	for _, dir := range filepath.SplitList(systemPath) {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return true
		}
	}
	return false
}

func binDirectory(dir string) string { return filepath.Join(dir, "bin") }

// prepare does what needs the machine's network and build cache: it builds the
// programs under test. What the compiler says is left for the scenarios to
// report, since the laboratory can be tested without them.
func prepare(dir string) error {
	bin := binDirectory(dir)
	err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(bin, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o755))
	if err != nil {
		return err
	}
	out, err := exec.Command("make", "-s", "-C", "..", "build", "BUILDDIR="+bin).CombinedOutput()
	if err != nil {
		return os.WriteFile(buildLog(dir), append(out, err.Error()...), 0o644)
	}
	return nil
}

func buildLog(dir string) string { return filepath.Join(dir, "build.log") }
