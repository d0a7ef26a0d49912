package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOptions: every option of our programs in a page is in their --help, and
// every extauth program in a page exists.
func TestOptions(t *testing.T) {
	known := helps(t)
	shown := 0
	for page, text := range pages(t) {
		for _, l := range append(pasted(page, text), spans(page, text)...) {
			for _, call := range calls(l.text) {
				options, ours := known[call.program]
				require.True(t, ours || l.number == 0, "%s:%d: there is no %s", l.page, l.number, call.program)
				for _, option := range call.options {
					shown++
					require.True(t, !ours || slices.Contains(options, option), "%s: %s has no %s", l.page, call.program, option)
				}
			}
		}
	}
	require.Greater(t, shown, 50)
}

func TestOptionsOfALine(t *testing.T) {
	require.Equal(t, []call{{"extauth-hook", []string{"--to", "-v"}}, {"extauth-json", []string{"--ack"}}},
		calls("--manual-auth-hook 'extauth-hook --to=certbot auth -v -- /x -y' | ssh h /usr/bin/extauth-json --ack run >f --z"))
	require.Empty(t, calls("ls -l /var/lib/extauth-apache"))
}

// helps returns the options in each program's --help.
func helps(t *testing.T) map[string][]string {
	dir := t.TempDir()
	output, err := exec.Command("make", "-s", "-C", root, "build", "BUILDDIR="+dir).CombinedOutput()
	require.NoError(t, err, string(output))
	programs, err := os.ReadDir(dir)
	require.NoError(t, err)
	options := map[string][]string{}
	for _, program := range programs {
		help, err := exec.Command(filepath.Join(dir, program.Name()), "--help").Output()
		require.NoError(t, err)
		options[program.Name()] = regexp.MustCompile(`(?:^|[\s\[])(--?[a-z][a-z-]*)`).FindAllString(string(help), -1)
		for i, option := range options[program.Name()] {
			options[program.Name()][i] = strings.TrimLeft(option, " \n\t[")
		}
	}
	require.Greater(t, len(options), 10)
	return options
}

// call is one of our programs in a line, with its options.
type call struct {
	program string
	options []string
}

// calls returns the calls of our programs in a line. Their options end at --,
// at the shell's operators, and at a closing quote.
func calls(text string) []call {
	program := regexp.MustCompile(`^(?:[A-Za-z_]+=)?['"]?(?:#!)?(?:/usr/bin/|build/)?(extauth-[a-z-]*[a-z])['"]?$`)
	option := regexp.MustCompile(`^--?[a-z][a-z-]*`)
	var all []call
	within := false
	for _, word := range strings.Fields(text) {
		switch match := program.FindStringSubmatch(word); {
		case match != nil:
			all, within = append(all, call{program: match[1]}), true
		case word == "--" || strings.ContainsAny(word[:1], "|><&;"):
			within = false
		case within && option.MatchString(word):
			last := &all[len(all)-1]
			last.options = append(last.options, option.FindString(word))
		}
		within = within && !strings.HasSuffix(word, "'") && !strings.HasSuffix(word, `"`)
	}
	return all
}

// spans returns the code between backticks in a page's text. It has no line
// number, since it may name other programs.
func spans(page, text string) []line {
	var all []line
	for _, match := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		all = append(all, line{page: page, text: match[1]})
	}
	return all
}
