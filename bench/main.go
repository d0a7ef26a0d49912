// Command bench compares the programs with others that do similar work:
//
//	go run ./bench run build [BLOCK...]
//	go run ./bench check build [BLOCK...]
//
// build is the directory of the programs. run prints its measurements, and
// writes the README's table unless a BLOCK is named. check ends with 1 if a bar
// is missed.
//
// The rows of a block are run once in each round, in random order. A ratio is
// the median of the rounds' ratios, so that a machine that is slow for a while
// is slow for both rows.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// bench is the program; source is the directory of its source.
func bench(w io.Writer, source string, args []string) (err error) {
	if len(args) < 2 || args[0] != "run" && args[0] != "check" {
		return errors.New("usage: bench run|check BUILD [BLOCK...]")
	}
	p, err := newWorkspace(args[1], source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	if err := p.prepare(); err != nil {
		return err
	}
	chosen := func(m blockMaker) bool { return len(args) == 2 || slices.Contains(args[2:], m.name) }
	if args[0] == "check" {
		return p.check(w, chosen)
	}
	table, err := p.run(w, chosen)
	if err != nil || len(args) > 2 {
		return err
	}
	return intoReadme(filepath.Join(source, "..", "README.md"), table)
}

// run measures each block once, prints the results, and returns the README's
// table.
func (p workspace) run(w io.Writer, chosen func(blockMaker) bool) (table string, err error) {
	table = "| | ratio | bar |\n|---|---|---|\n"
	for _, m := range blockMakers() {
		if !chosen(m) {
			continue
		}
		b, err := m.make(p, false)
		if err != nil {
			return "", err
		}
		measured, err := p.measure(b)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		for _, l := range b.lines {
			fmt.Fprint(w, l.text(m.name, b.unit, measured))
			if l.bar > 0 {
				table += l.markdown(measured)
			}
		}
	}
	return table + "\n" + p.machine() + "\n", nil
}

// check measures each block that has a bar, up to three times. A bar is met if
// one of the times meets it.
func (p workspace) check(w io.Writer, chosen func(blockMaker) bool) error {
	allMet := true
	for _, m := range blockMakers() {
		if !m.hasBar || !chosen(m) {
			continue
		}
		b, err := m.make(p, true)
		if err != nil {
			return err
		}
		missed, err := p.missedBars(w, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		allMet = allMet && len(missed) == 0
	}
	if !allMet {
		return errors.New("bars are missed")
	}
	return nil
}

// missedBars returns the lines of a block whose bars were missed each time.
func (p workspace) missedBars(w io.Writer, b block) ([]line, error) {
	missed := slices.DeleteFunc(slices.Clone(b.lines), func(l line) bool { return l.bar == 0 })
	for range 3 {
		measured, err := p.measure(b)
		if err != nil {
			return nil, err
		}
		missed = slices.DeleteFunc(missed, func(l line) bool {
			ratio, met := l.judge(measured)
			fmt.Fprintf(w, "%-7s %s: %.3g (%s)\n", map[bool]string{true: "met", false: "missed"}[met], l.name, ratio, l.goal())
			return met
		})
		if len(missed) == 0 {
			break
		}
	}
	return missed, nil
}

// intoReadme puts the table between its two marks.
func intoReadme(file, table string) error {
	const begin, end = "<!-- make bench -->\n", "<!-- make bench: end -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s: no place for the table", file)
	}
	return os.WriteFile(file, []byte(before+begin+table+end+after), 0o644)
}

//nolint:forbidigo // a main, as those in cmd/
func main() {
	if err := bench(os.Stdout, "bench", os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
