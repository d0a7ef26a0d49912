package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/extauth/extauth/internal/getopt"
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

// Set adds one.
func (f *files) Set(value string) error { *f = append(*f, value); return nil }

// errDone ends a program that has nothing more to do.
var errDone = errors.New("done")

// flags registers the options.
func (f *front) flags() *getopt.Set {
	o, set := &f.options, new(getopt.Set)
	set.String(&o.to, "t", "to")
	set.String(&o.chain, "c", "chain")
	set.Var(&o.envFiles, "e", "env-file")
	set.Bool(&o.dryRun, "n", "dry-run")
	set.Bool(&o.verbose, "v", "verbose")
	set.Duration(&o.timeout, "", "timeout")
	set.String(&o.stateDir, "", "state-dir")
	set.String(&o.trace, "", "trace")
	set.Bool(&o.version, "", "version")
	return set
}

// parse reads options up to the first operand. --help and --version are
// answered here, with errDone.
func (f *front) parse(set *getopt.Set, args []string) error {
	err := set.Parse(args)
	switch {
	case errors.Is(err, getopt.ErrHelp):
		return f.answer(f.help())
	case err != nil:
		return &usageError{err.Error()}
	case f.options.version:
		return f.answer(fmt.Sprintf("%s %s\n", f.name, version()))
	case f.options.timeout < 0 || set.Has("timeout") && f.options.timeout == 0:
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
