package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// options are those that every front end has.
type options struct {
	to       string
	chain    string
	handler  string // extauth-dehydrated alone
	stateDir string
	envFiles files
	timeout  time.Duration
	dryRun   bool
	verbose  bool
	version  bool
	trace    string
}

// files collects the values of a repeatable option.
type files []string

func (f *files) String() string         { return strings.Join(*f, " ") }
func (f *files) Set(value string) error { *f = append(*f, value); return nil }

// errDone ends a program that has nothing more to do.
var errDone = errors.New("done")

// flags registers the options.
func (f *front) flags() *flag.FlagSet {
	o := &f.options
	set := flag.NewFlagSet(f.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	both := func(define func(name string), names ...string) {
		for _, name := range names {
			define(name)
		}
	}
	both(func(n string) { set.StringVar(&o.to, n, "", "") }, "t", "to")
	both(func(n string) { set.StringVar(&o.chain, n, "", "") }, "c", "chain")
	both(func(n string) { set.Var(&o.envFiles, n, "") }, "e", "env-file")
	both(func(n string) { set.BoolVar(&o.dryRun, n, false, "") }, "n", "dry-run")
	both(func(n string) { set.BoolVar(&o.verbose, n, false, "") }, "v", "verbose")
	set.DurationVar(&o.timeout, "timeout", 0, "")
	set.StringVar(&o.stateDir, "state-dir", "", "")
	set.StringVar(&o.trace, "trace", "", "")
	set.BoolVar(&o.version, "version", false, "")
	return set
}

// parse reads options up to the first operand. --help and --version are
// answered here, with errDone.
func (f *front) parse(set *flag.FlagSet, args []string) error {
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return f.answer(f.help())
	case err != nil:
		return &usageError{optionFault(err)}
	case f.options.version:
		return f.answer(fmt.Sprintf("%s %s\n", f.name, version()))
	case f.options.timeout < 0 || isSet(set, "timeout") && f.options.timeout == 0:
		return &usageError{"--timeout must be more than 0"}
	}
	return nil
}

func (f *front) answer(text string) error {
	if err := f.write([]byte(text)); err != nil {
		return err
	}
	return errDone
}

func isSet(set *flag.FlagSet, name string) bool {
	found := false
	set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// optionFault words package flag's errors as getopt_long(3) would.
func optionFault(err error) string {
	text := err.Error()
	for _, word := range []struct{ from, to string }{
		{"flag provided but not defined: ", "unknown option "},
		{"flag needs an argument: ", "no value for option "},
	} {
		if name, found := strings.CutPrefix(text, word.from); found {
			return word.to + dashed(name)
		}
	}
	return text
}

// dashed is an option's name as it is typed: -x or --long.
func dashed(name string) string {
	if name = strings.TrimLeft(name, "-"); len(name) > 1 {
		return "--" + name
	}
	return "-" + name
}

// stateDir is where the journal is.
func (f *front) stateDir() (string, error) {
	switch {
	case f.options.stateDir != "":
		return f.options.stateDir, nil
	case f.env["EXTAUTH_STATE_DIR"] != "":
		return f.env["EXTAUTH_STATE_DIR"], nil
	case os.Geteuid() == 0:
		return "/var/lib/extauth", nil
	case filepath.IsAbs(f.env["XDG_STATE_HOME"]):
		return filepath.Join(f.env["XDG_STATE_HOME"], "extauth"), nil
	case filepath.IsAbs(f.env["HOME"]):
		return filepath.Join(f.env["HOME"], ".local/state/extauth"), nil
	}
	return "", &configError{"no directory for the journal: give one with --state-dir"}
}
