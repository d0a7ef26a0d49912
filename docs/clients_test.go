package docs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestEachClientHasAPage: what it calls, what it does not say, what happens
// when a hook fails, and traps. json and handler have pages of their own.
func TestEachClientHasAPage(t *testing.T) {
	for _, c := range envmap.Conventions() {
		if c.From.Decode == nil || c.Name == "json" || c.Name == "handler" {
			continue
		}
		text, err := os.ReadFile(filepath.Join("clients", c.Name+".md"))
		require.NoError(t, err)
		for _, heading := range []string{`(?m)^## What .* not say$`, `(?m)^## When a (hook|handler) fails$`, `(?m)^## Traps$`} {
			require.Regexp(t, heading, string(text), c.Name)
		}
	}
}
