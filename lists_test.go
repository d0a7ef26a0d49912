package extauth_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

var update = flag.Bool("update", false, "write the lists that follow from pkg/envmap/conventions.go")

// TestListsOfConventions: each list of the conventions in a file follows from
// the rows in pkg/envmap/conventions.go. -update writes them all.
func TestListsOfConventions(t *testing.T) {
	for file, list := range map[string]string{
		"README.md":                     readmeTable(),
		"man/extauth.7":                 manualList(),
		"completions/bash/extauth":      bashLists(),
		"completions/zsh/_extauth":      zshLists(),
		"completions/fish/extauth.fish": fishLists(),
	} {
		t.Run(file, func(t *testing.T) { requireList(t, file, list) })
	}
}

// requireList compares a list with what is between two marked lines of a file.
func requireList(t *testing.T, file, want string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	begin, end := marks(string(text), "conventions: make update"), marks(string(text), "conventions: end")
	before, rest, found := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	require.True(t, found && closed && begin != "" && end != "", "%s: the marks of the list are missing", file)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, got, "%s differs from pkg/envmap/conventions.go: run make update", file)
}

// marks returns the line of a text that contains a mark.
func marks(text, mark string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, mark) {
			return line
		}
	}
	return ""
}

func readmeTable() string {
	table := "| convention | what it is | from | to |\n|---|---|---|---|\n"
	for _, c := range envmap.Conventions() {
		table += fmt.Sprintf("| `%s` | %s | %s | %s |\n", c.Name, c.Doc, yes(c.From.Decode != nil), yes(c.To.Encode != nil))
	}
	return table
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func manualList() string {
	list := ".Bl -tag -width Ds\n"
	for _, c := range envmap.Conventions() {
		directions := strings.Join(append(only(c.From.Decode != nil, "from"), only(c.To.Encode != nil, "to")...), ", ")
		list += fmt.Sprintf(".It Cm %s Pq %s\n%s\n", c.Name, directions, wrap(c.Doc, 80, "\n"))
	}
	return list + ".El\n"
}

func only(b bool, word string) []string {
	if b {
		return []string{word}
	}
	return nil
}

func bashLists() string {
	const form = "%s() {\n\t_extauth_reply -W '%s'\n}\n"
	return fmt.Sprintf(form, "_extauth_conventions", wrap(handlers(), 100, "\n\t\t")) + "\n" +
		fmt.Sprintf(form, "_extauth_scripts", wrap(scripts(), 100, "\n\t\t")) + "\n" +
		fmt.Sprintf(form, "_extauth_clients", wrap(clients(), 100, "\n\t\t"))
}

func zshLists() string {
	const form = "%s() {\n  compadd \"$@\" - %s\n}\n"
	return fmt.Sprintf(form, "_extauth_conventions", wrap(handlers(), 100, " \\\n    ")) + "\n" +
		fmt.Sprintf(form, "_extauth_scripts", wrap(scripts(), 100, " \\\n    ")) + "\n" +
		fmt.Sprintf(form, "_extauth_clients", wrap(clients(), 100, " \\\n    "))
}

func fishLists() string {
	const form = "set -l %s %s\n"
	return fmt.Sprintf(form, "conventions", wrap(handlers(), 100, " \\\n    ")) +
		fmt.Sprintf(form, "scripts", wrap(scripts(), 100, " \\\n    ")) +
		fmt.Sprintf(form, "clients", wrap(clients(), 100, " \\\n    "))
}

// handlers are the conventions that a handler can speak.
func handlers() string {
	return names(func(c *envmap.Convention) bool { return c.To.Encode != nil })
}

// scripts are those of handlers that are programs of their author.
func scripts() string {
	return names(func(c *envmap.Convention) bool { return c.To.Encode != nil && !c.To.Person && c.To.Program == "" })
}

// clients are the conventions that a client can speak.
func clients() string {
	return names(func(c *envmap.Convention) bool { return c.From.Decode != nil })
}

func names(has func(*envmap.Convention) bool) string {
	var all []string
	for _, c := range envmap.Conventions() {
		if has(c) {
			all = append(all, c.Name)
		}
	}
	return strings.Join(all, " ")
}

// wrap breaks a text of words into lines of at most so many characters.
func wrap(text string, width int, separator string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), separator)
}
