package sla

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CalendarSpec is a calendar as a city pack writes it.
type CalendarSpec struct {
	ID      string              `yaml:"id" json:"id"`
	Title   string              `yaml:"title" json:"title"`
	Version int                 `yaml:"version" json:"version"`
	Since   string              `yaml:"since,omitempty" json:"since,omitempty"` // of a later version: from when it holds, "2020-01-27 20:00" in the zone; empty: for all time
	Zone    string              `yaml:"zone" json:"zone"`                       // IANA name: Asia/Shanghai
	Week    map[string][]string `yaml:"week" json:"week"`                       // "mon" or "mon-fri": ["09:00-12:00", "13:30-17:30"]; a day absent is off
	// Holidays names the calendar whose notices hold for this one, too, with every version of them; Years is then left out.
	Holidays string   `yaml:"holidays,omitempty" json:"holidays,omitempty"`
	Seasons  []Season `yaml:"seasons,omitempty" json:"seasons,omitempty"`
	Years    []Notice `yaml:"years,omitempty" json:"years,omitempty"` // the years whose notice is out
}

// Season is a part of every year with other hours (夏季作息). From and To are MM-DD, both
// included; a season may run over the new year. Days its week does not name keep the plain hours.
type Season struct {
	Title string              `yaml:"title" json:"title"`
	From  string              `yaml:"from" json:"from"`
	To    string              `yaml:"to" json:"to"`
	Week  map[string][]string `yaml:"week" json:"week"`
}

// maxHours is how many different kinds of days a calendar may have.
const maxHours = 200

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

// week is the index of the hours of each weekday.
type week [7]uint8

// calendarBuilder collects the parts of a calendar and every problem met.
type calendarBuilder struct {
	c        *Calendar
	problems []error
}

func (b *calendarBuilder) wrong(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf("sla: "+format, args...))
}

// NewCalendar builds a calendar. A make-up workday without segments has the hours of the first
// working day of the week, counted from Monday, in its season. Of two notices that speak of one
// day the later year's holds, because it was published later. The error joins every problem, each
// naming its day, season or segment.
func NewCalendar(spec CalendarSpec) (*Calendar, error) {
	if spec.Since != "" {
		return nil, fmt.Errorf("sla: calendar %s: since %q: is for a version that follows another; leave it out of the first", spec.ID, spec.Since)
	}
	return newCalendar(spec)
}

func newCalendar(spec CalendarSpec) (*Calendar, error) {
	b := &calendarBuilder{c: &Calendar{
		id: spec.ID, title: spec.Title, version: spec.Version, named: map[int]Day{}, hours: []hours{{}}, own: spec, spec: spec,
	}}
	b.name(spec)
	plain := b.week("week", spec.Week, week{})
	weeks := []week{plain}
	var seasonOf [13][32]uint8 // by month and day; 0 is the plain week
	for i, s := range spec.Seasons {
		b.mark(&seasonOf, spec.Seasons, i)
		weeks = append(weeks, b.week("season "+s.Title, s.Week, plain))
	}
	own := b.notices(spec.Years)
	if len(b.problems) == 0 && plain == (week{}) {
		b.wrong("calendar %s: week has no working segment at all", spec.ID)
	}
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	b.fill(weeks, &seasonOf, own)
	if err := errors.Join(b.problems...); err != nil {
		return nil, err
	}
	return b.c, nil
}

func (b *calendarBuilder) name(spec CalendarSpec) {
	if spec.ID == "" || strings.Contains(spec.ID, "@") {
		b.wrong("calendar %q: needs an id without @", spec.ID)
	}
	if spec.Version < 1 {
		b.wrong("calendar %s: version %d: must be 1 or more", spec.ID, spec.Version)
	}
	zone, err := time.LoadLocation(spec.Zone)
	if err != nil || spec.Zone == "" || spec.Zone == "Local" {
		b.wrong(`calendar %s: zone %q: is not a time zone; write one such as "Asia/Shanghai"`, spec.ID, spec.Zone)
	}
	b.c.zone = zone
}

// week reads the hours of a week over those of base.
func (b *calendarBuilder) week(where string, spec map[string][]string, base week) week {
	w, given := base, [7]bool{}
	for _, key := range sortedKeys(spec) {
		days, ok := daysOf(key)
		if !ok {
			b.wrong(`%s: day %q: write mon … sun or a range such as "mon-fri"`, where, key)
			continue
		}
		index := b.hours(where+": "+key, spec[key])
		for _, d := range days {
			if given[d] {
				b.wrong("%s: day %q: %s is given twice", where, key, weekdays[d])
			}
			given[d], w[d] = true, index
		}
	}
	return w
}

// daysOf reads a weekday or a range of weekdays.
func daysOf(key string) ([]int, bool) {
	first, last, isRange := strings.Cut(key, "-")
	from := slices.Index(weekdays[:], first)
	to := from
	if isRange {
		to = slices.Index(weekdays[:], last)
	}
	if from < 0 || to < 0 {
		return nil, false
	}
	days := []int{from}
	for d := from; d != to; {
		d = (d + 1) % 7
		days = append(days, d)
	}
	return days, true
}

// hours reads the segments of a day and gives their index; equal hours share one.
func (b *calendarBuilder) hours(where string, spec []string) uint8 {
	var h hours
	for _, text := range spec {
		s, err := parseSegment(text)
		if err != nil {
			b.wrong("%s: segment %q: %w", where, text, err)
			return 0
		}
		if n := len(h.segments); n > 0 && s.from < h.segments[n-1].to {
			b.wrong("%s: segment %q: begins before the one ahead of it ends", where, text)
			return 0
		}
		h.segments = append(h.segments, s)
		h.total += s.to - s.from
		h.end = s.to
	}
	index, ok := b.c.hoursIndex(h)
	if !ok {
		b.wrong("%s: more than %d different working hours in one calendar", where, maxHours)
	}
	return index
}

