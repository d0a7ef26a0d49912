package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

const (
	plotWidth = 900
	barsFrom  = 400 // where the axis begins
	barsWide  = 400
	barHigh   = 20 // from one bar to the next
)

// plot is the ratios as bars: each block on an axis of its own, that ends a
// little behind its goals and our bars. What reaches beyond is cut and numbered.
type plot struct {
	text strings.Builder
	y    int
}

// draw makes result.svg.
func (r report) draw() string {
	p := &plot{y: 20}
	p.add(`<text class="note" x="10" y="%d">%s</text>`, p.y, "median of the rounds, from the 10th to the 90th percentile; upright line: the goal, red where it is missed")
	p.y += 2 * barHigh
	for _, t := range r.Blocks {
		if ratios(t) > 0 {
			p.block(t)
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, plotWidth, p.y) + "\n" + style() + p.text.String() + "</svg>\n"
}

// style has the colours for light and for dark.
func style() string {
	return `<style>
text { fill: #24292f } .note { fill: #57606a } .ours { fill: #2f81c7 } .peer { fill: #b4bcc5 }
.axis, .span { stroke: #57606a } .goal { stroke: #1a7f37; stroke-width: 2 } .missed { stroke: #cf222e; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note { fill: #8d96a0 } .ours { fill: #4c9be8 } .peer { fill: #535b65 }
.axis, .span { stroke: #8d96a0 } .goal { stroke: #3fb950 } .missed { stroke: #f85149 }
}
</style>
`
}

// ratios counts the rows that have one.
func ratios(t table) (n int) {
	for _, e := range t.Rows {
		if e.Ratio != nil {
			n++
		}
	}
	return n
}

func (p *plot) add(form string, values ...any) { fmt.Fprintf(&p.text, form+"\n", values...) }

func (p *plot) block(t table) {
	p.add(`<text x="10" y="%d" font-weight="bold">%s</text>`, p.y, html.EscapeString(caption(t.Name)))
	p.y += barHigh
	begun, end := p.y, reach(t)
	for _, e := range t.Rows {
		if e.Ratio != nil {
			p.bar(e, end)
		}
	}
	p.add(`<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, barsFrom, barsFrom, begun-12, p.y-barHigh+8)
	p.y += barHigh
}

// caption is a block's name and what its ratios are.
func caption(name string) string {
	about := map[string]string{
		"start":   "time by that of an empty Go program",
		"chain":   "time by that of an empty Go program",
		"stream":  "times as fast as jq",
		"persist": "times as fast as a process for each event",
		"jobs":    "times as fast as one at once",
		"growth":  "time for each challenge by that of an order of 100",
		"count":   "instructions by those of an empty Go program",
	}[name]
	return name + ": " + about
}

// reach is where a block's axis ends.
func reach(t table) float64 {
	end := 0.0
	for _, e := range t.Rows {
		end = math.Max(end, e.Limit)
		if e.Ratio != nil && e.Ours {
			end = math.Max(end, *e.High)
		}
	}
	return 1.1 * math.Max(end, 1)
}

func (p *plot) bar(e entry, end float64) {
	x := func(value float64) float64 { return barsFrom + barsWide*math.Min(value/end, 1) }
	class := "peer"
	if e.Ours {
		class = "ours"
	}
	p.add(`<text x="%d" y="%d" text-anchor="end">%s</text>`, barsFrom-8, p.y, html.EscapeString(label(e.What)))
	p.add(`<rect class="%s" x="%d" y="%d" width="%.1f" height="12"/>`, class, barsFrom, p.y-10, x(*e.Ratio)-barsFrom)
	p.add(`<line class="span" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, x(*e.Low), x(*e.High), p.y-4, p.y-4)
	for _, value := range []float64{*e.Low, *e.High} {
		p.add(`<line class="span" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, x(value), x(value), p.y-7, p.y-1)
	}
	p.mark(e, x(e.Limit))
	p.add(`<text class="note" x="%d" y="%d">%s</text>`, barsFrom+barsWide+8, p.y, html.EscapeString(note(e)))
	p.y += barHigh
}

// label is a row's name without what the block's caption says.
func label(what string) string {
	what, _, _ = strings.Cut(what, ", times as fast")
	return what
}

// mark is the goal.
func (p *plot) mark(e entry, x float64) {
	if e.Limit == 0 {
		return
	}
	class := "goal"
	if !*e.Met {
		class = "missed"
	}
	p.add(`<line class="%s" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, class, x, x, p.y-14, p.y+6)
}

func note(e entry) string {
	text := e.ratio()
	switch {
	case e.Limit > 0 && e.AtLeast:
		text += fmt.Sprintf(" (≥ %.4g)", e.Limit)
	case e.Limit > 0:
		text += fmt.Sprintf(" (≤ %.4g)", e.Limit)
	}
	return text
}
