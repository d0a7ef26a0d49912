package extauth_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// faultTables is how many rows each table of testdata/faults.md has.
var faultTables = map[string]int{"A": 14, "B": 14, "C": 14, "D": 16, "E": 22, "F": 18, "G": 10, "H": 14, "I": 9, "J": 6}

// faultRow is a row of testdata/faults.md: the tests that it names, or the
// reason why there is none.
type faultRow struct {
	id, fault, reason string
	tests             []string
}

// TestFaultRows: each row of testdata/faults.md names tests that exist, or says
// that the row is for a later issue or another system.
func TestFaultRows(t *testing.T) {
	rows, exists := faultRows(t), testNames(t)
	requireAllRows(t, rows)
	covered := 0
	for _, row := range rows {
		require.NotEmpty(t, row.fault, row.id)
		for _, test := range row.tests {
			require.True(t, exists[test], "testdata/faults.md: row %s: there is no test %s", row.id, test)
		}
		if len(row.tests) > 0 {
			covered++
			continue
		}
		require.Regexp(t, `^(later issue|other system): .`, row.reason, "testdata/faults.md: row %s has neither a test nor a reason", row.id)
		fmt.Printf("left out: %s: %s\n", row.id, row.reason)
	}
	fmt.Printf("fault rows covered: %d of %d\n", covered, len(rows))
}

// requireAllRows fails unless the rows are those of faultTables, in order.
func requireAllRows(t *testing.T, rows []faultRow) {
	var got, want []string
	for _, row := range rows {
		got = append(got, row.id)
	}
	for _, table := range strings.Split("ABCDEFGHIJ", "") {
		for i := 1; i <= faultTables[table]; i++ {
			want = append(want, fmt.Sprintf("%s%02d", table, i))
		}
	}
	require.Equal(t, want, got)
}

func faultRows(t *testing.T) []faultRow {
	text, err := os.ReadFile("testdata/faults.md")
	require.NoError(t, err)
	var rows []faultRow
	cells := regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \| (.*) \| (.*) \|$`)
	for _, cell := range cells.FindAllStringSubmatch(string(text), -1) {
		row := faultRow{id: cell[1], fault: cell[2], reason: cell[3]}
		if strings.HasPrefix(cell[3], "`") {
			row.tests = strings.Split(strings.Trim(cell[3], "`"), "`, `")
		}
		rows = append(rows, row)
	}
	return rows
}

// testNames holds the name of every script and of every Go test.
func testNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	for _, script := range scripts {
		names[strings.TrimSuffix(filepath.Base(script), ".txtar")] = true
	}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	walkTests(t, func(text string) {
		for _, match := range function.FindAllStringSubmatch(text, -1) {
			names[match[1]] = true
		}
	})
	return names
}

// walkTests gives do the text of each Go test file.
func walkTests(t *testing.T, do func(text string)) {
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		do(string(text))
		return err
	})
	require.NoError(t, err)
}

// TestScriptNames: a script's name begins with its subject, which has a line in
// testdata/script/README.md, and has no row of a table in it.
func TestScriptNames(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	readme, err := os.ReadFile("testdata/script/README.md")
	require.NoError(t, err)
	for _, script := range scripts {
		name := filepath.Base(script)
		require.Regexp(t, `^[a-z][a-z0-9_]+\.txtar$`, name)
		require.True(t, describedIn(string(readme), name), "testdata/script/README.md has no prefix for %s", name)
	}
}

// describedIn reports whether the README has the name's prefix, as `env_file_`.
func describedIn(readme, name string) bool {
	for i, c := range name {
		if c == '_' && strings.Contains(readme, "`"+name[:i+1]+"`") {
			return true
		}
	}
	return false
}
