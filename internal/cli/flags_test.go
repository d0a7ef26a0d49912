package cli

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// parse parses words with the options of front ends, and --jobs.
func parse(args ...string) (p *Program, given, left []string, err error) {
	var jobs JobCount
	p = New(IO{Args: append([]string{"extauth-x"}, args...), Stdout: new(bytes.Buffer)}, "extauth-x", "Usage: extauth-x\n", "")
	set := p.NewFlags()
	p.Options.Register(set)
	set.Var(&jobs, "jobs", "")
	err = p.Parse(set, p.Args[1:])
	return p, Given(set), set.Args(), err
}

// TestOptionErrors: errors name an option as it was typed.
func TestOptionErrors(t *testing.T) {
	for _, fault := range []struct {
		want string
		args []string
	}{
		{"unknown option --frobnicate", []string{"--frobnicate"}},
		{"unknown option --frobnicate", []string{"-frobnicate=1"}},
		{"unknown option -q", []string{"-q"}},
		{"option --to needs a value", []string{"-v", "--to"}},
		{"option -t needs a value", []string{"-t"}},
		{`invalid value "x" for option --jobs: not a number from 1 to 64`, []string{"--jobs", "x"}},
		{`invalid value "soon" for option --timeout: not a duration such as 90s or 5m`, []string{"--timeout=soon"}},
		{`invalid value "0s" for option --timeout: must be more than 0`, []string{"--timeout", "0s"}},
		{`invalid boolean value "maybe" for option -v: parse error`, []string{"-v=maybe"}},
	} {
		_, _, _, err := parse(fault.args...)
		require.EqualError(t, err, fault.want, fault.args)
		require.Equal(t, StatusUsage, Status(err))
	}
}

// TestOptionNames: both names of an option set the same value, and the first
// operand or -- ends the options.
func TestOptionNames(t *testing.T) {
	for _, args := range [][]string{
		{"-t", "json", "-v", "-e", "a", "--env-file=b", "run", "--to", "x"},
		{"--to", "json", "--verbose", "--env-file", "a", "-e", "b", "--", "run", "--to", "x"},
	} {
		p, _, left, err := parse(args...)
		require.NoError(t, err)
		require.Equal(t, Options{To: "json", Verbose: true, EnvFiles: []string{"a", "b"}}, p.Options)
		require.Equal(t, []string{"run", "--to", "x"}, left)
	}
	_, given, _, err := parse("-t", "json", "--jobs", "2")
	require.NoError(t, err)
	require.Equal(t, []string{"jobs", "t"}, given)
}

// TestHelp is answered on standard output, by each of its names.
func TestHelp(t *testing.T) {
	for _, option := range []string{"--help", "-help", "-h"} {
		p, _, _, err := parse(option)
		require.ErrorIs(t, err, ErrDone)
		require.Equal(t, "Usage: extauth-x\n", p.Stdout.(*bytes.Buffer).String())
	}
}
