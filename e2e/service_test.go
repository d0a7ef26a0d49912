//go:build linux

package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A service is a server of the laboratory: one process in the foreground,
// stopped by its process id, with its output in a log file.
type service struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// startService starts a server that dies with this process even when nobody
// gets to stop it, as after a panic or the test timeout.
func startService(dir, name string, env []string, args ...string) (*service, error) {
	s := &service{
		name: name, log: filepath.Join(dir, name+".log"),
		cmd: exec.Command(name, args...), ended: make(chan struct{}),
	}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	return s, nil
}

// stop ends the process, and waits until it is gone.
func (s *service) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// await polls until the service answers, and gives up when it has ended.
func (s *service) await(answers func() error) error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := answers()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended: %s", s.name, s.logged(""))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w: %s", s.name, err, s.logged(""))
		}
	}
}

// logged returns what the service logged about something.
func (s *service) logged(about string) string {
	log, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, about) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
