//go:build linux

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// reexec runs this test binary again in a mount and a network namespace, with
// the same arguments, and hands on signals and the status.
func reexec(dir string) int {
	self, err := os.Executable()
	if err != nil {
		return complain(err)
	}
	cmd := exec.Command("unshare", append([]string{"--mount", "--net", "--", self}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), directoryVariable+"="+dir, "TMPDIR="+filepath.Join(dir, "tmp"))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	if err := cmd.Start(); err != nil {
		return complain(err)
	}
	go forward(signals, cmd.Process)
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() <= 0 {
		return complain(err)
	}
	return cmd.ProcessState.ExitCode()
}

func forward(signals <-chan os.Signal, to *os.Process) {
	for s := range signals {
		_ = to.Signal(s)
	}
}

// enterNamespaces ties this goroutine to its thread: the servers of the
// laboratory are started from it and asked to die with it (see service).
func enterNamespaces() (leave func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// furnish makes a small machine of the namespaces: loopback up, its own /run
// (named keeps its session key there), and the laboratory's name server, CA and
// named configuration in place of the system's.
func furnish(dir string) error {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("ip link set lo up: %w: %s", err, out)
	}
	resolvConf, err := resolvConfPath()
	if err != nil {
		return err
	}
	bundle, err := filepath.EvalSymlinks(systemBundle)
	if err != nil {
		return err
	}
	return errors.Join(
		mountRun(),
		overlay(filepath.Join(dir, "resolv.conf"), resolvConf),
		overlay(filepath.Join(dir, "bundle.pem"), bundle),
		overlay(filepath.Join(dir, "bind", "etc"), "/etc/bind"),
		overlay(filepath.Join(dir, "bind", "cache"), "/var/cache/bind"),
	)
}

func mountRun() error {
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return os.MkdirAll("/run/named", 0o755)
}

// overlay shows source at target. A target below /run is gone with the
// system's /run, and is made again.
func overlay(source, target string) error {
	if strings.HasPrefix(target, "/run/") {
		if err := makeFile(target); err != nil {
			return err
		}
	}
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s: %w", target, err)
	}
	return nil
}

func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o644)
}

// resolvConfPath returns the target of /etc/resolv.conf, which is a link into
// /run on many systems, and may dangle.
func resolvConfPath() (string, error) {
	const path = "/etc/resolv.conf"
	link, err := os.Readlink(path)
	if errors.Is(err, syscall.EINVAL) {
		return path, nil // not a link
	}
	if err == nil && !filepath.IsAbs(link) {
		link = filepath.Join("/etc", link)
	}
	return link, err
}
