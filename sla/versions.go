package sla

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// sinceLayout is how a calendar writes from when a version holds, in its zone.
const sinceLayout = "2006-01-02 15:04"

// Next builds the version that follows c. What the specification leaves out (title, zone, week, seasons, years) it takes
// over from c. With Since the result is composite: before that instant every day is as c has it, from it on as the
// specification says; on the day itself the working time of c ends at the instant and the new one begins. So time that was
// used stays used, and the time left follows the new version, for every clock. Without Since the new version holds for all
// time: it corrects what was wrong from the beginning.
//
// The error joins every problem: another id, a version that is not the next, another zone, a Since that is no instant,
// does not lie after that of c or lies outside the years of the table, and what [NewCalendar] refuses.
func (c *Calendar) Next(spec CalendarSpec) (*Calendar, error) {
	b := &calendarBuilder{}
	if spec.ID != c.id {
		b.wrong("calendar %q: cannot follow calendar %q", spec.ID, c.id)
	}
	if spec.Version != c.version+1 {
		b.wrong("calendar %s: version %d: follows version %d; number the versions without a gap", c.id, spec.Version, c.version)
	}
	if spec.Zone != "" && spec.Zone != c.spec.Zone {
		b.wrong("calendar %s: zone %q: version %d has %q, and days cannot change their zone; leave it out", c.id, spec.Zone, c.version, c.spec.Zone)
	}
	since, err := c.sinceOf(spec)
	if err != nil {
		b.problems = append(b.problems, err)
	}
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	young, err := newCalendar(spec.over(c.spec))
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		if young, err = splice(c, young, since); err != nil {
			return nil, err
		}
	}
	young.prev, young.since, young.own = c, since, spec
	return young, nil
}

// Derive builds a calendar with hours of its own and the holidays of another: one version for each that base has, from when it
// holds there. The error joins every problem.
func Derive(spec CalendarSpec, base *Calendar) ([]*Calendar, error) {
	b := &calendarBuilder{}
	if len(spec.Years) > 0 || spec.Since != "" || spec.Version != 1 {
		b.wrong("calendar %s: holidays %q: years and versions are those of that calendar; leave out years and since, and write version 1", spec.ID, spec.Holidays)
	}
	if base.spec.Holidays != "" {
		b.wrong("calendar %s: holidays %q: that calendar takes its own from %q; name that one", spec.ID, spec.Holidays, base.spec.Holidays)
	}
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	if spec.Zone == "" {
		spec.Zone = base.spec.Zone
	}
	var chain []*Calendar // of base, newest first
	for v := base; v != nil; v = v.prev {
		chain = append(chain, v)
	}
	var built []*Calendar
	for i, v := range slices.Backward(chain) {
		var c *Calendar
		var err error
		if i == len(chain)-1 {
			spec.Years = v.spec.Years
			c, err = NewCalendar(spec)
		} else {
			last := built[len(built)-1]
			c, err = last.Next(CalendarSpec{ID: spec.ID, Version: last.version + 1, Since: v.own.Since, Years: v.own.Years})
		}
		if err != nil {
			return nil, err
		}
		c.base = v.version
		built = append(built, c)
	}
	return built, nil
}

// sinceOf reads from when a following version holds; zero: for all time.
func (c *Calendar) sinceOf(spec CalendarSpec) (time.Time, error) {
	if spec.Since == "" {
		return time.Time{}, nil
	}
	since, err := time.ParseInLocation(sinceLayout, spec.Since, c.zone)
	if err != nil {
		return time.Time{}, fmt.Errorf(`sla: calendar %s: since %q: write an instant in the city's time such as "2020-01-27 20:00"`, c.id, spec.Since)
	}
	if d, _ := c.local(since); !c.covers(d) {
		return time.Time{}, fmt.Errorf("sla: calendar %s: since %q: must lie in %d–%d", c.id, spec.Since, firstYear, lastYear)
	}
	if !since.After(c.since) {
		return time.Time{}, fmt.Errorf("sla: calendar %s: since %q: must lie after %q of version %d, which it follows", c.id, spec.Since, c.spec.Since, c.version)
	}
	return since, nil
}

// over completes a specification by what it leaves out of the one before. A year that is given replaces that year whole.
func (s CalendarSpec) over(before CalendarSpec) CalendarSpec {
	if s.Title == "" {
		s.Title = before.Title
	}
	if s.Zone == "" {
		s.Zone = before.Zone
	}
	if s.Week == nil {
		s.Week = before.Week
	}
	if s.Holidays == "" {
		s.Holidays = before.Holidays
	}
	if s.Seasons == nil {
		s.Seasons = before.Seasons
	}
	years := slices.Clone(s.Years)
	for _, old := range before.Years {
		if !slices.ContainsFunc(s.Years, func(n Notice) bool { return n.Year == old.Year }) {
			years = append(years, old)
		}
	}
	s.Years = years
	return s
}

