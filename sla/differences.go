package sla

import (
	"slices"
	"strings"
	"time"
)

// DayPlan is what a calendar makes of one day.
type DayPlan struct {
	Date    string   `json:"date"` // YYYY-MM-DD
	Weekday string   `json:"weekday"`
	Kind    DayKind  `json:"kind"`
	Name    string   `json:"name,omitempty"`  // of the holiday, as the notice says
	Hours   []string `json:"hours,omitempty"` // "09:00-12:00"; empty: off
}

// DayKind says why a day is worked or not.
type DayKind string

// The kinds of days.
const (
	DayWork    DayKind = "work"    // 工作日 of the plain week
	DayRest    DayKind = "rest"    // 休息日 of the plain week
	DayHoliday DayKind = "holiday" // 放假 by a notice
	DayMakeup  DayKind = "makeup"  // 调休上班 by a notice
	DaySpecial DayKind = "special" // worked with hours of its own by a notice, such as a half day
)

// Plan is what the calendar makes of the day of t.
func (c *Calendar) Plan(t time.Time) DayPlan {
	d, _ := c.local(t)
	return c.plan(d)
}

func (c *Calendar) plan(d int) DayPlan {
	date := dateOf(d)
	p := DayPlan{Date: date.Format(time.DateOnly), Weekday: weekdayWords[date.Weekday()], Kind: DayRest}
	for _, s := range c.hoursOf(d).segments {
		p.Hours = append(p.Hours, s.String())
	}
	listed, ok := c.named[d]
	if ok {
		p.Name = listed.Name
	}
	switch {
	case len(p.Hours) > 0 && ok && len(listed.Segments) > 0:
		p.Kind = DaySpecial
	case len(p.Hours) > 0 && ok && c.plain[d] == 0:
		p.Kind = DayMakeup
	case len(p.Hours) > 0:
		p.Kind = DayWork
	case ok:
		p.Kind = DayHoliday
	}
	return p
}

// String is the segment as calendars write it: 09:00-12:00.
func (s segment) String() string { return clockWords(s.from) + "-" + clockWords(s.to) }

func clockWords(ms int64) string {
	minutes := ms / minuteMS
	return string([]byte{
		'0' + byte(minutes/600), '0' + byte(minutes/60%10), ':', '0' + byte(minutes%60/10), '0' + byte(minutes%10),
	})
}

// Words says what the day is: 春节调休上班 09:00-12:00、13:00-17:00.
func (p DayPlan) Words() string {
	hours := strings.Join(p.Hours, "、")
	switch p.Kind {
	case DayHoliday:
		return p.Name + "放假"
	case DayMakeup:
		return p.Name + "调休上班 " + hours
	case DaySpecial:
		return p.Name + " " + hours
	case DayWork:
		return "工作日 " + hours
	default:
		return "休息日"
	}
}

// Difference is a run of days that two calendars see differently, and in the same way.
type Difference struct {
	From string  `json:"from"` // YYYY-MM-DD
	To   string  `json:"to"`
	Days int     `json:"days"` // that differ; days off in both may lie between them
	Was  DayPlan `json:"was"`  // of the first day
	Is   DayPlan `json:"is"`
}

// Differences lists the days whose working time is not the same in two calendars of one zone, in runs. A run goes on over days
// off that both have.
func Differences(was, is *Calendar) []Difference {
	var runs []Difference
	var last int // day of the run's end
	for d := range is.days {
		a, b := was.hoursOf(d), is.hoursOf(d)
		if slices.Equal(a.segments, b.segments) {
			continue
		}
		before, after := was.plan(d), is.plan(d)
		if n := len(runs); n > 0 && runs[n-1].Was.Words() == before.Words() && runs[n-1].Is.Words() == after.Words() && offBetween(was, is, last, d) {
			runs[n-1].To, last = after.Date, d
			runs[n-1].Days++
			continue
		}
		runs, last = append(runs, Difference{From: after.Date, To: after.Date, Days: 1, Was: before, Is: after}), d
	}
	return runs
}

// offBetween reports whether both calendars are off on all days between two.
func offBetween(was, is *Calendar, from, to int) bool {
	for d := from + 1; d < to; d++ {
		if was.isWorkday(d) || is.isWorkday(d) {
			return false
		}
	}
	return true
}

// Unpublished is the first year from that of t on whose holidays are not known: deadlines that reach into it are provisional.
func (c *Calendar) Unpublished(t time.Time) int {
	year := t.In(c.zone).Year()
	for c.HasNotice(year) {
		year++
	}
	return year
}
