package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode/utf8"
)

// maxEnvFile is the size of a dotenv file, in bytes.
const maxEnvFile = 1 << 20

// EnvFileError refuses a dotenv file. It never shows what is in it.
type EnvFileError struct{ Faults []error }

func (e *EnvFileError) Error() string { return errors.Join(e.Faults...).Error() }

// ReadEnvFiles reads dotenv files, later over earlier. The error is an
// *EnvFileError, a *UnsafeError or a *fs.PathError.
func ReadEnvFiles(files []string) (map[string]string, error) {
	all := map[string]string{}
	for _, file := range files {
		text, err := readSafely(file)
		if err != nil {
			return nil, err
		}
		variables, err := parseEnv(file, text)
		if err != nil {
			return nil, err
		}
		for name, value := range variables {
			all[name] = value
		}
	}
	return all, nil
}

// readSafely reads a regular file of credentials that nobody else can read or
// write. The file that is looked at is the one that is read.
func readSafely(file string) ([]byte, error) {
	odd := &EnvFileError{[]error{fmt.Errorf("%s: is not a regular file of at most %d bytes", file, maxEnvFile)}}
	text, err := readChecked(file, syscall.O_NONBLOCK, func(info fs.FileInfo) error {
		if !info.Mode().IsRegular() || info.Size() > maxEnvFile {
			return odd
		}
		return checkSecret(file, info)
	})
	if errors.Is(err, syscall.ENXIO) { // a socket cannot even be opened
		return nil, odd
	}
	return text, err
}

// parseEnv reads NAME=value lines. What a line may be is what godotenv takes as
// it is written: what that would quietly change, as a $ or a backslash, is
// refused. The rest is plain enough to be read here; godotenv itself compiles
// expressions whenever a program starts that links it, with or without a file,
// and judges in the tests instead.
func parseEnv(file string, text []byte) (map[string]string, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	var faults []error
	variables, lines := map[string]string{}, map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		name, value, err := parseEnvLine(strings.TrimSuffix(line, "\r"))
		switch {
		case err == nil && name == "":
			continue
		case err == nil && lines[name] > 0:
			err = fmt.Errorf("%s is there already, in line %d", name, lines[name])
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, i+1, err))
			continue
		}
		variables[name], lines[name] = value, i+1
	}
	if len(faults) > 0 {
		return nil, &EnvFileError{faults}
	}
	return variables, nil
}

// parseEnvLine returns what a line sets; no name for a blank or a comment.
func parseEnvLine(line string) (name, value string, err error) {
	if !utf8.ValidString(line) || strings.ContainsAny(line, "\x00\r") {
		return "", "", errors.New("is not UTF-8 text")
	}
	line = strings.Trim(line, blanks)
	if line == "" || line[0] == '#' {
		return "", "", nil
	}
	name, value, assigned := strings.Cut(withoutExport(line), "=")
	name = strings.Trim(name, blanks)
	if !assigned || !isVariable(name) {
		return "", "", errors.New("expected NAME=value")
	}
	if name == "PATH" || Injects(name, "") {
		return "", "", fmt.Errorf("%s may not be set: it would make handlers run other code", name)
	}
	value, err = parseEnvValue(strings.Trim(value, blanks))
	return name, value, err
}

// withoutExport takes away the word that a shell needs before a name.
func withoutExport(line string) string {
	rest, begins := strings.CutPrefix(line, "export")
	if trimmed := strings.TrimLeft(rest, blanks); begins && trimmed != rest {
		return trimmed
	}
	return line
}

// blanks are what godotenv takes for blanks (godotenv: parser.go, isSpace).
const blanks = " \t\v\f\r\u0085\u00a0"

func isVariable(name string) bool {
	for i, c := range name {
		letter := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// parseEnvValue refuses values that would not arrive as they are written.
func parseEnvValue(value string) (string, error) {
	if value == "" || value[0] != '\'' && value[0] != '"' {
		return parseBare(value)
	}
	quote := value[:1]
	inner, behind, closed := strings.Cut(value[1:], quote)
	behind = strings.Trim(behind, blanks)
	switch {
	case !closed:
		return "", errors.New("its quote is not closed in the same line")
	case behind != "" && behind[0] != '#':
		return "", errors.New("has something behind its closing quote")
	case strings.HasSuffix(inner, `\`):
		return "", errors.New("a backslash before the closing quote would be lost")
	case quote == `"`:
		return inner, refuseAny(inner, `$\`)
	}
	return inner, nil
}

// parseBare reads a value without quotes, up to a # behind a blank.
func parseBare(value string) (string, error) {
	if err := refuseAny(value, "$`"); err != nil {
		return "", err
	}
	if strings.HasSuffix(value, `\`) {
		return "", errors.New(`'\\' at the end must be in single quotes`)
	}
	at := comments(value)
	if strings.HasPrefix(value, "#") || len(at) > 1 { // godotenv cuts at the last
		return "", errors.New("'#' must be in single quotes")
	}
	if len(at) == 1 {
		value = value[:at[0]]
	}
	return strings.TrimRight(value, blanks), nil
}

// comments are the places where one could begin: each # behind a blank.
func comments(value string) (at []int) {
	for i, r := range value {
		if r == '#' && strings.TrimRight(value[:i], blanks) != value[:i] {
			at = append(at, i)
		}
	}
	return at
}

// refuseAny refuses what only single quotes keep as it is.
func refuseAny(value, characters string) error {
	for _, c := range characters {
		if strings.ContainsRune(value, c) {
			return fmt.Errorf("%q must be in single quotes", c)
		}
	}
	return nil
}
