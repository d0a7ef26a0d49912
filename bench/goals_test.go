package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func sound(figures ...float64) (all []outcome) {
	for _, f := range figures {
		all = append(all, outcome{figure: f})
	}
	return all
}

func void(figures ...float64) (all []outcome) {
	for _, f := range figures {
		all = append(all, outcome{figure: f, void: true})
	}
	return all
}

// TestJudge: a goal is missed where every sound block misses it, and void blocks
// count where there are too few sound ones.
func TestJudge(t *testing.T) {
	atMost, atLeast := goal{limit: 1.40}, goal{limit: 15, atLeast: true}
	for name, test := range map[string]struct {
		goal     goal
		outcomes []outcome
		verdict  verdict
	}{
		"all blocks miss":           {atMost, sound(1.6, 1.7, 1.6), verdict{}},
		"one block meets":           {atMost, sound(1.6, 1.39, 1.6), verdict{met: true}},
		"within the tolerance":      {atMost, sound(1.46), verdict{met: true}},
		"beyond the tolerance":      {atMost, sound(1.48, 1.48, 1.48, 1.48, 1.48), verdict{}},
		"too slow in all blocks":    {atLeast, sound(14, 13, 12), verdict{}},
		"fast enough in one":        {atLeast, sound(14, 14.3, 12), verdict{met: true}},
		"a void block that meets":   {atMost, append(void(1.0), sound(1.6, 1.6, 1.6)...), verdict{}},
		"sound beside void blocks":  {atMost, append(void(9, 9), sound(1.3)...), verdict{met: true}},
		"all are void and miss":     {atMost, void(1.6, 1.2, 1.6), verdict{void: true}},
		"all are void, one is bad":  {atMost, void(1.2, 3.0, 1.3), verdict{met: true, void: true}},
		"void, doubled tolerance":   {atMost, void(1.53, 1.53, 1.53), verdict{met: true, void: true}},
		"void, beyond the doubled":  {atMost, void(1.55, 1.55, 1.55), verdict{void: true}},
		"a figure that is missing":  {atMost, sound(math.NaN(), math.NaN(), math.NaN()), verdict{}},
		"missing in void blocks":    {atLeast, void(math.NaN(), 20, 20), verdict{void: true}},
		"nothing was measured":      {atMost, nil, verdict{void: true}},
		"few sound blocks, all bad": {atMost, append(void(1.6, 1.6, 1.6), sound(1.6)...), verdict{void: true}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.verdict, test.goal.judge(test.outcomes))
		})
	}
}

// TestSettled: blocks are repeated while one more could change the verdict.
func TestSettled(t *testing.T) {
	g := goal{limit: 1.40}
	for name, test := range map[string]struct {
		outcomes []outcome
		settled  bool
	}{
		"none yet":              {nil, false},
		"met at once":           {sound(1.3), true},
		"missed once":           {sound(2), false},
		"plainly missed thrice": {sound(2, 2, 2), true},
		"in doubt":              {sound(2, 2, 1.5), false},
		"in doubt to the end":   {sound(1.5, 1.5, 1.5, 1.5, 1.5), true},
		"void is no answer":     {void(1.3, 1.3), false},
		"void thrice":           {void(1.3, 1.3, 1.3), true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.settled, g.settled(test.outcomes))
		})
	}
}

// pairOf is a block's samples where each round has the empty program twice.
func pairOf(a, b []float64) samples {
	s := samples{base: {}, again: {}}
	for i := range a {
		s[base][i], s[again][i] = sample{value: a[i]}, sample{value: b[i]}
	}
	return s
}

// TestVoid: a block does not count where the same program differs from itself.
func TestVoid(t *testing.T) {
	require.False(t, pairOf([]float64{10, 10, 11}, []float64{10, 10.1, 11}).void())
	require.True(t, pairOf([]float64{10, 10, 11}, []float64{10.5, 10.5, 11.5}).void(), "the ratio")
	require.True(t, pairOf([]float64{10, 10, 30}, []float64{10, 10, 30}).void(), "the spread")
	require.False(t, samples{"extauth-hook": {0: {value: 1}}}.void(), "counted, not timed")
}

// TestMedianOfRatios: a round that was slow for both rows changes nothing.
func TestMedianOfRatios(t *testing.T) {
	s := pairOf([]float64{10, 100, 10}, []float64{20, 200, 21})
	require.InDelta(t, 2, median(s.each(over(again, base), false)), 1e-9)
}

// TestRoundsWithoutARow: a row that is not run in each round has its ratios in
// those in which it is.
func TestRoundsWithoutARow(t *testing.T) {
	s := pairOf([]float64{10, 10, 10}, []float64{10, 10, 10})
	s["seldom"] = map[int]sample{2: {value: 70, memory: 900}}
	require.Equal(t, []float64{7}, s.each(over("seldom", base), false))
	require.Equal(t, 900, s.peak("seldom"))
}

func TestQuantile(t *testing.T) {
	require.InDelta(t, 2.5, quantile([]float64{4, 1, 2, 3}, 0.5), 1e-9)
	require.InDelta(t, 4, quantile([]float64{4, 1, 2, 3}, 1), 1e-9)
	require.True(t, math.IsNaN(median(nil)))
}
