package runner_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// credentials writes an env file that its owner alone can read.
func credentials(t testing.TB, text string) string {
	file := filepath.Join(t.TempDir(), "x.env")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// requireRefused: the file's line is named, and nothing that stands in it.
func requireRefused(t *testing.T, text string, line int, want string) {
	file := credentials(t, text)
	_, err := runner.ReadEnvFiles([]string{file})
	require.ErrorAs(t, err, new(*runner.EnvFileError), "%q", text)
	require.Contains(t, err.Error(), fmt.Sprintf("%s:%d: ", file, line), "%q", text)
	require.Contains(t, err.Error(), want, "%q", text)
	require.NotContains(t, err.Error(), "hunter", "%q", text)
}

func requireRead(t *testing.T, text string, want map[string]string) {
	variables, err := runner.ReadEnvFiles([]string{credentials(t, text)})
	require.NoError(t, err, "%q", text)
	require.Equal(t, want, variables, "%q", text)
}

// TestD03_ValuesThatWouldChange: what the parser would change is refused, and
// what is accepted arrives as it is written.
func TestD03_ValuesThatWouldChange(t *testing.T) {
	for value, want := range map[string]string{
		"pa$1hunter":    `'$' must be in single quotes`,
		"pa$hunter":     `'$' must be in single quotes`,
		"${X:-hunter}":  `'$' must be in single quotes`,
		`"pa$1hunter"`:  `'$' must be in single quotes`,
		"`hunter`":      "'`' must be in single quotes",
		`hunter\`:       `'\\' at the end must be in single quotes`,
		`"pa\thunter"`:  `'\\' must be in single quotes`,
		`"C:\hunter"`:   `'\\' must be in single quotes`,
		`"hunter\\"`:    "backslash",
		`'hunter\'`:     "backslash",
		"#hunter":       `'#' must be in single quotes`,
		`"hunter`:       "quote is not closed",
		`'hunter`:       "quote is not closed",
		`'hunter' junk`: "behind its closing quote",
		`"x" B=hunter`:  "behind its closing quote",
	} {
		requireRefused(t, "# one\nBEFORE=hunter1\nA="+value+"\nBEHIND=hunter2\n", 3, want)
	}
	for value, want := range map[string]string{
		`'pa$1word'`: "pa$1word", "'`x`'": "`x`", `'a\b'`: `a\b`, `'#c'`: "#c", `"a b"`: "a b", `'it"s'`: `it"s`, `"it's"`: "it's",
		"x#y": "x#y", "x #y": "x", `'x' #y`: "x", "": "", "''": "", `a\b`: `a\b`, "a=b==": "a=b==", "a b": "a b", "0012": "0012", "+1": "+1",
		"(a;b|c)&d!": "(a;b|c)&d!", "ü€": "ü€",
	} {
		requireRead(t, "A="+value+"\n", map[string]string{"A": want})
	}
}

// TestD04_NamesThatAreRefused: the name and the line are said.
func TestD04_NamesThatAreRefused(t *testing.T) {
	for _, name := range []string{
		"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PYTHONPATH", "PYTHONSTARTUP",
		"PERL5LIB", "PERL5OPT", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "CLASSPATH", "GCONV_PATH", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT",
		"DYLD_INSERT_LIBRARIES", "TERMINFO", "NLSPATH", "HOSTALIASES", "ZDOTDIR",
	} {
		requireRefused(t, "A=1\nexport "+name+"=/hunter\n", 2, name+" ")
	}
	requireRefused(t, "A=hunter1\nB=2\n\nA=hunter2\n", 4, "A is there already, in line 1")
	for _, line := range []string{"A", "export A", "export", "=hunter", "export =hunter", "'A'=hunter", "A B=hunter", "1A=hunter", "a.b=hunter", "A: hunter", "A-B=hunter", "Ä=hunter", "A[0]=hunter"} {
		requireRefused(t, "X=1\n"+line+"\n", 2, "expected NAME=value")
	}
	requireRead(t, "exportA=1\n_=2\na1_=3\n", map[string]string{"exportA": "1", "_": "2", "a1_": "3"})
}

// TestD05_TextThatIsNoText: a byte order mark and the line ends of DOS are
// tolerated, for people have editors; nothing else that is not plain text is.
func TestD05_TextThatIsNoText(t *testing.T) {
	requireRead(t, "\uFEFFA=1\r\n\r\n# two\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"})
	requireRead(t, "A=1\nB=2", map[string]string{"A": "1", "B": "2"})
	requireRead(t, "", map[string]string{})
	for _, text := range []string{"A=hunter\rB=1\n", "A=hun\x00ter\n", "A=hunter\xff\n", "A=\xe9hunter\n", "\xff\xfeA\x00=\x001\x00\n\x00", "\xfe\xff\x00A\x00=\x001\x00\n", "A=\xed\xa0\x80hunter\n"} {
		requireRefused(t, text, 1, "is not UTF-8 text")
	}
}

