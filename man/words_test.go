package man_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/extauth/extauth/pkg/envmap"
	"github.com/extauth/extauth/pkg/runner"
)

const variable = `(EXTAUTH_[A-Z_]*[A-Z])`

// TestPagesHaveTheVariables that the code reads or sets, and no others.
func TestPagesHaveTheVariables(t *testing.T) {
	code, seen := "", ""
	for _, directory := range []string{"../cmd", "../internal", "../pkg"} {
		code += literals(t, directory)
	}
	for _, file := range pages(t, "?") {
		seen += page(t, file)
	}
	require.Equal(t, words(variable, code), words(variable, seen))
}

// TestPagesHaveTheVariablesOfHelp: each is in the page of the program.
func TestPagesHaveTheVariablesOfHelp(t *testing.T) {
	for program := range programs() {
		environment := section(t, program+".1", ".Sh ENVIRONMENT")
		for _, name := range words(`\$([A-Z_]+[A-Z])`, help(t, program)) {
			if name != "XDG_STATE_HOME" { // it is in FILES
				require.Contains(t, environment, name, program)
			}
		}
	}
}

// literals returns all strings of the code below a directory, without tests.
func literals(t *testing.T, directory string) string {
	var all []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		ast.Inspect(parsed(t, path), func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				all = append(all, literal.Value)
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	return strings.Join(all, "\n")
}

// TestChainKeys: the page has the keys of each convention's lines, and names
// the conventions of those that only some have.
func TestChainKeys(t *testing.T) {
	seen, known := map[string]string{}, map[string]bool{}
	for _, i := range items(section(t, "extauth-chain.5", ".Sh DESCRIPTION")) {
		for _, key := range words(`Cm ([a-z]+)=`, i.head) {
			seen[key] += i.body + "\n"
		}
	}
	for _, c := range envmap.Conventions() {
		for _, key := range chainWords(t, c.Name+" nosuch=x /bin/true", `([a-z]+)=`) {
			known[key] = true
		}
		for _, key := range ownKeys(c) {
			require.Contains(t, marked("Cm", seen[key]), c.Name, key)
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(known)), slices.Collect(maps.Keys(seen)))
}

// ownKeys returns the keys that only one convention has.
func ownKeys(c *envmap.Convention) []string {
	return append(slices.Collect(maps.Values(c.To.Operands)), c.To.Settings...)
}

// chainWords returns the valid words in the parser's message about a wrong one.
func chainWords(t *testing.T, line, pattern string) []string {
	_, err := runner.ParseChain("/chain", line+"\n")
	require.Error(t, err)
	_, list, found := strings.Cut(err.Error(), "(want one of ")
	require.True(t, found, err.Error())
	list, _, _ = strings.Cut(list, ")")
	return words(pattern, list)
}

// TestChainValues: the page has the phases and the challenge types.
func TestChainValues(t *testing.T) {
	for _, i := range items(section(t, "extauth-chain.5", ".Sh DESCRIPTION")) {
		for _, key := range words(`^Cm (phase|type)=`, i.head) {
			require.Equal(t, chainWords(t, "json "+key+"=nosuch /bin/true", `([a-z][a-z0-9_-]*)`), marked("Cm", i.body), key)
		}
	}
}

// TestConventions: the page has each, with its directions and its description.
func TestConventions(t *testing.T) {
	var want, got []item
	for _, c := range envmap.Conventions() {
		directions := []string{}
		if c.From.Decode != nil {
			directions = append(directions, "from")
		}
		if c.To.Encode != nil {
			directions = append(directions, "to")
		}
		want = append(want, item{"Cm " + c.Name + " Pq " + strings.Join(directions, ", "), c.Doc})
	}
	for _, i := range items(section(t, "extauth.7", ".Ss Conventions")) {
		got = append(got, item{i.head, strings.Join(strings.Fields(i.body), " ")})
	}
	require.Equal(t, want, got)
}

// TestEvents: the page has each, with its members in the order of the wire, and
// explains each member.
func TestEvents(t *testing.T) {
	text := section(t, "extauth.7", ".Ss Events")
	want, got := wire(t), map[string][]string{}
	var explained []string
	for _, i := range items(text) {
		if name, isEvent := strings.CutPrefix(i.head, "Cm "); isEvent {
			got[name] = inOrder(i.body)
		} else {
			explained = append(explained, inOrder("."+i.head)...)
		}
	}
	require.Equal(t, want, got)
	members := map[string]bool{"peer_uid": true} // a process that listens adds it
	for _, names := range want {
		for _, name := range names {
			members[name] = true
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(members)), explained)
}

// inOrder returns the words after .Va, in their order.
func inOrder(text string) []string {
	all := []string{}
	for _, line := range strings.Split(text, "\n") {
		if rest, found := strings.CutPrefix(line, ".Va "); found {
			all = append(all, strings.Fields(strings.ReplaceAll(rest, ",", " "))...)
		}
	}
	return all
}

// wire returns the members of each event as the code lists them.
func wire(t *testing.T) map[string][]string {
	events := constants(t, "../pkg/envmap/event.go")
	all := map[string][]string{}
	ast.Inspect(parsed(t, "../pkg/envmap/fields.go"), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "wire" {
			return true
		}
		for _, row := range spec.Values[0].(*ast.CompositeLit).Elts {
			fields := row.(*ast.CompositeLit).Elts
			all[unquoted(t, events[fields[0].(*ast.Ident).Name])] = texts(t, fields[1])
		}
		return false
	})
	require.NotEmpty(t, all)
	return all
}

// texts returns the strings of a list.
func texts(t *testing.T, list ast.Expr) []string {
	all := []string{}
	for _, element := range list.(*ast.CompositeLit).Elts {
		all = append(all, unquoted(t, element.(*ast.BasicLit).Value))
	}
	return all
}

func unquoted(t *testing.T, literal string) string {
	text, err := strconv.Unquote(literal)
	require.NoError(t, err)
	return text
}
