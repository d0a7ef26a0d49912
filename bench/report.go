package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// report is result.json.
type report struct {
	Machine machine `json:"machine"`
	Blocks  []table `json:"blocks"`
}

// table is what a block came to.
type table struct {
	Name   string   `json:"name"`
	Unit   unit     `json:"unit"`
	Noise  *float64 `json:"noise,omitempty"`  // ratio of the empty program to itself
	Spread *float64 `json:"spread,omitempty"` // its p90/p10
	Rows   []entry  `json:"rows"`
	Fault  string   `json:"fault,omitempty"` // why there are no rows
}

// entry is a row of a table. The ratio is the median of those of the rounds.
type entry struct {
	What    string   `json:"what"`
	Value   float64  `json:"value"`
	CPU     float64  `json:"cpu_us"`
	Ratio   *float64 `json:"ratio,omitempty"`
	Low     *float64 `json:"p10,omitempty"`
	High    *float64 `json:"p90,omitempty"`
	Memory  int      `json:"memory_kib,omitempty"`
	Limit   float64  `json:"goal,omitempty"`
	AtLeast bool     `json:"at_least,omitempty"`
	Most    int      `json:"memory_goal_kib,omitempty"`
	Met     *bool    `json:"met,omitempty"` // both goals, within the tolerance
	Ours    bool     `json:"ours,omitempty"`
}

// number is a figure that there may be none of.
func number(f float64) *float64 {
	if math.IsNaN(f) {
		return nil
	}
	return &f
}

// tabulate makes a block's table. Its first row is the one that most others are
// compared with.
func tabulate(b block, taken samples) table {
	noise, spread := taken.noise()
	t := table{Name: b.name, Unit: b.unit, Noise: number(noise), Spread: number(spread)}
	lines := b.lines
	if len(taken[base]) > 0 {
		lines = append([]line{{row: base}}, lines...)
	}
	for _, l := range lines {
		t.Rows = append(t.Rows, l.entry(b.name, taken, b.unit))
	}
	return t
}

func (l line) entry(block string, taken samples, u unit) entry {
	e := entry{What: l.name(), Value: median(taken.column(l.row)), Memory: taken.peak(l.row), Limit: l.limit, AtLeast: l.atLeast, Most: l.memory, Ours: l.ours}
	if u != instructions {
		e.Value /= 1000 // microseconds
	}
	var cpu []float64
	for _, s := range taken[l.row] {
		cpu = append(cpu, s.cpu)
	}
	e.CPU = median(cpu)
	if l.ratio != nil {
		ratios := taken.each(l.ratio, l.ofMemory)
		e.Ratio, e.Low, e.High = number(median(ratios)), number(quantile(ratios, 0.1)), number(quantile(ratios, 0.9))
	}
	all := goals(block, []line{l})
	met := true
	for _, g := range all {
		met = met && g.meets(g.figure(taken), tolerance)
	}
	if len(all) > 0 {
		e.Met = &met
	}
	return e
}

// print writes the table for people.
func (r report) print(w io.Writer) {
	fmt.Fprintln(w, r.Machine)
	for _, t := range r.Blocks {
		if t.Fault != "" {
			fmt.Fprintf(w, "%s: %s\n\n", t.Name, t.Fault)
			continue
		}
		fmt.Fprintf(w, "%-60s %12s %9s %8s %15s %9s  %-18s %s\n", t.title(), t.Unit, "cpu us", "ratio", "p10-p90", "RSS KiB", "goal", "met")
		for _, e := range t.Rows {
			fmt.Fprintf(w, "  %-58s %12.4g %9.4g %8s %15s %9d  %-18s %s\n", e.What, e.Value, e.CPU, e.ratio(), e.span(), e.Memory, e.goal(), e.verdict())
		}
		fmt.Fprintln(w)
	}
}

func (t table) title() string {
	if t.Noise == nil {
		return t.Name
	}
	return fmt.Sprintf("%s (noise: %.2f, p90/p10 %.2f)", t.Name, *t.Noise, *t.Spread)
}

func (e entry) ratio() string {
	if e.Ratio == nil {
		return "-"
	}
	return fmt.Sprintf("%.3g", *e.Ratio)
}

func (e entry) span() string {
	if e.Low == nil {
		return "-"
	}
	return fmt.Sprintf("%.3g-%.3g", *e.Low, *e.High)
}

func (e entry) goal() string {
	text := ""
	switch {
	case e.Limit > 0 && e.AtLeast:
		text = fmt.Sprintf(">= %.4g", e.Limit)
	case e.Limit > 0:
		text = fmt.Sprintf("<= %.4g", e.Limit)
	}
	if e.Most > 0 {
		text += fmt.Sprintf(" <= %d KiB", e.Most)
	}
	return text
}

func (e entry) verdict() string {
	switch {
	case e.Met == nil:
		return ""
	case *e.Met:
		return "met"
	}
	return "MISSED"
}

// markdown is the README's table: our rows, and the machine.
func (r report) markdown() string {
	var b strings.Builder
	b.WriteString("| | median | ratio | p10-p90 | memory | goal |\n|---|---|---|---|---|---|\n")
	for _, t := range r.Blocks {
		for _, e := range t.Rows {
			if e.Ours && t.Fault == "" {
				fmt.Fprintf(&b, "| %s: %s | %.4g %s | %s | %s | %d KiB | %s |\n", t.Name, e.What, e.Value, t.Unit, e.ratio(), e.span(), e.Memory, e.outcome())
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(fmt.Sprint(r.Machine)))
	return b.String()
}

func (e entry) outcome() string {
	if e.Met != nil && !*e.Met {
		return e.goal() + ", **missed**"
	}
	return e.goal()
}

// between puts a text in the place of what stands between two marks.
func between(whole, text string) (string, error) {
	const begin, end = "<!-- make bench -->\n", "<!-- make bench: end -->\n"
	before, rest, found := strings.Cut(whole, begin)
	_, behind, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", errors.New("the README has no place for the table")
	}
	return before + begin + text + end + behind, nil
}

func (r report) json() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

// measure takes each block once. A block that cannot be run has its reason in
// its table.
func (p place) measure(chosen []maker) report {
	r := report{Machine: p.machine()}
	for _, m := range chosen {
		b, err := m.make(false)
		var taken samples
		if err == nil {
			taken, err = p.take(b)
		}
		if err != nil {
			r.Blocks = append(r.Blocks, table{Name: m.name, Fault: err.Error()})
			continue
		}
		r.Blocks = append(r.Blocks, tabulate(b, taken))
	}
	return r
}
