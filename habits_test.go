package extauth_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChecksBeforeACommit: the hooks of git and of pre-commit run what make test
// begins with.
func TestChecksBeforeACommit(t *testing.T) {
	for _, file := range []string{".githooks/pre-commit", ".pre-commit-config.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Regexp(t, `(?m)(exec|entry:) make check$`, string(text), file)
	}
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^test:.* check\b`, string(makefile))
}

// TestGitHooks: they are clean, and git can run them.
func TestGitHooks(t *testing.T) {
	hooks, err := filepath.Glob(".githooks/*")
	require.NoError(t, err)
	require.NotEmpty(t, hooks)
	for _, hook := range hooks {
		info, err := os.Stat(hook)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o100, hook)
	}
	if _, err := exec.LookPath("shellcheck"); err != nil && os.Getenv("CI") == "" {
		t.Skip("needs shellcheck (Debian package shellcheck)")
	}
	output, err := exec.Command("shellcheck", hooks...).CombinedOutput()
	require.NoError(t, err, string(output))
}

// TestActionsArePinned: a tag can be moved, a commit cannot.
func TestActionsArePinned(t *testing.T) {
	workflows, err := filepath.Glob(".github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, workflows)
	pinned := regexp.MustCompile(`^\s*- uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9.]+$`)
	for _, file := range workflows {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, line := range strings.Split(string(text), "\n") {
			require.True(t, !strings.Contains(line, "uses:") || pinned.MatchString(line), line)
		}
	}
}
