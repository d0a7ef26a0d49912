package commandline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/commandline"
)

// TestCommandStrings: no shell is used, so that what would mean something
// to one, and is not in quotes, is an error; the parser by itself would drop
// the rest of the line without a word.
func TestCommandStrings(t *testing.T) {
	for line, want := range map[string]string{
		"h a; rm -rf /": `unquoted ';' at character 4`,
		"h a|b":         `unquoted '|' at character 4`,
		"h a&b":         `unquoted '&' at character 4`,
		"h a && b":      `unquoted '&' at character 5`,
		"h a>b":         `unquoted '>' at character 4`,
		"h 2>x":         `unquoted '>' at character 4`,
		"h <x":          `unquoted '<' at character 3`,
		";h":            `unquoted ';' at character 1`,
		"é ';' a;b":     `unquoted ';' at character 8`,
		"":              "is empty",
		"   ":           "is empty",
		"h )x":          "stray bracket",
		`h a" b`:        "unfinished quote",
		"h 'a":          "unfinished quote",
		`h \`:           "unfinished quote",
		"h \xff":        "is not UTF-8",
		"h a\x00b":      "control character",
		"h 'a\nb'":      "control character",
		"h \"a\x1bb\"":  "control character",
	} {
		words, err := commandline.Split(line)
		require.ErrorContains(t, err, want, "%q: %q", line, words)
	}
	for line, want := range map[string][]string{
		"h # c":                   {"h", "#", "c"},
		"h *.txt ~ $HOME":         {"h", "*.txt", "~", "$HOME"},
		"h `id` '$(id)' \"${X}\"": {"h", "`id`", "$(id)", "${X}"},
		`h 'C:\dir' "a b" c\ d`:   {"h", `C:\dir`, "a b", "c d"},
		`h '' "" -- -x`:           {"h", "", "", "--", "-x"},
		`A=b h`:                   {"A=b", "h"},
	} {
		words, err := commandline.Split(line)
		require.NoError(t, err, line)
		require.Equal(t, want, words, line)
	}
}

func TestQuote(t *testing.T) {
	line := commandline.Quote("/bin/x", "A=b", "C=d e", "", "it's", "a b=c", "-n", "~")
	require.Equal(t, `/bin/x A=b C='d e' '' 'it'\''s' 'a b=c' -n '~'`, line)
}

func FuzzQuote(f *testing.F) {
	f.Add("it's", "a b")
	f.Add("", "\\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		words, err := commandline.Split(commandline.Quote("x", first, second))
		if err == nil { // a control character or bytes that are not UTF-8 are refused
			require.Equal(t, []string{"x", first, second}, words)
		}
	})
}
