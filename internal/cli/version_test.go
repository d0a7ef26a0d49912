package cli

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVersionNamesWhatIsKnown: an unknown part leaves no gap.
func TestVersionNamesWhatIsKnown(t *testing.T) {
	defer func() { Version, Commit, Date = "", "", "" }()
	system := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"

	Version, Commit, Date = "0.1.0", "0123456789ab", "2026-01-02"
	require.Equal(t, "0.1.0 (commit 0123456789ab, 2026-01-02, "+system, version())
	Version, Commit, Date = "0.1.0", "", ""
	require.Equal(t, "0.1.0 ("+system, version())
}

// TestVersionOfABuildInACheckout: no linker flag is needed.
func TestVersionOfABuildInACheckout(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v0.1.0+dirty"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
		{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
	}}
	version, commit, date := versionOf(info, true)
	require.Equal(t, []string{"v0.1.0+dirty", "0123456789ab", "2026-01-02"}, []string{version, commit, date})

	version, commit, date = versionOf(nil, false)
	require.Equal(t, []string{"(devel)", "", ""}, []string{version, commit, date})
	version, commit, date = versionOf(&debug.BuildInfo{}, true)
	require.Equal(t, []string{"(devel)", "", ""}, []string{version, commit, date})
}
