package docs_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPictures: each is well-formed, describes itself in words, can be read on
// a dark page, and is in a page.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob("*.svg")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	shown := ""
	for _, text := range pages(t) {
		shown += text
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		names := elements(t, string(text))
		require.Contains(t, names, "title", file)
		require.Contains(t, names, "desc", file)
		require.Contains(t, string(text), "prefers-color-scheme: dark", file)
		require.True(t, regexp.MustCompile(`!\[[^\]]+\]\((?:docs/)?`+file+`\)`).MatchString(shown), file)
	}
}

// elements returns the names of a document's elements.
func elements(t *testing.T, text string) []string {
	var names []string
	parts := xml.NewDecoder(strings.NewReader(text))
	for {
		part, err := parts.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		require.NoError(t, err)
		if element, ok := part.(xml.StartElement); ok {
			names = append(names, element.Name.Local)
		}
	}
}
