package envfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joho/godotenv"
	"github.com/stretchr/testify/require"
)

func requireRead(t *testing.T, text string, want map[string]string) {
	t.Helper()
	variables, err := parse("f", text)
	require.NoError(t, err, "%q", text)
	require.Equal(t, want, variables, "%q", text)
}

// requireRefused: the line is named, and nothing of what is in it.
func requireRefused(t *testing.T, text string, line int, want string) {
	t.Helper()
	_, err := parse("f", text)
	require.ErrorAs(t, err, new(*Error), "%q", text)
	require.Contains(t, err.Error(), fmt.Sprintf("f:%d: ", line), "%q", text)
	require.Contains(t, err.Error(), want, "%q", text)
	require.NotContains(t, err.Error(), "hunter", "%q", text)
}

func TestLines(t *testing.T) {
	requireRead(t, "\uFEFF# a comment\n\nA=1\r\n export B = two words # why\nC='pa$$ \\w#d' # why\nD=\"a b\"\nE=\nF=x#y\nG_1=a=b\nH: x # y # z\nI:\nJ : 'y'", map[string]string{
		"A": "1", "B": "two words", "C": `pa$$ \w#d`, "D": "a b", "E": "", "F": "x#y", "G_1": "a=b", "H": "x", "I": "", "J": "y",
	})
	requireRead(t, "exportA=1\n_=2\na1_=3\nexport=4\nexport export_=5\n", map[string]string{"exportA": "1", "_": "2", "a1_": "3", "export": "4", "export_": "5"})
}

// TestSeveralLines: those of a value in quotes.
func TestSeveralLines(t *testing.T) {
	requireRead(t, "A='one\ntwo=2 # \"x\"\r\n\n'\nB=\"one\n \\\"two\\\"\n\"# why\nC=3\n", map[string]string{
		"A": "one\ntwo=2 # \"x\"\n\n", "B": "one\n \"two\"\n", "C": "3",
	})
	requireRefused(t, "A='one\ntwo'\nB=\"\n\n\"\nC=$hunter\n", 6, "'$' must be")
	requireRefused(t, "A=1\nB='hunter1\nC='hunter2'\n", 2, "its quote is not closed")
}