// TestD11_FileIsReplacedMeanwhile: another user's file, put in the place of
// root's between the look at it and the reading of it, is not used.
func TestD11_FileIsReplacedMeanwhile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only what root runs is checked")
	}
	program := script(t, "true")
	dir := t.TempDir()
	for _, file := range []struct{ name, ours, theirs string }{
		{"x.env", "A=ours\n", "A=theirs\n"},
		{"chain", "dehydrated " + program + " ours\n", "dehydrated " + program + " theirs\n"},
	} {
		ours, theirs := filepath.Join(dir, file.name+".ours"), filepath.Join(dir, file.name+".theirs")
		require.NoError(t, os.WriteFile(ours, []byte(file.ours), 0o600))
		require.NoError(t, os.WriteFile(theirs, []byte(file.theirs), 0o600))
		require.NoError(t, os.Chown(theirs, 65534, 65534))
	}
	place := func(name, whose string) {
		next := filepath.Join(dir, name+".next")
		require.NoError(t, os.Link(filepath.Join(dir, name+whose), next))
		require.NoError(t, os.Rename(next, filepath.Join(dir, name)))
		_ = os.Remove(next) // rename leaves it where both are one file
	}
	swapped := func(t *testing.T, name string, read func(path string) string) {
		place(name, ".ours")
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					place(name, ".theirs")
					place(name, ".ours")
				}
			}
		}()
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && !t.Failed(); {
			if got := read(filepath.Join(dir, name)); got != "" && got != "ours" {
				t.Errorf("%s: %s was read", name, got)
			}
		}
		close(stop)
		<-stopped
	}
	t.Run("env file", func(t *testing.T) {
		swapped(t, "x.env", func(path string) string {
			variables, _ := runner.ReadEnvFiles([]string{path})
			return variables["A"]
		})
	})
	t.Run("chain", func(t *testing.T) {
		swapped(t, "chain", func(path string) string {
			chain, err := runner.ReadChain(path)
			if err != nil {
				return ""
			}
			return chain[0].Command[1]
		})
	})
}

// TestD15_CommandStrings: no shell is used, so that what would mean something
// to one, and is not in quotes, is an error; the parser by itself would drop
// the rest of the line without a word.
func TestD15_CommandStrings(t *testing.T) {
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
		words, err := runner.Split(line)
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
		words, err := runner.Split(line)
		require.NoError(t, err, line)
		require.Equal(t, want, words, line)
	}
}

// TestE04_ProgramIsBusy: a program that somebody still writes to is tried again
// for a while, and is an error when it stays so; never a success.
func TestE04_ProgramIsBusy(t *testing.T) {
	for _, released := range []bool{true, false} {
		t.Run(fmt.Sprintf("released %v", released), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "dehydrated "+copied(t, "/bin/sh")+` -c 'echo "$1" >>"$LOG"' sh`)
			writer, err := os.OpenFile(w.Chain[0].Command[0], os.O_WRONLY, 0)
			require.NoError(t, err)
			defer writer.Close()
			if released {
				time.AfterFunc(100*time.Millisecond, func() { writer.Close() })
				require.NoError(t, w.run(perform("a.test")))
				require.Equal(t, []string{"deploy_challenge"}, w.log())
				return
			}
			err = w.run(perform("a.test"))
			require.ErrorIs(t, err, syscall.ETXTBSY)
			require.ErrorAs(t, err, new(*runner.StartError))
			require.ErrorContains(t, err, "text file busy")
			require.Empty(t, w.log())
			w.requireEmptyJournal()
		})
	}
}

// copied is a copy of a program, to be written to.
func copied(t *testing.T, program string) string {
	from, err := os.Open(program)
	require.NoError(t, err)
	defer from.Close()
	path := filepath.Join(t.TempDir(), "program")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return path
}

// TestE12_LineWithoutAnEnd: a handler that writes 200 KB without a line feed is
// never left waiting, whichever stream it is, and what is kept of it is capped.
func TestE12_LineWithoutAnEnd(t *testing.T) {
	for _, stream := range []string{"1", "2"} {
		t.Run("stream "+stream, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "dehydrated "+script(t, `[ "$1" = deploy_challenge ] || exit 0
				head -c 200000 /dev/zero | tr '\0' x >&`+stream+`; echo finished >>"$LOG"`))
			var output []byte
			w.Deliver = func(_ context.Context, text []byte) error { output = append(output, text...); return nil }
			ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
			defer cancel()
			require.NoError(t, w.Run(ctx, []envmap.Event{perform("a.test")}))
			require.Equal(t, []string{"finished"}, w.log())
			if stream == "1" {
				require.Equal(t, strings.Repeat("x", 32<<10), string(output))
				require.Empty(t, w.warnings)
				return
			}
			require.Empty(t, output)
			require.Len(t, w.warnings, 2)
			require.Regexp(t, `: x{1000,}$`, w.warnings[0])
			require.LessOrEqual(t, len(w.warnings[0]), 40<<10)
			require.Contains(t, w.warnings[1], "more was written, and dropped")
		})
	}
}
