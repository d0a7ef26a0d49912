package main

import (
	"math"
	"slices"
)

// sample is what a row came to in a round.
type sample struct {
	value  float64 // nanoseconds for each event, or what the block counts
	cpu    float64 // microseconds of processor time
	memory int     // peak of resident memory, KiB
	status int     // wait status
}

// samples are those of a block, by row and round.
type samples map[string]map[int]sample

// at tells the value of a row in one round; NaN where that did not run it.
type at func(row string) float64

func (s samples) values(round int) at {
	return func(row string) float64 {
		if one, ran := s[row][round]; ran {
			return one.value
		}
		return math.NaN()
	}
}

func (s samples) memories(round int) at {
	return func(row string) float64 {
		if one, ran := s[row][round]; ran {
			return float64(one.memory)
		}
		return math.NaN()
	}
}

func (s samples) rounds() int {
	last := -1
	for _, rounds := range s {
		for round := range rounds {
			last = max(last, round)
		}
	}
	return last + 1
}

// column is all values of a row.
func (s samples) column(row string) []float64 {
	var all []float64
	for _, one := range s[row] {
		all = append(all, one.value)
	}
	return all
}

// peak is the largest memory of a row in any round, KiB.
func (s samples) peak(row string) int {
	most := 0
	for _, one := range s[row] {
		most = max(most, one.memory)
	}
	return most
}

// quantile interpolates between the two nearest values; NaN where there are none.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	place := p * float64(len(sorted)-1)
	below := int(place)
	if below+1 == len(sorted) {
		return sorted[below]
	}
	return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
}

func median(values []float64) float64 { return quantile(values, 0.5) }

const (
	base  = "empty Go"       // the row that others are compared with
	again = "empty Go again" // the same program: what the machine's noise makes of a ratio of 1
)

// noise is the ratio of the same program to itself, and how far its times lie
// apart: its 90th percentile by its 10th. NaN for both where a block has no such rows.
func (s samples) noise() (ratio, spread float64) {
	ratio = median(s.each(over(again, base), false))
	times := s.column(base)
	return ratio, quantile(times, 0.9) / quantile(times, 0.1)
}

// void tells whether the machine was too restless for a block to count.
func (s samples) void() bool {
	ratio, spread := s.noise()
	return ratio < 0.97 || ratio > 1.03 || spread > 1.6
}

// each is a ratio's values in the rounds that have one.
func (s samples) each(ratio func(at) float64, ofMemory bool) []float64 {
	var all []float64
	for round := range s.rounds() {
		values := s.values(round)
		if ofMemory {
			values = s.memories(round)
		}
		if r := ratio(values); !math.IsNaN(r) {
			all = append(all, r)
		}
	}
	return all
}

// over is the ratio of two rows.
func over(a, b string) func(at) float64 {
	return func(value at) float64 { return value(a) / value(b) }
}
