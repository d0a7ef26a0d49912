//go:build linux

package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// readmeLines are the indented lines of README.md: what people copy.
func readmeLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var indented []string
	for line := range strings.Lines(string(text)) {
		if code, is := strings.CutPrefix(line, "    "); is {
			indented = append(indented, strings.TrimRight(code, "\n"))
		} else {
			indented = append(indented, "")
		}
	}
	return indented
}

// readmeChain returns the lines of chain files: a convention and a key after
// it.
func readmeChain(t *testing.T) []string {
	t.Helper()
	var chain []string
	for _, line := range readmeLines(t) {
		words := append(strings.Fields(line), "", "")
		_, known := envmap.Lookup(words[0])
		if known && regexp.MustCompile(`^[a-z]+=`).MatchString(words[1]) {
			chain = append(chain, line)
		}
	}
	return chain
}

// readmeEnv are the env files by path: a comment with the path, and the lines
// below it.
func readmeEnv(t *testing.T) map[string]string {
	t.Helper()
	env, file := map[string]string{}, ""
	for _, line := range readmeLines(t) {
		path, begins := strings.CutPrefix(line, "# /")
		switch {
		case begins && strings.HasSuffix(path, ".env"):
			file = "/" + path
		case line == "":
			file = ""
		case file != "":
			env[file] += line + "\n"
		}
	}
	return env
}

// TestREADMEHasChainsThatAreRead: the runner accepts each line if the handlers
// of this directory are installed.
func TestREADMEHasChainsThatAreRead(t *testing.T) {
	needPrograms(t, "lexicon:lexicon")
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	chain := readmeChain(t)
	require.GreaterOrEqual(t, len(chain), 8)
	for _, line := range chain {
		line = strings.ReplaceAll(line, "/usr/libexec/extauth/", here+"/")
		parsed, err := runner.ParseChain("/etc/extauth/chain", line)
		require.NoError(t, err, line)
		require.Len(t, parsed, 1, line)
	}
}

func TestREADMEHasEnvFilesThatAreRead(t *testing.T) {
	files := readmeEnv(t)
	for _, name := range strings.Fields("webroot nsupdate powerdns acme-dns www lexicon cf") {
		require.Contains(t, files, "/etc/extauth/"+name+".env")
	}
	for name, text := range files {
		file := filepath.Join(t.TempDir(), filepath.Base(name))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		variables, err := envfile.Read(file)
		require.NoError(t, err, name)
		require.NotEmpty(t, variables, name)
	}
}

// TestREADMENamesTheSettingsForDNS: the table has the variables that each handler's
// own comment has.
func TestREADMENamesTheSettingsForDNS(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, handler := range []string{"webroot", "nsupdate", "powerdns", "acme-dns"} {
		script, err := os.ReadFile(handler)
		require.NoError(t, err)
		settings := matches("(?m)^#   ([A-Z_]+)  +", string(script))
		require.NotEmpty(t, settings)
		require.Equal(t, settings, matches("(?m)^\\| `([A-Z_]+)` \\| "+handler+" \\|", string(readme)))
	}
}

// matches returns what a pattern's group matches, first to last.
func matches(pattern, text string) []string {
	var found []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}
