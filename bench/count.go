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
		least, err := p.countOne(taken, round, 1<<30, row{label: base, args: []string{p.peer("empty.program")}})
		if err != nil {
			return nil, err
		}
		if _, err := p.countOne(taken, round, least*8/5, hook); err != nil {
			return nil, err
		}
	}
	return taken, nil
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
		{what: "extauth-hook, instructions (counted up to 1.6)", row: "extauth-hook", ratio: over("extauth-hook", base), limit: 1.4, ours: true},
		{what: "extauth-hook, CPUID instructions", row: "extauth-hook: CPUID", ratio: over("extauth-hook: CPUID", base+": CPUID"), limit: 1, ours: true},
	}
	return b, nil
}
