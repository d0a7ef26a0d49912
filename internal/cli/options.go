package cli

import (
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/extauth/extauth/internal/commandline"
)

// Options are those that several programs have.
type Options struct {
	To       string
	Chain    string
	Handler  string // for clients that can be given a path only
	StateDir string
	EnvFiles []string
	Timeout  time.Duration
	DryRun   bool
	Verbose  bool
	Trace    string
	Exec     bool // become the handler
}

// Register registers the options of front ends.
func (o *Options) Register(set *flag.FlagSet) {
	set.StringVar(&o.To, "to", "", "")
	Short(set, "t", "to")
	set.StringVar(&o.Chain, "chain", "", "")
	Short(set, "c", "chain")
	set.BoolVar(&o.DryRun, "dry-run", false, "")
	Short(set, "n", "dry-run")
	set.StringVar(&o.Trace, "trace", "", "")
	o.RegisterEnvFiles(set)
	o.RegisterRunner(set)
}

// RegisterExec registers --exec, for front ends of clients.
func (o *Options) RegisterExec(set *flag.FlagSet) { set.BoolVar(&o.Exec, "exec", false, "") }

// Execs reports whether the process is to become the handler: by --exec, or by the
// environment for clients that can be given a path only.
func (p *Program) Execs() (bool, error) {
	value := p.Env["EXTAUTH_EXEC"]
	switch {
	case p.Options.Exec || value == "1":
		return true, nil
	case value == "" || value == "0":
		return false, nil
	}
	return false, Config("EXTAUTH_EXEC is neither 0 nor 1 (got %q)", value)
}

// RegisterRunner registers the options of programs that run handlers.
func (o *Options) RegisterRunner(set *flag.FlagSet) {
	set.StringVar(&o.StateDir, "state-dir", "", "")
	set.Func("timeout", "", Positive(&o.Timeout))
	o.RegisterVerbose(set)
}

// RegisterVerbose registers --verbose.
func (o *Options) RegisterVerbose(set *flag.FlagSet) {
	set.BoolVar(&o.Verbose, "verbose", false, "")
	Short(set, "v", "verbose")
}

// RegisterEnvFiles registers --env-file.
func (o *Options) RegisterEnvFiles(set *flag.FlagSet) {
	set.Func("env-file", "", func(file string) error {
		o.EnvFiles = append(o.EnvFiles, file)
		return nil
	})
	Short(set, "e", "env-file")
}

// HandlerWords returns the words of --handler.
func (o *Options) HandlerWords() ([]string, error) {
	if o.Handler == "" {
		return nil, nil
	}
	words, err := commandline.Split(o.Handler)
	if err != nil {
		return nil, Usage("--handler %w", err)
	}
	return words, nil
}

// stateDir is the journal's directory.
func (o *Options) stateDir(env map[string]string) (string, error) {
	switch {
	case o.StateDir != "":
		return o.StateDir, nil
	case env["EXTAUTH_STATE_DIR"] != "":
		return env["EXTAUTH_STATE_DIR"], nil
	case os.Geteuid() == 0:
		return "/var/lib/extauth", nil
	case filepath.IsAbs(env["XDG_STATE_HOME"]):
		return filepath.Join(env["XDG_STATE_HOME"], "extauth"), nil
	case filepath.IsAbs(env["HOME"]):
		return filepath.Join(env["HOME"], ".local/state/extauth"), nil
	}
	return "", Config("no directory for the journal: give one with --state-dir")
}