// hoursIndex is the index of the hours of a day; equal hours share one. ok is false when there are too many.
func (c *Calendar) hoursIndex(h hours) (index uint8, ok bool) {
	for i, known := range c.hours {
		if known.end == h.end && slices.Equal(known.segments, h.segments) {
			return uint8(i), true // at most maxHours
		}
	}
	if len(c.hours) >= maxHours {
		return 0, false
	}
	c.hours = append(c.hours, h)
	return uint8(len(c.hours) - 1), true
}

func parseSegment(text string) (segment, error) {
	first, last, ok := strings.Cut(text, "-")
	from, okFrom := minuteOfDay(first)
	to, okTo := minuteOfDay(last)
	if !ok || !okFrom || !okTo {
		return segment{}, errors.New(`write it as "09:00-12:00"`)
	}
	if to <= from {
		return segment{}, errors.New("must end after it begins")
	}
	return segment{from: from * minuteMS, to: to * minuteMS}, nil
}

// minuteOfDay reads HH:MM from 00:00 to 24:00.
func minuteOfDay(text string) (int64, bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	h, errHour := strconv.ParseUint(text[:2], 10, 8)
	m, errMinute := strconv.ParseUint(text[3:], 10, 8)
	if errHour != nil || errMinute != nil || m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return int64(h*60 + m), true
}

// mark enters the days of season i.
func (b *calendarBuilder) mark(of *[13][32]uint8, seasons []Season, i int) {
	s := seasons[i]
	from, errFrom := time.Parse(time.DateOnly, "2000-"+s.From) // a leap year: 02-29 is a day
	to, errTo := time.Parse(time.DateOnly, "2000-"+s.To)
	if errFrom != nil || errTo != nil || len(seasons) > maxHours {
		b.wrong("season %s: from %q to %q: write two dates as MM-DD", s.Title, s.From, s.To)
		return
	}
	if to.Before(from) {
		to = to.AddDate(1, 0, 0)
	}
	for d := from; !d.After(to); d = d.AddDate(0, 0, 1) {
		at := &of[d.Month()][d.Day()]
		if *at != 0 {
			b.wrong("season %s: overlaps season %s on %s", s.Title, seasons[*at-1].Title, d.Format("01-02"))
			return
		}
		*at = uint8(i + 1) // at most maxHours
	}
}

// notices reads the years and gives the hours of the days that have their own.
func (b *calendarBuilder) notices(years []Notice) map[int]uint8 {
	own := map[int]uint8{}
	sorted := slices.Clone(years)
	slices.SortStableFunc(sorted, func(x, y Notice) int { return x.Year - y.Year })
	for i, n := range sorted {
		if i > 0 && sorted[i-1].Year == n.Year {
			b.wrong("notice %d: stands twice", n.Year)
		}
		indexes, err := n.days()
		if err != nil {
			b.problems = append(b.problems, err)
			continue
		}
		b.c.published[n.Year-firstYear] = len(n.Days) > 0
		for j, d := range indexes {
			b.c.named[d] = n.Days[j]
			delete(own, d)
			if len(n.Days[j].Segments) > 0 {
				own[d] = b.hours(fmt.Sprintf("notice %d: day %q", n.Year, n.Days[j].Date), n.Days[j].Segments)
			}
		}
	}
	return own
}

// fill writes the table: the hours of every day, and the running counts.
func (b *calendarBuilder) fill(weeks []week, seasonOf *[13][32]uint8, own map[int]uint8) {
	c := b.c
	end := indexOf(time.Date(lastYear+1, time.January, 1, 0, 0, 0, 0, time.UTC))
	c.days, c.plain = make([]day, end), make([]uint8, end)
	weekday := dateOf(0).Weekday()
	for d, month := 0, dateOf(0); d < end; month = month.AddDate(0, 1, 0) {
		last := month.AddDate(0, 1, -1).Day()
		for dom := 1; dom <= last; dom, d, weekday = dom+1, d+1, (weekday+1)%7 {
			w := weeks[seasonOf[month.Month()][dom]]
			c.plain[d] = w[weekday]
			c.days[d].hours = b.hoursOn(d, w, own)
		}
	}
	c.count()
}

// count writes the running counts of a table whose days have their hours.
func (c *Calendar) count() {
	c.work = make([]workday, 0, len(c.days)*6/7)
	minutes := int32(0)
	for d := range c.days {
		index := c.days[d].hours
		c.days[d].before = int32(len(c.work)) // the table is small
		if index != 0 {
			c.work = append(c.work, workday{minutes: minutes, day: int32(d)})
			minutes += int32(c.hours[index].total / minuteMS) // at most 1440
		}
	}
	c.work = append(c.work, workday{minutes: minutes, day: int32(len(c.days))}) // the table is small
}

// hoursOn is the index of the hours of a day, by its notice or else by its week.
func (b *calendarBuilder) hoursOn(d int, w week, own map[int]uint8) uint8 {
	index := b.c.plain[d]
	listed, ok := b.c.named[d]
	if !ok {
		return index
	}
	if special, ok := own[d]; ok {
		return special
	}
	if listed.Off {
		return 0
	}
	for i := 1; i <= len(w) && index == 0; i++ { // from Monday
		index = w[i%len(w)]
	}
	if index == 0 {
		b.wrong("calendar %s: day %q (%s) is worked, but its season names no hours; give it segments", b.c.id, listed.Date, listed.Name)
	}
	return index
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
