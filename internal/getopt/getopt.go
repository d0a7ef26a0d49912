// Package getopt reads a program's options: -x, --long, --long VALUE and
// --long=VALUE up to the first operand or --, a single dash in front of a long
// name and --long=true for one without a value as well. Package flag reads the
// same (and names options with a single dash), but is a twentieth of what our
// programs do when they start, which they do for each event.
package getopt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Set is the options of a program, and what was found of them.
type Set struct {
	options []option
	given   []string
	args    []string
}

type option struct {
	short, long string
	place       any // *string, *bool, *int, *time.Duration, Value, reader or toggle
}

// reader reads an option's value; toggle is told of an option without one.
type (
	reader func(value string) error
	toggle func(value string) error
)

// Value is an option that reads its value itself.
type Value interface{ Set(value string) error }

// Registry is where those who know nothing of a Set register their options.
type Registry = interface {
	Func(name, usage string, read func(value string) error)
	BoolFunc(name, usage string, set func(value string) error)
}

// ErrHelp says that --help or -h is there, which are no options of the set.
var ErrHelp = errors.New("help is asked for")

// String adds an option by its short name and its long one, of which one may be
// empty, as those below do.
func (s *Set) String(place *string, short, long string) { s.add(place, short, long) }

// Bool adds an option without a value.
func (s *Set) Bool(place *bool, short, long string) { s.add(place, short, long) }

// Int adds an option whose value is a number.
func (s *Set) Int(place *int, short, long string) { s.add(place, short, long) }

// Duration adds an option whose value is as time.ParseDuration reads it.
func (s *Set) Duration(place *time.Duration, short, long string) { s.add(place, short, long) }

// Var adds an option that reads its value itself, each time that it is there.
func (s *Set) Var(value Value, short, long string) { s.add(value, short, long) }

// Func adds an option whose value a function reads, as that of a flag.FlagSet
// does. There is no use for usage.
func (s *Set) Func(name, _ string, read func(value string) error) { s.add(reader(read), "", name) }

// BoolFunc adds an option without a value, as that of a flag.FlagSet does.
func (s *Set) BoolFunc(name, _ string, set func(value string) error) { s.add(toggle(set), "", name) }

func (s *Set) add(place any, short, long string) {
	if s.options == nil {
		s.options = make([]option, 0, 16)
	}
	s.options = append(s.options, option{short, long, place})
}

// Args are the words behind the options that were read last.
func (s *Set) Args() []string { return s.args }

// Given are the options that were there, by the names and in the order in which
// they were.
func (s *Set) Given() []string { return s.given }

// Has tells whether an option was there by that name.
func (s *Set) Has(name string) bool { return slices.Contains(s.given, name) }

// Parse reads options up to the first operand, or behind --. It can be called
// again for what stands behind the operand. The error is ErrHelp, or says what is
// wrong with an option.
func (s *Set) Parse(args []string) error {
	for s.args = args; len(s.args) > 0; {
		word := s.args[0]
		if len(word) < 2 || word[0] != '-' {
			return nil
		}
		s.args = s.args[1:]
		if word == "--" {
			return nil
		}
		if err := s.parseOne(word); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) parseOne(word string) error {
	name, value, has := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
	if name == "" || name[0] == '-' {
		return fmt.Errorf("%q is no option", word)
	}
	place := s.place(name)
	switch {
	case place == nil && (name == "help" || name == "h"):
		return ErrHelp
	case place == nil:
		return errors.New("unknown option " + Dashed(name))
	case !has && takesNone(place):
		value = "true"
	case !has && len(s.args) == 0:
		return errors.New("no value for option " + Dashed(name))
	case !has:
		value, s.args = s.args[0], s.args[1:]
	}
	if err := s.Set(name, value); err != nil {
		return fmt.Errorf("invalid value %q for flag -%s: %w", value, name, err)
	}
	return nil
}

// Set sets an option as if it were there. The error says what is wrong with the
// value.
func (s *Set) Set(name, value string) error {
	if err := store(s.place(name), value); err != nil {
		return err
	}
	s.given = append(s.given, name)
	return nil
}

// takesNone tells whether an option stands without a value.
func takesNone(place any) bool {
	switch place.(type) {
	case *bool, toggle:
		return true
	}
	return false
}

func (s *Set) place(name string) any {
	for _, o := range s.options {
		if o.short == name || o.long == name {
			return o.place
		}
	}
	return nil
}

// errParse is what package flag says of a value.
var errParse = errors.New("parse error")

func store(place any, value string) (err error) {
	switch place := place.(type) {
	case *string:
		*place = value
	case *bool:
		*place, err = strconv.ParseBool(value)
	case *int:
		var n int64
		n, err = strconv.ParseInt(value, 0, strconv.IntSize)
		*place = int(n)
	case *time.Duration:
		*place, err = time.ParseDuration(value)
	case Value:
		return place.Set(value)
	case reader:
		return place(value)
	case toggle:
		return place(value)
	}
	if err != nil {
		return errParse
	}
	return nil
}

// Dashed is an option's name as it is typed: -x or --long.
func Dashed(name string) string {
	if len(name) > 1 {
		return "--" + name
	}
	return "-" + name
}
