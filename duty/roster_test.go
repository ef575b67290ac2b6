package duty

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// at reads a moment as people say it.
func at(t *testing.T, s string, z *time.Location) time.Time {
	t.Helper()
	moment, err := time.ParseInLocation("2006-01-02 15:04", s, z)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func minute(h, m int) int { return h*60 + m }

// dayAndNight is the duty desk of Linyi in short.
func dayAndNight() Rotation {
	return Rotation{Post: "centre.duty", Start: date(2026, 1, 1), Shifts: []Shift{
		{From: minute(8, 0), To: minute(20, 0), Who: []string{"一", "二", "三"}},
		{From: minute(20, 0), To: minute(8, 0), Who: []string{"甲", "乙"}},
	}}
}

func TestRotationsTakeTurns(t *testing.T) {
	t.Parallel()
	shanghai := zone(t, "Asia/Shanghai")
	week := Rotation{Post: "p", Start: date(2026, 1, 5), Turn: 7, Shifts: []Shift{{From: minute(9, 0), To: minute(9, 0), Who: []string{"王", "李"}}}}
	handoff := Rotation{Post: "p", Start: date(2026, 1, 5), Turn: 7, Handoff: minute(8, 0), Shifts: []Shift{
		{From: 0, To: minute(12, 0), Who: []string{"王", "李"}}, {From: minute(12, 0), To: 24 * 60, Who: []string{"王", "李"}},
	}}
	three := Rotation{Post: "p", Start: date(2026, 2, 27), Turn: 3, Shifts: []Shift{{From: 0, To: 24 * 60, Who: []string{"王", "李"}}}}
	for _, tc := range []struct {
		name string
		r    Rotation
		when string
		want []string // who, until, next
	}{
		{"the first day", dayAndNight(), "2026-01-01 08:00", []string{"一", "2026-01-01 20:00", "甲"}},
		{"the last minute of a shift", dayAndNight(), "2026-01-01 19:59", []string{"一", "2026-01-01 20:00", "甲"}},
		{"past midnight it is still the evening's", dayAndNight(), "2026-01-02 03:00", []string{"甲", "2026-01-02 08:00", "二"}},
		{"before the start it runs backwards", dayAndNight(), "2025-12-31 12:00", []string{"三", "2025-12-31 20:00", "乙"}},
		{"a week: Monday before nine is the old week's", week, "2026-01-12 08:59", []string{"王", "2026-01-12 09:00", "李"}},
		{"a week: Monday at nine is the new one's", week, "2026-01-12 09:00", []string{"李", "2026-01-13 09:00", "李"}},
		{"a shift that begins before the hand-off is of the turn before", handoff, "2026-01-12 01:00", []string{"王", "2026-01-12 12:00", "李"}},
		{"three days in a row, through 28 February", three, "2026-03-01 12:00", []string{"王", "2026-03-02 00:00", "李"}},
		{"three days later", three, "2026-03-02 12:00", []string{"李", "2026-03-03 00:00", "李"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := NewBook(NewRoster([]Rotation{tc.r}, shanghai, nil), nil, "")
			now := at(t, tc.when, shanghai)
			p, ok := b.On(tc.r.Post, now.UTC())
			next, okNext := b.Next(tc.r.Post, now)
			if !ok || !okNext {
				t.Fatal("nobody knows the post")
			}
			if diff := cmp.Diff(tc.want, []string{p.Who, p.To.In(shanghai).Format("2006-01-02 15:04"), next.Who}); diff != "" {
				t.Error(diff)
			}
			if !next.From.Equal(p.To) {
				t.Errorf("the next begins at %v, this one ends at %v", next.From, p.To)
			}
		})
	}
	if _, ok := NewBook(NewRoster(nil, shanghai, nil), nil, "").On("nobody", time.Time{}); ok {
		t.Error("a post without a roster has somebody on duty")
	}
}

// A leap day is a day like any other: the turn passes on it.
func TestALeapDayPassesTheTurnOn(t *testing.T) {
	t.Parallel()
	r := NewRoster([]Rotation{{Post: "p", Start: date(2028, 2, 28), Shifts: []Shift{{From: 0, To: 0, Who: []string{"一", "二", "三"}}}}}, time.UTC, nil)
	var got []string
	for d := range 3 {
		p, _ := r.Shift("p", time.Date(2028, 2, 28+d, 12, 0, 0, 0, time.UTC))
		got = append(got, p.From.Format("01-02")+p.Who)
	}
	if diff := cmp.Diff([]string{"02-28一", "02-29二", "03-01三"}, got); diff != "" {
		t.Error(diff)
	}
}

// The night on which the clocks change has seven or nine hours, and one holder all the same.
func TestANightOnWhichClocksChange(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	r := NewRoster([]Rotation{{Post: "p", Start: date(2026, 1, 1), Shifts: []Shift{
		{From: minute(6, 0), To: minute(22, 0), Who: []string{"Tag"}},
		{From: minute(22, 0), To: minute(2, 30), Who: []string{"Nacht 1"}},
		{From: minute(2, 30), To: minute(6, 0), Who: []string{"Nacht 2"}},
	}}}, berlin, nil)
	for _, tc := range []struct {
		name, when string
		want       time.Duration // of the shift that begins at half past two
	}{
		{"an ordinary night", "2026-03-28 04:00", 3*time.Hour + 30*time.Minute},
		{"spring: 02:30 is skipped, the shift begins at 03:00", "2026-03-29 04:00", 3 * time.Hour},
		{"autumn: 02:30 comes twice, the shift begins at the first", "2026-10-25 04:00", 4*time.Hour + 30*time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, _ := r.Shift("p", at(t, tc.when, berlin))
			if p.Who != "Nacht 2" || p.To.Sub(p.From) != tc.want {
				t.Errorf("%s has %s, %s; want Nacht 2, %s", p.Who, p.From, p.To.Sub(p.From), tc.want)
			}
		})
	}
}

