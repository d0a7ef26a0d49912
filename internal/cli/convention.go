package cli

import (
	"strings"

	"github.com/extauth/extauth/pkg/envmap"
)

// HandlerConvention returns the convention that handlers speak by that name. The
// error is a usage error.
func HandlerConvention(name string) (*envmap.Convention, error) {
	c, known := envmap.Lookup(name)
	if known && c.Encode != nil {
		return c, nil
	}
	if meant := nearest(name); meant != "" {
		return nil, Usage("unknown convention %q (did you mean %q?)", name, meant)
	}
	return nil, Usage("unknown convention %q (want one of %s)", name, Conventions())
}

// Conventions returns the names of all, for a message.
func Conventions() string {
	var names []string
	for _, c := range envmap.Conventions() {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// nearest is the convention whose name is at most two edits away, or empty.
func nearest(name string) (found string) {
	least := 3
	for _, c := range envmap.Conventions() {
		if d := distance(name, c.Name); d < least && d < len(c.Name)/2 {
			found, least = c.Name, d
		}
	}
	return found
}

// distance is the number of letters to insert, delete or replace in a for b
// (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
