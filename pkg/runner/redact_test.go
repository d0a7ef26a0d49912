package runner

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzEscaped: a credential is known again in the forms that net/url writes.
func FuzzEscaped(f *testing.F) {
	f.Add("p&ss w+rd/ä%$:=@,;?#[]!'()*~-._")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < minSecret {
			return
		}
		forms := formsOf(text)
		require.Contains(t, forms, url.QueryEscape(text))
		require.Contains(t, forms, url.PathEscape(text))
	})
}
