package main

import (
	"bytes"
	"fmt"
	"os/exec"
)

// countAll counts the empty program's instructions and extauth-hook's, in turn.
// A step takes many microseconds, so that the second one is stopped where it has
// plainly missed its goal.
func (p place) countAll(rounds int) (samples, error) {
	taken := samples{}
	hook := p.bridges(p.peer("nostd"))[0]
	for round := range rounds {
		least, err := p.countWhole(taken, round, row{label: base, args: []string{p.peer("empty.program")}})
		if err != nil {
			return nil, err
		}
		if _, err := p.countOne(taken, round, least*cut, hook); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

const (
	endless = 1_000_000 // instructions, of which an empty program has a third
	tries   = 5
	cut     = 3 // times the empty program's instructions, where a count is stopped
)

// countWhole counts a program to its end. A thread that is stepped through may
// wait for ever for one that runs freely: then it is counted again.
func (p place) countWhole(taken samples, round int, r row) (counted int, err error) {
	for range tries {
		counted, err = p.countOne(taken, round, endless, r)
		if err != nil || counted < endless {
			return counted, err
		}
	}
	return 0, fmt.Errorf("%s: does not come to its end within %d instructions", r.label, endless)
}

// countOne stores what one program came to.
func (p place) countOne(taken samples, round, most int, r row) (counted int, err error) {
	var said bytes.Buffer
	command := exec.Command(p.peer("count"), append([]string{fmt.Sprint(most)}, r.args...)...)
	command.Env, command.Stderr = append(environment(), r.env...), &said
	out, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", r.label, err, bytes.TrimSpace(said.Bytes()))
	}
	var cpuids int
	if _, err := fmt.Sscan(string(out), &counted, &cpuids); err != nil {
		return 0, fmt.Errorf("%s: %q: %w", r.label, out, err)
	}
	for label, n := range map[string]int{r.label: counted, r.label + ": CPUID": cpuids} {
		if taken[label] == nil {
			taken[label] = map[int]sample{}
		}
		taken[label][round] = sample{value: float64(n)}
	}
	return counted, nil
}

// count steps through the start of a program that becomes the handler.
func (p place) count(quick bool) (block, error) {
	b := block{name: "count", rounds: amount(quick, 1, 5), unit: instructions}
	b.measure = func() (samples, error) { return p.countAll(b.rounds) }
	b.lines = []line{
		{what: "extauth-hook, instructions (counted up to 3)", row: "extauth-hook", ratio: over("extauth-hook", base), limit: 1.4, held: 2.6, ours: true},
		{what: "extauth-hook, CPUID instructions", row: "extauth-hook: CPUID", ratio: over("extauth-hook: CPUID", base+": CPUID"), limit: 1, ours: true},
	}
	return b, nil
}
