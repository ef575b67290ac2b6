package sla

import (
	"fmt"
	"strings"
	"time"
)

// SegmentKind says how a stretch of time was treated on the way to a deadline.
type SegmentKind string

// The kinds of segments.
const (
	SegmentStart    SegmentKind = "start"    // the day of the start, which does not count
	SegmentCounted  SegmentKind = "counted"  // counted
	SegmentMakeup   SegmentKind = "makeup"   // counted: a make-up workday (调休上班)
	SegmentNight    SegmentKind = "night"    // outside working hours, the midday break included
	SegmentWeekend  SegmentKind = "weekend"  // a day off of the plain week
	SegmentHoliday  SegmentKind = "holiday"  // a day off by a notice
	SegmentExtended SegmentKind = "extended" // added by approved extensions
	SegmentPaused   SegmentKind = "paused"   // a pause during which the clock stood still
	SegmentAgreed   SegmentKind = "agreed"   // up to the time the citizen asked for
	SegmentGuessed  SegmentKind = "guessed"  // rests on years without a notice
)

// Segment is one step of the explanation of a deadline, in words for people.
type Segment struct {
	From time.Time   `json:"from"`
	To   time.Time   `json:"to"`
	Kind SegmentKind `json:"kind"`
	Text string      `json:"text"`
}

// ExplainDue says stretch by stretch how Due comes from start to its deadline, in the city's zone.
func ExplainDue(c *Calendar, start time.Time, l Limit) []Segment {
	x := explanation{c: c, start: start.In(c.zone), due: c.dueAt(start, l), limit: l}
	switch l.Unit {
	case WorkingHours:
		x.hours()
	case WorkingDays:
		x.days()
	case NaturalDays:
		d, _ := c.local(start)
		from := x.start
		if l.CountFrom != SameDay {
			from = c.instant(d+1, 0)
			x.add(piece{from: x.start, to: from, kind: SegmentStart})
		}
		x.add(piece{from: from, to: x.due, kind: SegmentCounted})
	default:
		x.add(piece{from: x.start, to: x.due, kind: SegmentCounted})
	}
	segments := make([]Segment, len(x.pieces), len(x.pieces)+1)
	for i, p := range x.pieces {
		segments[i] = Segment{From: p.from, To: p.to, Kind: p.kind, Text: x.text(p)}
	}
	return append(segments, x.guessed(x.due)...)
}

// Explain says how a clock's deadline came about: the stretches of its limit, then what extensions
// and pauses added.
func Explain(c *Calendar, k Clock) []Segment {
	c = c.For(k.Unit)
	segments := ExplainDue(c, k.StartedAt, k.Limit)
	base := c.dueAt(k.StartedAt, k.Limit)
	final := k.DueAt.In(c.zone)
	x := explanation{c: c, start: k.StartedAt.In(c.zone), due: final, limit: k.Limit}
	if n := len(segments); n > 0 && segments[n-1].Kind == SegmentGuessed {
		segments = segments[:n-1] // said again at the end, of the final deadline
	}
	if k.Extended > 0 {
		added := Limit{Amount: k.Extended, Unit: k.Limit.Unit}
		segments = append(segments, Segment{
			From: base, To: final, Kind: SegmentExtended,
			Text: fmt.Sprintf("批准延期 %s", added),
		})
	}
	for _, h := range k.Holds {
		from, to := h.From.In(c.zone), h.To.In(c.zone)
		spent, kind := to.Sub(from), "时长"
		if k.Limit.Unit.working() {
			spent, kind = c.Working(from, to), "工作时间"
		}
		segments = append(segments, Segment{
			From: from, To: to, Kind: SegmentPaused,
			Text: fmt.Sprintf("%s至%s：挂起，期间%s %s 不计入", x.moment(from), x.moment(to), kind, durationWords(spent)),
		})
	}
	if !k.Appointed.IsZero() {
		segments = append(segments, Segment{From: base, To: final, Kind: SegmentAgreed, Text: "按诉求人约定的时间回访"})
	}
	if n := len(segments); n > 0 && (!k.Appointed.IsZero() || k.Extended > 0 || len(k.Holds) > 0) {
		segments[n-1].Text += "；截止时间为" + x.moment(final)
	}
	if k.Provisional {
		segments = append(segments, x.guess(final))
	}
	return segments
}

