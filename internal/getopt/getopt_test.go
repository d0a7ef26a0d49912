package getopt_test

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/getopt"
)

// words collects the values of an option.
type words []string

func (w *words) String() string         { return strings.Join(*w, " ") }
func (w *words) Set(value string) error { *w = append(*w, value); return nil }

// found is what a program's options are read into.
type found struct {
	Text    string
	Number  int
	Yes, No bool
	Wait    time.Duration
	Words   words
	Odd     string
}

// odd takes a word of an odd length.
func (f *found) odd(value string) error {
	if f.Odd = value; len(value)%2 == 0 {
		return errors.New("is even")
	}
	return nil
}

func (f *found) no(value string) error { f.No = value == "true"; return nil }

func (f *found) set() *getopt.Set {
	set := new(getopt.Set)
	set.String(&f.Text, "t", "text")
	set.Int(&f.Number, "", "number")
	set.Bool(&f.Yes, "y", "yes")
	set.Duration(&f.Wait, "", "wait")
	set.Var(&f.Words, "w", "words")
	set.Func("odd", "", f.odd)
	set.BoolFunc("no", "", f.no)
	return set
}

// flags is the same for package flag.
func (f *found) flags() *flag.FlagSet {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, name := range []string{"t", "text"} {
		set.StringVar(&f.Text, name, "", "")
	}
	set.IntVar(&f.Number, "number", 0, "")
	for _, name := range []string{"y", "yes"} {
		set.BoolVar(&f.Yes, name, false, "")
	}
	set.DurationVar(&f.Wait, "wait", 0, "")
	for _, name := range []string{"w", "words"} {
		set.Var(&f.Words, name, "")
	}
	set.Func("odd", "", f.odd)
	set.BoolFunc("no", "", f.no)
	return set
}

// FuzzParse: what package flag reads is read, and what it refuses is refused.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"", "-", "--", "-t", "-t a", "--text=a b", "-text= b", "--text -- b", "-y -- -y", "--yes=false x", "-yes=maybe", "-no a", "--no=false",
		"--number 12", "--number=x", "--number=0x10", "--wait 90s -y", "--wait=x", "-w a -w b --words c", "--odd abc", "--odd ab", "---t", "-=", "--=a", "-t=",
		"-h", "--help", "--what", "-x=1", "a -t b", "-ty",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		var ours, theirs found
		set, flags := ours.set(), theirs.flags()
		err, want := set.Parse(args), flags.Parse(args)
		require.Equal(t, want == nil, err == nil, "%v, %v", want, err)
		require.Equal(t, errors.Is(want, flag.ErrHelp), errors.Is(err, getopt.ErrHelp))
		require.Equal(t, theirs, ours)
		if want != nil {
			return
		}
		require.Equal(t, flags.Args(), set.Args())
		flags.Visit(func(option *flag.Flag) { require.True(t, set.Has(option.Name)) })
	})
}

// TestMessages: options are named as they are typed.
func TestMessages(t *testing.T) {
	for line, message := range map[string]string{
		"--what":     "unknown option --what",
		"-x":         "unknown option -x",
		"-what=1":    "unknown option --what",
		"--text":     "no value for option --text",
		"-t":         "no value for option -t",
		"---t":       `"---t" is no option`,
		"--wait x":   `invalid value "x" for flag -wait: parse error`,
		"--odd ab":   `invalid value "ab" for flag -odd: is even`,
		"-y=perhaps": `invalid value "perhaps" for flag -y: parse error`,
	} {
		var f found
		require.EqualError(t, f.set().Parse(strings.Split(line, " ")), message)
	}
}

// TestParseAgain: options may stand behind an operand, too.
func TestParseAgain(t *testing.T) {
	var f found
	set := f.set()
	require.NoError(t, set.Parse([]string{"-t", "a", "operand", "-y", "rest"}))
	require.Equal(t, []string{"operand", "-y", "rest"}, set.Args())
	require.NoError(t, set.Parse(set.Args()[1:]))
	require.Equal(t, []string{"rest"}, set.Args())
	require.Equal(t, []string{"t", "y"}, set.Given())
	require.Equal(t, found{Text: "a", Yes: true}, f)
}

// TestSet: a value may come from elsewhere.
func TestSet(t *testing.T) {
	var f found
	set := f.set()
	require.NoError(t, set.Set("odd", "abc"))
	require.EqualError(t, set.Set("odd", "ab"), "is even")
	require.Equal(t, "ab", f.Odd)
	require.True(t, set.Has("odd"))
	require.False(t, set.Has("yes"))
}
