package main

import (
	"fmt"
	"strings"
)

// chain has handlers supervised, with a journal for challenges.
func (p place) chain(quick bool) (block, error) {
	b := block{name: "chain", rounds: amount(quick, 120, 250), unit: perRun, rows: p.floor()}
	file, err := p.write("one.chain", "dehydrated "+p.peer("nostd")+"\n")
	if err != nil {
		return b, err
	}
	call := func(operand string) []string { return []string{p.program("extauth-hook"), "-c", file, operand} }
	env := append(append(challenge(), renewal()...), "EXTAUTH_STATE_DIR="+p.memory)
	b.rows = append(b.rows,
		row{label: "perform", args: call("auth"), env: env, after: call("cleanup")},
		row{label: "cleanup", args: call("cleanup"), env: env, before: call("auth")},
		row{label: "deploy, no journal", args: call("deploy"), env: env})
	b.lines = append(b.lines, line{row: again, ratio: over(again, base)})
	for _, r := range b.rows[2:] {
		b.lines = append(b.lines, line{row: r.label, ratio: over(r.label, base), limit: 2.3, memory: 4096, ours: true})
	}
	return p.withHandlers(b, env)
}

// withHandlers adds what each further handler of a chain takes.
func (p place) withHandlers(b block, env []string) (block, error) {
	handler := p.peer("true.dash")
	b.rows = append(b.rows, row{label: "posix_spawn of the handler", args: []string{handler}})
	for _, n := range []int{1, 5} {
		file, err := p.write(fmt.Sprintf("%d.chain", n), strings.Repeat("dehydrated "+handler+"\n", n))
		if err != nil {
			return b, err
		}
		call := func(operand string) []string { return []string{p.program("extauth-hook"), "-c", file, operand} }
		b.rows = append(b.rows, row{label: fmt.Sprintf("perform, handlers: %d", n), args: call("auth"), env: env, after: call("cleanup")})
	}
	further := func(value at) float64 {
		return (value("perform, handlers: 5") - value("perform, handlers: 1")) / 4 / value("posix_spawn of the handler")
	}
	b.lines = append(b.lines, line{row: "posix_spawn of the handler"},
		line{what: "each further handler / posix_spawn of it", row: "perform, handlers: 5", ratio: further, limit: 1.25, ours: true})
	return b, nil
}
