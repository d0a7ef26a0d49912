package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
)

// count counts the instructions of a program until it becomes the handler, and
// those of an empty program. It takes the least of several runs, since the work
// of other threads varies.
func (p workspace) count(bool) (block, error) {
	b := block{unit: "instructions"}
	hook := p.execRow()
	b.measure = func() (samples, error) {
		return p.countAll(9, p.floor(), hook)
	}
	b.lines = []line{{name: "extauth-hook --exec", row: hook.label, ratio: over(hook.label, empty)}}
	return b, nil
}

func (p workspace) countAll(times int, rows ...row) (measured samples, err error) {
	measured = samples{}
	for _, r := range rows {
		least := math.MaxInt
		for range times {
			n, countErr := p.countOne(r)
			if countErr != nil { // a signal at the wrong time; try again
				err = countErr
				continue
			}
			least = min(least, n)
		}
		if least == math.MaxInt {
			return nil, fmt.Errorf("%s: %w", r.label, err)
		}
		measured[r.label] = []sample{{value: float64(least)}}
	}
	return measured, nil
}

// countOne counts the instructions of one run with valgrind, which writes its
// counts when the program calls execve, and at the end. GODEBUG turns off
// signals to the runtime's own threads, which crash valgrind 3.19.
func (p workspace) countOne(r row) (instructions int, err error) {
	out := filepath.Join(p.disk, "counted")
	defer os.Remove(out) // the next run must not find it
	defer os.Remove(out + ".1")
	command := exec.Command("valgrind", append([]string{"--tool=callgrind", "--dump-before=syscall.Exec", "--callgrind-out-file=" + out}, r.args...)...)
	command.Env = append(append(environment(), r.env...), "GODEBUG=asyncpreemptoff=1")
	if output, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, output)
	}
	text, err := os.ReadFile(out + ".1")
	if os.IsNotExist(err) {
		text, err = os.ReadFile(out)
	}
	if err != nil {
		return 0, err
	}
	_, total, _ := bytes.Cut(text, []byte("\ntotals: "))
	_, err = fmt.Sscan(string(total), &instructions)
	return instructions, err
}
