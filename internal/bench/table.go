package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// row is one line of the result.
type row struct {
	label    string
	measured string
	wanted   string // empty: shown for comparison only
	ok       bool
}

// table is the result of a run. It prints as Markdown, so that a page can take it as it stands.
type table []row

// atLeast adds a figure of which more is better.
func (t *table) atLeast(label string, got, want float64, format func(float64) string) {
	*t = append(*t, row{label, format(got), "≥ " + format(want), got >= want})
}

// atMost adds a figure of which less is better; flaw, when not empty, says why it does not count.
func (t *table) atMost(label string, got, want float64, format func(float64) string, flaw string) {
	measured := format(got)
	if flaw != "" {
		measured += " (" + flaw + ")"
	}
	*t = append(*t, row{label, measured, "≤ " + format(want), got <= want && flaw == ""})
}

// show adds a figure for comparison.
func (t *table) show(label, measured string) { *t = append(*t, row{label: label, measured: measured}) }

func (t table) String() string {
	lines := [][4]string{{"what", "measured", "wanted", ""}}
	for _, r := range t {
		verdict := "–"
		switch {
		case r.wanted == "":
			verdict = ""
		case r.ok:
			verdict = "ok"
		}
		lines = append(lines, [4]string{r.label, r.measured, r.wanted, verdict})
	}
	var width [4]int
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for n, l := range lines {
		for i, cell := range l {
			out.WriteString("| " + cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+1))
		}
		out.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i := range l {
			out.WriteString("|" + strings.Repeat("-", width[i]+2))
		}
		out.WriteString("|\n")
	}
	return out.String()
}

func ratio(v float64) string     { return fmt.Sprintf("%.3g", v) }
func megabytes(v float64) string { return fmt.Sprintf("%.0f MB", v/1e6) }
func perSecond(v float64) string { return fmt.Sprintf("%.0f/s", v) }

// duration prints a time given in nanoseconds with three digits.
func duration(ns float64) string {
	d := time.Duration(ns)
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	default:
		return fmt.Sprintf("%.3g s", ns/1e9)
	}
}
