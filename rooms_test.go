package extauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module comes before the paths of our own packages.
const module = "github.com/extauth/extauth/"

// rooms has each of our packages, from the bottom up, with those of ours that it
// may import: all are above it in this list, so that arrows run down only.
func rooms() [][]string {
	leaves := []string{"internal/chain", "internal/commandline", "internal/endpoint", "internal/envfile", "internal/fault",
		"internal/journal", "internal/process", "internal/trust", "pkg/envmap"}
	library := append([]string{"pkg/runner"}, leaves...)
	program := append([]string{"internal/cli"}, library...)
	room := func(name string, imports []string, more ...string) []string {
		return append(append([]string{name}, imports...), more...)
	}
	return [][]string{
		room("internal/commandline", nil),
		room("internal/fault", nil),
		room("pkg/envmap", nil, "internal/commandline"),
		room("pkg/propagation", nil, "pkg/envmap"),
		room("internal/trust", nil, "internal/commandline"),
		room("internal/process", nil, "internal/trust", "pkg/envmap"),
		room("internal/envfile", nil, "internal/process", "internal/trust"),
		room("internal/endpoint", nil, "internal/commandline", "internal/process", "internal/trust", "pkg/envmap"),
		room("internal/chain", nil, "internal/commandline", "internal/endpoint", "internal/process", "internal/trust", "pkg/envmap"),
		room("internal/journal", nil, "internal/chain", "internal/trust", "pkg/envmap"),
		room("pkg/runner", leaves),
		room("internal/cli", library),
		room("internal/hook", program),
		room("internal/jsonlines", program, "internal/hook"), // replay calls as their front ends do
		room("internal/pending", program),
		room("internal/wait", program, "pkg/propagation"),
		room("internal/check", program, "pkg/propagation"),
		room("internal/httpreq", program),
		room("internal/program", nil, "internal/cli", "internal/commandline", "internal/process", "internal/check", "internal/hook",
			"internal/httpreq", "internal/jsonlines", "internal/pending", "internal/wait"),
	}
}

// TestArrowsRunDown: a package imports what is below it, and only what it may.
func TestArrowsRunDown(t *testing.T) {
	var below []string
	for _, room := range rooms() {
		for _, name := range importsOf(t, room[0]) {
			own, found := strings.CutPrefix(name, module)
			require.Truef(t, !found || slices.Contains(room[1:], own) && slices.Contains(below, own),
				"%s imports %s: let it not, or add that to rooms", room[0], name)
		}
		below = append(below, room[0])
	}
}

// TestEachPackageIsARoom: a new package says what it may import.
func TestEachPackageIsARoom(t *testing.T) {
	var known []string
	for _, room := range rooms() {
		known = append(known, room[0])
	}
	for _, pattern := range []string{"internal/*", "pkg/*"} {
		found, err := filepath.Glob(pattern + "/*.go")
		require.NoError(t, err)
		for _, file := range found {
			require.Contains(t, known, filepath.Dir(file))
		}
	}
}

// TestMainsImportOneRoom: a main imports what all programs share, and its room.
func TestMainsImportOneRoom(t *testing.T) {
	mains, err := filepath.Glob("cmd/*")
	require.NoError(t, err)
	for _, main := range mains {
		own := slices.DeleteFunc(importsOf(t, main), func(name string) bool { return !strings.HasPrefix(name, module) })
		require.LessOrEqual(t, len(own), 2, "%s: %s", main, own)
	}
}

// TestNetworkIsWhereItIsUsed: what is not about the network imports nothing of it.
func TestNetworkIsWhereItIsUsed(t *testing.T) {
	users := []string{"pkg/propagation", "internal/endpoint", "internal/wait", "internal/check", "internal/httpreq"}
	for _, room := range rooms() {
		for _, name := range importsOf(t, room[0]) {
			require.True(t, name != "net" && name != "net/http" || slices.Contains(users, room[0]), "%s imports %s", room[0], name)
		}
	}
}

// TestEnvmapIsPure: a translation depends on its arguments only.
func TestEnvmapIsPure(t *testing.T) {
	for _, name := range importsOf(t, "pkg/envmap") {
		require.NotContains(t, []string{"os", "os/exec", "net", "net/http", "time", "syscall", "io/fs"}, name)
	}
}

// TestHooksUseStandardParts: what reads env files, splits command lines, hashes and
// reads options is not ours.
func TestHooksUseStandardParts(t *testing.T) {
	listed, err := exec.Command("go", "list", "-deps", "./cmd/extauth-hook").Output()
	require.NoError(t, err)
	linked := strings.Fields(string(listed))
	for _, part := range []string{"github.com/joho/godotenv", "github.com/mattn/go-shellwords", "crypto/sha256", "flag", "os/exec", "encoding/json"} {
		require.Contains(t, linked, part)
	}
}

// TestRoomsAreSmall: a package that is too large for a reader, or a type that does
// too much, is cut. pkg/envmap is large because each convention has a file.
func TestRoomsAreSmall(t *testing.T) {
	for _, room := range rooms() {
		lines, methods := 0, map[string]int{}
		for _, file := range sources(t, room[0]) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			lines += strings.Count(string(text), "\n")
			parsed, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
			require.NoError(t, err)
			for _, declared := range parsed.Decls {
				if f, ok := declared.(*ast.FuncDecl); ok && f.Recv != nil {
					methods[receiver(f.Recv.List[0].Type)]++
				}
			}
		}
		require.True(t, lines <= 3500 || room[0] == "pkg/envmap", "%s has %d lines", room[0], lines)
		for name, n := range methods {
			require.LessOrEqual(t, n, 25, "%s.%s has that many methods", room[0], name)
		}
	}
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
