package desk

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// shortTime is a time of the year as people on duty read it.
func shortTime(t time.Time) string { return t.Format("01-02 15:04") }

// WriteOnDuty writes who is on duty, a post a line.
func WriteOnDuty(w io.Writer, list []OnDuty) {
	for i := range list {
		d := &list[i]
		fmt.Fprintf(w, "  %s  %s（%s 至 %s）", d.Title, holderWords(d), shortTime(d.From), shortTime(d.Until))
		fmt.Fprintf(w, "，接班 %s\n", cmp.Or(d.Next.Who, "无人"))
	}
}

func holderWords(d *OnDuty) string {
	words := d.Who
	if d.StandsIn != nil {
		words = "无人当班，由" + d.StandsIn.Title + d.StandsIn.Who + "代收"
	}
	if d.Kind == "override" || d.Kind == "swap" {
		words += "〔" + kindTitles[d.Kind] + "〕"
	}
	return words
}

// WriteText writes the brief as plain text, for a terminal and for paper.
func (b *Brief) WriteText(w io.Writer) {
	whole := b.City
	if b.Unit != nil {
		whole += " " + b.Unit.Title
	}
	fmt.Fprintf(w, "%s  交接班简报\n", whole)
	fmt.Fprintf(w, "班次  %s  %s 至 %s  %s\n", b.Title, shortTime(b.From), shortTime(b.Until), cmp.Or(b.Who, "无人当班"))
	fmt.Fprintf(w, "现在  %s\n", b.Now.Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "\n在办 %d（待分拨 %d）  超时 %d  本班到期 %d  挂起 %d  待确认告警 %d  待回拨来电 %s\n",
		b.Open, b.Triage, b.Late.Total, b.Due.Total, b.Paused.Total, b.AlertsN, b.Calls.words())
	fmt.Fprintln(w, "\n当班")
	WriteOnDuty(w, b.Duty)
	if len(b.Empty) > 0 {
		fmt.Fprintln(w, "\n无人当班的班次")
		for _, g := range b.Empty {
			fmt.Fprintf(w, "  %s  %s 至 %s，由%s代收\n", g.Title, shortTime(g.From), shortTime(g.Until), g.StandsIn.Title+g.StandsIn.Who)
		}
	}
	b.Late.write(w, "超时", "最早到期的在前")
	b.Due.write(w, "本班到期", "先到期的在前")
	b.Paused.write(w, "挂起", "先到期的在前")
	b.writeAlerts(w)
	b.writeSurges(w)
	if len(b.Calls.Oldest) > 0 {
		fmt.Fprintf(w, "\n待回拨来电（共 %s）\n", b.Calls.words())
		for _, k := range b.Calls.Oldest {
			fmt.Fprintf(w, "  %s  %s  已等 %s\n", shortTime(k.RangAt), k.Line, wait(b.Now.Sub(k.RangAt)))
		}
	}
}

func (c *BriefCalls) words() string {
	if c.More {
		return fmt.Sprintf("%d 个以上", c.Total)
	}
	return strconv.Itoa(c.Total)
}

func (l *BriefList) write(w io.Writer, title, order string) {
	if l.Total == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s（共 %d", title, l.Total)
	if int64(len(l.Items)) < l.Total {
		fmt.Fprintf(w, "，列前 %d", len(l.Items))
	}
	fmt.Fprintf(w, "；%s）\n", order)
	for i := range l.Items {
		t := &l.Items[i]
		held := t.Unit.Title
		if t.Holder != "" {
			held += " " + t.Holder
		}
		due := "无期限"
		if !t.Due.IsZero() {
			due = shortTime(t.Due) + " 到期"
		}
		if t.Provisional {
			due += "（暂定）"
		}
		fmt.Fprintf(w, "  %s  %s  %s  %s  %s  %s\n", t.Number, due, cmp.Or(t.Category, "未分类"), t.Region, t.StateTitle, strings.TrimSpace(held))
	}
}

func (b *Brief) writeAlerts(w io.Writer) {
	if b.AlertsN > 0 {
		fmt.Fprintf(w, "\n待确认告警（共 %d 条；级别重的在前，最多列 %d 行）\n", b.AlertsN, briefLines)
	}
	for i := range b.Alerts {
		g := &b.Alerts[i]
		fmt.Fprintf(w, "  %s  %s  %d 条", g.LevelTitle, g.Unit.Title, g.Count)
		if g.Snoozed > 0 {
			fmt.Fprintf(w, "（推迟 %d）", g.Snoozed)
		}
		fmt.Fprintf(w, "  %s 起，最新 %s\n", shortTime(g.Oldest), shortTime(g.Newest))
	}
	if len(b.Handed) > 0 {
		fmt.Fprintln(w, "\n移交给个人、尚未办结的告警")
	}
	for i := range b.Handed {
		a := &b.Handed[i]
		fmt.Fprintf(w, "  %s  %s  %s  %s\n", a.Person, a.StateTitle, shortTime(a.At), a.Text)
	}
}

func (b *Brief) writeSurges(w io.Writer) {
	if len(b.Surges) == 0 {
		return
	}
	s := b.Surging
	if s.Days == 0 {
		fmt.Fprintf(w, "\n登记最多（近 %d 小时，至少 %d 件；没有往日数据可比）\n", s.Hours, s.Least)
	} else {
		fmt.Fprintf(w, "\n突增（近 %d 小时登记数；与前 %d 天同一时段的平均数比，至少 %d 件且达 %.0f 倍）\n", s.Hours, s.Days, s.Least, s.Factor)
	}
	for _, x := range b.Surges {
		than := ""
		switch {
		case x.Usual > 0:
			than = fmt.Sprintf("（平日 %.1f，%.1f 倍）", x.Usual, x.Factor)
		case s.Days > 0:
			than = "（平日没有）"
		}
		fmt.Fprintf(w, "  %s  %d 件%s\n", x.Title, x.Count, than)
	}
}

// wait is how long somebody waits, in hours and minutes.
func wait(d time.Duration) string {
	if h := int(d.Hours()); h > 0 {
		return fmt.Sprintf("%d 小时 %d 分钟", h, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d 分钟", int(d.Minutes()))
}
