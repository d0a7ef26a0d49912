package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// limit is what one command may take, in seconds.
const limit = 30

// row is a command that is timed.
type row struct {
	label  string
	args   []string
	env    []string
	in     string   // file for its standard input
	events int      // a run has so many, and the value is for one; 0: one
	times  int      // runs in a sample, and the value is for one; 0: one
	every  int      // it is timed in every nth round only; 0: in each
	before []string // run in front of a sample, untimed
	after  []string // run behind it
}

// block is a group of rows that are timed in the same rounds.
type block struct {
	name   string
	rounds int
	rows   []row
	lines  []line
	unit   unit

	// measure takes the samples where that is not the driver's work.
	measure func() (samples, error)
}

// place has the directories of a run.
type place struct {
	build  string // the programs under test
	source string // this directory
	peers  string // what they are compared with, and the drivers
	disk   string // files to read
	memory string // journals: in memory, where the system has such a directory
}

// settle makes a place; the caller removes disk and memory.
func settle(build, source string) (p place, err error) {
	if p.build, err = filepath.Abs(build); err != nil {
		return p, err
	}
	if p.source, err = filepath.Abs(source); err != nil {
		return p, err
	}
	if p.disk, err = os.MkdirTemp("", "extauth-bench"); err != nil {
		return p, err
	}
	p.peers = filepath.Join(p.disk, "peers")
	if p.memory, err = os.MkdirTemp("/dev/shm", "extauth-bench"); err != nil {
		p.memory, err = p.disk, nil
	}
	return p, err
}

func (p place) remove() error { return errors.Join(os.RemoveAll(p.disk), os.RemoveAll(p.memory)) }

// program is one of ours, as install put it there.
func (p place) program(name string) string { return filepath.Join(p.disk, "programs", name) }

// install writes our programs and the peers anew, as a package manager would. A
// linker leaves a file in the page cache in small pieces, a copy lies there in
// large ones, and a program starts a fifth faster from those; they do not last.
func (p place) install() error {
	place := filepath.Join(p.disk, "programs")
	if err := errors.Join(os.RemoveAll(place), os.Mkdir(place, 0o700)); err != nil {
		return err
	}
	programs, err := filepath.Glob(filepath.Join(p.build, "*"))
	for _, file := range programs {
		err = errors.Join(err, renew(file, p.program(filepath.Base(file))))
	}
	peers, globErr := filepath.Glob(filepath.Join(p.peers, "*"))
	for _, file := range peers {
		err = errors.Join(err, renew(file, file))
	}
	return errors.Join(err, globErr)
}

// renew writes what a file holds to another, or to itself.
func renew(from, to string) error {
	info, err := os.Stat(from)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to+".new", text, 0o700), os.Rename(to+".new", to))
}

// peer is what they are compared with: built, or a script.
func (p place) peer(name string) string { return filepath.Join(p.peers, name) }

// write makes a file to be read by programs.
func (p place) write(name, text string) (string, error) {
	file := filepath.Join(p.disk, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// environment is every command's.
func environment() []string {
	return []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8"}
}

// drive has the driver time a block. The error names the first row that did not
// end with 0 and what it wrote on standard error.
func (p place) drive(b block) (samples, error) {
	said, err := os.CreateTemp(p.disk, "said")
	if err != nil {
		return nil, err
	}
	defer said.Close()
	driver := exec.Command(p.peer("rounds"))
	driver.Stdin, driver.Stderr = strings.NewReader(describe(b)), said
	out, err := driver.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, first(said))
	}
	taken, err := parse(b, out)
	if err != nil {
		err = errors.New(strings.TrimSuffix(fmt.Sprintf("%v: %s", err, first(said)), ": "))
	}
	return taken, err
}

// first is the first line of a file, from its beginning.
func first(file *os.File) string {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// describe is a block as the driver reads it.
func describe(b block) string {
	var text strings.Builder
	say := func(word string, values ...string) {
		for _, value := range values {
			fmt.Fprintf(&text, "%s %s\n", word, value)
		}
	}
	say("rounds", fmt.Sprint(b.rounds))
	say("limit", fmt.Sprint(limit))
	say("env", environment()...)
	for _, r := range b.rows {
		say("row", r.label)
		say("every", fmt.Sprint(max(r.every, 1)))
		say("times", fmt.Sprint(max(r.times, 1)))
		say("env", r.env...)
		if r.in != "" {
			say("in", r.in)
		}
		say("arg", r.args...)
		say("before", "")
		say("arg", r.before...)
		say("after", "")
		say("arg", r.after...)
	}
	return text.String()
}

// parse reads the driver's samples.
func parse(b block, out []byte) (samples, error) {
	taken := samples{}
	for line := range bytes.Lines(out) {
		var number, round int
		var s sample
		if _, err := fmt.Sscan(string(line), &number, &round, &s.value, &s.cpu, &s.memory, &s.status); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		r := b.rows[number]
		if s.status == int(syscall.SIGKILL) {
			return nil, fmt.Errorf("%s: takes more than %d s", r.label, limit)
		}
		if s.status != 0 {
			return nil, fmt.Errorf("%s: wait status %#x", r.label, s.status)
		}
		runs := float64(max(r.times, 1) * max(r.events, 1))
		s.value, s.cpu = s.value/runs, s.cpu/runs
		if taken[r.label] == nil {
			taken[r.label] = map[int]sample{}
		}
		taken[r.label][round] = s
	}
	return taken, nil
}

// take measures a block once. Where it does not have the empty program in many
// rounds, the machine's noise is measured before it.
func (p place) take(b block) (samples, error) {
	if err := p.install(); err != nil {
		return nil, err
	}
	if b.measure != nil {
		return b.measure()
	}
	if b.rounds >= 50 {
		return p.drive(b)
	}
	taken, err := p.drive(block{name: b.name, rounds: 150, rows: p.floor()})
	if err != nil {
		return nil, err
	}
	all, err := p.drive(b)
	maps.Copy(taken, all)
	return taken, err
}
