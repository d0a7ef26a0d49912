package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// NewFlags returns a set of options with those that every program has: --help
// and --version.
func (p *Program) NewFlags() *flag.FlagSet {
	set := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.BoolVar(&p.version, "version", false, "")
	return set
}

// Short gives an option a second name of one letter.
func Short(set *flag.FlagSet, letter, long string) { set.Var(set.Lookup(long).Value, letter, "") }

// Positive returns the function for an option that takes a duration above 0.
func Positive(to *time.Duration) func(string) error {
	return func(value string) (err error) {
		if *to, err = time.ParseDuration(value); err != nil {
			return errors.New("not a duration such as 90s or 5m")
		}
		if *to <= 0 {
			return errors.New("must be more than 0")
		}
		return nil
	}
}

// Given returns the options that were given, each by the name that was used.
func Given(set *flag.FlagSet) (names []string) {
	set.Visit(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// Parse reads options up to the first operand, or after --. --help and --version
// are answered here, with ErrDone.
func (p *Program) Parse(set *flag.FlagSet, args []string) error {
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return cmp.Or(p.ShowUsage(), ErrDone)
	case err != nil:
		return Usage("%s", reworded(err.Error()))
	case p.version:
		return cmp.Or(p.Write(fmt.Appendf(nil, "%s %s\n", p.Name, version())), ErrDone)
	}
	return nil
}

// ParseOperand reads options, the operand after them, and further options.
func (p *Program) ParseOperand(set *flag.FlagSet) (operand string, err error) {
	if err := p.Parse(set, p.Args[1:]); err != nil {
		return "", err
	}
	if set.NArg() == 0 {
		return "", Usage("no operand")
	}
	return set.Arg(0), p.Parse(set, set.Args()[1:])
}

// ShowUsage writes what --help says. The command lines at its head are as they are
// typed.
func (p *Program) ShowUsage() error {
	synopsis, _, _ := strings.Cut(p.usage, "\n\n")
	typed := strings.ReplaceAll(synopsis, p.Name, p.Typed)
	return p.Write([]byte(typed + strings.TrimPrefix(p.usage, synopsis)))
}

// reworded rewords errors of package flag as other programs word them.
func reworded(text string) string {
	if name, found := strings.CutPrefix(text, "flag provided but not defined: -"); found {
		return "unknown option " + Dashed(name)
	}
	if name, found := strings.CutPrefix(text, "flag needs an argument: -"); found {
		return "option " + Dashed(name) + " needs a value"
	}
	for _, between := range []string{" for flag -", " for -"} { // the latter of options without a value
		if before, after, found := strings.Cut(text, between); found {
			name, reason, _ := strings.Cut(after, ":")
			return before + " for option " + Dashed(name) + ":" + reason
		}
	}
	return text
}

// Dashed returns an option's name as it is typed: -x or --long.
func Dashed(name string) string {
	if len(name) > 1 {
		return "--" + name
	}
	return "-" + name
}
