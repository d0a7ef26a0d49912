package envmap_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
)

// TestWinacmeNeedsTheIdentifier: an empty word would shift the others in a
// script for Windows.
func TestWinacmeNeedsTheIdentifier(t *testing.T) {
	e := full(envmap.PerformChallenge)
	e.Domain = ""
	_, err := lookup(t, "winacme").Encode(e)
	missing := new(envmap.MissingError)
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "domain", missing.Field)
}
