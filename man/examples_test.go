package man_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/chain"
	"github.com/extauth/extauth/internal/envfile"
	"github.com/extauth/extauth/internal/process"
	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

// example is a literal block of a page. The comment before it says what kind it
// is.
type example struct{ file, kind, text string }

func examples(t *testing.T) []example {
	var all []example
	block := regexp.MustCompile(`(?ms)^\.\\" ([a-z]+)\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$`)
	for _, file := range pages(t, "?") {
		matches := block.FindAllStringSubmatch(page(t, file), -1)
		require.Len(t, matches, strings.Count(page(t, file), "\n.Bd "), "%s: a block without its kind", file)
		for _, match := range matches {
			text := regexp.MustCompile(`(?m)^\\&`).ReplaceAllString(match[2], "")
			all = append(all, example{file, match[1], strings.ReplaceAll(text, `\e`, `\`)})
		}
	}
	require.NotEmpty(t, all)
	return all
}

// TestExamples: each is valid for its kind.
func TestExamples(t *testing.T) {
	check := map[string]func(*testing.T, example){
		"chain": isChain, "env": isEnvFile, "json": isEvent, "shell": isShell,
		"ini": hasOurOptions, "conf": hasOurOptions, "result": isText, "picture": isText,
	}
	for _, e := range examples(t) {
		require.NotNil(t, check[e.kind], "%s: %s", e.file, e.kind)
		check[e.kind](t, e)
	}
}

func isText(t *testing.T, e example) { require.NotEmpty(t, e.text) }

// isChain reports nothing but missing programs for a chain file.
func isChain(t *testing.T, e example) {
	_, err := runner.ParseChain("/etc/extauth/chain", e.text)
	faults := new(chain.Error)
	if err != nil {
		require.ErrorAs(t, err, &faults)
	}
	for _, fault := range faults.Faults {
		if missing := new(process.StartError); !errors.As(fault, &missing) || !missing.NotFound() {
			t.Errorf("%s: %v", e.file, fault)
		}
	}
}

func isEnvFile(t *testing.T, e example) {
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte(e.text), 0o600))
	variables, err := envfile.Read(file)
	require.NoError(t, err, e.file)
	require.NotEmpty(t, variables, e.file)
}

func isEvent(t *testing.T, e example) {
	json, _ := envmap.Lookup("json")
	events, err := json.Decode(envmap.Call{Stdin: []byte(e.text)})
	require.NoError(t, err, e.file)
	call, err := json.Encode(events[0])
	require.NoError(t, err, e.file)
	require.Equal(t, e.text, string(call.Stdin), e.file)
}

func isShell(t *testing.T, e example) {
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(e.text)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", e.file, text)
	hasOurOptions(t, e)
}

// hasOurOptions checks that the options after our programs exist.
func hasOurOptions(t *testing.T, e example) {
	text := strings.ReplaceAll(e.text, "\\\n", " ")
	for _, match := range regexp.MustCompile(`(extauth-[a-z-]+)( [^'"|\n]*)?`).FindAllStringSubmatch(text, -1) {
		own, _, _ := strings.Cut(match[2], " -- ")
		require.Subset(t, optionsOf(help(t, match[1])), words(` (--?[a-z][a-z-]*)`, own), e.file)
	}
}
