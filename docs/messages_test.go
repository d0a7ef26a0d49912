package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMessages: the programs print the messages that troubleshooting.md quotes:
// each part of a message between its dots is in a string of the code.
func TestMessages(t *testing.T) {
	literals := strings.Join(literals(t), "\x00")
	messages := quoted(t)
	require.Greater(t, len(messages), 80)
	for _, message := range messages {
		assert.Empty(t, missingParts(message, literals), message)
	}
}

func TestMissingParts(t *testing.T) {
	require.Empty(t, missingParts("...: exit status ...", "%s\x00exit status %d"))
	require.Equal(t, []string{"ended with"}, missingParts("...: ended with ...", "%s\x00exit status %d"))
	require.NotEmpty(t, missingParts("...", "%s\x00exit status %d"), "says nothing that could be looked for")
}

// missingParts returns the parts of a message that no string of the code has.
func missingParts(message, literals string) []string {
	parts := fixed(message)
	if len(strings.Join(parts, "")) < 7 {
		return []string{message}
	}
	return slices.DeleteFunc(parts, func(part string) bool { return strings.Contains(literals, part) })
}

// troubleshooting returns the page's text.
func troubleshooting(t *testing.T) string {
	text, err := os.ReadFile("troubleshooting.md")
	require.NoError(t, err)
	return string(text)
}

// quoted returns the messages: the code in the first column of a table.
func quoted(t *testing.T) []string {
	var all []string
	for _, row := range strings.Split(troubleshooting(t), "\n") {
		column, found := strings.CutPrefix(row, "| `")
		if !found {
			continue
		}
		column, _, _ = strings.Cut("`"+column, " | ")
		for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(column, -1) {
			all = append(all, match[1])
		}
	}
	return all
}

// fixed returns the parts of a message that are always the same.
func fixed(message string) []string {
	var parts []string
	for _, part := range strings.Split(message, "...") {
		if part = strings.Trim(part, " :\"`;"); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// literals returns the strings of the programs' code.
func literals(t *testing.T) []string {
	var all []string
	for _, dir := range []string{"internal", "pkg"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err == nil {
				all = append(all, literalsOf(parsed)...)
			}
			return err
		}))
	}
	return all
}

func literalsOf(file *ast.File) []string {
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, _ := strconv.Unquote(l.Value)
			all = append(all, text)
		}
		return true
	})
	return all
}

// TestStatuses: the page has a heading for each exit status.
func TestStatuses(t *testing.T) {
	file := filepath.Join(root, "internal", "cli", "status.go")
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	statuses := regexp.MustCompile(`(?m)^\tStatus[A-Z]\w+ += (\d+) `).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(statuses), 10)
	for _, status := range statuses {
		require.Contains(t, explained(troubleshooting(t)), status[1])
	}
}

// explained returns the numbers that headings begin with, and those of a single
// HANDLER, which a paragraph explains.
func explained(text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^## (\d+)|(126)|(127)`).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1]+match[2]+match[3])
	}
	return all
}