// explanation collects the pieces of a deadline.
type explanation struct {
	c          *Calendar
	start, due time.Time
	limit      Limit
	pieces     []piece
}

// piece is a stretch before it is put into words.
type piece struct {
	from, to    time.Time
	kind        SegmentKind
	name        string        // of the holiday
	first, last int           // counted days: which of the limit's
	spent, sum  time.Duration // counted working time: here, and up to here
}

// add appends a piece, or lets the last one go on when it is of the same kind.
func (x *explanation) add(p piece) {
	if !p.to.After(p.from) {
		return
	}
	if n := len(x.pieces); n > 0 {
		last := &x.pieces[n-1]
		if last.kind == p.kind && last.name == p.name && last.to.Equal(p.from) && p.kind != SegmentMakeup && p.spent == 0 {
			last.to, last.last = p.to, p.last
			return
		}
	}
	x.pieces = append(x.pieces, p)
}

// kindOf says why a day counts or does not.
func (x *explanation) kindOf(d int) (kind SegmentKind, name string) {
	listed, ok := x.c.named[d]
	switch {
	case x.c.isWorkday(d) && ok && x.c.plain[d] == 0:
		return SegmentMakeup, listed.Name
	case x.c.isWorkday(d) || !x.c.covers(d):
		return SegmentCounted, ""
	case ok:
		return SegmentHoliday, listed.Name
	default:
		return SegmentWeekend, ""
	}
}

// days explains a limit in working days, a day at a time.
func (x *explanation) days() {
	c := x.c
	d, _ := c.local(x.start)
	lastDay, _ := c.local(x.due)
	from, counted := x.start, 0
	for ; d <= lastDay; d++ {
		to := c.instant(d+1, 0)
		if d == lastDay {
			to = x.due
		}
		kind, name := x.kindOf(d)
		counts := kind == SegmentCounted || kind == SegmentMakeup
		if from.Equal(x.start) && counts && x.leftOut(d, lastDay) {
			kind, name, counts = SegmentStart, "", false
		}
		p := piece{from: from, to: to, kind: kind, name: name}
		if counts {
			counted++
			p.first, p.last = counted, counted
		}
		x.add(p)
		from = to
	}
}

// leftOut reports whether the day of the start does not count.
func (x *explanation) leftOut(d, lastDay int) bool {
	return x.c.through(lastDay)-x.c.before(d) > x.limit.Amount
}

// hours explains a limit in working hours, a segment at a time.
func (x *explanation) hours() {
	c := x.c
	d, _ := c.local(x.start)
	cursor, sum := x.start, time.Duration(0)
	for ; cursor.Before(x.due); d++ {
		end := c.instant(d+1, 0)
		if end.After(x.due) {
			end = x.due
		}
		kind, name := x.kindOf(d)
		if kind != SegmentCounted && kind != SegmentMakeup {
			x.add(piece{from: cursor, to: end, kind: kind, name: name})
			cursor = end
			continue
		}
		for _, s := range c.hoursOf(d).segments {
			from, to := c.instant(d, s.from), c.instant(d, s.to)
			if !to.After(cursor) || !from.Before(x.due) {
				continue
			}
			if from.After(cursor) {
				x.add(piece{from: cursor, to: from, kind: SegmentNight})
				cursor = from
			}
			if to.After(x.due) {
				to = x.due
			}
			spent := to.Sub(cursor)
			sum += spent
			x.add(piece{from: cursor, to: to, kind: kind, name: name, spent: spent, sum: sum})
			cursor = to
		}
		x.add(piece{from: cursor, to: end, kind: SegmentNight})
		cursor = end
	}
}

