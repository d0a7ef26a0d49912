package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// verifier is the program that looks whether what was performed can be seen.
const verifier = "extauth-wait"

func checkVerify(value string) error {
	if value != "dns" && value != "http" {
		return fmt.Errorf("verify=: %q is neither dns nor http", value)
	}
	if _, err := Companion(verifier); err != nil {
		return fmt.Errorf("verify=: %w", err)
	}
	return nil
}

// Companion finds another of our programs: beside this one, or in PATH. The
// error is a *StartError.
func Companion(name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	return Locate(name)
}

// verify looks once, as certbot-external-auth did after each challenge, and
// warns where the response cannot be seen (yet).
func (c *call) verify(ctx context.Context, h Handler, challenges []envmap.Event) {
	var lines []byte
	for _, e := range challenges {
		if call, err := jsonCall(e); err == nil && h.verifies(e.Type) {
			lines = append(lines, call.Stdin...)
		}
	}
	if lines == nil {
		return
	}
	path, err := Companion(verifier)
	if err == nil {
		err = c.look(ctx, path, h, lines)
	}
	if err != nil {
		c.Warn(fmt.Sprintf("warning: %s: verify=%s: %v", h.name(challenges[0]), h.Verify, err))
	}
}

func (h *Handler) verifies(challengeType string) bool {
	switch h.Verify {
	case "dns":
		return strings.HasPrefix(challengeType, "dns-")
	case "http":
		return challengeType == envmap.HTTP01
	}
	return false
}

// look runs the verifier, which names on standard error what it did not see.
func (c *call) look(ctx context.Context, path string, h Handler, lines []byte) error {
	hide := redactor(c.env[strings.Join(h.EnvFiles, "\x00")])
	p := &process{
		argv:    []string{path, "--timeout", "0"},
		env:     Environment(c.Environ, c.env[strings.Join(h.EnvFiles, "\x00")]),
		stdin:   lines,
		timeout: firstSet(h.Timeout, c.Timeout, DefaultTimeout),
		grace:   firstSet(c.Grace, DefaultGrace),
		stderr:  func(line string) { c.Warn("warning: " + hide(line)) },
	}
	_, err := p.run(ctx)
	return err
}
