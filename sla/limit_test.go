package sla

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimitValidate(t *testing.T) {
	t.Parallel()
	for _, l := range []Limit{
		{Amount: 30, Unit: Minutes},
		{Amount: 5, Unit: WorkingDays},
		{Amount: 1, Unit: NaturalDays, CountFrom: SameDay, DueAt: EndOfDay},
		{Amount: 2, Unit: WorkingDays, CountFrom: SameDay, DueAt: ToTheMinute},
		{Amount: 5, Unit: WorkingHours},
	} {
		if err := l.Validate(); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
	for _, tt := range []struct {
		l    Limit
		want []string
	}{
		{Limit{}, []string{"unit", "amount 0"}},
		{Limit{Amount: -3, Unit: WorkingDays}, []string{"amount -3"}},
		{Limit{Amount: 1e9, Unit: Minutes}, []string{"at most"}},
		{Limit{Amount: 1, Unit: "weeks", CountFrom: "noon", DueAt: "tea"}, []string{`unit "weeks"`, `count_from "noon"`, `due_at "tea"`}},
		{Limit{Amount: 1, Unit: Hours, DueAt: EndOfDay}, []string{"limits in days"}},
		{Limit{Amount: 1, Unit: WorkingHours, CountFrom: NextDay}, []string{"limits in days"}},
		{Limit{Amount: 1, Unit: WorkingDays, CountFrom: SameDay, DueAt: ToTheMinute}, []string{"ends where it begins"}},
	} {
		err := tt.l.Validate()
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: want %q in %v", tt.l, want, err)
			}
		}
	}
}

