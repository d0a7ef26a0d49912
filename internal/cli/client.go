package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const clientUsage = `Usage: %[1]s [OPTION]... %[2]s

A hook for clients that speak the convention %[3]s: %[4]s.
Handlers come from a chain file, which can itself be the hook:

  #!/usr/bin/%[1]s -c
  handler /usr/libexec/extauth/nsupdate

      --handler COMMAND  instead of a chain: one handler, with its arguments
                         (with --to; also $EXTAUTH_TO and $EXTAUTH_HANDLER)

%[5]s`

// maxStdin is how much of an event a client may give on standard input, bytes.
const maxStdin = 64 << 10

// Client is the front end for a client whose hook gets an event by operands,
// variables and standard input alone, as its convention has them.
func Client(io IO, convention string) int {
	c, _ := envmap.Lookup(convention)
	name := "extauth-" + strings.ReplaceAll(convention, "_", "-")
	f := newFront(io, name, "", convention)
	err := f.work(func() error { return f.call(c) })
	if c.From.Declines != 0 && isForOthers(err) {
		f.trace("%v", err)
		f.taken.end(c.From.Declines, err)
		return c.From.Declines
	}
	return f.finish(err)
}

// help is what --help says.
func (f *front) help() string {
	if f.usage != "" {
		return f.usage
	}
	c, _ := envmap.Lookup(f.client)
	return fmt.Sprintf(clientUsage, f.name, c.From.Synopsis, c.Name, c.Doc, optionsUsage)
}

// isForOthers tells whether an event is none that our handlers are for.
func isForOthers(err error) bool {
	return is[*envmap.OperationError](err) || is[*runner.NoHandlerError](err) || is[*envmap.UnsupportedError](err)
}

// readStdin reads what the client gives on standard input, all of it or nothing.
func (f *front) readStdin() ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f.Stdin, maxStdin+1))
	if err == nil && len(text) > maxStdin {
		err = &refusal{fmt.Errorf("standard input is longer than %d bytes", maxStdin)}
	}
	return text, err
}

// call reads its own options up to the first operand; whatever stands behind it
// is the client's.
func (f *front) call(c *envmap.Convention) error {
	set := f.flags()
	set.String(&f.options.handler, "", "handler")
	err := f.parse(set, f.Args[1:])
	if errors.Is(err, errDone) {
		return nil
	}
	if err != nil {
		return err
	}
	words, err := f.handlerWords()
	if err != nil {
		return err
	}
	received := envmap.Call{Args: set.Args(), Env: f.env}
	if c.From.ReadsStdin {
		if received.Stdin, err = f.readStdin(); err != nil {
			return err
		}
	}
	if err := f.took(received); err != nil {
		return err
	}
	events, err := c.Decode(received)
	if err != nil || len(events) == 0 { // what no handler is for
		return err
	}
	return f.run(events, words)
}
