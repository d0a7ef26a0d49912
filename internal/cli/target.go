package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// SocketVariable has the socket to which hooks send their events if
// extauth-json exec started their client.
const SocketVariable = "EXTAUTH_SOCKET"

// Target is where events go: exactly one of Socket, Prints and Chain is set.
type Target struct {
	Socket string // of the extauth-json exec that started the client
	Prints bool   // as JSON lines to standard output
	Chain  []runner.Handler
}

// Single reports whether there is one handler, from a command line.
func (t *Target) Single() bool { return len(t.Chain) == 1 && t.Chain[0].Line == 0 }

// Locate checks that a single handler's program exists before anything is run.
// Those of a chain file were checked when it was read.
func (t *Target) Locate() error {
	if !t.Single() || !t.Chain[0].IsProgram() {
		return nil
	}
	err := t.Chain[0].Startable()
	if is[*process.StartError](err) {
		return Config("%w", err)
	}
	return err
}

// Expressible checks that a single handler's convention can express the
// client's events.
func (t *Target) Expressible(client string, events []envmap.Event) error {
	if !t.Single() {
		return nil
	}
	strict := false
	if c, known := envmap.Lookup(client); known {
		strict = c.From.Strict
	}
	for _, e := range events {
		_, err := t.Chain[0].Resolved().Encode(e)
		if is[*envmap.UnsupportedError](err) && (e.IsChallenge() || strict) {
			return err
		}
	}
	return nil
}

// Target finds the handlers: the exec that started our client, words of the
// command line, --chain, --to json or text, $EXTAUTH_HANDLER, $EXTAUTH_CHAIN,
// $EXTAUTH_TO=json, the system's chain file.
func (p *Program) Target(words []string) (*Target, error) {
	c := &choice{options: &p.Options, env: p.Env}
	if p.Env[SocketVariable] != "" && p.Client != "json" && !p.Options.DryRun {
		return &Target{Socket: p.Env[SocketVariable]}, nil
	}
	if t, err := c.byOptions(words); t != nil || err != nil {
		return t, err
	}
	if t, err := c.byEnvironment(); t != nil || err != nil {
		return t, err
	}
	return c.bySystem(p.SystemChain)
}

// choice is the choice of handlers.
type choice struct {
	options *Options
	env     map[string]string
}

// byOptions returns what the command line names, or nil.
func (c *choice) byOptions(words []string) (*Target, error) {
	o := c.options
	switch {
	case len(words) > 0 && o.Chain != "":
		return nil, Usage("a HANDLER and --chain exclude each other")
	case len(words) > 0:
		return c.command(words)
	case o.Chain != "" && o.To != "":
		return nil, Usage("--to is for a HANDLER; a chain file names each handler's convention")
	case o.Chain != "":
		return c.chainFile(o.Chain)
	case c.env["EXTAUTH_HANDLER"] != "":
		return nil, nil
	case o.To != "":
		if t := c.withoutHandler(o.To); t != nil {
			return t, nil
		}
		return nil, &noHandlerError{"--to is given without one"}
	}
	return nil, nil
}

// byEnvironment returns what variables name, or nil.
func (c *choice) byEnvironment() (*Target, error) {
	handler, chain := c.env["EXTAUTH_HANDLER"], c.env["EXTAUTH_CHAIN"]
	switch {
	case handler != "" && chain != "":
		return nil, Config("EXTAUTH_HANDLER and EXTAUTH_CHAIN are both set")
	case handler != "":
		words, err := commandline.Split(handler)
		if err != nil {
			return nil, Config("EXTAUTH_HANDLER: %w", err)
		}
		return c.command(words)
	case chain != "":
		return c.chainFile(chain)
	}
	return c.withoutHandler(c.env["EXTAUTH_TO"]), nil
}

func (c *choice) bySystem(chain string) (*Target, error) {
	if _, err := os.Stat(chain); errors.Is(err, fs.ErrNotExist) {
		return nil, &noHandlerError{"there is no " + chain + " either"}
	}
	return c.chainFile(chain)
}

// withoutHandler returns the target for a convention that needs no HANDLER, or nil.
func (c *choice) withoutHandler(convention string) *Target {
	if convention == "json" {
		return &Target{Prints: true}
	}
	if known, ok := envmap.Lookup(convention); ok && known.To.Person {
		return &Target{Chain: []runner.Handler{{Convention: convention, Batch: true, Timeout: c.options.Timeout}}}
	}
	return nil
}

// command returns the target for a handler on the command line.
func (c *choice) command(words []string) (*Target, error) {
	to := cmp.Or(c.options.To, c.env["EXTAUTH_TO"])
	if to == "" {
		return nil, Usage("--to must say which convention HANDLER speaks: %s", Conventions())
	}
	if _, err := HandlerConvention(to); err != nil {
		return nil, err
	}
	h := runner.Handler{Convention: to, Command: words, EnvFiles: c.options.EnvFiles}
	switch err := h.Resolve(); {
	case err != nil:
		return nil, Usage("%w, which only a chain file has", err)
	case words[0] == "":
		return nil, Usage("HANDLER is empty")
	case h.IsPerson():
		return nil, Usage("%s asks a person and takes no HANDLER (got %q)", to, words[0])
	}
	return &Target{Chain: []runner.Handler{h}}, nil
}

func (c *choice) chainFile(file string) (*Target, error) {
	chain, err := runner.ReadChain(file)
	if err != nil {
		return nil, err
	}
	for i := range chain {
		chain[i].EnvFiles = append(chain[i].EnvFiles, c.options.EnvFiles...)
	}
	return &Target{Chain: chain}, nil
}
