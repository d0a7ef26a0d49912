package extauth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEnvmapIsPure: a translation depends on its arguments only.
func TestEnvmapIsPure(t *testing.T) {
	for _, name := range importsOf(t, "pkg/envmap") {
		require.NotContains(t, []string{"os", "os/exec", "net", "net/http", "time", "syscall", "io/fs"}, name)
		require.NotContains(t, strings.TrimPrefix(name, "github.com/extauth/extauth/internal/commandline"), "github.com/")
	}
}
