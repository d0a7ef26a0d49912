package main

import (
	"errors"
	"strings"
)

// persist has handlers that stay, one line of input for each event, beside a
// process for each, and beside bare pipes to the same handler.
func (p place) persist(quick bool) (block, error) {
	n := amount(quick, 2000, 5000) // challenges; two events each
	b := block{name: "persist", rounds: amount(quick, 5, 15), unit: perEvent}
	challenges, err := p.pairs(n, 1)
	renewals, also := p.renewals(2 * n)
	if err := errors.Join(err, also); err != nil {
		return b, err
	}
	b.rows = []row{{label: spawned, args: []string{p.peer("true.dash")}, times: 200}}
	b.lines = []line{{row: again, ratio: over(again, base)}, {row: spawned}}
	for _, s := range p.stayers()[:amount(quick, 2, 3)] {
		b.rows = append(b.rows, row{label: s.name + ", bare pipes", args: append([]string{p.peer("lockstep"), renewals}, s.command...), events: 2 * n})
		b.lines = append(b.lines, line{row: s.name + ", bare pipes", ratio: over(spawned, s.name+", bare pipes")})
		for _, e := range []stay{{s, "events", "", renewals, s.limit}, {s, "challenges, journal", " phase=perform,cleanup", challenges, s.journal}} {
			if err := p.withStayer(&b, e, 2*n); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}

const spawned = "posix_spawn of a dash handler"

// stay is a stayer with a file of events.
type stay struct {
	stayer
	what, options, file string
	least               float64
}

func (p place) withStayer(b *block, e stay, events int) error {
	label := e.name + " handler, " + e.what
	r, err := p.lined(label, "json persist=yes"+e.options+" "+strings.Join(e.command, " "), e.file, events)
	b.rows = append(b.rows, r)
	b.lines = append(b.lines, line{what: label + ", times as fast as a process each", row: label,
		ratio: over(spawned, label), limit: e.least, atLeast: true, ours: true})
	return err
}

// stayer is a handler that stays, and how many times as fast it has to be: also
// where each challenge is put on disk, twice, which takes most of the time.
type stayer struct {
	name           string
	command        []string
	limit, journal float64
}

func (p place) stayers() []stayer {
	return []stayer{{"Go", []string{p.peer("coprocess.program")}, 40, 4.5},
		{"mawk", []string{"/usr/bin/mawk", "-W", "interactive", "-f", p.peer("coprocess.awk")}, 40, 4.5},
		{name: "dash", command: []string{p.peer("coprocess.dash")}}}
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
