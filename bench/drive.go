package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// limit is how long one command may take, in seconds.
const limit = 60

// row is a command that is timed.
type row struct {
	label  string
	args   []string
	env    []string
	in     string   // file for its standard input
	events int      // events of a run, which its time is divided by; 0: one
	before []string // run before it, untimed
	after  []string // run after it
}

// block is a group of rows that are timed in the same rounds.
type block struct {
	rounds int
	rows   []row
	lines  []line
	unit   string

	// measure takes the samples; nil: the driver does.
	measure func() (samples, error)
}

// workspace has the directories of a run.
type workspace struct {
	build  string // the programs under test
	source string // this directory
	disk   string // copies of the programs, the peers, and files to read
	memory string // journals: in memory, if the system has such a directory
}

// newWorkspace makes the directories, which the caller removes.
func newWorkspace(build, source string) (p workspace, err error) {
	p.build, err = filepath.Abs(build)
	if err == nil {
		p.source, err = filepath.Abs(source)
	}
	if err == nil {
		p.disk, err = os.MkdirTemp("", "extauth-bench")
	}
	if err != nil {
		return p, err
	}
	if p.memory, err = os.MkdirTemp("/dev/shm", "extauth-bench"); err != nil {
		p.memory, err = p.disk, nil
	}
	return p, err
}

func (p workspace) remove() error { return errors.Join(os.RemoveAll(p.disk), os.RemoveAll(p.memory)) }

// ours returns the path of one of our programs.
func (p workspace) ours(name string) string { return filepath.Join(p.disk, name) }

// peer returns the path of a program or script that ours are compared with.
func (p workspace) peer(name string) string { return filepath.Join(p.disk, "peers", name) }

// write makes an input file for programs.
func (p workspace) write(name, text string) (string, error) {
	file := filepath.Join(p.disk, name)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// prepare builds the driver and the peers, and copies our programs beside them.
func (p workspace) prepare() error {
	for _, words := range [][]string{
		{"cp", "-r", "peers", p.peer("")},
		{"gcc", "-O2", "-Wall", "-static", "-o", p.peer("rounds"), "driver/rounds.c"},
		{"gcc", "-O2", "-Wall", "-static", "-nostdlib", "-o", p.peer("nostd"), "peers/nostd.c"},
		{"go", "build", "-trimpath", "-o", p.peer("empty.program"), "./peers/empty"},
	} {
		command := exec.Command(words[0], words[1:]...)
		command.Dir = p.source
		command.Env = append(command.Environ(), "CGO_ENABLED=0")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, output)
		}
	}
	return p.copyPrograms()
}

// copyPrograms copies our programs and rewrites the empty one: a file that was
// copied lies in larger pieces in the page cache than one that a linker wrote,
// and starts faster.
func (p workspace) copyPrograms() error {
	files, err := filepath.Glob(filepath.Join(p.build, "extauth*"))
	if err != nil {
		return err
	}
	copies := map[string]string{p.peer("empty.program"): p.peer("empty.program")}
	for _, file := range files {
		if target, err := os.Readlink(file); err != nil {
			copies[file] = p.ours(filepath.Base(file))
		} else if err := os.Symlink(target, p.ours(filepath.Base(file))); err != nil {
			return err
		}
	}
	for from, to := range copies {
		text, err := os.ReadFile(from)
		if err = errors.Join(err, os.WriteFile(to+".new", text, 0o700), os.Rename(to+".new", to)); err != nil {
			return err
		}
	}
	return nil
}

// environment is that of every command.
func environment() []string {
	return []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8"}
}

// measure measures a block once. The error has what a failed row wrote to
// standard error.
func (p workspace) measure(b block) (samples, error) {
	if b.measure != nil {
		return b.measure()
	}
	output, err := os.CreateTemp(p.disk, "said")
	if err != nil {
		return nil, err
	}
	defer output.Close()
	driver := exec.Command(p.peer("rounds"))
	driver.Stdin, driver.Stderr = strings.NewReader(describe(b)), output
	out, err := driver.Output()
	measured := samples{}
	if err == nil {
		measured, err = parse(b, out)
	}
	if err != nil {
		text, _ := io.ReadAll(io.NewSectionReader(output, 0, 4096))
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(text))
	}
	return measured, nil
}

// describe returns a block in the driver's input format.
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

// parse reads the driver's samples, microseconds for each event.
func parse(b block, out []byte) (samples, error) {
	measured := samples{}
	for text := range bytes.Lines(out) {
		var number, round, status int
		var s sample
		if _, err := fmt.Sscan(string(text), &number, &round, &s.value, &s.memory, &status); err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		r := b.rows[number]
		if status != 0 {
			return nil, fmt.Errorf("%s: wait status %#x", r.label, status)
		}
		s.value /= 1000 * float64(max(r.events, 1))
		measured[r.label] = append(measured[r.label], s)
	}
	return measured, nil
}

// machine describes the machine on which the figures were measured.
func (p workspace) machine() string {
	cpu := "-"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for text := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(text, "model name\t: "); found {
			cpu = strings.TrimSpace(name)
		}
	}
	jq, _ := exec.Command("/usr/bin/jq", "--version").Output()
	return fmt.Sprintf("%s, %d cores, %s, %s", cpu, runtime.NumCPU(), runtime.Version(), bytes.TrimSpace(jq))
}