// TestPassword: it has all that quotes are for, and can be written.
func TestPassword(t *testing.T) {
	for _, password := range []string{
		"it's $5 `id` \"x\" \\n", `'$ ` + "`" + `"`, `"`, `""`, `\`, `\\`, `"\`, `\"`, `$`, `\$`, `$(id)`, `${HOME}`, "'", "\"'", "a'\n\"b", ".", `'."`, " a ", "\tb\r\n", "#c", "!'", `\n'`,
	} {
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`", "!", `\!`, "\n", `\n`, "\r", `\r`).Replace(password)
		requireRead(t, "HOME=x\nA=\""+escaped+"\"\nB='x'\n", map[string]string{"A": password, "B": "x", "HOME": "x"})
		escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\r", `\r`).Replace(password) // as few as must be
		requireRead(t, "A=\""+escaped+"\" # \"'", map[string]string{"A": password})
	}
}

// TestValuesThatWouldChange: what godotenv would change is refused, and what
// is accepted arrives as it is written.
func TestValuesThatWouldChange(t *testing.T) {
	for value, want := range map[string]string{
		"pa$1hunter":         `'$' must be in single quotes`,
		"pa$hunter":          `'$' must be in single quotes`,
		`pa\$hunter`:         `'$' must be in single quotes`,
		"${X:-hunter}":       `'$' must be in single quotes`,
		`"pa$1hunter"`:       `'$' must be in single quotes`,
		`"pa\\$hunter"`:      `'$' must be in single quotes`,
		"`hunter`":           "'`' must be in single quotes",
		`hunter\`:            `'\\' must be in single quotes, or after a backslash in double quotes`,
		`hunter\ # x`:        `'\\' must be in single quotes, or after a backslash in double quotes`,
		`"pa\thunter"`:       `'\\' must be in single quotes`,
		`"C:\hunter"`:        `'\\' must be in single quotes`,
		`"it\'s hunter"`:     `'\\' must be in single quotes`,
		"\"hun\\\nter\"":     `'\\' must be in single quotes`,
		"\"hun\n$ter\"":      `'$' must be in single quotes`,
		`'hunter\'`:          "backslash",
		"#hunter":            `'#' must be in quotes`,
		" #hunter":           `'#' must be in quotes`,
		`"hunter`:            "quote is not closed",
		`"hunter\"`:          "quote is not closed",
		`"hunter\`:           "quote is not closed",
		`'hunter`:            "quote is not closed",
		`'hunter' junk`:      "after its closing quote",
		`'it\'hunter'`:       "after its closing quote",
		`'it'\''hunter'`:     "after its closing quote",
		`"it""hunter"`:       "after its closing quote",
		`"x" B=hunter`:       "after its closing quote",
		"'x'\u2028#hunter":   "after its closing quote",
		"'x\n' hunter":       "after it in another line",
		"\u2028'pa$1hunter'": `'$' must be in single quotes`,
	} {
		requireRefused(t, "# one\nBEFORE=hunter1\nA="+value+"\nAFTER=hunter2\n", 3, want)
	}
	for value, want := range map[string]string{
		`'pa$1word'`: "pa$1word", "'`x`'": "`x`", `'a\b'`: `a\b`, `'#c'`: "#c", `"a b"`: "a b", `'it"s'`: `it"s`, `"it's"`: "it's",
		"x#y": "x#y", "x #y": "x", "x #y #z": "x", "x\t#y": "x", `'x' #y`: "x", `'x'#y`: "x", "": "", "''": "", `""`: "", `a\b`: `a\b`, "a=b==": "a=b==",
		"a b": "a b", "0012": "0012", "+1": "+1", "(a;b|c)&d!": "(a;b|c)&d!", "ü€": "ü€", `x'y"z`: `x'y"z`, `"hunter\\"`: `hunter\`, `"say \"x\""`: `say "x"`,
		"\"`x` \\!\\`\"": "`x` !`", `"a\nb\\n"`: "a\nb\\n", `"\$1\${x}\$(id)"`: "$1${x}$(id)", "a:b": "a:b", "\u2028x\u2028": "\u2028x\u2028",
	} {
		requireRead(t, "A="+value+"\n", map[string]string{"A": want})
		requireRead(t, "export A: "+value, map[string]string{"A": want})
	}
}

// TestRefusedNames: the name and the line are in the message.
func TestRefusedNames(t *testing.T) {
	for _, name := range []string{
		"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PYTHONPATH", "PYTHONSTARTUP",
		"PERL5LIB", "PERL5OPT", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "CLASSPATH", "GCONV_PATH", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT",
		"DYLD_INSERT_LIBRARIES", "TERMINFO", "NLSPATH", "HOSTALIASES", "ZDOTDIR",
	} {
		for _, assignment := range []string{"=/hunter", ": 'hunter'", " = \"hunter\n\""} {
			requireRefused(t, "A=1\nexport "+name+assignment+"\n", 2, name+" may not be set")
		}
	}
	requireRefused(t, "A=hunter1\nB=2\n\nA: 'hunter2'\n", 4, "duplicate variable A (first in line 1)")
	for _, line := range []string{
		"A", "export A", "export", "=hunter", "export =hunter", "export : hunter", "'A'=hunter", "A B=hunter", "1A=hunter", "a.b=hunter", "A-B=hunter",
		"Ä=hunter", "A[0]=hunter", "A:hunter", "A:'hunter'", "A:=hunter", "https://hunter", ": hunter", "- A=hunter", "A+=hunter", "A?=hunter", "\u2028A=hunter",
	} {
		requireRefused(t, "X=1\n"+line+"\n", 2, "expected NAME=value")
		requireRefused(t, "X=1\n"+line, 2, "expected NAME=value")
	}
}

