package extauth_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHooksLinkLittle: a hook's program is started for each event, and whatever
// it links is a part of that start, used or not.
func TestHooksLinkLittle(t *testing.T) {
	for _, program := range hooks(t) {
		listed, err := exec.Command("go", "list", "-deps", "./"+program).Output()
		require.NoError(t, err)
		for _, name := range strings.Fields(string(listed)) {
			require.Truef(t, mayLink(name), "%s links %s, which makes every start of it slower and larger. "+
				"Do without it, or give it to a program of its own, as extauth-wait is one. "+
				"If it is worth its cost (make bench), add it to linkable.", program, name)
		}
	}
}

// TestHooksLinkTheSyntaxOfJSONAlone: what reads and writes values by their types is
// several times as much, and brings most of reflect with it.
func TestHooksLinkTheSyntaxOfJSONAlone(t *testing.T) {
	program := filepath.Join(t.TempDir(), "extauth-hook")
	output, err := exec.Command("go", "build", "-o", program, "./cmd/extauth-hook").CombinedOutput()
	require.NoError(t, err, string(output))
	symbols, err := exec.Command("go", "tool", "nm", program).Output()
	require.NoError(t, err)
	links := func(name string) bool { return strings.Contains(string(symbols), " encoding/json."+name) }
	require.True(t, links("Valid"))
	for _, name := range []string{"(*decodeState)", "(*encodeState)", "(*Decoder)", "(*Encoder)"} {
		require.Falsef(t, links(name), "extauth-hook links encoding/json's %s. Use what pkg/envmap has for lines of JSON.", name)
	}
}

// hooks are the directories of all programs but those that run beside a client
// for as long as it does, or wait for the network, or are for authors of hooks.
func hooks(t *testing.T) []string {
	programs, err := filepath.Glob("cmd/*")
	require.NoError(t, err)
	programs = slices.DeleteFunc(programs, func(program string) bool {
		return slices.Contains([]string{"extauth-check", "extauth-httpreq", "extauth-json", "extauth-wait"}, filepath.Base(program))
	})
	require.NotEmpty(t, programs)
	return programs
}

// mayLink accepts our own packages, those that the standard library has for
// itself, which are others in each version of Go, and what linkable names.
func mayLink(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	standard := !strings.Contains(first, ".")
	own := first == "internal" || first == "runtime" || first == "vendor" || strings.Contains(name, "/internal/")
	return strings.HasPrefix(name, "github.com/extauth/extauth/") || standard && own || slices.Contains(linkable(), name)
}

// linkable are the packages that are worth their cost. That there are no others
// keeps out what is expensive: net and all above it, crypto, regexp, the templates,
// log, and modules that compile expressions or fill tables when a program starts.
func linkable() []string {
	return strings.Fields(`
		bufio bytes cmp context errors flag fmt io io/fs iter maps math math/bits
		os os/exec os/signal os/user path path/filepath reflect slices sort strconv strings sync sync/atomic syscall
		text/tabwriter time unicode unicode/utf16 unicode/utf8 unsafe
		encoding encoding/base64 encoding/binary encoding/hex encoding/json
		github.com/mattn/go-shellwords golang.org/x/sys/unix`)
}
