// Package docs_test compares the documentation with the code: links lead
// somewhere, the programs accept what can be pasted, and print the messages
// that are quoted.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository, as seen from this directory.
const root = ".."

// pages returns the texts of all pages by path.
func pages(t *testing.T) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == "build" || d.Name() == "testdata") {
			return skipped(err)
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	require.Greater(t, len(all), 10)
	return all
}

// skipped skips a directory, unless it could not be read.
func skipped(err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

// line is a line of a page that can be pasted, without its indentation. Lines
// that end in a backslash are joined with the next.
type line struct {
	page   string
	number int // from 1
	text   string
}

// pasted returns the lines of a page's code blocks, indented or fenced.
func pasted(page, text string) []line {
	var all []line
	fenced, joined := false, ""
	for i, l := range strings.Split(text, "\n") {
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
			continue
		}
		rest, indented := strings.CutPrefix(l, "    ")
		if !indented && !fenced {
			joined = ""
			continue
		}
		joined += strings.TrimSpace(rest)
		if before, more := strings.CutSuffix(joined, `\`); more {
			joined = before
			continue
		}
		all = append(all, line{page, i + 1, joined})
		joined = ""
	}
	return all
}
