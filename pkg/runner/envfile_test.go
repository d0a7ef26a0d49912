package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvFileLines(t *testing.T) {
	got, err := parseEnv("f", []byte("\uFEFF# a comment\n\nA=1\r\n export B = two words # why\nC='pa$$ \\w#d' # why\nD=\"a b\"\nE=\nF=x#y\nG_1=a=b\n"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"A": "1", "B": "two words", "C": `pa$$ \w#d`, "D": "a b", "E": "", "F": "x#y", "G_1": "a=b",
	}, got)
}

// TestEnvFileFaults: each names the line, and shows nothing of the file.
func TestEnvFileFaults(t *testing.T) {
	for line, want := range map[string]string{
		"SENTINEL": "expected NAME=value", "export SENTINEL": "expected NAME=value", "=SENTINEL": "expected NAME=value",
		"A-B=SENTINEL": "expected NAME=value", "1A=SENTINEL": "expected NAME=value", "A: SENTINEL": "expected NAME=value",
		"A=SENTI$NEL": "'$' must be in single quotes", `A="SENTI$NEL"`: "'$' must be in single quotes",
		"A=${SENTINEL:-x}": "'$' must be in single quotes", "A=SENTINEL`id`": "'`' must be in single quotes",
		`A="C:\SENTINEL"`: `'\\' must be in single quotes`, `A=SENTINEL\`: `'\\' at the end`, "A=#SENTINEL": "'#' must be",
		`A="SENTINEL`: "quote is not closed", "A='SENTINEL": "quote is not closed", `A='SENTINEL\'`: "backslash before the closing quote",
		"A='x' SENTINEL": "behind its closing quote", `A="x" B=SENTINEL`: "behind its closing quote",
		"A=SENTI\xffNEL": "not UTF-8", "A=SENTI\x00NEL": "not UTF-8", "A=x\rB=SENTINEL": "not UTF-8",
		"PATH=/SENTINEL": "PATH may not be set", "LD_PRELOAD=/SENTINEL": "LD_PRELOAD may not", "BASH_ENV=/SENTINEL": "BASH_ENV may not",
	} {
		_, err := parseEnv("f", []byte("OK=SENTINEL-before\n"+line+"\nTOO=SENTINEL-behind\n"))
		require.ErrorAs(t, err, new(*EnvFileError), line)
		require.Contains(t, err.Error(), "f:2: ", line)
		require.Contains(t, err.Error(), want, line)
		require.NotContains(t, err.Error(), "SENTINEL", line)
	}
	_, err := parseEnv("f", []byte("A=1\nB=2\nA=3\n"))
	require.EqualError(t, err, "f:3: A is there already, in line 1")
}

// FuzzEnvFile: an accepted value arrives as it is written; an error shows
// nothing of the file.
func FuzzEnvFile(f *testing.F) {
	f.Add("A=1\nB='x y' # c\nexport C=\"d\"\n")
	f.Add("A=SENTINEL$x\n'")
	f.Fuzz(func(t *testing.T, text string) {
		variables, err := parseEnv("f", []byte(text))
		if err != nil {
			require.Empty(t, variables)
			return
		}
		for name, value := range variables {
			require.True(t, isVariable(name), "%q", name)
			require.Contains(t, text, value)
			require.False(t, strings.ContainsAny(value, "\x00\n"), "%q", value)
		}
	})
}

func TestEnvFileMustBeAFile(t *testing.T) {
	directory := t.TempDir()
	_, err := ReadEnvFiles([]string{directory})
	require.ErrorAs(t, err, new(*EnvFileError))
	_, err = ReadEnvFiles([]string{filepath.Join(directory, "missing")})
	require.ErrorIs(t, err, os.ErrNotExist)
}
