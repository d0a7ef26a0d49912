// Package extauth_test checks what no single package can: that the
// documentation says what the code does, and that the packages keep apart.
package extauth_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func importsOf(t *testing.T, directory string) []string {
	var all []string
	for _, file := range sources(t, directory) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			all = append(all, name)
		}
	}
	return all
}

// sources are a package's files without its tests.
func sources(t *testing.T, directory string) []string {
	files, err := filepath.Glob(filepath.Join(directory, "*.go"))
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
	require.NotEmpty(t, files)
	return files
}

// TestMainsAreThin: a program is a function of a room.
func TestMainsAreThin(t *testing.T) {
	mains, err := filepath.Glob("cmd/*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	for _, file := range mains {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.LessOrEqual(t, strings.Count(string(text), "\n"), 12, file)
	}
}

// TestREADMESaysHowToTest: continuous integration runs what people are told.
func TestREADMESaysHowToTest(t *testing.T) {
	for _, file := range []string{"README.md", ".ci/run", ".github/workflows/test.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), "make demo")
		require.Contains(t, string(text), "make test")
	}
}
