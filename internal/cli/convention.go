package cli

import (
	"strings"

	"github.com/extauth/extauth/internal/commandline"
	"github.com/extauth/extauth/pkg/envmap"
)

// HandlerConvention returns the handler convention of that name. The error is a
// usage error.
func HandlerConvention(name string) (*envmap.Convention, error) {
	c, known := envmap.Lookup(name)
	if known && c.To.Encode != nil {
		return c, nil
	}
	if meant, found := commandline.Nearest(name, conventions()); found {
		return nil, Usage("unknown convention %q (did you mean %q?)", name, meant)
	}
	return nil, Usage("unknown convention %q (want one of %s)", name, Conventions())
}

// Conventions returns the names of all handler conventions, for a message.
func Conventions() string { return strings.Join(conventions(), ", ") }

func conventions() []string {
	var names []string
	for _, c := range envmap.Conventions() {
		names = append(names, c.Name)
	}
	return names
}
