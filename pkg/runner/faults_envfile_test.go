package runner

import (
	"strings"
	"testing"

	"github.com/joho/godotenv"
	"github.com/stretchr/testify/require"
)

// FuzzD02_AnyEnvFile: a parser that panics must not take a run with it that has
// something to undo ("A=#c" is what a later version of godotenv does not
// survive), and no error shows what stands in the file.
func FuzzD02_AnyEnvFile(f *testing.F) {
	for _, around := range [][2]string{
		{"A-B=1\nP=", "\nKEY=2\n"}, {`A="`, "\nB=1\n"}, {`A='`, "\nB=1\n"}, {"", "\n"}, {"A=$", "\nA=1\n"},
		{"A='x' ", "\n"}, {"export ", "\n"}, {"=", "\n"}, {"A: ", "\n"}, {"A=\x00", "\n"}, {"A=1\nA=", "\n"},
		{"LD_PRELOAD=", "\n"}, {"\xff", "\n"}, {"A=1\rB=", "\r"}, {"A=#c\nB=", "\n"}, {"A=`", "`\n"}, {"A=#", "\n"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, behind string) {
		_, err := parseEnv("f", []byte(before+"SENTINEL-hunter2"+behind))
		if err == nil {
			return
		}
		require.ErrorAs(t, err, new(*EnvFileError))
		require.NotContains(t, err.Error(), "SENTINEL")
		require.NotContains(t, err.Error(), "hunter2")
	})
}

// FuzzD03_AcceptedValuesArrive: a file that is accepted is read as a person
// would read it, and as godotenv does.
func FuzzD03_AcceptedValuesArrive(f *testing.F) {
	for _, text := range []string{
		"A=1\nB=2\n", "A='x' # y\n", "A=x #y\n", " export A = b \r\n\r\nB=\"c d\"", "A=#", "\uFEFFA=1", "A=a=b", "A: b=c", "A=b: c", "_=x",
		"A='b\"c'\nB=\"d'e\"", "A=\u00a0x\u00a0", "A=\v\fx", "export=1", "A=\\n", "A=a\\ b", "A=x'y'", "A=!%^&*()", "A= \nB=1", "A=\t#c\n",
		"A=\u2028x\u2028\n", "\u2028A=", "A\u2028=", "A='x'\u2028", "A=\u2028'pa$1word'\n", "A=x # y # z\n",
		"export\t=", "export\tA=1", "export\u0085A=1", "exportA =1", "export =1", "export=", "export \v A = 1", "export export=2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		variables, err := parseEnv("f", []byte(text))
		if err != nil {
			return
		}
		require.Equal(t, readPlainly(text), variables)
		theirs, err := godotenv.Unmarshal(strings.TrimPrefix(text, "\uFEFF"))
		require.NoError(t, err)
		require.Equal(t, theirs, variables)
	})
}

// readPlainly reads a faultless file: no escapes, no replacements.
func readPlainly(text string) map[string]string {
	variables := map[string]string{}
	for _, line := range strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n") {
		line = trimBlanks(line)
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if rest := strings.TrimPrefix(name, "export"); rest != strings.TrimLeft(rest, blanks) {
			name = rest
		}
		variables[trimBlanks(name)] = plainValue(trimBlanks(value))
	}
	return variables
}

func plainValue(value string) string {
	if value != "" && strings.ContainsAny(value[:1], `'"`) {
		inner, _, _ := strings.Cut(value[1:], value[:1])
		return inner
	}
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && trimBlanks(value[:i]) != value[:i] {
			return trimBlanks(value[:i])
		}
	}
	return value
}

// trimBlanks takes away what godotenv takes for a blank.
func trimBlanks(s string) string { return strings.Trim(s, " \t\v\f\r\u0085\u00a0") }
