package sla

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// LimitUnits lists the units, for checks of configuration.
var LimitUnits = []LimitUnit{Minutes, Hours, NaturalDays, WorkingDays, WorkingHours}

// maxAmount bounds limits to about ten years, so that arithmetic cannot overflow.
var maxAmount = map[LimitUnit]int{
	Minutes: 10 * 366 * 24 * 60, Hours: 10 * 366 * 24, NaturalDays: 10 * 366, WorkingDays: 10 * 366, WorkingHours: 10 * 366 * 24,
}

var unitWords = map[LimitUnit]string{
	Minutes: "分钟", Hours: "小时", NaturalDays: "个自然日", WorkingDays: "个工作日", WorkingHours: "个工作时",
}

// IsZero reports whether no limit was given.
func (l Limit) IsZero() bool { return l == Limit{} }

// String is the limit in words: 5 个工作日.
func (l Limit) String() string {
	words, ok := unitWords[l.Unit]
	if !ok {
		words = string(l.Unit)
	}
	return strconv.Itoa(l.Amount) + " " + words
}

// inDays reports whether the limit counts days, for which CountFrom and DueAt have a meaning.
func (u LimitUnit) inDays() bool { return u == NaturalDays || u == WorkingDays }

// working reports whether the unit needs to know which time is working time.
func (u LimitUnit) working() bool { return u == WorkingDays || u == WorkingHours }

// size is one of the unit on its own scale, see Calendar.pos.
func (u LimitUnit) size() int64 {
	switch u {
	case Minutes:
		return minuteMS
	case Hours, WorkingHours:
		return hourMS
	case NaturalDays, WorkingDays:
		return dayMS
	default:
		return 0
	}
}

// Validate refuses an amount of zero or less or beyond ten years, an unknown unit, and ways of
// counting that the unit does not have. The error joins every problem.
func (l Limit) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	most, known := maxAmount[l.Unit]
	if !known {
		wrong("unit %q: is not known; write one of %v", l.Unit, LimitUnits)
	}
	if l.Amount <= 0 {
		wrong("amount %d: must be 1 or more", l.Amount)
	} else if known && l.Amount > most {
		wrong("amount %d: at most %d %s", l.Amount, most, l.Unit)
	}
	if !slices.Contains([]CountFrom{"", SameDay, NextDay}, l.CountFrom) {
		wrong("count_from %q: write same_day or next_day", l.CountFrom)
	}
	if !slices.Contains([]DueAt{"", ToTheMinute, EndOfWork, EndOfDay}, l.DueAt) {
		wrong("due_at %q: write minute, end_of_work or end_of_day", l.DueAt)
	}
	if known && !l.Unit.inDays() && (l.CountFrom != "" || l.DueAt != "") {
		wrong("count_from and due_at are for limits in days; leave them out with %s", l.Unit)
	}
	if l.Amount == 1 && l.CountFrom == SameDay && l.DueAt == ToTheMinute {
		wrong("one day counted from the same day to the minute ends where it begins; use next_day or end_of_day")
	}
	return errors.Join(problems...)
}

// Due is when a limit that begins at start ends, in the city's zone. The deadline itself is in
// time: a thing is overdue when now is after it.
//
//   - minutes and hours are wall time; working hours are counted through the working segments,
//     and end at the end of a segment rather than at the beginning of the next;
//   - days count from the next day unless CountFrom is same_day. With same_day a start on a day
//     off begins on the next working day, and with end_of_work a start after work, or on a day off, begins the day after;
//   - a day ends at its last millisecond (23:59:59.999, which people write 24:00 of that day), at
//     the end of its last working segment (the end of the day when it has none), or at the time
//     of day of the start. Of working days counted from the next day, a start on a day off has the last
//     one whole: what came in on Sunday at 00:30 would else be due before anybody worked on it.
//
// The result is provisional when the calendar was needed and a year it runs through has no
// published notice: plain weeks were assumed there. The last days of a December belong to the next
// year's notice as well, which has moved them before. The limit must be valid; with an amount below
// 1 the result is start.
func (c *Calendar) Due(start time.Time, l Limit) (due time.Time, provisional bool) {
	due = c.dueAt(start, l)
	return due, c.provisional(start, due, l)
}

