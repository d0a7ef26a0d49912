// Package commandline reads and writes command lines as a POSIX shell has them:
// words and quotes, and nothing else of a shell.
package commandline

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-shellwords"
)

// Split splits a command line into words as a shell would, without variables,
// backticks, globs or operators. It returns at least one word; no word has a
// control character. The error says what a shell would read differently.
func Split(line string) ([]string, error) {
	if !utf8.ValidString(line) {
		return nil, errors.New("is not UTF-8")
	}
	p := shellwords.NewParser()
	p.ParseEnv, p.ParseBacktick = false, false
	words, err := p.Parse(line)
	if err != nil {
		return nil, errors.New("has an unfinished quote or a stray bracket")
	}
	if err := misread(line); p.Position >= 0 || err != nil {
		return nil, cmp.Or(err, errors.New("has an unquoted operator; no shell is used"))
	}
	if len(words) == 0 {
		return nil, errors.New("is empty")
	}
	for _, word := range words {
		if strings.ContainsFunc(word, unicode.IsControl) {
			return nil, fmt.Errorf("the word %q has a control character", word)
		}
	}
	return words, nil
}

// misread returns an error for the first character that means something else in
// a shell: an operator outside quotes, since no shell is used, and outside
// single quotes a backslash before n or t, which some versions of go-shellwords
// turn into a control character and others into a letter.
func misread(line string) error {
	quote, escaped := rune(0), false
	for i, r := range line {
		position := utf8.RuneCountInString(line[:i]) + 1
		switch {
		case escaped && (r == 'n' || r == 't'):
			return fmt.Errorf("\\%c at character %d may become a control character; put it into single quotes", r, position-1)
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case strings.ContainsRune(";|&<>", r):
			return fmt.Errorf("unquoted %q at character %d; no shell is used", r, position)
		}
	}
	return nil
}

// Quote joins words into a line that a POSIX shell splits into the same words.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

// nameCharacters are the characters of a variable's name.
const nameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

// quote quotes a word if it needs that. Of NAME=value only the value is quoted.
func quote(word string) string {
	if word != "" && strings.Trim(word, nameCharacters+"%+,-./:@=") == "" {
		return word
	}
	name, value, assigned := strings.Cut(word, "=")
	if assigned && name != "" && strings.Trim(name, nameCharacters) == "" {
		return name + "=" + singleQuote(value)
	}
	return singleQuote(word)
}

func singleQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
