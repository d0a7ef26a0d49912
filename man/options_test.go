package man_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
	"github.com/extauth/extauth/pkg/envmap"
)

// TestPagesHaveTheOptions of --help, and no others.
func TestPagesHaveTheOptions(t *testing.T) {
	for program := range programs() {
		want := optionsOf(help(t, program))
		require.Contains(t, want, "--help", program)
		got := []string{}
		for _, i := range items(page(t, program+".1")) {
			for _, name := range words(`Fl (-?[a-z-]+)`, i.head) {
				got = append(got, "-"+name)
			}
		}
		slices.Sort(got)
		require.Equal(t, want, got, program)
	}
}

// optionsOf returns the options in a help text: after two blanks if they have a
// letter, after six if not.
func optionsOf(help string) []string {
	var all []string
	line := regexp.MustCompile(`(?m)^(?:  -[a-z],|     ) --[a-z-]+(?: [A-Z:]+)?(?:, --[a-z-]+(?: [A-Z:]+)?)*`)
	for _, match := range line.FindAllString(help, -1) {
		all = append(all, words(`(--?[a-z][a-z-]*)`, match)...)
	}
	slices.Sort(all)
	return all
}

// TestProgramsTakeTheOptions of their pages, in a directory that they may write
// to.
func TestProgramsTakeTheOptions(t *testing.T) {
	t.Chdir(t.TempDir())
	for program, run := range programs() {
		for _, option := range optionsOf(help(t, program)) {
			var output bytes.Buffer
			run(cli.IO{Args: []string{program, option, "1"}, Stdin: strings.NewReader(""), Stdout: &output, Stderr: &output})
			require.NotContains(t, output.String(), "unknown option", program)
		}
		var output bytes.Buffer
		run(cli.IO{Args: []string{program, "--nonsense", "1"}, Stdin: strings.NewReader(""), Stdout: &output, Stderr: &output})
		require.Contains(t, output.String(), "unknown option", program)
	}
}

// TestSharedOptionsSayTheSame: what all front ends have is described in the same
// words.
func TestSharedOptionsSayTheSame(t *testing.T) {
	seen := map[string]string{}
	for program := range programs() {
		if !strings.Contains(help(t, program), "--to CONVENTION") {
			continue
		}
		for _, i := range items(section(t, program+".1", ".Sh DESCRIPTION")) {
			if shared := regexp.MustCompile(`^Fl (t|c|e|-exec|-timeout|-state-dir|-trace|n|v|-help|-handler) `); shared.MatchString(i.head + " ") {
				require.Equal(t, first(seen, i.head, i.body), i.body, "%s: %s", program, i.head)
			}
		}
	}
	require.Len(t, seen, 11)
}

// first returns the map's value for a key, which is set to value if there is
// none.
func first(m map[string]string, key, value string) string {
	if _, has := m[key]; !has {
		m[key] = value
	}
	return m[key]
}

// TestPagesHaveTheOperands: the words of the usage are those of the synopsis.
func TestPagesHaveTheOperands(t *testing.T) {
	for program := range programs() {
		usage, _, _ := strings.Cut(help(t, program), "\n\n")
		want := []string{}
		for _, word := range regexp.MustCompile(`[\s|\[\]]+`).Split(usage, -1) {
			if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && word != "" && word != program {
				want = append(want, word)
			}
		}
		slices.Sort(want)
		require.ElementsMatch(t, slices.Compact(want), marked("Cm", section(t, program+".1", ".Sh SYNOPSIS")), program)
	}
}

// never returns the statuses that a program never ends with. Every other one of
// the code is in its page.
func never() map[string][]string {
	return map[string][]string{
		// It runs a program, or starts man.
		"extauth": {"1", "2", "65", "66", "69", "71", "73", "75", "78"},
		// It has no journal and reads no events; a hook that hangs or cannot be
		// started is a finding (1).
		"extauth-check": {"2", "65", "71", "73", "75", "126"},
		// A failed request of a client gives an answer, not a status; handlers
		// are looked up before it serves (78).
		"extauth-httpreq": {"2", "69", "71", "73", "75", "126", "127"},
		// It performs nothing that could be undone, decodes nothing, and a handler
		// that cannot be started has failed (71).
		"extauth-pending": {"2", "65", "69", "126", "127"},
		// It has neither handlers nor a journal, and needs no file.
		"extauth-wait": {"2", "66", "69", "71", "73", "126", "127"},
	}
}

// TestPagesHaveTheExitStatuses that the code has, but for those that the program
// never ends with, and no others.
func TestPagesHaveTheExitStatuses(t *testing.T) {
	for program := range programs() {
		want := append(declines(program), "0")
		for _, status := range statuses(t) {
			if !slices.Contains(never()[program], status) {
				want = append(want, status)
			}
		}
		slices.Sort(want)
		require.ElementsMatch(t, slices.Compact(want), statusesOf(t, program+".1"), program)
	}
	require.ElementsMatch(t, append(statuses(t), "0"), statusesOf(t, "extauth.7"))
}

// TestPagesHaveTheExitStatusesOfScripts: each status that a program ends with
// in a script is in its page.
func TestPagesHaveTheExitStatusesOfScripts(t *testing.T) {
	scripts, err := filepath.Glob("../testdata/script/*.txtar")
	require.NoError(t, err)
	seen := 0
	for _, script := range scripts {
		for _, match := range regexp.MustCompile(`(?m)^\s*status ([0-9]+) (extauth-[a-z-]+)`).FindAllStringSubmatch(page(t, script), -1) {
			known := append(statuses(t), declines(match[2])...)
			if slices.Contains(known, match[1]) { // others are a handler's own
				require.Contains(t, statusesOf(t, match[2]+".1"), match[1], "%s: %s", script, match[0])
				seen++
			}
		}
	}
	require.Greater(t, seen, 100)
}

// TestFilesEndProgramsByTheirStatuses: pages of files have no other statuses.
func TestFilesEndProgramsByTheirStatuses(t *testing.T) {
	for _, file := range pages(t, "5") {
		require.Subset(t, statuses(t), statusesOf(t, file), file)
	}
}

func statusesOf(t *testing.T, file string) []string {
	all := []string{}
	for _, i := range items("\n" + section(t, file, ".Sh EXIT STATUS")) {
		require.NotEmpty(t, i.body, "%s: %s", file, i.head)
		all = append(all, i.head)
	}
	return all
}

// statuses returns the constants of the code.
func statuses(t *testing.T) []string {
	var all []string
	for name, value := range constants(t, "../internal/cli/status.go") {
		if strings.HasPrefix(name, "Status") {
			all = append(all, value)
		}
	}
	require.NotEmpty(t, all)
	return all
}

// declines returns the status that tells a client that an event is not for us.
func declines(program string) []string {
	name := strings.ReplaceAll(strings.TrimPrefix(program, "extauth-"), "-", "_")
	if c, known := envmap.Lookup(name); known && c.From.Declines != 0 {
		return []string{strconv.Itoa(c.From.Declines)}
	}
	return nil
}

// constants returns a file's constants with a literal value, as it is written.
func constants(t *testing.T, file string) map[string]string {
	all := map[string]string{}
	ast.Inspect(parsed(t, file), func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				all[spec.Names[0].Name] = literal.Value
			}
		}
		return true
	})
	return all
}

func parsed(t *testing.T, file string) *ast.File {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	tree, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
	require.NoError(t, err)
	return tree
}
