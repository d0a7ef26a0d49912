package extauth_test

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// faultTables is the list of faults that this project answers for, by table:
// A hostile values, B client calls, C JSON lines, D configuration, E handlers,
// F lifecycle, G signals, H environment, I privileges, J output. A test for a
// row begins with its name: testdata/script/E07_..., or TestE07_...
var faultTables = map[string]int{"A": 14, "B": 14, "C": 14, "D": 16, "E": 22, "F": 18, "G": 10, "H": 14, "I": 9, "J": 6}

// TestFaultRows: each row has a test, or a reason in testdata/faults.txt: that
// it is for a later issue or another system, and nothing else.
func TestFaultRows(t *testing.T) {
	tested, excused := testedRows(t), excusedRows(t)
	covered, all := 0, 0
	for _, row := range rows() {
		all++
		switch {
		case tested[row]:
			covered++
			require.NotContains(t, excused, row, "has a test, and a reason to have none")
		case excused[row] == "":
			t.Errorf("row %s has neither a test nor a reason in testdata/faults.txt", row)
		default:
			fmt.Printf("left out: %s: %s\n", row, excused[row])
		}
	}
	for row := range excused {
		require.Contains(t, rows(), row)
	}
	fmt.Printf("fault rows covered: %d of %d\n", covered, all)
}

func rows() []string {
	var all []string
	for table, n := range faultTables {
		for i := 1; i <= n; i++ {
			all = append(all, fmt.Sprintf("%s%02d", table, i))
		}
	}
	sort.Strings(all)
	return all
}

func testedRows(t *testing.T) map[string]bool {
	tested := map[string]bool{}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	for _, file := range scripts {
		if name := filepath.Base(file); len(name) > 3 && name[3] == '_' {
			tested[name[:3]] = true
		}
	}
	function := regexp.MustCompile(`(?m)^func (?:Test|Fuzz)([A-J][0-9]{2})_`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range function.FindAllStringSubmatch(string(text), -1) {
			tested[match[1]] = true
		}
		return err
	})
	require.NoError(t, err)
	return tested
}

func excusedRows(t *testing.T) map[string]string {
	excused := map[string]string{}
	f, err := os.Open("testdata/faults.txt")
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := lines.Text(); line != "" && line[0] != '#' {
			row, reason, found := strings.Cut(line, ": ")
			require.True(t, found, line)
			require.Regexp(t, `^(later issue|other system): .`, reason, line)
			excused[row] = reason
		}
	}
	require.NoError(t, lines.Err())
	return excused
}