// TestFileIsNotText: a byte order mark and the line ends of DOS are
// tolerated, since there are editors; anything else that is not plain text is
// not.
func TestFileIsNotText(t *testing.T) {
	requireRead(t, "\uFEFFA=1\r\n\r\n# two\r\nB='2'\r\n", map[string]string{"A": "1", "B": "2"})
	requireRead(t, "A=1\nB=2", map[string]string{"A": "1", "B": "2"})
	requireRead(t, "", map[string]string{})
	for _, text := range []string{
		"A=hunter\rB=1\n", "A=hun\x00ter\n", "A=hunter\xff\n", "A=\xe9hunter\n", "\xff\xfeA\x00=\x001\x00\n\x00", "\xfe\xff\x00A\x00=\x001\x00\n", "A=\xed\xa0\x80hunter\n",
		"A='\nhun\x00ter'\n", "A=\"x\n\xff\"\n", "A='x\n' # \xff\n", "A='hun\rter'\n", "A=hunter\r\r\n", "# \xff\n",
	} {
		requireRefused(t, text, 1, "is not UTF-8 text")
	}
}

// TestAllFaultsAtOnce: each line is judged, also those after a quote that was
// forgotten.
func TestAllFaultsAtOnce(t *testing.T) {
	_, err := parse("f", "A-B=hunter1\nhunter2\nOPEN=\"hunter3\nSINGLE='hunter4\nJUNK='hunter5' hunter6\nOK=hunter7\nD=$hunter8\n")
	require.EqualError(t, err, "f:1: expected NAME=value\nf:2: expected NAME=value\n"+
		"f:3: its quote is not closed, or has something after it in another line\n"+
		"f:4: its quote is not closed, or has something after it in another line\n"+
		"f:5: has something after its closing quote\n"+
		"f:7: '$' must be in single quotes, or after a backslash in double quotes")
}

// TestFilesOfOneRead: later ones win, and may repeat a variable.
func TestFilesOfOneRead(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1.env"), filepath.Join(dir, "2.env")
	require.NoError(t, os.WriteFile(first, []byte("A=1\nB=1\n"), 0o600))
	require.NoError(t, os.WriteFile(second, []byte("B=2\n"), 0o600))
	variables, err := Read(first, second)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "1", "B": "2"}, variables)
	_, err = Read(first, dir)
	require.ErrorAs(t, err, new(*Error))
	_, err = Read(filepath.Join(dir, "missing"), first)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(second, []byte("hunter\n"), 0o600))
	_, err = Read(first, second)
	require.EqualError(t, err, second+":1: expected NAME=value")
}

// FuzzRead: a parser that panics must not take a run with it that has
// something to undo, and no error shows what is in the file.
func FuzzRead(f *testing.F) {
	for _, around := range [][2]string{
		{"A-B=1\nP=", "\nKEY=2\n"}, {`A="`, "\nB=1\n"}, {`A='`, "\nB=1\n"}, {"", "\n"}, {"A=$", "\nA=1\n"},
		{"A='x' ", "\n"}, {"export ", "\n"}, {"=", "\n"}, {"A: ", "\n"}, {"A=\x00", "\n"}, {"A=1\nA=", "\n"},
		{"LD_PRELOAD=", "\n"}, {"\xff", "\n"}, {"A=1\rB=", "\r"}, {"A=#c\nB=", "\n"}, {"A=`", "`\n"}, {"A=#", "\n"},
		{"A=\"x\\", "\"\n"}, {"A='\n", "\n' x"}, {"A: \"\\", "\""},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		variables, err := parse("f", before+"SENTINEL-hunter2"+after)
		if err == nil {
			return
		}
		require.Empty(t, variables)
		require.ErrorAs(t, err, new(*Error))
		require.NotContains(t, err.Error(), "SENTINEL")
		require.NotContains(t, err.Error(), "hunter2")
	})
}

