package chain

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
)

// option is a key of a chain line, and what its value is for.
type option struct {
	key string
	set func(value string) error
}

// options are the keys of a line: those of every handler, and in alphabetical
// order those of its convention.
func options(h *Handler, dir string) []option {
	all := []option{
		{"alias", func(value string) error { return setAliases(h, value) }},
		{"domain", func(value string) (err error) { h.Domains, err = ParseGlobs(value); return err }},
		{"type", wordList(&h.Types, "type", challengeTypes())},
		{"phase", wordList(&h.Phases, "phase", phases())},
		{"env", func(value string) error { h.EnvFiles = []string{below(dir, value)}; return nil }},
		{"timeout", func(value string) error { return setTimeout(h, value) }},
		{"optional", yesOrNo(&h.Optional)},
		{"strict", yesOrNo(&h.Strict)},
		{"user", func(value string) error { h.User = value; return checkUser(value) }},
		{"batch", yesOrNo(&h.Batch)},
		{"verify", func(value string) error { h.Verify = value; return checkVerify(value) }},
		{"persist", yesOrNo(&h.Persist)},
		{"limit", func(value string) error { return setLimit(h, value) }},
	}
	return append(all, ownOptions(h, dir)...)
}

// ownOptions are the keys of the handler's convention: commands for single
// events, as certbot's auth=, and settings.
func ownOptions(h *Handler, dir string) []option {
	var own []option
	for _, operand := range operands(h.convention) {
		own = append(own, option{operand, func(value string) error { return setCommand(h, dir, operand, value) }})
	}
	for _, name := range h.convention.To.Settings {
		own = append(own, option{name, func(value string) error { return setSetting(h, name, value) }})
	}
	slices.SortFunc(own, func(a, b option) int { return strings.Compare(a.key, b.key) })
	return own
}

// operands are the words that name a command for a single event.
func operands(c *envmap.Convention) []string {
	return slices.Compact(slices.Sorted(maps.Values(c.To.Operands)))
}

// setOption stores an option of a chain line.
func setOption(known []option, convention, key, value string) error {
	var keys []string
	for _, o := range known {
		switch {
		case o.key != key:
			keys = append(keys, o.key+"=")
		case value == "":
			return fmt.Errorf("%s= is empty", key)
		default:
			return keyed(key, o.set(value))
		}
	}
	return fmt.Errorf("unknown key %s= for %s (%s)", key, convention, hint(key+"=", keys, "%s"))
}

// keyed puts the key before an error about its value.
func keyed(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s=: %w", key, err)
}

// unknown is the error for a word that is not in a list.
func unknown(what, word string, known []string) error {
	return fmt.Errorf("unknown %s %q (%s)", what, word, hint(word, known, "%q"))
}

// hint names the word that was probably meant, or all of them.
func hint(word string, known []string, format string) string {
	if nearest, ok := commandline.Nearest(word, known); ok {
		return "did you mean " + fmt.Sprintf(format, nearest) + "?"
	}
	return "want one of " + strings.Join(known, ", ")
}

func yesOrNo(field *bool) func(string) error {
	return func(value string) error {
		if value != "yes" && value != "no" {
			return fmt.Errorf("%q is neither yes nor no", value)
		}
		*field = value == "yes"
		return nil
	}
}

func wordList(field *[]string, what string, known []string) func(string) error {
	return func(value string) error {
		*field = strings.Split(value, ",")
		return checkWords(*field, what, known)
	}
}

func checkWords(words []string, what string, known []string) error {
	for _, word := range words {
		if !slices.Contains(known, word) {
			return unknown(what, word, known)
		}
	}
	return nil
}

func setTimeout(h *Handler, value string) (err error) {
	if h.Timeout, err = time.ParseDuration(value); err != nil || h.Timeout <= 0 {
		return fmt.Errorf("%q is not a duration such as 90s or 5m", value)
	}
	return nil
}

func setLimit(h *Handler, value string) error {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a number of calls, from 1", value)
	}
	h.Limit = int(n)
	return nil
}

// setCommand stores the command for a single event.
func setCommand(h *Handler, dir, operand, value string) error {
	words, err := commandline.Split(value)
	if err != nil {
		return err
	}
	if h.Commands == nil {
		h.Commands = map[string][]string{}
	}
	h.Commands[operand] = located(dir, words)
	return nil
}

func setSetting(h *Handler, name, value string) error {
	if h.Settings == nil {
		h.Settings = map[string]string{}
	}
	h.Settings[name] = value
	return nil
}

// checkUser reports what keeps a handler from being run as a user.
func checkUser(name string) error {
	if os.Geteuid() != 0 {
		return errors.New("only root can run handlers as another user")
	}
	if _, err := user.Lookup(name); err != nil {
		return fmt.Errorf("there is no user %q", name)
	}
	return nil
}

// Verifier is the program that looks whether what was performed can be seen.
const Verifier = "extauth-wait"

func checkVerify(value string) error {
	if value != "dns" && value != "http" {
		return fmt.Errorf("%q is neither dns nor http", value)
	}
	_, err := process.Companion(Verifier)
	return err
}

// conventions are the names of those that a handler can speak.
func conventions() []string {
	var names []string
	for _, c := range envmap.Conventions() {
		if c.To.Encode != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

func challengeTypes() []string {
	return []string{envmap.HTTP01, envmap.DNS01, envmap.TLSALPN01, envmap.TLSSNI01, envmap.DNSAccount01, envmap.DNSPersist01}
}

// phases are the six of an order, and the events outside an order.
func phases() []string {
	all := []string{"pre-perform", "perform", "post-perform", "pre-cleanup", "cleanup", "post-cleanup"}
	for _, cmd := range []envmap.Cmd{envmap.DeployCert, envmap.UnchangedCert, envmap.SyncCert, envmap.DeployOCSP,
		envmap.GenerateCSR, envmap.InvalidChallenge, envmap.RequestFailure, envmap.Startup, envmap.Exit} {
		all = append(all, string(cmd))
	}
	return all
}
