package check

import (
	"fmt"
	"io"
	"strings"
)

// tap writes the Test Anything Protocol, version 13 (testanything.org), which
// readers of version 14 understand too; prove(1) knows no later version.
type tap struct {
	w      io.Writer
	number int
	failed int
	err    error // of the first failed write
}

func (t *tap) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *tap) begin(checks int) { t.printf("TAP version 13\n1..%d\n", checks) }

func (t *tap) comment(text string) { t.printf("# %s\n", text) }

// report writes one result. skipped says why there is none.
func (t *tap) report(c check, skipped string, f *finding) {
	t.number++
	switch {
	case skipped != "":
		t.printf("ok %d - %s: %s # SKIP %s\n", t.number, c.name, c.statement, skipped)
	case f == nil:
		t.printf("ok %d - %s: %s\n", t.number, c.name, c.statement)
	default:
		t.failed++
		t.printf("not ok %d - %s: %s\n", t.number, c.name, c.statement)
		t.diagnose(f)
	}
}

// diagnose writes a finding as a YAML block. Strings are quoted with escapes
// that YAML and Go have in common.
func (t *tap) diagnose(f *finding) {
	t.printf("  ---\n  expected: %q\n  seen: %q\n", f.expected, f.seen)
	t.list("ran", f.ran)
	t.list("printed", f.printed)
	if f.explain != "" {
		t.printf("  explain: |\n    %s\n", strings.ReplaceAll(f.explain, "\n", "\n    "))
	}
	t.printf("  ...\n")
}

func (t *tap) list(name string, lines []string) {
	if len(lines) == 0 {
		return
	}
	t.printf("  %s:\n", name)
	for _, line := range lines {
		t.printf("    - %+q\n", line)
	}
}
