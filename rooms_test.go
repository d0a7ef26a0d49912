package extauth_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is in front of the paths of our own packages.
const module = "github.com/extauth/extauth/"

// rooms are the packages of the programs, with those of ours that each may import.
// The arrows run down only: what all share knows no program.
func rooms() map[string][]string {
	library := []string{"pkg/envmap", "pkg/runner"}
	programs := append([]string{"internal/cli"}, library...)
	with := func(more ...string) []string { return append(more, programs...) }
	return map[string][]string{
		"internal/cli":       library,
		"internal/hook":      programs,
		"internal/pending":   programs,
		"internal/check":     programs,
		"internal/wait":      with("pkg/propagation"),
		"internal/httpreq":   with("internal/listen"),
		"internal/jsonlines": with("internal/listen", "internal/hook"), // replay calls as their front ends do
		"internal/listen":    nil,
		"internal/program": with("internal/check", "internal/hook", "internal/httpreq", "internal/jsonlines",
			"internal/pending", "internal/wait"),
	}
}

// TestRoomsImportWhatIsBelow them.
func TestRoomsImportWhatIsBelow(t *testing.T) {
	for room, allowed := range rooms() {
		for _, name := range importsOf(t, room) {
			if own, found := strings.CutPrefix(name, module); found {
				require.Contains(t, allowed, own, "%s imports %s", room, name)
			}
		}
	}
}

// TestProgramsHaveRooms: a main imports what all share, and one room.
func TestProgramsHaveRooms(t *testing.T) {
	mains, err := filepath.Glob("cmd/*")
	require.NoError(t, err)
	for _, main := range mains {
		for _, name := range importsOf(t, main) {
			own, found := strings.CutPrefix(name, module)
			require.True(t, !found || rooms()[own] != nil, "%s imports %s", main, name)
		}
	}
}

// TestNetIsWhereItIsUsed: what all share, and what clients call, has no network.
func TestNetIsWhereItIsUsed(t *testing.T) {
	for _, room := range []string{"internal/cli", "internal/hook", "internal/pending"} {
		listed, err := exec.Command("go", "list", "-deps", "./"+room).Output()
		require.NoError(t, err)
		require.False(t, slices.Contains(strings.Fields(string(listed)), "net"), room)
	}
}
