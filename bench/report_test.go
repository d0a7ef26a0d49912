package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reported is a block of two rounds, with a row that misses its goal.
func reported() report {
	taken := pairOf([]float64{1000, 1000}, []float64{1000, 1000})
	taken["extauth-hook"] = map[int]sample{0: {value: 3000, cpu: 2, memory: 2048}, 1: {value: 5000, cpu: 4, memory: 4096}}
	b := block{name: "start", unit: perRun, lines: []line{
		{row: again, ratio: over(again, base)},
		{row: "extauth-hook", ratio: over("extauth-hook", base), limit: 1.40, ours: true},
		{what: "<memory>", row: "extauth-hook", ofMemory: true, ratio: over("extauth-hook", "extauth-hook"), limit: 1.05, memory: 6144, ours: true},
	}}
	return report{Blocks: []table{tabulate(b, taken), {Name: "persist", Fault: "no option persist="}}}
}

func TestTable(t *testing.T) {
	var said strings.Builder
	reported().print(&said)
	for _, line := range []string{
		`start \(noise: 1.00, p90/p10 1.00\) +us +cpu us +ratio +p10-p90 +RSS KiB +goal +met`,
		`empty Go again +1 +0 +1 +1-1 +0 +`,
		`extauth-hook +4 +3 +4 +3.2-4.8 +4096 +<= 1.4 +MISSED`,
		`<memory> +4 +3 +1 +1-1 +4096 +<= 1.05 <= 6144 KiB +met`,
		`persist: no option persist=`,
	} {
		require.Regexp(t, `(?m)^ *`+line+`$`, said.String())
	}
}

// TestPlot: the picture is well-formed, and has what the table has.
func TestPlot(t *testing.T) {
	text := reported().draw()
	parts := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := parts.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Contains(t, text, ">&lt;memory&gt;<")
	require.Contains(t, text, `>4 (≤ 1.4)<`)
	require.Equal(t, 1, strings.Count(text, `class="missed"`))
	require.Contains(t, text, "prefers-color-scheme: dark")
	require.NotContains(t, text, "persist")
}

func TestJSON(t *testing.T) {
	r := reported()
	served := block{name: "httpreq", unit: perEvent, lines: []line{{row: "answer"}}}
	r.Blocks = append(r.Blocks, tabulate(served, samples{"answer": {0: {value: 7000}}}))
	text, err := r.json()
	require.NoError(t, err)
	require.Contains(t, string(text), `"ratio": 4`)
	require.Contains(t, string(text), `"value": 7`)
	require.Contains(t, string(text), `"fault": "no option persist="`)
}