// TestDueOfTheNotice is the table of dated examples worked out from the notice for 2026: working
// days, the day of receipt not counted.
func TestDueOfTheNotice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		received string
		days     int
		last     string
	}{
		{"2026-02-13", 1, "2026-02-14"},
		{"2026-02-13", 5, "2026-02-27"},
		{"2026-02-18", 5, "2026-02-28"},
		{"2026-04-30", 5, "2026-05-11"},
		{"2026-09-18", 5, "2026-09-24"},
		{"2026-09-30", 5, "2026-10-13"},
	} {
		for _, clock := range []string{"00:00", "10:24", "23:59:59.999"} {
			start := at(tt.received + " " + clock)
			due, provisional := cn2026().Due(start, Limit{Amount: tt.days, Unit: WorkingDays})
			if want := at(tt.last + " 23:59:59.999"); !due.Equal(want) || provisional {
				t.Errorf("%s %s + %d working days = %v (provisional %v), want %v", tt.received, clock, tt.days, due, provisional, want)
			}
			if got := cn2026().WorkingDays(start, due); got != tt.days {
				t.Errorf("%s: WorkingDays back = %d, want %d", tt.received, got, tt.days)
			}
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start string
		l     Limit
		want  string
	}{
		"minutes over midnight":        {"2026-02-13 23:50", Limit{Amount: 30, Unit: Minutes}, "2026-02-14 00:20"},
		"hours through a holiday":      {"2026-02-16 10:00", Limit{Amount: 24, Unit: Hours}, "2026-02-17 10:00"},
		"natural days":                 {"2026-02-13 10:00", Limit{Amount: 7, Unit: NaturalDays}, "2026-02-20 23:59:59.999"},
		"natural days, same day":       {"2026-02-13 10:00", Limit{Amount: 7, Unit: NaturalDays, CountFrom: SameDay}, "2026-02-19 23:59:59.999"},
		"natural days to the minute":   {"2026-02-13 10:07", Limit{Amount: 7, Unit: NaturalDays, DueAt: ToTheMinute}, "2026-02-20 10:07"},
		"natural days, end of work":    {"2026-02-13 10:00", Limit{Amount: 11, Unit: NaturalDays, DueAt: EndOfWork}, "2026-02-24 17:30"},
		"natural days, end of no work": {"2026-02-13 10:00", Limit{Amount: 7, Unit: NaturalDays, DueAt: EndOfWork}, "2026-02-20 23:59:59.999"},
		"working days, same day":       {"2026-02-13 10:00", Limit{Amount: 2, Unit: WorkingDays, CountFrom: SameDay}, "2026-02-14 23:59:59.999"},
		"same day, from a holiday":     {"2026-02-18 10:00", Limit{Amount: 1, Unit: WorkingDays, CountFrom: SameDay}, "2026-02-24 23:59:59.999"},
		"same day, end of work":        {"2026-02-13 17:29", Limit{Amount: 1, Unit: WorkingDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-13 17:30"},
		"same day, after work":         {"2026-02-13 17:30", Limit{Amount: 1, Unit: WorkingDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-14 17:30"},
		"same day, two, after work":    {"2026-02-13 18:00", Limit{Amount: 2, Unit: WorkingDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-24 17:30"},
		"natural, same day, at work":   {"2026-02-13 17:29", Limit{Amount: 1, Unit: NaturalDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-13 17:30"},
		"natural, same day, after":     {"2026-02-13 17:30", Limit{Amount: 1, Unit: NaturalDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-14 17:30"},
		"natural, same day, day off":   {"2026-02-23 17:30", Limit{Amount: 1, Unit: NaturalDays, CountFrom: SameDay, DueAt: EndOfWork}, "2026-02-24 17:30"},
		"working days to the minute":   {"2026-02-13 10:07", Limit{Amount: 2, Unit: WorkingDays, DueAt: ToTheMinute}, "2026-02-24 10:07"},
		"to the minute from a day off": {"2026-02-23 00:30", Limit{Amount: 1, Unit: WorkingDays, DueAt: ToTheMinute}, "2026-02-24 23:59:59.999"},
		"and late on a day off":        {"2026-02-22 23:00", Limit{Amount: 1, Unit: WorkingDays, DueAt: ToTheMinute}, "2026-02-24 23:59:59.999"},
		"working days, end of work":    {"2026-02-13 10:07", Limit{Amount: 1, Unit: WorkingDays, DueAt: EndOfWork}, "2026-02-14 17:30"},
		"working hours in a day":       {"2026-02-13 09:30", Limit{Amount: 2, Unit: WorkingHours}, "2026-02-13 11:30"},
		"working hours to the noon":    {"2026-02-13 09:00", Limit{Amount: 3, Unit: WorkingHours}, "2026-02-13 12:00"},
		"working hours over noon":      {"2026-02-13 11:00", Limit{Amount: 2, Unit: WorkingHours}, "2026-02-13 14:30"},
		"working hours over holidays":  {"2026-02-14 16:30", Limit{Amount: 5, Unit: WorkingHours}, "2026-02-24 14:30"},
		"working hours from a holiday": {"2026-02-18 03:00", Limit{Amount: 1, Unit: WorkingHours}, "2026-02-24 10:00"},
		"no limit at all":              {"2026-02-18 03:00", Limit{}, "2026-02-18 03:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			due, provisional := cn2026().Due(at(tt.start).UTC(), tt.l)
			if !due.Equal(at(tt.want)) || provisional {
				t.Errorf("%s + %v = %v (provisional %v), want %s", tt.start, tt.l, due, provisional, tt.want)
			}
			if due.Location() != cn2026().Zone() {
				t.Errorf("due in %v", due.Location())
			}
		})
	}
}

func TestProvisional(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start string
		l     Limit
		want  bool
	}{
		"inside the year":           {"2026-12-20 10:00", Limit{Amount: 3, Unit: WorkingDays}, false},
		"into a year without":       {"2026-12-30 10:00", Limit{Amount: 5, Unit: WorkingDays}, true},
		"hours into a year without": {"2026-12-31 10:00", Limit{Amount: 48, Unit: Hours}, false},
		"natural days likewise":     {"2026-12-30 10:00", Limit{Amount: 5, Unit: NaturalDays}, false},
		"unless hours matter":       {"2026-12-30 10:00", Limit{Amount: 5, Unit: NaturalDays, DueAt: EndOfWork}, true},
		"from a year without":       {"2025-12-31 10:00", Limit{Amount: 5, Unit: WorkingDays}, true},
		"the end of December":       {"2026-12-25 10:00", Limit{Amount: 5, Unit: WorkingHours}, false},
		"moved by the next notice":  {"2026-12-28 10:00", Limit{Amount: 1, Unit: WorkingDays}, true},
		"before the table":          {"1970-01-01 08:00", Limit{Amount: 5, Unit: WorkingDays}, true},
		"behind the table":          {"2150-01-01 08:00", Limit{Amount: 5, Unit: WorkingHours}, true},
	} {
		due, provisional := cn2026().Due(at(tt.start), tt.l)
		if provisional != tt.want || !due.After(at(tt.start)) || due.After(at(tt.start).AddDate(0, 1, 0)) {
			t.Errorf("%s: due %v, provisional %v, want %v", name, due, provisional, tt.want)
		}
	}
}

func TestForwardAndBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, forward, back string
		l                   Limit
	}{
		"minutes":                             {"2026-02-24 00:10", "2026-02-24 00:40", "2026-02-23 23:40", Limit{Amount: 30, Unit: Minutes}},
		"hours":                               {"2026-02-24 00:10", "2026-02-24 02:10", "2026-02-23 22:10", Limit{Amount: 2, Unit: Hours}},
		"natural days":                        {"2026-02-24 23:59:59.999", "2026-02-26 23:59:59.999", "2026-02-22 23:59:59.999", Limit{Amount: 2, Unit: NaturalDays}},
		"working days":                        {"2026-02-24 23:59:59.999", "2026-02-25 23:59:59.999", "2026-02-14 23:59:59.999", Limit{Amount: 1, Unit: WorkingDays}},
		"working days on a day off":           {"2026-02-18 10:00", "2026-02-25 10:00", "2026-02-13 10:00", Limit{Amount: 2, Unit: WorkingDays}},
		"working hours":                       {"2026-02-24 10:00", "2026-02-24 14:30", "2026-02-14 15:30", Limit{Amount: 3, Unit: WorkingHours}},
		"working hours at the end of the day": {"2026-02-24 23:59:59.999", "2026-02-25 12:00", "2026-02-24 14:30", Limit{Amount: 3, Unit: WorkingHours}},
		"working hours at a seam":             {"2026-02-24 17:30", "2026-02-25 14:30", "2026-02-24 13:30", Limit{Amount: 4, Unit: WorkingHours}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := cn2026().Forward(at(tt.from), tt.l); !got.Equal(at(tt.forward)) {
				t.Errorf("%s + %v = %v, want %s", tt.from, tt.l, got, tt.forward)
			}
			if got := cn2026().Back(at(tt.from), tt.l); !got.Equal(at(tt.back)) {
				t.Errorf("%s − %v = %v, want %s", tt.from, tt.l, got, tt.back)
			}
		})
	}
}

// TestSummerTime: a zone that moves its clocks keeps the local day.
func TestSummerTime(t *testing.T) {
	t.Parallel()
	spec := spec2026()
	spec.Zone, spec.Years = "Europe/Berlin", nil
	c := build(t, spec)
	berlin := c.Zone()
	due, _ := c.Due(time.Date(2026, 3, 27, 10, 0, 0, 0, berlin), Limit{Amount: 2, Unit: NaturalDays, DueAt: ToTheMinute})
	if want := time.Date(2026, 3, 29, 10, 0, 0, 0, berlin); !due.Equal(want) {
		t.Errorf("over the change: %v, want %v", due, want)
	}
	if got := c.Working(time.Date(2026, 3, 27, 17, 0, 0, 0, berlin), time.Date(2026, 3, 30, 9, 30, 0, 0, berlin)); got != time.Hour {
		t.Errorf("work over the change: %v, want 1h", got)
	}
}

func randomLimit(t *rapid.T) Limit {
	l := Limit{Amount: rapid.IntRange(1, 20).Draw(t, "amount"), Unit: rapid.SampledFrom(LimitUnits).Draw(t, "unit")}
	if l.Unit.inDays() {
		l.CountFrom = rapid.SampledFrom([]CountFrom{"", NextDay, SameDay}).Draw(t, "count_from")
		l.DueAt = rapid.SampledFrom([]DueAt{"", EndOfDay, EndOfWork, ToTheMinute}).Draw(t, "due_at")
	}
	if l.Validate() != nil {
		l.Amount = 2
	}
	return l
}

// TestDueProperties: a deadline lies behind its start, never gets shorter by another holiday, by a
// larger amount or by a later start, and its explanation covers it without gaps.
func TestDueProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spec := randomCalendar(t)
		c, err := NewCalendar(spec)
		if err != nil {
			t.Fatal(err)
		}
		start, l := randomTime(t, "start"), randomLimit(t)
		due, _ := c.Due(start, l)
		if !due.After(start) {
			t.Fatalf("%v + %+v = %v", start, l, due)
		}
		more := l
		more.Amount++
		if later, _ := c.Due(start, more); later.Before(due) {
			t.Fatalf("one more is due earlier: %v, then %v", due, later)
		}
		// Counted from the same day, a start on a day off keeps its time of day, though its first day is the next working day.
		toTheMinute := l.DueAt == ToTheMinute && l.CountFrom == SameDay
		if later, _ := c.Due(start.Add(time.Hour), l); later.Before(due) && !toTheMinute {
			t.Fatalf("an hour later is due earlier: %v, then %v", due, later)
		}
		holiday := date("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 364).Draw(t, "holiday")).Format(time.DateOnly)
		days := []Day{{Date: holiday, Name: "新假", Off: true}}
		for _, d := range spec.Years[0].Days {
			if d.Date != holiday {
				days = append(days, d)
			}
		}
		spec.Years[0].Days = days
		with, err := NewCalendar(spec)
		if err != nil {
			t.Fatal(err)
		}
		if later, _ := with.Due(start, l); later.Before(due) {
			t.Fatalf("%v + %+v: holiday %s shortens %v to %v", start, l, holiday, due, later)
		}
		checkExplanation(t, c, start, l, due)
	})
}

func checkExplanation(t *rapid.T, c *Calendar, start time.Time, l Limit, due time.Time) {
	cursor := start
	for _, s := range ExplainDue(c, start, l) {
		if s.Kind == SegmentGuessed {
			continue
		}
		if !s.From.Equal(cursor) || !s.To.After(s.From) || s.Text == "" {
			t.Fatalf("%v + %+v: segment %+v does not follow %v", start, l, s, cursor)
		}
		cursor = s.To
	}
	if !cursor.Equal(due) {
		t.Fatalf("%v + %+v: explained to %v, due %v", start, l, cursor, due)
	}
}

func BenchmarkDue(b *testing.B) {
	c, start := cn2026(), at("2026-02-13 10:24")
	for _, unit := range []LimitUnit{WorkingDays, WorkingHours} {
		b.Run(string(unit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Due(start, Limit{Amount: 5, Unit: unit})
			}
		})
	}
}

func BenchmarkNewCalendar(b *testing.B) {
	b.ReportAllocs()
	spec := spec2026()
	for b.Loop() {
		if _, err := NewCalendar(spec); err != nil {
			b.Fatal(err)
		}
	}
}