// FuzzAcceptedValuesArrive: a file that is accepted is read as a person
// would read it, and as godotenv does, but for what that loses.
func FuzzAcceptedValuesArrive(f *testing.F) {
	for _, text := range []string{
		"A=1\nB=2\n", "A='x' # y\n", "A=x #y\n", " export A = b \r\n\r\nB=\"c d\"", "A=#", "\uFEFFA=1", "A=a=b", "A: b=c", "A=b: c", "_=x",
		"A='b\"c'\nB=\"d'e\"", "A=\u00a0x\u00a0", "A=\v\fx", "export=1", "A=\\n", "A=a\\ b", "A=x'y'", "A=!%^&*()", "A= \nB=1", "A=\t#c\n",
		"A=\u2028x\u2028\n", "\u2028A=", "A\u2028=", "A='x'\u2028", "A=\u2028'pa$1word'\n", "A=x # y # z\n",
		"export\t=", "export\tA=1", "export\u0085A=1", "exportA =1", "export =1", "export=", "export \v A = 1", "export export=2",
		"A=\"x\n\\\"y\\$\\n\\\\\"# z\nB: 'x\n\ny'", "A=\"\\\"\"", "A=\"\\\\\"", "A=\"\\\\\\$A\"", "A:\nB: \n", "A=\"\\\\n\\r\\!\"", "A=\"\\\n\"", "A='\\'\nB='",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		variables, err := parse("f", text)
		if err != nil {
			return
		}
		plain := &plainReader{text: strings.ReplaceAll(strings.TrimPrefix(text, "\uFEFF"), "\r\n", "\n")}
		require.Equal(t, plain.read(), variables)
		theirs, err := godotenv.Unmarshal(strings.TrimPrefix(text, "\uFEFF"))
		if !plain.lossy {
			require.NoError(t, err)
			require.Equal(t, theirs, variables)
		}
	})
}

// plainReader reads a faultless file, a byte after another.
type plainReader struct {
	text  string
	lossy bool // godotenv reads it in another way
}

const blanks = " \t\v\f\r\u0085\u00a0"

func (r *plainReader) read() map[string]string {
	variables := map[string]string{}
	for r.text != "" {
		r.text = strings.TrimLeft(r.text, blanks+"\n")
		if strings.HasPrefix(r.text, "#") {
			r.line()
			continue
		}
		if r.text == "" {
			break
		}
		at := strings.IndexAny(r.text, "=:")
		name := strings.Trim(r.text[:at], blanks)
		if rest := strings.TrimPrefix(name, "export"); rest != strings.TrimLeft(rest, blanks) {
			name = strings.TrimLeft(rest, blanks)
		}
		r.text = strings.TrimLeft(r.text[at+1:], blanks)
		variables[name] = r.value()
	}
	return variables
}

func (r *plainReader) line() string {
	line, rest, _ := strings.Cut(r.text, "\n")
	r.text = rest
	return line
}

func (r *plainReader) value() string {
	if r.text == "" || r.text[0] != '\'' && r.text[0] != '"' {
		line := r.line()
		for i := 1; i < len(line); i++ {
			if line[i] == '#' && strings.Trim(line[:i], blanks) != line[:i] {
				r.lossy = r.lossy || strings.Contains(line[i+1:], "#")
				return strings.Trim(line[:i], blanks)
			}
		}
		return strings.Trim(line, blanks)
	}
	quote, value := r.text[0], ""
	for i := 1; ; i++ {
		c := r.text[i]
		switch {
		case c == quote:
			r.text = r.text[i+1:]
			r.line()
			return value
		case c == '\\' && quote == '"':
			i++
			r.lossy = r.lossy || i+1 < len(r.text) && r.text[i+1] == '"'
			value += map[byte]string{'n': "\n", 'r': "\r", '\\': `\`, '"': `"`, '$': "$", '`': "`", '!': "!"}[r.text[i]]
		default:
			value += string([]byte{c})
		}
	}
}
