// Package cli is what the programs share: options, the choice of handlers,
// messages, exit statuses and the trace. The programs themselves are in packages
// of their own.
package cli

import (
	"io"
	"os"
)

// IO is what a program gets from its process.
type IO struct {
	Args    []string // with the program's name
	Typed   string   // what is typed to call it, if that is not its name
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer

	SystemChain string // the chain file of last resort

	Step func(name string) error // nil; see runner.Runner.Step
}

// Process returns the IO of the running process.
func Process() IO {
	return IO{
		Args: os.Args, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		SystemChain: "/etc/extauth/chain",
	}
}