func (c *Calendar) dueAt(start time.Time, l Limit) time.Time {
	switch {
	case l.Amount < 1 || l.Unit.size() == 0:
		return start.In(c.zone)
	case l.Unit.inDays():
		return c.dueInDays(start, l)
	default:
		return c.Forward(start, l)
	}
}

func (c *Calendar) dueInDays(start time.Time, l Limit) time.Time {
	d, ms := c.local(start)
	if l.CountFrom == SameDay && (l.DueAt != EndOfWork || c.isWorkday(d) && c.endOf(d, ms, EndOfWork).After(start)) {
		if last, ok := c.lastDay(d-1, l); ok {
			if due := c.endOf(last, ms, l.DueAt); due.After(start) {
				return due
			}
		}
	}
	last, ok := c.lastDay(d, l)
	if !ok {
		last = d + l.Amount
	} else if l.Unit == WorkingDays && l.DueAt == ToTheMinute && l.CountFrom != SameDay && !c.isWorkday(d) {
		return c.endOfDay(last)
	}
	return c.endOf(last, ms, l.DueAt)
}

// lastDay is the l.Amount-th day that counts after day d.
func (c *Calendar) lastDay(d int, l Limit) (int, bool) {
	if l.Unit == NaturalDays {
		return d + l.Amount, true
	}
	return c.nthAfter(d, l.Amount)
}

// nthAfter is the n-th working day after day d.
func (c *Calendar) nthAfter(d, n int) (int, bool) {
	if d < -1 {
		return 0, false
	}
	return c.nth(c.through(d) + n - 1)
}

// endOf is the moment at which a last day ends for a limit that began at ms of its day.
func (c *Calendar) endOf(d int, ms int64, at DueAt) time.Time {
	h := c.hoursOf(d)
	switch {
	case at == ToTheMinute:
		return c.instant(d, ms)
	case at == EndOfWork && len(h.segments) > 0:
		return c.instant(d, h.end)
	default:
		return c.endOfDay(d)
	}
}

// Forward is the moment a limit's amount after from: wall time for minutes and hours, working time
// for working hours, and for days the same time of day so many days later. CountFrom and DueAt do
// not matter. Outside the years of the table all time is natural.
func (c *Calendar) Forward(from time.Time, l Limit) time.Time {
	return c.move(from, l.Unit, l.Amount)
}

// Back is the moment a limit's amount before from, as ladders count before a deadline. For working
// hours it is the last moment at which so much working time is still left.
func (c *Calendar) Back(from time.Time, l Limit) time.Time {
	return c.move(from, l.Unit, -l.Amount)
}

func (c *Calendar) move(from time.Time, unit LimitUnit, n int) time.Time {
	d, ms := c.local(from)
	switch unit {
	case Minutes:
		return from.In(c.zone).Add(time.Duration(n) * time.Minute)
	case WorkingHours:
		target := c.pos(unit, from) + int64(n)*hourMS
		find := c.latest
		if n > 0 {
			find = func(pos int64) (time.Time, bool) { return c.at(WorkingHours, pos) }
		}
		if t, ok := find(target); ok && n != 0 && c.covers(d) {
			return t
		}
		return from.In(c.zone).Add(time.Duration(n) * time.Hour)
	case NaturalDays:
		return c.instant(d+n, ms)
	case WorkingDays:
		target, ok := c.nthAfter(d, n)
		if n < 0 {
			target, ok = c.nth(c.before(d) + n)
		}
		if !ok || n == 0 || !c.covers(d) {
			target = d + n
		}
		return c.instant(target, ms)
	default: // Hours
		return from.In(c.zone).Add(time.Duration(n) * time.Hour)
	}
}

// newYearReach is the earliest day of December that a notice for the next year has ever moved
// (the notices of 2008 and 2019 both reach back to the 29th).
const newYearReach = 29

// provisional reports whether a deadline rests on a year without a notice.
func (c *Calendar) provisional(from, due time.Time, l Limit) bool {
	switch {
	case l.Unit.working():
	case l.Unit == NaturalDays && l.DueAt == EndOfWork:
		from = due // only the last day's hours matter
	default:
		return false
	}
	last := due.In(c.zone)
	lastYear := last.Year()
	if last.Month() == time.December && last.Day() >= newYearReach {
		lastYear++
	}
	for y := from.In(c.zone).Year(); y <= lastYear; y++ {
		if !c.HasNotice(y) {
			return true
		}
	}
	return false
}
