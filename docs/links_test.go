package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// TestLinks: every relative link leads to a file, and its anchor to a heading.
func TestLinks(t *testing.T) {
	all := pages(t)
	links := 0
	for page, text := range all {
		for _, target := range linksOf(text) {
			links++
			require.NoError(t, follow(all, page, target), page)
		}
	}
	require.Greater(t, links, 30)
}

// TestBrokenLinks: they are found.
func TestBrokenLinks(t *testing.T) {
	all := map[string]string{"docs_test.go": "", "page.md": "# A title: `code`, and more\n"}
	require.NoError(t, follow(all, "page.md", "#a-title-code-and-more"))
	require.NoError(t, follow(all, "page.md", "links_test.go"))
	require.Error(t, follow(all, "page.md", "#a-title"))
	require.Error(t, follow(all, "page.md", "none.md"))
	require.Equal(t, []string{"b.md"}, linksOf("`[a](a.md)` [b](b.md) [c](https://example.org)\n\n    [d](d.md)\n"))
}

// linksOf returns the targets of a page's relative links, outside of code.
func linksOf(text string) []string {
	block := regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$|`[^`\n]*`")
	var all []string
	for _, match := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		if !strings.Contains(match[1], "://") {
			all = append(all, match[1])
		}
	}
	return all
}

// follow returns an error if a page's link is broken.
func follow(all map[string]string, page, target string) error {
	path, anchor, _ := strings.Cut(target, "#")
	if path == "" {
		path = page
	} else {
		path = filepath.Join(filepath.Dir(page), path)
	}
	if _, isPage := all[path]; !isPage {
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	if anchor != "" && !anchors(all[path])[anchor] {
		return fmt.Errorf("%s has no heading for #%s", path, anchor)
	}
	return nil
}

// anchors returns the anchors that GitHub gives to a page's headings.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		names[strings.Map(anchorRune, strings.ToLower(match[1]))] = true
	}
	return names
}

func anchorRune(r rune) rune {
	switch {
	case r == ' ':
		return '-'
	case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
		return r
	}
	return -1
}
