// Command bench measures the programs beside others that do such work:
//
//	go run ./bench run build [BLOCK...]
//	go run ./bench check build [BLOCK...]
//
// build is the directory of the programs. run prints what it measured, and
// writes the README's table unless a BLOCK is named. check ends with 1 if a bar is missed.
//
// The rows of a block are run side by side: all of them once in each round, in
// random order. A ratio is the median of the rounds' ratios, so that a machine
// that is slow for a while is slow for both.
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

// bench is the program; source is its own directory.
func bench(w io.Writer, source string, args []string) (err error) {
	if len(args) < 2 || args[0] != "run" && args[0] != "check" {
		return errors.New("usage: bench run|check BUILD [BLOCK...]")
	}
	p, err := settle(args[1], source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	if err := p.prepare(); err != nil {
		return err
	}
	chosen := func(m maker) bool { return len(args) == 2 || slices.Contains(args[2:], m.name) }
	if args[0] == "check" {
		return p.check(w, chosen)
	}
	table, err := p.run(w, chosen)
	if err != nil || len(args) > 2 {
		return err
	}
	return intoReadme(filepath.Join(source, "..", "README.md"), table)
}

// run measures each block once, prints what it came to, and returns the README's
// table.
func (p place) run(w io.Writer, chosen func(maker) bool) (table string, err error) {
	table = "| | ratio | bar |\n|---|---|---|\n"
	for _, m := range makers() {
		if !chosen(m) {
			continue
		}
		b, err := m.make(p, false)
		if err != nil {
			return "", err
		}
		taken, err := p.take(b)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		for _, l := range b.lines {
			fmt.Fprint(w, l.text(m.name, b.unit, taken))
			if l.bar > 0 {
				table += l.markdown(taken)
			}
		}
	}
	return table + "\n" + p.machine() + "\n", nil
}

// check takes each block that has a bar, up to three times if one is missed: it
// is met if any of them meets it.
func (p place) check(w io.Writer, chosen func(maker) bool) error {
	missed := false
	for _, m := range makers() {
		if !m.barred || !chosen(m) {
			continue
		}
		b, err := m.make(p, true)
		if err != nil {
			return err
		}
		open, err := p.attempt(w, b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		missed = missed || len(open) > 0
	}
	if missed {
		return errors.New("bars are missed")
	}
	return nil
}

// attempt returns the bars of a block that no attempt met.
func (p place) attempt(w io.Writer, b block) ([]line, error) {
	open := slices.DeleteFunc(slices.Clone(b.lines), func(l line) bool { return l.bar == 0 })
	for range 3 {
		taken, err := p.take(b)
		if err != nil {
			return nil, err
		}
		open = slices.DeleteFunc(open, func(l line) bool {
			ratio, met := l.judge(taken)
			fmt.Fprintf(w, "%-7s %s: %.3g (%s)\n", map[bool]string{true: "met", false: "missed"}[met], l.name, ratio, l.goal())
			return met
		})
		if len(open) == 0 {
			break
		}
	}
	return open, nil
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
