package hook

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/internal/cli"
)

// TestMainByName: links to extauth-hook are the other front ends.
func TestMainByName(t *testing.T) {
	called := func(name string) string {
		var stdout bytes.Buffer
		require.Zero(t, Main(cli.IO{Args: []string{name, "--version"}, Stdout: &stdout}))
		program, _, _ := strings.Cut(stdout.String(), " ")
		return program
	}
	for _, row := range FrontEnds() {
		require.Equal(t, row.Name, called("/usr/bin/"+row.Name))
		require.Equal(t, row.Name, called(row.Name))
	}
	require.Equal(t, "extauth-hook", called("./renamed"))
}