// splice is the calendar that is as old before an instant and as young from it on.
func splice(old, young *Calendar, since time.Time) (*Calendar, error) {
	c := *young
	c.hours, c.plain, c.named = slices.Clone(young.hours), slices.Clone(young.plain), maps.Clone(young.named)
	var remap [256]uint8 // hours of old to hours of c
	fits := true
	index := func(h hours) uint8 {
		i, ok := c.hoursIndex(h)
		fits = fits && ok
		return i
	}
	for i, h := range old.hours {
		remap[i] = index(h)
	}
	day0, ms := c.local(since)
	c.days = slices.Clone(young.days)
	for d := range day0 {
		c.days[d].hours, c.plain[d] = remap[old.days[d].hours], remap[old.plain[d]]
	}
	c.days[day0].hours = index(cut(old.hoursOf(day0), young.hoursOf(day0), ms))
	maps.DeleteFunc(c.named, func(d int, _ Day) bool { return d < day0 })
	for d, listed := range old.named {
		if d < day0 {
			c.named[d] = listed
		}
	}
	for year := range since.In(c.zone).Year() - firstYear { // a notice of a year that is over came too late for its days
		c.published[year] = old.published[year]
	}
	if !fits {
		return nil, fmt.Errorf("sla: calendar %s: more than %d different working hours in one calendar", c.id, maxHours)
	}
	c.count()
	return &c, nil
}

// cut is the day on which the hours change at ms: what was worked before stays, the rest follows the new hours. A
// deadline that ends with the day's work ends as late as either of the two would have it: nobody loses time that
// was already promised.
func cut(old, young *hours, ms int64) hours {
	var h hours
	add := func(from, to int64) {
		if to <= from {
			return
		}
		h.total += to - from
		if n := len(h.segments); n > 0 && h.segments[n-1].to == from {
			h.segments[n-1].to = to
			return
		}
		h.segments = append(h.segments, segment{from, to})
	}
	for _, s := range old.segments {
		add(s.from, min(s.to, ms))
	}
	for _, s := range young.segments {
		add(max(s.from, ms), s.to)
	}
	if len(h.segments) > 0 {
		h.end = max(old.end, young.end)
	}
	return h
}

// Since is from when this version holds; zero when it holds for all time.
func (c *Calendar) Since() time.Time { return c.since }

// Previous is the version before, with those before it; nil when this is the first.
func (c *Calendar) Previous() *Calendar { return c.prev }

// Spec is how the calendar is described, with what this version took over.
func (c *Calendar) Spec() CalendarSpec { return c.spec }

// Notice is what the calendar knows of the holidays of a year; ok is false when no notice of it is kept.
func (c *Calendar) Notice(year int) (n Notice, ok bool) {
	for _, n := range c.spec.Years {
		if n.Year == year && len(n.Days) > 0 {
			return n, true
		}
	}
	return Notice{}, false
}

// Own is the version as it is written: only what it changes.
func (c *Calendar) Own() CalendarSpec { return c.own }

// Reaches reports whether version is c's own or one of those before it.
func (c *Calendar) Reaches(version int) bool {
	for c != nil && c.version > version {
		c = c.prev
	}
	return c != nil && c.version == version
}

// unitHours is the calendar of a unit of its own.
type unitHours struct {
	calendar *Calendar
	pinned   bool // named as id@version
}

// For is the calendar by which the clocks of a unit count: its own hours, else c itself.
func (c *Calendar) For(unit string) *Calendar {
	if u, ok := c.units[unit]; ok {
		return u.calendar
	}
	return c
}

// UnitHours makes calendars that know the hours of units: of names for each unit that has some the calendar, by id (its
// newest version) or by id@version (pinned). The calendars given stay as they are. The error joins every name that no
// calendar has.
func UnitHours(calendars []*Calendar, of map[string]string) ([]*Calendar, error) {
	if len(of) == 0 {
		return calendars, nil
	}
	var problems []error
	units := make(map[string]unitHours, len(of))
	for _, unit := range slices.Sorted(maps.Keys(of)) {
		found := Named(calendars, of[unit])
		if found == nil {
			problems = append(problems, fmt.Errorf("sla: unit %s: calendar %q: is not known", unit, of[unit]))
			continue
		}
		units[unit] = unitHours{calendar: found, pinned: Pinned(of[unit])}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	know := make([]*Calendar, len(calendars))
	for i, c := range calendars {
		with := *c
		with.units = units
		know[i] = &with
	}
	return know, nil
}

// Pinned reports whether the name of a calendar names one version, id@version.
func Pinned(name string) bool { return strings.Contains(name, "@") }

// Named is the calendar of a name: that version, or the newest of the id; nil when there is none.
func Named(calendars []*Calendar, name string) *Calendar {
	var newest *Calendar
	for _, c := range calendars {
		switch {
		case c.Key() == name:
			return c
		case c.id == name && (newest == nil || newest.version < c.version):
			newest = c
		}
	}
	return newest
}

// AsOf is c as it was while version was the newest of calendar id: without the later versions of that calendar and of those that
// take their holidays from it, for c itself, unless it is pinned to the version it has, and for the hours of units likewise. It is c
// itself when that changes nothing, and when the calendar has no version so low.
func (c *Calendar) AsOf(id string, version int, pinned bool) *Calendar {
	earlier := func(c *Calendar, pinned bool) *Calendar {
		if pinned {
			return c
		}
		for before := c; before != nil; before = before.prev {
			if before.id == id && before.version <= version || before.spec.Holidays == id && before.base <= version {
				return before
			}
		}
		return c
	}
	own, changed := earlier(c, pinned), false
	units := c.units
	for unit, u := range c.units {
		before := earlier(u.calendar, u.pinned)
		if before == u.calendar {
			continue
		}
		if !changed {
			units, changed = maps.Clone(c.units), true
		}
		units[unit] = unitHours{calendar: before, pinned: u.pinned}
	}
	if own == c && !changed {
		return c
	}
	with := *own
	with.units = units
	return &with
}
