package main

// stream has extauth-json check lines and write them again.
func (p place) stream(quick bool) (block, error) {
	n := amount(quick, 50_000, 100_000)
	b := block{name: "stream", rounds: amount(quick, 3, 7), unit: perEvent}
	file, err := p.lines(n)
	if err != nil {
		return b, err
	}
	ours := []string{p.program("extauth-json"), "--to", "json", "run"}
	b.rows = []row{{label: "extauth-json", args: ours, in: file, events: n},
		{label: "jq -c .", args: []string{"/usr/bin/jq", "-c", "."}, in: file, events: n}}
	b.lines = []line{{row: again, ratio: over(again, base)}, {row: "jq -c ."},
		{what: "extauth-json, times as fast as jq", row: "extauth-json", ratio: over("jq -c .", "extauth-json"), limit: 15, atLeast: true, memory: 6144, ours: true}}
	if quick {
		return b, nil
	}
	return p.longStream(p.readers(b), ours)
}

// readers adds other programs that read the same lines.
func (p place) readers(b block) block {
	jq := b.rows[1]
	for _, r := range []row{
		{label: "python json", args: []string{"/usr/bin/python3", p.peer("lines.py")}},
		{label: "mawk {print}", args: []string{"/usr/bin/mawk", "{print}"}},
		{label: "wc -l", args: []string{"/usr/bin/wc", "-l"}},
	} {
		r.in, r.events = jq.in, jq.events
		b.rows = append(b.rows, r)
		b.lines = append(b.lines, line{what: r.label + ", times as fast as jq", row: r.label, ratio: over(jq.label, r.label)})
	}
	return b
}

// longStream adds a stream ten times as long, for its memory.
func (p place) longStream(b block, ours []string) (block, error) {
	const n = 1_000_000
	file, err := p.lines(n)
	if err != nil {
		return b, err
	}
	b.rows = append(b.rows, row{label: "1,000,000 lines", args: ours, in: file, events: n, every: 2})
	b.lines = append(b.lines, line{what: "memory, 1,000,000 lines / 100,000", row: "1,000,000 lines", ofMemory: true,
		ratio: over("1,000,000 lines", "extauth-json"), limit: 1.05, memory: 6144, ours: true})
	return b, nil
}
