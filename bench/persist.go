package main

// persist has handlers that stay, one line of input for each event, beside a
// process for each.
func (p place) persist(quick bool) (block, error) {
	n := amount(quick, 2000, 5000) // challenges; two events each
	b := block{name: "persist", rounds: amount(quick, 5, 15), unit: perEvent}
	file, err := p.pairs(n, 1)
	if err != nil {
		return b, err
	}
	const spawn = "posix_spawn of a dash handler"
	b.rows = []row{{label: spawn, args: []string{p.peer("true.dash")}, times: 200}}
	b.lines = []line{{row: again, ratio: over(again, base)}, {row: spawn}}
	for _, h := range p.stayers()[:amount(quick, 2, 3)] {
		r, err := p.lined(h.name+" handler", "json persist=yes phase=perform,cleanup "+h.command, file, 2*n)
		if err != nil {
			return b, err
		}
		b.rows = append(b.rows, r)
		b.lines = append(b.lines, line{what: h.name + " handler that stays, times as fast as a process each", row: r.label,
			ratio: over(spawn, r.label), limit: h.limit, atLeast: true, ours: true})
	}
	return b, nil
}

// stayer is a handler that stays, and how many times as fast it has to be.
type stayer struct {
	name, command string
	limit         float64
}

func (p place) stayers() []stayer {
	return []stayer{{"Go", p.peer("coprocess.program"), 40},
		{"mawk", "/usr/bin/mawk -W interactive -f " + p.peer("coprocess.awk"), 40},
		{"dash", p.peer("coprocess.dash"), 0}}
}

// lined runs the events of a file with a chain of one line.
func (p place) lined(label, line, file string, events int, options ...string) (row, error) {
	chain, err := p.write(label+".chain", line+"\n")
	args := append([]string{p.program("extauth-json"), "-c", chain}, options...)
	return row{label: label, args: append(args, "run"), env: []string{"EXTAUTH_STATE_DIR=" + p.memory}, in: file, events: events}, err
}

// jobs has two events at once, for handlers that compute.
func (p place) jobs(quick bool) (block, error) {
	const n = 50
	b := block{name: "jobs", rounds: amount(quick, 3, 10), unit: perEvent}
	file, err := p.pairs(n, n)
	if err != nil {
		return b, err
	}
	for _, jobs := range []string{"1", "2"} {
		r, err := p.lined("--jobs "+jobs, "dehydrated "+p.peer("busy.dash"), file, 2*n, "--jobs", jobs)
		if err != nil {
			return b, err
		}
		b.rows = append(b.rows, r)
	}
	b.lines = []line{{row: again, ratio: over(again, base)}, {row: "--jobs 1"},
		{what: "--jobs 2, times as fast as --jobs 1", row: "--jobs 2", ratio: over("--jobs 1", "--jobs 2"), limit: 1.5, atLeast: true, ours: true}}
	return b, nil
}
