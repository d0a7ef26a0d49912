package main

import (
	"fmt"
	"io"
)

// trial is the check of a block's goals.
type trial struct {
	block
	goals    []goal
	outcomes [][]outcome // by goal
}

// check repeats each block until its verdict stands, and reports. A block that
// cannot be run is missed too.
func (p place) check(w io.Writer, chosen []maker) (passed bool) {
	passed = true
	for _, m := range chosen {
		met, err := p.checkOne(w, m)
		if err != nil {
			fmt.Fprintf(w, "MISSED  %s: %v\n", m.name, err)
		}
		passed = passed && met && err == nil
	}
	return passed
}

func (p place) checkOne(w io.Writer, m maker) (met bool, err error) {
	b, err := m.make(true)
	if err != nil {
		return false, err
	}
	t := &trial{block: b, goals: goals(b.name, b.lines)}
	t.outcomes = make([][]outcome, len(t.goals))
	if err := t.repeat(w, p); err != nil {
		return false, err
	}
	return t.report(w), nil
}

// repeat takes blocks. The error says which row could not be run.
func (t *trial) repeat(w io.Writer, p place) error {
	for !t.settled() {
		taken, err := p.take(t.block)
		if err != nil {
			return err
		}
		void := taken.void()
		if void {
			ratio, spread := taken.noise()
			fmt.Fprintf(w, "void    %s: the empty program twice: ratio %.2f, p90/p10 %.2f\n", t.name, ratio, spread)
		}
		for i, g := range t.goals {
			t.outcomes[i] = append(t.outcomes[i], outcome{g.figure(taken), void && !g.steady})
		}
	}
	return nil
}

func (t *trial) settled() bool {
	for i, g := range t.goals {
		if !g.settled(t.outcomes[i]) {
			return false
		}
	}
	return true
}

// report tells whether every goal was met.
func (t *trial) report(w io.Writer) (passed bool) {
	passed = true
	restless := false
	for i, g := range t.goals {
		v := g.judge(t.outcomes[i])
		word := "met    "
		if !v.met {
			word, passed = "MISSED ", false
		}
		restless = restless || v.void
		fmt.Fprintf(w, "%s %s; measured%s\n", word, g, figures(t.outcomes[i]))
	}
	if restless {
		fmt.Fprintf(w, "WARNING %s: THE MACHINE WAS TOO RESTLESS. Judged by the median, void blocks (in brackets) included, with a tolerance of %.0f %%\n", t.name, 200*tolerance)
	}
	return passed
}

// figures lists them; void ones are in brackets.
func figures(outcomes []outcome) (text string) {
	for _, o := range outcomes {
		form := " %.4g"
		if o.void {
			form = " (%.4g)"
		}
		text += fmt.Sprintf(form, o.figure)
	}
	return text
}
