package docs_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// TestChainLines: the parser accepts each chain line of the pages. Its programs
// and users need not exist.
func TestChainLines(t *testing.T) {
	lines := 0
	for page, text := range pages(t) {
		for _, l := range pasted(page, text) {
			if isChainLine(l.text) {
				lines++
				require.NoError(t, parse(l.text), "%s:%d", l.page, l.number)
			}
		}
	}
	require.Greater(t, lines, 50)
}

func TestChainLinesThatAreWrong(t *testing.T) {
	require.True(t, isChainLine("handler typ=dns-01 /x"))
	require.False(t, isChainLine("certbot certonly --manual"))
	require.Error(t, parse("handler typ=dns-01 /x"))
	require.Error(t, parse("handler user=A /x"))
	require.NoError(t, parse("handler type=dns-01 user=www-data /x"))
}

// TestEveryKeyIsExplained: the page has each key that the parser accepts, of
// every convention.
func TestEveryKeyIsExplained(t *testing.T) {
	page := pages(t)["../docs/chain.md"]
	for _, c := range envmap.Conventions() {
		if c.To.Encode == nil {
			continue
		}
		_, keys, found := strings.Cut(parse(c.Name+" nothing=1").Error(), "(want one of ")
		require.True(t, found, c.Name)
		keys, _, _ = strings.Cut(keys, ")")
		for _, key := range strings.Split(keys, ", ") {
			require.True(t, regexp.MustCompile("(?m)^\\| .*[` ]"+key).MatchString(page), "%s %s", c.Name, key)
		}
	}
}

// isChainLine reports whether a line is one of a chain file and not a client's
// command line, which begins with the same word: an option of a line, a path or
// an address follows.
func isChainLine(text string) bool {
	words := strings.Fields(text)
	if len(words) == 0 {
		return false
	}
	c, known := envmap.Lookup(words[0])
	if !known || c.To.Encode == nil {
		return false
	}
	return c.To.Person || len(words) > 1 && words[1][0] != '-' && strings.ContainsAny(words[1], "=/")
}

// parse returns the errors of a line, except for missing programs and users.
func parse(text string) error {
	text = regexp.MustCompile(` user=[a-z_][a-z0-9_-]*`).ReplaceAllString(text, "")
	_, err := runner.ParseChain("/etc/extauth/chain", text)
	faults := new(chain.Error)
	if !errors.As(err, &faults) {
		return err
	}
	var wrong []error
	for _, fault := range faults.Faults {
		if missing := new(process.StartError); !errors.As(fault, &missing) {
			wrong = append(wrong, fault)
		}
	}
	return errors.Join(wrong...)
}