// spring is the week round the Spring Festival of 2026: 15 to 23 February off, 14 February worked.
func spring(t time.Time) bool {
	switch d := t.Format("01-02"); {
	case d == "02-14":
		return true
	case d >= "02-15" && d <= "02-23":
		return false
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

func TestHolidays(t *testing.T) {
	t.Parallel()
	shanghai := zone(t, "Asia/Shanghai")
	who := []string{"一", "二", "三"}
	on := func(r Rotation, days ...int) (got []string) {
		roster := NewRoster([]Rotation{r}, shanghai, spring)
		for _, d := range days {
			p, _ := roster.Shift("p", time.Date(2026, 2, d, 12, 0, 0, 0, shanghai))
			got = append(got, p.Who)
		}
		return got
	}
	days := []int{12, 13, 14, 15, 23, 24}
	all := Rotation{Post: "p", Start: date(2026, 2, 12), Shifts: []Shift{{From: 0, To: 0, Who: who}}}
	stays := all
	stays.Count = CountWork
	own := Rotation{Post: "p", Start: date(2026, 2, 12), Count: CountServed, Shifts: []Shift{
		{From: 0, To: 0, On: Workdays, Who: who}, {From: 0, To: 0, On: DaysOff, Who: []string{"甲", "乙"}},
	}}
	if diff := cmp.Diff([]string{"一", "二", "三", "一", "三", "一"}, on(all, days...)); diff != "" {
		t.Errorf("every day counts:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"一", "二", "三", "三", "三", "一"}, on(stays, days...)); diff != "" {
		t.Errorf("who is on before the holiday stays on through it:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"一", "二", "三", "甲", "甲", "一"}, on(own, days...)); diff != "" {
		t.Errorf("days off go round among themselves:\n%s", diff)
	}
	if p := own.Problems(); p != nil {
		t.Errorf("problems: %v", p)
	}
	far := NewRoster([]Rotation{own}, shanghai, nil)
	if a, b := far.workdays(far.rotations["p"], countedDays+7), far.workdays(far.rotations["p"], countedDays); a-b != 5 {
		t.Errorf("a week behind what is counted ahead has %d workdays", a-b)
	}
}

func TestProblemsOfARotation(t *testing.T) {
	t.Parallel()
	who := []string{"一"}
	for _, tc := range []struct {
		name   string
		shifts []Shift
		want   []string
	}{
		{"whole day", []Shift{{0, 24 * 60, EveryDay, who}}, nil},
		{"from morning to morning", []Shift{{510, 510, EveryDay, who}}, nil},
		{"two halves", []Shift{{480, 1200, EveryDay, who}, {1200, 480, EveryDay, who}}, nil},
		{"a hole", []Shift{{480, 1140, EveryDay, who}, {1200, 480, EveryDay, who}}, []string{"nobody serves 19:00–20:00; add a shift"}},
		{"an overlap", []Shift{{480, 1230, EveryDay, who}, {1200, 480, EveryDay, who}}, []string{"2 shifts overlap 20:00–20:30; end one where the other begins"}},
		{"a hole round midnight", []Shift{{60, 1380, EveryDay, who}}, []string{"nobody serves 00:00–01:00; add a shift", "nobody serves 23:00–24:00; add a shift"}},
		{
			"the first morning off is nobody's",
			[]Shift{{480, 480, Workdays, who}, {600, 600, DaysOff, who}},
			[]string{
				"2 shifts overlap 08:00–10:00 on a workday after a day off; end one where the other begins",
				"nobody serves 08:00–10:00 on a day off after a workday; add a shift",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Rotation{Shifts: tc.shifts}.Problems()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// drawRotation draws a rotation that leaves no part of the day out.
func drawRotation(t *rapid.T, post string) Rotation {
	r := Rotation{
		Post: post, Start: date(2026, 1, rapid.IntRange(1, 28).Draw(t, "start")), Turn: rapid.IntRange(1, 9).Draw(t, "turn"),
		Count: rapid.SampledFrom([]Count{CountAll, CountWork, CountServed}).Draw(t, "count"), Handoff: rapid.IntRange(0, minutesOfDay-1).Draw(t, "handoff"),
	}
	cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, minutesOfDay-1), 1, 4, rapid.ID[int]).Draw(t, "cuts")
	slices.Sort(cuts)
	for i, from := range cuts {
		r.Shifts = append(r.Shifts, Shift{
			From: from, To: cuts[(i+1)%len(cuts)],
			Who: rapid.SliceOfN(rapid.SampledFrom([]string{"一", "二", "三", "四", ""}), 1, 4).Draw(t, "who"),
		})
	}
	return r
}

var zones = []string{"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"}

// At every minute there is exactly one holder; a period says the same at all its minutes, and the next
// begins where it ends.
func TestExactlyOneHolderAtEveryMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		rotation := drawRotation(t, "p")
		if problems := rotation.Problems(); problems != nil {
			t.Fatalf("problems: %v", problems)
		}
		b := NewBook(NewRoster([]Rotation{rotation}, z, spring), nil, "")
		from := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		var period Period
		for now := from; now.Before(from.Add(50 * time.Hour)); now = now.Add(time.Minute) {
			p, ok := b.On("p", now)
			if !ok || now.Before(p.From) || !now.Before(p.To) {
				t.Fatalf("at %v: %+v, %v", now, p, ok)
			}
			if period.To.After(now) && p != period {
				t.Fatalf("at %v it is %+v, a minute before it was %+v", now, p, period)
			}
			if !period.To.IsZero() && !period.To.After(now) && !p.From.Equal(period.To) {
				t.Fatalf("between %v and %v somebody is missing, or is there twice", period.To, p.From)
			}
			next, _ := b.Next("p", now)
			if then, _ := b.On("p", p.To); next != then || !next.From.Equal(p.To) {
				t.Fatalf("at %v: next is %+v, but then it is %+v", now, next, then)
			}
			period = p
		}
	})
}
