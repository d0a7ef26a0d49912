package runner

import (
	"errors"
	"strings"
)

// Globs are identifiers as domain= of a chain line has them: *.example.org is
// every name below example.org.
type Globs []string

// ParseGlobs reads GLOB[,GLOB]...
func ParseGlobs(text string) (Globs, error) {
	h := Handler{}
	if err := h.setDomains(text); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "domain=: "))
	}
	return h.Domains, nil
}

// Match tells whether a name is one of them.
func (g Globs) Match(name string) bool { return closeness(g, name) > 0 }

// ReadSecret reads a file of credentials, under the rules for env files. The
// error is an *EnvFileError, an *UnsafeError or a *fs.PathError.
func ReadSecret(file string) ([]byte, error) { return readSafely(file) }
