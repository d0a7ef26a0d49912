// Package man_test compares the manual pages with the code: the options, exit
// statuses, variables, keys and events in the pages are those of the code, and
// complete.
package man_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/internal/program"
)

// programs are all, by their names.
func programs() map[string]func(cli.IO) int {
	all := map[string]func(cli.IO) int{"extauth": program.Main}
	for _, row := range program.All() {
		all[row.Name] = row.Run
	}
	return all
}

// help returns the output of a program's --help.
func help(t *testing.T, name string) string {
	run := programs()[name]
	require.NotNil(t, run, "%s is not a program", name)
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(cli.IO{Args: []string{name, "--help"}, Stdout: &stdout, Stderr: &stderr}), stderr.String())
	return stdout.String()
}

func page(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// pages returns the files of a section of the manual, or all for "?".
func pages(t *testing.T, section string) []string {
	files, err := filepath.Glob("*." + section)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// section returns a page's text below a heading, as "EXIT STATUS" or "Events".
func section(t *testing.T, file, heading string) string {
	_, text, found := strings.Cut(page(t, file), heading+"\n")
	require.True(t, found, "%s has no %s", file, heading)
	if end := regexp.MustCompile(`(?m)^\.S[hs] `).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return text
}

// item is an entry of a list: what follows .It, and the text below it.
type item struct{ head, body string }

func items(text string) []item {
	var all []item
	for _, part := range strings.Split(text, "\n.It ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body+"\n", "\n.El\n")
		all = append(all, item{head, strings.TrimSpace(body)})
	}
	return all
}

// words returns the matches of a pattern's first group, sorted, each once.
func words(pattern, text string) []string {
	all := []string{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// marked returns the words after a macro, as .Va or .Cm, which may have
// several.
func marked(macro, text string) []string {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		if rest, found := strings.CutPrefix(line, "."+macro+" "); found {
			all = append(all, words(`([a-z][a-z0-9_-]*)`, rest)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestEachProgramHasAPage, and each page of section 1 is a program's.
func TestEachProgramHasAPage(t *testing.T) {
	mains, err := filepath.Glob("../cmd/*/main.go")
	require.NoError(t, err)
	var want []string
	for _, main := range mains {
		want = append(want, filepath.Base(filepath.Dir(main))+".1")
	}
	require.ElementsMatch(t, want, pages(t, "1"))
}

// TestNamesSayWhatIsListed: a page's NAME is what extauth says of the program.
func TestNamesSayWhatIsListed(t *testing.T) {
	for _, row := range program.All() {
		require.Equal(t, fmt.Sprintf(".Nm %s\n.Nd %s\n", row.Name, row.Doc), section(t, row.Name+".1", ".Sh NAME"))
	}
	for _, line := range strings.Split(help(t, "extauth"), "\n") {
		require.LessOrEqual(t, len(line), 80)
	}
}

// TestPagesHaveTheirSections: pages have the usual sections, in the usual
// order.
func TestPagesHaveTheirSections(t *testing.T) {
	for _, file := range pages(t, "?") {
		for _, heading := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} {
			require.NotEmpty(t, section(t, file, ".Sh "+heading), file)
		}
	}
}

// TestMandocIsSilent: mandoc has no warning about any page, and references to
// our own pages are valid.
func TestMandocIsSilent(t *testing.T) {
	need(t, "mandoc")
	text, err := exec.Command("mandoc", append([]string{"-Tlint"}, pages(t, "?")...)...).Output()
	require.Empty(t, string(text))
	require.NoError(t, err)
}

// need skips a test that lacks a program, but not in continuous integration.
func need(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("%v; Debian has it in the package %s", err, program)
	}
	require.NoError(t, err)
}
