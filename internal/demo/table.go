package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Result is the table with its sums.
type Result struct {
	Run          int64 `json:"run"`
	Deliveries   int64 `json:"deliveries"`
	Acknowledged int64 `json:"acknowledged"` // refusals with a reason among them
	Differing    int   `json:"differing"`    // scenes that are not as they must be
	Rows         []Row `json:"rows"`
}

// readBack looks every ticket up again and holds it against what was expected of it.
func (d *day) readBack(ctx context.Context) error {
	return beside(ctx, len(d.rows), func(ctx context.Context, n int) error {
		r := d.rows[n]
		if r.Number == "" {
			if len(r.expected) > 0 && len(r.Problems) == 0 {
				r.fail("没有工单")
			}
			return nil
		}
		v, err := d.ticket(ctx, dutyLogin, r.Number)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.fail("工单读不回来：%v", err)
			return nil
		}
		r.fill(v)
		r.judge(v)
		return nil
	})
}

// report prints the table and judges the day.
func (d *day) report() error {
	res := Result{Run: d.Run, Deliveries: d.wire.sent.Load(), Acknowledged: d.wire.acknowledged.Load()}
	for _, r := range d.rows {
		r.OK = len(r.Problems) == 0
		if !r.OK {
			res.Differing++
		}
		res.Rows = append(res.Rows, r.Row)
	}
	if d.JSON {
		enc := json.NewEncoder(d.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(res); err != nil {
			return err
		}
	} else {
		res.print(d.Out)
	}
	if res.Differing > 0 || res.Acknowledged != res.Deliveries {
		return ErrDiffers
	}
	return nil
}

// print draws the table for a terminal.
func (res Result) print(out io.Writer) {
	head := []string{"场景", "渠道", "工单", "状态", "承办单位", "依据", "已触发的时限", "结果"}
	most := []int{44, 18, 16, 14, 24, 44, 36, 4} // columns of the terminal
	cells := [][]string{head}
	for _, r := range res.Rows {
		verdict := "✓"
		if !r.OK {
			verdict = "✗"
		}
		cells = append(cells, []string{r.Scene, r.Channel, r.Number, r.State, r.Owner, r.Rule, strings.Join(r.Deadlines, " "), verdict})
	}
	widths := make([]int, len(head))
	for _, row := range cells {
		for c, cell := range row {
			row[c] = shorten(cell, most[c])
			widths[c] = max(widths[c], columns(row[c]))
		}
	}
	fmt.Fprintln(out)
	for n, row := range cells {
		var b strings.Builder
		for c, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[c]-columns(cell)+2))
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
		if n == 0 {
			continue
		}
		for _, p := range res.Rows[n-1].Problems {
			fmt.Fprintln(out, "    ✗ "+p)
		}
	}
	fmt.Fprintf(out, "\n来件 %d，有回执 %d，丢失 %d；场景 %d，不符 %d。\n", res.Deliveries, res.Acknowledged, res.Deliveries-res.Acknowledged, len(res.Rows), res.Differing)
}

// columns is how wide a terminal draws s: Chinese characters and full-width signs take two columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	switch {
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF, r >= 0x20000 && r <= 0x3FFFD:
		return 2
	}
	return 1
}

// shorten cuts s to a number of columns.
func shorten(s string, most int) string {
	if columns(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += width(r); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}
