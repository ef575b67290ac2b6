package sla

import (
	"fmt"
	"sort"
	"time"
)

// The years a calendar's table covers. Outside them nothing is known: time is counted as natural
// time and every deadline in working time is provisional.
const (
	firstYear = 2000
	lastYear  = 2099
)

const (
	minuteMS = int64(time.Minute / time.Millisecond)
	hourMS   = int64(time.Hour / time.Millisecond)
	dayMS    = 24 * hourMS
)

// firstDay is day 0 of the table in days since 1970-01-01.
var firstDay = time.Date(firstYear, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400

// Calendar says which time is working time. It is built once by [NewCalendar] or [Calendar.Next],
// never changes and is safe for concurrent use. A look-up of a day is one index into a table; the n-th working day
// after a date is another; working hours need one binary search.
type Calendar struct {
	id      string
	title   string
	version int
	zone    *time.Location

	hours     []hours // the different kinds of days; 0 is a day off
	days      []day   // every day from firstDay on
	work      []workday
	named     map[int]Day // days of the notices, by index
	plain     []uint8     // hours a day has by the week alone, by index
	published [lastYear - firstYear + 1]bool

	own   CalendarSpec // as it is written
	spec  CalendarSpec // with what it took over from the version before
	since time.Time    // from when it holds; zero: for all time
	prev  *Calendar    // the version before, composite as this one; nil: this is the first
	base  int          // version of the calendar it takes its holidays from; 0: it has its own
	units map[string]unitHours
}

// hours are the working segments of a day.
type hours struct {
	segments []segment
	total    int64 // ms
	end      int64 // of the day's work, for deadlines that end with it; ms since local midnight
}

// segment is a stretch of working time in ms since local midnight.
type segment struct{ from, to int64 }

type day struct {
	before int32 // working days before this one
	hours  uint8
}

// workday is a working day: its day, and the working time before it. The last one is a sentinel
// behind the end of the table.
type workday struct {
	minutes int32
	day     int32
}

// ID is the calendar's id.
func (c *Calendar) ID() string { return c.id }

// Title is the calendar's name for people.
func (c *Calendar) Title() string { return c.title }

// Version is the calendar's version.
func (c *Calendar) Version() int { return c.version }

// Key names the calendar in one version: id@version.
func (c *Calendar) Key() string { return policyKey(c.id, c.version) }

// Zone is the city's time zone, in which days begin and end.
func (c *Calendar) Zone() *time.Location { return c.zone }

// HasNotice reports whether the holidays of a year are known.
func (c *Calendar) HasNotice(year int) bool {
	return year >= firstYear && year <= lastYear && c.published[year-firstYear]
}

// IsWorkday reports whether t lies on a working day of the city; a half day is one.
func (c *Calendar) IsWorkday(t time.Time) bool {
	d, _ := c.local(t)
	return c.isWorkday(d)
}

// IsWorkTime reports whether t lies in a working segment; the first instant of a segment does,
// the last does not.
func (c *Calendar) IsWorkTime(t time.Time) bool {
	d, ms := c.local(t)
	for _, s := range c.hoursOf(d).segments {
		if s.from <= ms && ms < s.to {
			return true
		}
	}
	return false
}

// Listed gives what the notices say about the day of t; ok is false for a day of the plain week.
func (c *Calendar) Listed(t time.Time) (Day, bool) {
	d, _ := c.local(t)
	listed, ok := c.named[d]
	return listed, ok
}

// Working is the working time between a and b, negative when b is before a.
func (c *Calendar) Working(a, b time.Time) time.Duration {
	return time.Duration(c.pos(WorkingHours, b)-c.pos(WorkingHours, a)) * time.Millisecond
}

// WorkingDays counts the working days after the day of a, up to and with the day of b: for a
// limit counted from the next day it is the amount used. It is negative when b is before a.
func (c *Calendar) WorkingDays(a, b time.Time) int {
	from, _ := c.local(a)
	to, _ := c.local(b)
	return c.through(to) - c.through(from)
}

// local splits an instant into the city's day and the ms since its midnight by the wall clock.
func (c *Calendar) local(t time.Time) (d int, ms int64) {
	_, offset := t.In(c.zone).Zone()
	wall := t.UnixMilli() + int64(offset)*1000
	whole := wall / dayMS
	if ms = wall % dayMS; ms < 0 {
		ms += dayMS
		whole--
	}
	return int(whole - firstDay), ms
}

// instant is the inverse of local; a wall time that a zone skips moves on.
func (c *Calendar) instant(d int, ms int64) time.Time {
	return time.Date(firstYear, time.January, 1+d, 0, 0, int(ms/1000), int(ms%1000)*int(time.Millisecond), c.zone)
}

// endOfDay is the last millisecond of a day, so that the date printed is the day itself.
func (c *Calendar) endOfDay(d int) time.Time { return c.instant(d+1, 0).Add(-time.Millisecond) }

func (c *Calendar) covers(d int) bool { return d >= 0 && d < len(c.days) }

func (c *Calendar) hoursOf(d int) *hours {
	if !c.covers(d) {
		return &c.hours[0]
	}
	return &c.hours[c.days[d].hours]
}

func (c *Calendar) isWorkday(d int) bool { return c.covers(d) && c.days[d].hours != 0 }

// before counts the working days of the table before day d.
func (c *Calendar) before(d int) int {
	switch {
	case d < 0:
		return 0
	case d >= len(c.days):
		return len(c.work) - 1
	default:
		return int(c.days[d].before)
	}
}

// through counts the working days of the table up to and with day d.
func (c *Calendar) through(d int) int { return c.before(d + 1) }

// nth is the day of the table's working day with that number, from 0.
func (c *Calendar) nth(n int) (d int, ok bool) {
	if n < 0 || n >= len(c.work)-1 {
		return 0, false
	}
	return int(c.work[n].day), true
}

// pos is where an instant lies on the scale of a unit, in ms. Wall units count all time, working
// hours count working time, and working days count each working day, short or long, as one dayMS
// spread evenly over its working time. Time between two instants is the difference of their
// positions; so however a stretch is cut, its parts add up to the whole.
func (c *Calendar) pos(unit LimitUnit, t time.Time) int64 {
	if unit != WorkingHours && unit != WorkingDays {
		return t.UnixMilli()
	}
	d, ms := c.local(t)
	h, k := c.hoursOf(d), c.before(d)
	done := int64(0)
	for _, s := range h.segments {
		done += min(max(ms-s.from, 0), s.to-s.from)
	}
	if unit == WorkingHours {
		return c.start(k) + done
	}
	if h.total == 0 {
		return int64(k) * dayMS
	}
	return int64(k)*dayMS + done*dayMS/h.total
}

// start is the working time before the k-th working day, in ms.
func (c *Calendar) start(k int) int64 { return int64(c.work[k].minutes) * minuteMS }

// at is the first instant with that position; ok is false when it lies outside the table.
func (c *Calendar) at(unit LimitUnit, pos int64) (t time.Time, ok bool) {
	if unit != WorkingHours && unit != WorkingDays {
		return time.UnixMilli(pos).In(c.zone), true
	}
	k := 0
	if unit == WorkingHours {
		k = sort.Search(len(c.work)-1, func(i int) bool { return c.start(i+1) >= pos })
	} else if pos > 0 {
		k = int((pos - 1) / dayMS)
	}
	d, ok := c.nth(k)
	if !ok || pos < 0 {
		return time.Time{}, false
	}
	h, done := c.hoursOf(d), pos-c.start(k)
	if unit == WorkingDays {
		done = ((pos-int64(k)*dayMS)*h.total + dayMS - 1) / dayMS
	}
	for _, s := range h.segments {
		if length := s.to - s.from; done > length {
			done -= length
			continue
		}
		return c.instant(d, s.from+done), true
	}
	return c.endOfDay(d), true
}

// latest is the last working instant with that position in working hours: where at gives the end
// of a segment, latest gives the beginning of the next.
func (c *Calendar) latest(pos int64) (t time.Time, ok bool) {
	k := sort.Search(len(c.work)-1, func(i int) bool { return c.start(i+1) > pos })
	d, ok := c.nth(k)
	if !ok || pos < 0 {
		return time.Time{}, false
	}
	done := pos - c.start(k)
	for _, s := range c.hoursOf(d).segments {
		if length := s.to - s.from; done >= length {
			done -= length
			continue
		}
		return c.instant(d, s.from+done), true
	}
	return c.endOfDay(d), true
}

// indexOf is the table's index of a date.
func indexOf(date time.Time) int {
	y, m, d := date.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400 - firstDay)
}

// dateOf is the date of an index, at midnight UTC.
func dateOf(d int) time.Time { return time.Date(firstYear, time.January, 1+d, 0, 0, 0, 0, time.UTC) }

// String names the calendar in logs and errors.
func (c *Calendar) String() string { return fmt.Sprintf("calendar %s (%s)", c.Key(), c.zone) }