// guessed is the remark that a deadline rests on years without a notice.
func (x *explanation) guessed(due time.Time) []Segment {
	if !x.c.provisional(x.start, due, x.limit) {
		return nil
	}
	return []Segment{x.guess(due)}
}

func (x *explanation) guess(due time.Time) Segment {
	return Segment{
		From: x.start, To: due, Kind: SegmentGuessed,
		Text: "涉及的年份尚无放假安排通知，暂按平常周次推算，通知发布后重新计算",
	}
}

func (x *explanation) text(p piece) string {
	switch p.kind {
	case SegmentStart:
		return x.span(p) + "：起算当日不计，次日起算"
	case SegmentWeekend:
		return x.span(p) + "：休息日，不计"
	case SegmentHoliday:
		return x.span(p) + "：" + p.name + "放假，不计"
	case SegmentNight:
		return x.moment(p.from) + "至" + x.moment(p.to) + "：非工作时间，不计"
	default:
		return x.counted(p)
	}
}

// counted is the text of a piece that counts.
func (x *explanation) counted(p piece) string {
	reason := ""
	if p.kind == SegmentMakeup {
		reason = p.name + "调休上班，"
	}
	switch {
	case p.spent > 0:
		return fmt.Sprintf("%s至%s：%s计 %s，累计 %s", x.moment(p.from), x.moment(p.to), reason, durationWords(p.spent), durationWords(p.sum))
	case p.first > 0 && p.first < p.last:
		return fmt.Sprintf("%s：%s计第 %d 至第 %d 个工作日", x.span(p), reason, p.first, p.last)
	case p.first > 0:
		return fmt.Sprintf("%s：%s计第 %d 个工作日", x.span(p), reason, p.first)
	default:
		return fmt.Sprintf("%s至%s：连续计 %s，节假日照计", x.moment(p.from), x.moment(p.to), x.limit)
	}
}

// span is the days a piece covers: 2月24日（周二）至2月27日（周五）.
func (x *explanation) span(p piece) string {
	first, last := x.date(p.from), x.date(p.to.Add(-time.Millisecond))
	if first == last {
		return first
	}
	return first + "至" + last
}

var weekdayWords = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// date writes a day, with its year when that is not the year of the start.
func (x *explanation) date(t time.Time) string {
	words := fmt.Sprintf("%d月%d日（%s）", t.Month(), t.Day(), weekdayWords[t.Weekday()])
	if t.Year() != x.start.Year() {
		return fmt.Sprintf("%d年%s", t.Year(), words)
	}
	return words
}

func (x *explanation) moment(t time.Time) string {
	day, clock := timeWords(t.In(x.c.zone))
	return x.date(day) + clock
}

// Words writes a moment as people of the city do: 2026年2月27日（周五）24:00. The last millisecond
// of a day, and only it, is its 24:00.
func (c *Calendar) Words(t time.Time) string {
	day, clock := timeWords(t.In(c.zone))
	return fmt.Sprintf("%d年%d月%d日（%s）%s", day.Year(), day.Month(), day.Day(), weekdayWords[day.Weekday()], clock)
}

func timeWords(t time.Time) (day time.Time, clock string) {
	if next := t.Add(time.Millisecond); next.Day() != t.Day() {
		return t, "24:00"
	}
	return t, t.Format("15:04")
}

// durationWords writes a duration to the minute.
func durationWords(d time.Duration) string {
	minutes := int64(d.Round(time.Minute) / time.Minute)
	var words []string
	if h := minutes / 60; h > 0 {
		words = append(words, fmt.Sprintf("%d 小时", h))
	}
	if m := minutes % 60; m > 0 || len(words) == 0 {
		words = append(words, fmt.Sprintf("%d 分钟", m))
	}
	return strings.Join(words, " ")
}
