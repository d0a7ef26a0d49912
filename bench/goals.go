package main

import (
	"fmt"
	"math"
)

const (
	tolerance = 0.05 // how far a goal may be missed
	enough    = 3    // sound blocks that decide, when they are plain
	most      = 5    // sound blocks that decide in any case
	mostVoid  = 3    // void blocks, behind which there is no further one
)

// line is a line of the table: a row of a block, its ratio to another, and the
// goals for both.
type line struct {
	what     string // the row's name where it is ""
	row      string // whose value and memory it shows
	ratio    func(at) float64
	ofMemory bool    // the ratio is one of memory
	limit    float64 // of the ratio; 0: it is only reported
	atLeast  bool    // the ratio has to reach the limit, else not to exceed it
	memory   int     // KiB that the row may have at most; 0: any
	ours     bool
}

func (l line) name() string {
	if l.what != "" {
		return l.what
	}
	return l.row
}

// goal is a limit of one figure.
type goal struct {
	name    string
	limit   float64
	atLeast bool
	steady  bool // the machine's noise does not reach it
	figure  func(samples) float64
}

// goals are those of a block's lines.
func goals(block string, lines []line) []goal {
	var all []goal
	for _, l := range lines {
		name := block + ": " + l.name()
		if l.limit > 0 {
			figure := func(s samples) float64 { return median(s.each(l.ratio, l.ofMemory)) }
			all = append(all, goal{name, l.limit, l.atLeast, l.ofMemory, figure})
		}
		if l.memory > 0 {
			figure := func(s samples) float64 { return float64(s.peak(l.row)) }
			all = append(all, goal{name + ": memory in KiB", float64(l.memory), false, true, figure})
		}
	}
	return all
}

// meets holds for no NaN: a figure that is missing meets nothing.
func (g goal) meets(figure, tolerance float64) bool {
	if g.atLeast {
		return figure >= g.limit*(1-tolerance)
	}
	return figure <= g.limit*(1+tolerance)
}

func (g goal) String() string {
	sign := "at most"
	if g.atLeast {
		sign = "at least"
	}
	return fmt.Sprintf("%s: goal %s %.4g", g.name, sign, g.limit)
}

// outcome is a goal's figure in one block.
type outcome struct {
	figure float64
	void   bool
}

// verdict is what the blocks say of a goal.
type verdict struct {
	met  bool
	void bool // too few of them were sound
}

// judge decides on a goal: it is missed where every sound block misses it by
// more than the tolerance. Where fewer than enough blocks are sound, the median
// over all of them decides, with twice the tolerance.
func (g goal) judge(outcomes []outcome) verdict {
	sound, figures := 0, []float64(nil)
	for _, o := range outcomes {
		figures = append(figures, o.figure)
		if o.void {
			continue
		}
		if sound++; g.meets(o.figure, tolerance) {
			return verdict{met: true}
		}
	}
	if sound >= enough {
		return verdict{}
	}
	return verdict{met: g.meets(middle(figures), 2*tolerance), void: true}
}

// middle is a median that no missing figure betters.
func middle(figures []float64) float64 {
	for _, f := range figures {
		if math.IsNaN(f) {
			return f
		}
	}
	return median(figures)
}

// settled tells whether a further block could not change the verdict, or there
// were as many as there may be.
func (g goal) settled(outcomes []outcome) bool {
	void, plain := 0, 0
	for _, o := range outcomes {
		switch {
		case o.void:
			void++
		case g.meets(o.figure, tolerance):
			return true
		case !g.meets(o.figure, 2*tolerance):
			plain++
		}
	}
	sound := len(outcomes) - void
	return void >= mostVoid || sound >= most || sound >= enough && plain == sound
}
