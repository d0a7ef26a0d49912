package main

import (
	"fmt"
)

// growth has orders of more and more challenges in one call.
func (p place) growth(quick bool) (block, error) {
	sizes := []int{1, 10, 100, 1000, 10_000}
	if quick {
		sizes = []int{100, 1000}
	}
	b := block{name: "growth", rounds: amount(quick, 2, 6), unit: perEvent}
	b.lines = []line{{row: again, ratio: over(again, base)}}
	file, err := p.write("handler.chain", "handler "+p.peer("nostd")+"\n")
	if err != nil {
		return b, err
	}
	for _, n := range sizes {
		b.rows = append(b.rows, p.order(file, n)...)
	}
	last := sizes[len(sizes)-1]
	for _, phase := range []string{"perform", "cleanup"} {
		for _, n := range sizes {
			l := line{row: ordered(phase, n), ratio: over(ordered(phase, n), ordered(phase, 100)), ours: true}
			if n == last {
				l.limit = 1.10
			}
			b.lines = append(b.lines, l)
		}
	}
	return b, nil
}

func ordered(phase string, n int) string { return fmt.Sprintf("%s, challenges: %d", phase, n) }

// order is one call with all challenges, and the one that cleans them up.
func (p place) order(chain string, n int) []row {
	var words []string
	for i := range n {
		name := fmt.Sprintf("%05d", i)
		words = append(words, "h"+name+".example.org", name+token[5:], name+thumbprint[5:])
	}
	program := []string{p.program("extauth-dehydrated"), "-c", chain}
	perform := append(append(program[:3:3], "deploy_challenge"), words...)
	cleanup := append(append(program[:3:3], "clean_challenge"), words...)
	env := []string{"EXTAUTH_STATE_DIR=" + p.memory}
	every := max(1, n/3000) // the largest takes seconds
	return []row{{label: ordered("perform", n), args: perform, env: env, events: n, every: every, after: cleanup},
		{label: ordered("cleanup", n), args: cleanup, env: env, events: n, every: every, before: perform}}
}
