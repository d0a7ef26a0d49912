package runner

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-shellwords"

	"github.com/extauth/extauth/pkg/envmap"
)

// ChainError collects everything that is wrong with a chain file.
type ChainError struct{ Faults []error }

func (e *ChainError) Error() string { return errors.Join(e.Faults...).Error() }

// Unwrap lets an *UnsafeError be found among the faults.
func (e *ChainError) Unwrap() []error { return e.Faults }

// ReadChain reads a chain file: one handler a line,
//
//	CONVENTION [KEY=VALUE]... [COMMAND [ARG]...]
//
// split as a shell would, without variables, backticks or operators. Lines
// that begin with # and blank lines are skipped; a backslash at the end joins
// lines. Every error of the file is reported at once, as a *ChainError; a file
// that cannot be read is a *fs.PathError, one that others can change an
// *UnsafeError.
func ReadChain(file string) ([]Handler, error) {
	text, err := readChecked(file, 0, func(info fs.FileInfo) error { return checkOpened(file, info) })
	if err != nil {
		return nil, err
	}
	return ParseChain(file, string(text))
}

// ParseChain is ReadChain for text that was read already; file is for
// messages, and relative paths are below its directory.
func ParseChain(file, text string) ([]Handler, error) {
	var chain []Handler
	var faults []error
	for _, l := range logicalLines(text) {
		h, err := parseLine(filepath.Dir(file), l.text)
		h.Line = l.number
		for _, fault := range split(err) {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, l.number, fault))
		}
		chain = append(chain, h)
	}
	route(chain)
	if len(chain) == 0 {
		faults = append(faults, fmt.Errorf("%s: has no handler", file))
	}
	if len(faults) > 0 {
		return nil, &ChainError{faults}
	}
	return chain, nil
}

// split takes joined errors apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

type logicalLine struct {
	number int
	text   string
}

// logicalLines joins continued lines and drops comments and blank ones.
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

// parseLine reads a handler; the error may be several, joined.
func parseLine(dir, line string) (Handler, error) {
	words, err := Split(line)
	if err != nil {
		return Handler{}, err
	}
	convention, known := envmap.Lookup(words[0])
	if !known || convention.To.Encode == nil {
		return Handler{}, fmt.Errorf("no convention %q; there is %s", words[0], names())
	}
	h := Handler{Convention: convention.Name, Batch: convention.To.Person}
	var faults []error
	seen := map[string]bool{}
	words = words[1:]
	for ; len(words) > 0; words = words[1:] {
		key, value, isOption := option(words[0])
		if !isOption {
			break
		}
		if seen[key] {
			faults = append(faults, fmt.Errorf("%s= stands twice", key))
		}
		seen[key] = true
		faults = append(faults, h.set(convention, dir, key, value))
	}
	if len(words) > 0 {
		h.Command = located(dir, words)
	}
	if err := errors.Join(faults...); err != nil && len(words) == 0 {
		return h, err // the command may be in the option at fault
	}
	return h, errors.Join(append(faults, h.check())...)
}

// option takes KEY=VALUE apart; a word of another form begins the command.
func option(word string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(word, "=")
	ok = ok && key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz") == ""
	return key, value, ok
}

// set stores an option of a chain line.
func (h *Handler) set(c *envmap.Convention, dir, key, value string) error {
	if value == "" {
		return fmt.Errorf("%s= is empty", key)
	}
	switch key {
	case "domain":
		return h.setDomains(value)
	case "alias":
		return h.setAliases(value)
	case "type":
		return setWords(&h.Types, key, value, challengeTypes())
	case "phase":
		return setWords(&h.Phases, key, value, phases())
	case "env":
		h.EnvFiles = []string{below(dir, value)}
		return nil
	case "timeout":
		return h.setTimeout(value)
	case "optional":
		return setBool(&h.Optional, key, value)
	case "strict":
		return setBool(&h.Strict, key, value)
	case "user":
		h.User = value
		return checkUser(value)
	case "batch":
		return setBool(&h.Batch, key, value)
	case "persist":
		return setBool(&h.Persist, key, value)
	case "limit":
		return h.setLimit(value)
	case "verify":
		h.Verify = value
		return checkVerify(value)
	}
	return h.setCommand(c, dir, key, value)
}

func (h *Handler) setDomains(value string) error {
	for _, glob := range strings.Split(value, ",") {
		if strings.IndexFunc(glob, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
			glob = strings.TrimSuffix(strings.ToLower(glob), ".")
		}
		e := envmap.Event{Cmd: envmap.DeployCert, Domains: []string{glob}}
		if err := e.Validate(); err != nil {
			return fmt.Errorf("domain=: %q is no identifier and no *. with one", glob)
		}
		h.Domains = append(h.Domains, glob)
	}
	return nil
}

func (h *Handler) setTimeout(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return fmt.Errorf("timeout=: %q is no duration such as 90s or 5m", value)
	}
	h.Timeout = d
	return nil
}

func (h *Handler) setLimit(value string) error {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("limit=: %q is no number of calls, from 1", value)
	}
	h.Limit = int(n)
	return nil
}

// setCommand stores a command for one event alone, as certbot's auth=.
func (h *Handler) setCommand(c *envmap.Convention, dir, key, value string) error {
	for _, operand := range c.To.Operands {
		if operand != key {
			continue
		}
		words, err := Split(value)
		if err != nil {
			return fmt.Errorf("%s=: %w", key, err)
		}
		if h.Commands == nil {
			h.Commands = map[string][]string{}
		}
		h.Commands[key] = located(dir, words)
		return nil
	}
	if slices.Contains(c.To.Settings, key) {
		if h.Settings == nil {
			h.Settings = map[string]string{}
		}
		h.Settings[key] = value
		return nil
	}
	return fmt.Errorf("no option %s= for a handler that speaks %s; there is %s", key, h.Convention, strings.Join(optionsOf(c), ", "))
}

