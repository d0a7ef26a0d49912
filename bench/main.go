// Command bench measures the programs beside others that do such work, and
// checks that they reach their goals:
//
//	go run ./bench run build [BLOCK...]
//	go run ./bench check build [BLOCK...]
//
// build is the directory of the programs. run prints a table, and writes
// bench/result.json, bench/result.svg and the README's table where no BLOCK is
// named. check ends with 1 where a goal is missed.
//
// All rows of a block are run once in each round, in random order, and what is
// judged is the median of the rounds' ratios: a machine that is slow for a
// while is slow for all of them.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// bench is the program; source is its own directory.
func bench(w io.Writer, source string, args []string) (status int, err error) {
	if len(args) < 2 || args[0] != "run" && args[0] != "check" {
		return 64, errors.New("usage: bench run|check BUILD [BLOCK...]")
	}
	p, err := settle(args[1], source)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, p.remove()) }()
	if err := p.prepare(); err != nil {
		return 1, err
	}
	return p.work(w, args[0] == "check", args[2:])
}

// work measures or checks the blocks with these names, or all.
func (p place) work(w io.Writer, check bool, names []string) (status int, err error) {
	chosen := p.makers(check)
	if len(names) > 0 {
		chosen = slices.DeleteFunc(chosen, func(m maker) bool { return !slices.Contains(names, m.name) })
	}
	if !check {
		return 0, p.run(w, chosen, len(names) == 0)
	}
	fmt.Fprintln(w, p.machine())
	if !p.check(w, chosen) {
		return 1, errors.New("goals are missed")
	}
	return 0, nil
}

// run prints the report, and saves it where it is complete.
func (p place) run(w io.Writer, chosen []maker, complete bool) error {
	r := p.measure(chosen)
	r.print(w)
	if !complete {
		return nil
	}
	text, err := r.json()
	if err != nil {
		return err
	}
	if err := r.intoReadme(filepath.Join(p.source, "..", "README.md")); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(p.source, "result.json"), text, 0o644),
		os.WriteFile(filepath.Join(p.source, "result.svg"), []byte(r.draw()), 0o644))
}

// intoReadme renews the table in the README.
func (r report) intoReadme(file string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := between(string(old), r.markdown())
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

//nolint:forbidigo // a main, as those in cmd/
func main() {
	status, err := bench(os.Stdout, "bench", os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}
