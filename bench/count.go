package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
)

// count counts the instructions of a program until it becomes the handler,
// beside those of an empty one: the least of several times, since what its
// threads do besides depends on the machine.
func (p place) count(bool) (block, error) {
	b := block{unit: "instructions"}
	hook := p.becoming()
	b.measure = func() (samples, error) {
		return p.countAll(9, p.floor(), hook)
	}
	b.lines = []line{{name: "extauth-hook --exec", row: hook.label, ratio: over(hook.label, empty)}}
	return b, nil
}

func (p place) countAll(times int, rows ...row) (taken samples, err error) {
	taken = samples{}
	for _, r := range rows {
		least := math.MaxInt
		for range times {
			n, countErr := p.countOne(r)
			if countErr != nil { // a signal at the wrong time; another run has none
				err = countErr
				continue
			}
			least = min(least, n)
		}
		if least == math.MaxInt {
			return nil, fmt.Errorf("%s: %w", r.label, err)
		}
		taken[r.label] = []sample{{value: float64(least)}}
	}
	return taken, nil
}

// countOne has valgrind count one run. It writes what it has counted when the
// program calls execve, and at the end. The runtime's signals to its own threads
// (GODEBUG) are what valgrind 3.19 does not survive.
func (p place) countOne(r row) (instructions int, err error) {
	out := filepath.Join(p.disk, "counted")
	defer os.Remove(out) // or the next would be taken for this one's
	defer os.Remove(out + ".1")
	command := exec.Command("valgrind", append([]string{"--tool=callgrind", "--dump-before=syscall.Exec", "--callgrind-out-file=" + out}, r.args...)...)
	command.Env = append(append(environment(), r.env...), "GODEBUG=asyncpreemptoff=1")
	if said, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said)
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
