package chain

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/endpoint"
)

// logicalLine is a line of a chain file after continued lines are joined.
type logicalLine struct {
	number int // of its first line in the file, from 1
	text   string
}

// logicalLines joins continued lines and drops comments and blank lines.
func logicalLines(text string) []logicalLine {
	var lines []logicalLine
	joined := ""
	first := 0
	for i, physical := range strings.Split(text, "\n") {
		physical = strings.TrimSuffix(physical, "\r")
		if joined == "" {
			first = i + 1
			if trimmed := strings.TrimSpace(physical); trimmed == "" || trimmed[0] == '#' {
				continue
			}
		}
		if rest, more := strings.CutSuffix(physical, `\`); more {
			joined += rest
			continue
		}
		lines = append(lines, logicalLine{first, joined + physical})
		joined = ""
	}
	if joined != "" {
		lines = append(lines, logicalLine{first, joined})
	}
	return lines
}

// parseLine reads a handler. The error may be several, joined.
func parseLine(dir, text string) (Handler, error) {
	words, err := commandline.Split(text)
	if err != nil {
		return Handler{}, err
	}
	h := Handler{Convention: words[0]}
	if err := lookUp(&h); err != nil {
		return Handler{}, err
	}
	h.Batch = h.convention.To.Person
	words, err = parseOptions(&h, dir, words[1:])
	if len(words) > 0 {
		h.Command = located(dir, words)
	}
	if err != nil && len(words) == 0 {
		return h, err // the command may be in the option at fault
	}
	return h, errors.Join(append(split(err), split(check(&h))...)...)
}

// parseOptions reads KEY=VALUE words and returns those after them.
func parseOptions(h *Handler, dir string, words []string) (rest []string, err error) {
	known := options(h, dir)
	seen := map[string]bool{}
	var faults []error
	for ; len(words) > 0; words = words[1:] {
		key, value, isOption := cutOption(words[0])
		if !isOption {
			break
		}
		if seen[key] {
			faults = append(faults, fmt.Errorf("duplicate key %s=", key))
		}
		seen[key] = true
		faults = append(faults, setOption(known, h.Convention, key, value))
	}
	return words, errors.Join(faults...)
}

// cutOption takes KEY=VALUE apart. A word of another form begins the command.
func cutOption(word string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(word, "=")
	ok = ok && key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") == ""
	return key, value, ok
}

// Anchored returns the handler with absolute paths, as a chain file's has: the
// journal's is cleaned up from any directory.
func (h *Handler) Anchored() Handler {
	own := *h
	if len(own.Command) > 0 {
		own.Command = located("", slices.Clone(own.Command))
	}
	own.Commands = maps.Clone(own.Commands)
	for cmd, words := range own.Commands {
		own.Commands[cmd] = located("", slices.Clone(words))
	}
	own.EnvFiles = slices.Clone(own.EnvFiles)
	for i, file := range own.EnvFiles {
		own.EnvFiles[i] = below("", file)
	}
	return own
}

// located puts the relative path of a program, or of an endpoint, below the
// chain file's directory. A bare name is looked for in PATH. A URL is not a path.
func located(dir string, words []string) []string {
	if strings.Contains(words[0], "://") {
		return words
	}
	if to, listens := endpoint.ParseAddress(words[0]); listens && to.Path != "" {
		words[0] = to.Scheme + ":" + below(dir, to.Path)
		return words
	}
	if strings.Contains(words[0], "/") {
		words[0] = below(dir, words[0])
	}
	return words
}

// below makes a path absolute.
func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if absolute, err := filepath.Abs(filepath.Join(dir, path)); err == nil {
		return absolute
	}
	return path
}
