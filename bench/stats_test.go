package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func column(values ...float64) (all []sample) {
	for _, v := range values {
		all = append(all, sample{value: v, memory: 2048})
	}
	return all
}

// TestMedianOfRatios: a round that was slow for both rows changes nothing.
func TestMedianOfRatios(t *testing.T) {
	l := line{row: "a", ratio: over("a", "b"), bar: 2}
	ratio, met := l.judge(samples{"a": column(20, 200, 21), "b": column(10, 100, 10)})
	require.InDelta(t, 2, ratio, 1e-9)
	require.True(t, met)
}

// TestBars: a bar may be missed by the tolerance, and no more. A missing row
// meets none.
func TestBars(t *testing.T) {
	for name, test := range map[string]struct {
		line  line
		ratio float64
		met   bool
	}{
		"at most":                     {line{bar: 2}, 2, true},
		"within the tolerance":        {line{bar: 2}, 2.09, true},
		"above the tolerance":         {line{bar: 2}, 2.11, false},
		"at least":                    {line{bar: 10, atLeast: true}, 27, true},
		"at least, within":            {line{bar: 10, atLeast: true}, 9.6, true},
		"at least, below":             {line{bar: 10, atLeast: true}, 9.4, false},
		"a figure that is missing":    {line{bar: 2}, math.NaN(), false},
		"missing, where it was least": {line{bar: 10, atLeast: true}, math.NaN(), false},
	} {
		t.Run(name, func(t *testing.T) {
			l := test.line
			l.row, l.ratio = "a", over("a", "b")
			_, met := l.judge(samples{"a": column(test.ratio), "b": column(1)})
			require.Equal(t, test.met, met)
		})
	}
	_, met := line{row: "a", ratio: over("a", "b"), bar: 2}.judge(samples{})
	require.False(t, met, "nothing was measured")
}

func TestLines(t *testing.T) {
	measured := samples{"a": column(3, 5), "b": column(1, 1)}
	l := line{name: "hook", row: "a", ratio: over("a", "b"), bar: 2}
	require.Equal(t, "| hook | 4 | at most 2, **missed** |\n", l.markdown(measured))
	require.Regexp(t, `^start: hook +4 us  ratio 4 \(3.2-4.8\)  2.0 MiB  at most 2, \*\*missed\*\*\n$`, l.text("start", "us", measured))
	require.Regexp(t, `^start: base +1 us  2.0 MiB  \n$`, line{name: "base", row: "b"}.text("start", "us", measured))
}

func TestQuantile(t *testing.T) {
	require.InDelta(t, 2.5, quantile([]float64{4, 1, 2, 3}, 0.5), 1e-9)
	require.InDelta(t, 4, quantile([]float64{4, 1, 2, 3}, 1), 1e-9)
	require.True(t, math.IsNaN(quantile(nil, 0.5)))
}
