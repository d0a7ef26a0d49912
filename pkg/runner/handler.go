package runner

import "github.com/extauth/extauth/internal/chain"

// Handler is a program that is called for events: a line of a chain file, or
// one made by hand. Convention (the name of one, as envmap.Lookup has it) and
// Command (program and arguments) are all that most handlers need; Domains,
// Types and Phases say what a handler is for, EnvFiles, User and Timeout how it
// is run. extauth-chain(5) describes each field under the name of its key. A
// handler that cannot be run is an error of Run, not of its making.
type Handler = chain.Handler

// ReadChain reads a chain file: one handler a line,
//
//	CONVENTION [KEY=VALUE]... [COMMAND [ARG]...]
//
// split as a shell would, without variables, backticks or operators. Lines that
// begin with # and blank lines are skipped; a backslash at the end joins lines.
// The error is a *ChainError with everything that is wrong with the file, an
// *UnsafeError if others can change it, or an *fs.PathError.
func ReadChain(file string) ([]Handler, error) { return chain.Read(file) }

// ParseChain is ReadChain for text that was read already; file is for messages,
// and relative paths are below its directory.
func ParseChain(file, text string) ([]Handler, error) { return chain.Parse(file, text) }
