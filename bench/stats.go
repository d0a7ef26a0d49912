package main

import (
	"fmt"
	"math"
	"slices"
)

// tolerance is by how much a bar may be missed.
const tolerance = 0.05

// sample is the measurement of a row in a round.
type sample struct {
	value  float64 // nanoseconds for each event, or what the block counts
	memory int     // peak of resident memory, KiB
}

// samples are the measurements of a block, by row and round.
type samples map[string][]sample

// at returns the value of a row in one round.
type at func(row string) float64

// line is a line of the table: a row, its ratio to another, and the bar.
type line struct {
	name, row string
	ratio     func(at) float64 // nil: none
	bar       float64          // limit of the ratio; 0: none, only reported
	atLeast   bool             // the ratio must reach the bar; else it must not exceed it
}

// over returns the function for the ratio of two rows.
func over(a, b string) func(at) float64 {
	return func(value at) float64 { return value(a) / value(b) }
}

// ratios returns the ratios of all rounds.
func (l line) ratios(measured samples) (all []float64) {
	if l.ratio == nil {
		return nil
	}
	for round := range measured[l.row] {
		all = append(all, l.ratio(func(row string) float64 {
			if round < len(measured[row]) {
				return measured[row][round].value
			}
			return math.NaN()
		}))
	}
	return all
}

// judge reports whether the median of the ratios meets the bar. NaN never does.
func (l line) judge(measured samples) (ratio float64, met bool) {
	ratio = quantile(l.ratios(measured), 0.5)
	if l.atLeast {
		return ratio, ratio >= l.bar*(1-tolerance)
	}
	return ratio, ratio <= l.bar*(1+tolerance)
}

// goal returns the bar in words.
func (l line) goal() string {
	switch {
	case l.bar == 0:
		return ""
	case l.atLeast:
		return fmt.Sprintf("at least %.4g", l.bar)
	}
	return fmt.Sprintf("at most %.4g", l.bar)
}

// text returns the line for people: median, ratio and its spread, memory, bar.
func (l line) text(block, unit string, measured samples) string {
	var values []float64
	memory := 0
	for _, s := range measured[l.row] {
		values, memory = append(values, s.value), max(memory, s.memory)
	}
	text := fmt.Sprintf("%-55s %10.4g %s", block+": "+l.name, quantile(values, 0.5), unit)
	if all := l.ratios(measured); all != nil {
		text += fmt.Sprintf("  ratio %.3g (%.3g-%.3g)", quantile(all, 0.5), quantile(all, 0.1), quantile(all, 0.9))
	}
	if memory > 0 {
		text += fmt.Sprintf("  %.1f MiB", float64(memory)/1024)
	}
	return text + "  " + l.verdict(measured) + "\n"
}

// verdict returns the bar in words, and says if it was missed.
func (l line) verdict(measured samples) string {
	if _, met := l.judge(measured); l.bar > 0 && !met {
		return l.goal() + ", **missed**"
	}
	return l.goal()
}

// markdown returns a line of the README's table.
func (l line) markdown(measured samples) string {
	ratio, _ := l.judge(measured)
	return fmt.Sprintf("| %s | %.3g | %s |\n", l.name, ratio, l.verdict(measured))
}

// quantile interpolates between the two nearest values; NaN if there are none.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	position := p * float64(len(sorted)-1)
	below := int(position)
	if below+1 == len(sorted) {
		return sorted[below]
	}
	return sorted[below] + (position-float64(below))*(sorted[below+1]-sorted[below])
}
