// Package chain reads chain files and knows which of their handlers an event is
// for. A chain is a list of handlers, each of which is a program, a process that
// listens, or a person, and speaks a convention.
package chain

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/trust"
)

// Error collects everything that is wrong with a chain.
type Error struct{ Faults []error }

func (e *Error) Error() string { return errors.Join(e.Faults...).Error() }

// Unwrap returns the faults, so that errors.As finds a *trust.UnsafeError or a
// *process.StartError among them.
func (e *Error) Unwrap() []error { return e.Faults }

// Read reads a chain file: one handler a line,
//
//	CONVENTION [KEY=VALUE]... [COMMAND [ARG]...]
//
// split as a shell would, without variables, backticks or operators. Lines that
// begin with # and blank lines are skipped; a backslash at the end joins lines.
// All errors of the file are reported at once, as an *Error. A file that cannot
// be read is an *fs.PathError, one that others can change a *trust.UnsafeError.
func Read(file string) ([]Handler, error) {
	text, err := trust.ReadConfig(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, string(text))
}

// Parse is Read for text that has been read already. file is for messages, and
// relative paths are below its directory.
func Parse(file, text string) ([]Handler, error) {
	var chain []Handler
	var faults []error
	for _, l := range logicalLines(text) {
		h, err := parseLine(filepath.Dir(file), l.text)
		h.Line = l.number
		for _, fault := range split(err) {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, l.number, fault))
		}
		chain = append(chain, h)
	}
	if len(chain) == 0 {
		faults = append(faults, fmt.Errorf("%s: has no handler", file))
	}
	if len(faults) > 0 {
		return nil, &Error{faults}
	}
	route(chain)
	return chain, nil
}

// ParseLine reads the words of one chain line. Relative paths are below the
// working directory. If the program cannot be started, which is a
// *process.StartError or a *trust.UnsafeError, the handler is returned with the
// error.
func ParseLine(words []string) (Handler, error) {
	return parseLine(".", commandline.Quote(words...))
}

// split takes joined errors apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
