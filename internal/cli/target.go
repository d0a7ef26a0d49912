package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// target is where events go.
type target struct {
	socket string // of the exec that started our client
	prints bool   // as JSON lines to standard output
	chain  []runner.Handler
	timed  bool // the command line sets a limit
}

// single tells whether there is one handler, from a command line.
func (t *target) single() bool { return len(t.chain) == 1 && t.chain[0].Line == 0 }

// locate sees before anything is run whether a single handler's program is
// there; a chain file's were looked for when it was read.
func (t *target) locate() error {
	if !t.single() || !t.chain[0].IsProgram() {
		return nil
	}
	err := t.chain[0].Startable()
	if is[*runner.StartError](err) {
		return &configError{err.Error()}
	}
	return err
}

// target finds the handlers: the exec that started our client, words of the
// command line, --chain, --to json or text, $EXTAUTH_HANDLER, $EXTAUTH_CHAIN, $EXTAUTH_TO=json, the system's chain file.
func (f *front) target(words []string) (*target, error) {
	o, env := f.options, f.env
	switch {
	case env[socketVariable] != "" && f.client != "json" && !o.dryRun:
		return &target{socket: env[socketVariable]}, nil
	case len(words) > 0 && o.chain != "":
		return nil, &usageError{"a HANDLER and --chain exclude each other"}
	case len(words) > 0:
		return f.command(words)
	case o.chain != "" && o.to != "":
		return nil, &usageError{"--to is for a HANDLER; a chain file names each handler's convention"}
	case o.chain != "":
		return f.chainFile(o.chain)
	case o.to == "json" && env["EXTAUTH_HANDLER"] == "":
		return &target{prints: true}, nil
	case isPerson(o.to) && env["EXTAUTH_HANDLER"] == "":
		return f.person(o.to), nil
	case env["EXTAUTH_HANDLER"] != "" && env["EXTAUTH_CHAIN"] != "":
		return nil, &configError{"EXTAUTH_HANDLER and EXTAUTH_CHAIN are both set"}
	case env["EXTAUTH_HANDLER"] != "":
		return f.commandString("EXTAUTH_HANDLER", env["EXTAUTH_HANDLER"])
	case o.to != "":
		return nil, f.noHandler("--to is given without one")
	case env["EXTAUTH_CHAIN"] != "":
		return f.chainFile(env["EXTAUTH_CHAIN"])
	case env["EXTAUTH_TO"] == "json":
		return &target{prints: true}, nil
	case isPerson(env["EXTAUTH_TO"]):
		return f.person(env["EXTAUTH_TO"]), nil
	}
	return f.systemChain()
}

// isPerson tells whether a convention is for people, and needs no HANDLER.
func isPerson(convention string) bool {
	c, known := envmap.Lookup(convention)
	return known && c.To.Person
}

func (f *front) person(convention string) *target {
	return &target{chain: []runner.Handler{{Convention: convention, Batch: true, Timeout: f.options.timeout}}}
}

func (f *front) systemChain() (*target, error) {
	if _, err := os.Stat(f.SystemChain); errors.Is(err, fs.ErrNotExist) {
		return nil, f.noHandler(fmt.Sprintf("there is no %s either", f.SystemChain))
	}
	return f.chainFile(f.SystemChain)
}

func (f *front) noHandler(detail string) error {
	return &noHandlerError{configError{fmt.Sprintf("no handler: %s; give one on the command line, by --chain, or by $EXTAUTH_TO and $EXTAUTH_HANDLER", detail)}}
}

// command is a handler on the command line.
func (f *front) command(words []string) (*target, error) {
	to := f.options.to
	if to == "" {
		to = f.env["EXTAUTH_TO"]
	}
	if to == "" {
		return nil, &usageError{"--to must say which convention HANDLER speaks: " + conventions()}
	}
	c, known := envmap.Lookup(to)
	if !known || c.To.Encode == nil {
		return nil, &usageError{fmt.Sprintf("no convention %q; there is %s", to, conventions())}
	}
	if words[0] == "" {
		return nil, &usageError{"HANDLER is empty"}
	}
	if c.To.Person {
		return nil, &usageError{fmt.Sprintf("%s asks a person and takes no HANDLER, such as %q", to, words[0])}
	}
	h := runner.Handler{Convention: to, Command: words, EnvFiles: f.options.envFiles}
	return &target{chain: []runner.Handler{h}, timed: f.options.timeout > 0}, nil
}

func (f *front) commandString(name, text string) (*target, error) {
	words, err := runner.Split(text)
	if err != nil {
		return nil, &configError{name + ": " + err.Error()}
	}
	return f.command(words)
}

func (f *front) chainFile(file string) (*target, error) {
	if f.client != "json" && !f.options.dryRun {
		f.catchSignals()
	}
	chain, err := runner.ReadChain(file)
	if err != nil {
		return nil, err
	}
	for i := range chain {
		chain[i].EnvFiles = append(chain[i].EnvFiles, f.options.envFiles...)
	}
	return &target{chain: chain}, nil
}

func conventions() string {
	var names []string
	for _, c := range envmap.Conventions() {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// execs tells whether this process can become the handler: it is one handler
// that is called once, nobody has to remember or judge what it answers, and
// its failure is the client's to know.
func (t *target) execs(client string, events []envmap.Event) bool {
	if !t.single() || !t.chain[0].IsProgram() || t.timed || len(events) != 1 || events[0].Informational() && client == "dehydrated" {
		return false
	}
	c, _ := envmap.Lookup(t.chain[0].Convention)
	from, _ := envmap.Lookup(client)
	remembers := (c.To.Replays && c.Name != client || from.From.Forgets) && events[0].IsChallenge()
	return c.To.Declined == nil && c.To.Answer == nil && !remembers
}