// optionsOf lists the options of a chain line.
func optionsOf(c *envmap.Convention) []string {
	all := []string{"alias=", "domain=", "type=", "phase=", "env=", "timeout=", "optional=", "strict=", "user=", "batch=", "verify=", "persist=", "limit="}
	everybodys := len(all)
	for _, operand := range c.To.Operands {
		all = append(all, operand+"=")
	}
	for _, setting := range c.To.Settings {
		all = append(all, setting+"=")
	}
	slices.Sort(all[everybodys:])
	return all
}

func setWords(place *[]string, key, value string, allowed []string) error {
	for _, word := range strings.Split(value, ",") {
		if !slices.Contains(allowed, word) {
			return fmt.Errorf("%s=: %q is none of %s", key, word, strings.Join(allowed, ", "))
		}
		*place = append(*place, word)
	}
	return nil
}

func setBool(place *bool, key, value string) error {
	if value != "yes" && value != "no" {
		return fmt.Errorf("%s=: %q is neither yes nor no", key, value)
	}
	*place = value == "yes"
	return nil
}

// check looks at the handler as a whole, and whether its programs are there.
func (h *Handler) check() error {
	if _, err := h.settled(); err != nil {
		return err
	}
	commands := len(h.Command) > 0 || len(h.Commands) > 0
	to, listens := h.endpoint()
	switch {
	case h.isPerson() && commands:
		return fmt.Errorf("%s asks a person and takes no command", h.Convention)
	case h.isPerson() && (h.User != "" || len(h.EnvFiles) > 0):
		return fmt.Errorf("user= and env= are for a program; %s asks a person", h.Convention)
	case !h.isPerson() && !commands:
		return errors.New("has no command")
	case len(h.Command) > 0 && len(h.Commands) > 0:
		return errors.New("has a command for every event and one for a single event")
	case h.Batch && len(h.Phases) > 0 && !slices.Contains(h.Phases, "perform") && !h.isPerson():
		return errors.New("batch= is for the phase perform, which phase= leaves out")
	case h.Batch && !h.takesOrders():
		return fmt.Errorf("batch= is not for %s, which takes one challenge a call", h.Convention)
	case h.Persist && (h.Convention != "json" || listens):
		return errors.New("persist= is for a program that speaks json")
	case h.Persist && h.Batch:
		return errors.New("persist= and batch= exclude each other: a program that stays is given one event at a time")
	case listens:
		return h.checkEndpoint(to)
	}
	return h.Startable()
}

// takesOrders tells whether a handler can be given a whole order: by its
// convention, or as lines on standard input, which those never see that are
// called through something else.
func (h *Handler) takesOrders() bool {
	c := h.convention()
	return c.To.Batch != nil || c.To.Script == "" && c.To.Program == "" && c.To.Answer == nil
}

// Split takes a command string apart as a shell would, without variables,
// backticks, globs or operators.
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
		if i := strings.IndexFunc(word, unicode.IsControl); i >= 0 {
			return nil, fmt.Errorf("the word %q has a control character", word)
		}
	}
	return words, nil
}

// misread names the first thing that would not be what it is in a shell: an
// operator outside of quotes, since no shell is used, and outside of single
// quotes a backslash in front of n or t, of which shellwords makes a control
// character in some versions and a letter in others.
func misread(line string) error {
	quote, escaped := rune(0), false
	for i, r := range line {
		place := utf8.RuneCountInString(line[:i]) + 1
		switch {
		case escaped && (r == 'n' || r == 't'):
			return fmt.Errorf("\\%c at character %d may become a control character; put it into single quotes", r, place-1)
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
			return fmt.Errorf("unquoted %q at character %d; no shell is used", r, place)
		}
	}
	return nil
}

// located puts a relative path of a program below the chain file's directory;
// a bare name is looked for in PATH. A URL is no path.
func located(dir string, words []string) []string {
	if strings.Contains(words[0], "://") {
		return words
	}
	if scheme, path, found := strings.Cut(words[0], ":"); found && (scheme == "unix" || scheme == "fifo") && path != "" {
		words[0] = scheme + ":" + below(dir, path)
		return words
	}
	if strings.Contains(words[0], "/") {
		words[0] = below(dir, words[0])
	}
	return words
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if absolute, err := filepath.Abs(filepath.Join(dir, path)); err == nil {
		return absolute
	}
	return path
}

func names() string {
	var all []string
	for _, c := range envmap.Conventions() {
		if c.To.Encode != nil {
			all = append(all, c.Name)
		}
	}
	return strings.Join(all, ", ")
}

func challengeTypes() []string {
	return []string{envmap.HTTP01, envmap.DNS01, envmap.TLSALPN01, envmap.TLSSNI01, envmap.DNSAccount01, envmap.DNSPersist01}
}

// phases are the six of an order, and the events that belong to none.
func phases() []string {
	all := []string{"pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup"}
	for _, cmd := range []envmap.Cmd{envmap.DeployCert, envmap.UnchangedCert, envmap.SyncCert, envmap.DeployOCSP,
		envmap.GenerateCSR, envmap.InvalidChallenge, envmap.RequestFailure, envmap.Startup, envmap.Exit} {
		all = append(all, string(cmd))
	}
	return all
}
