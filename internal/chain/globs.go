package chain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/extauth/extauth/pkg/envmap"
)

// Globs are identifiers as domain= of a chain line has them: *.example.org is
// every name below example.org.
type Globs []string

// ParseGlobs reads GLOB[,GLOB]...
func ParseGlobs(text string) (Globs, error) {
	var globs Globs
	for _, glob := range strings.Split(text, ",") {
		if !strings.ContainsFunc(glob, func(r rune) bool { return r >= utf8.RuneSelf }) {
			glob = canonicalName(glob)
		}
		e := envmap.Event{Cmd: envmap.DeployCert, Domains: []string{glob}}
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("%q is neither an identifier nor *. with one", glob)
		}
		globs = append(globs, glob)
	}
	return globs, nil
}

// Match reports whether one of them matches a name.
func (g Globs) Match(name string) bool { return closeness(g, name) > 0 }

// closeness is how much of a name the longest glob says that matches it, in
// bytes. *.example.org matches every name below example.org, and example.org
// only itself. 0: none matches.
func closeness(globs []string, name string) int {
	most := 0
	for _, glob := range globs {
		suffix, wild := strings.CutPrefix(glob, "*")
		switch {
		case name == glob:
			most = max(most, len(name)+1)
		case wild && strings.HasSuffix(name, suffix) && len(name) > len(suffix):
			most = max(most, len(suffix))
		}
	}
	return most
}
