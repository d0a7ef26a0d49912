package runner

import (
	"cmp"
	"context"
	"fmt"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// verify looks once, as certbot-external-auth did after each challenge, and warns
// if the response cannot be seen (yet).
func (c *call) verify(ctx context.Context, h *Handler, challenges []envmap.Event) {
	var lines []byte
	for _, e := range challenges {
		if h.Verifies(e.Type) {
			lines = append(lines, jsonLine(e)...)
		}
	}
	if lines == nil {
		return
	}
	if err := c.look(ctx, h, lines); err != nil {
		c.warn(fmt.Sprintf("warning: %s: verify=%s: %v", h.Name(envmap.PerformChallenge), h.Verify, err))
	}
}

// look runs extauth-wait, which says on standard error what it did not see.
func (c *call) look(ctx context.Context, h *Handler, lines []byte) error {
	path, err := process.Companion("extauth-wait")
	if err != nil {
		return err
	}
	redact := envfile.Redactor(c.variables(h))
	p := &process.Process{
		Argv:    []string{path, "--timeout", "0"},
		Env:     process.Environment(c.Environ, c.variables(h)),
		Stdin:   lines,
		Timeout: cmp.Or(h.Timeout, c.Timeout, DefaultTimeout),
		Grace:   cmp.Or(c.Grace, DefaultGrace),
		Stderr:  func(line string) { c.warn("warning: " + redact(line)) },
	}
	_, err = p.Run(ctx)
	return err
}

// jsonLine is an event as a line of JSON.
func jsonLine(e envmap.Event) []byte {
	convention, _ := envmap.Lookup("json")
	encoded, _ := convention.Encode(e) // a challenge that was performed can be
	return encoded.Stdin
}
