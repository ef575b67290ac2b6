package sla

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// next builds the version that follows.
func next(t testing.TB, c *Calendar, spec CalendarSpec) *Calendar {
	t.Helper()
	if spec.ID == "" {
		spec.ID, spec.Version = c.ID(), c.Version()+1
	}
	younger, err := c.Next(spec)
	if err != nil {
		t.Fatal(err)
	}
	return younger
}

// published2020 reads the notice of 2020 as it was at first, and as it stands since the holiday was made longer.
func published2020(t *testing.T) (first, amended Notice) {
	t.Helper()
	folder := filepath.Join("..", "..", "shared", "data", "calendar")
	doc, err := os.ReadFile(filepath.Join(folder, "amended", "2020-before-extension.json"))
	if err != nil {
		t.Skip("no amended notice beside the project")
	}
	var parts []struct {
		Name, Type string
		Range      []string
	}
	if err := json.Unmarshal(doc, &parts); err != nil {
		t.Fatal(err)
	}
	first = Notice{Year: 2020}
	for _, p := range parts {
		last := date(p.Range[len(p.Range)-1])
		for d := date(p.Range[0]); !d.After(last); d = d.AddDate(0, 0, 1) {
			first.Days = append(first.Days, Day{Date: d.Format(time.DateOnly), Name: p.Name, Off: p.Type == "holiday"})
		}
	}
	if doc, err = os.ReadFile(filepath.Join(folder, "holiday-cn", "2020.json")); err != nil {
		t.Fatal(err)
	}
	if amended, err = ParseNotice(doc); err != nil {
		t.Fatal(err)
	}
	return first, amended
}

// In the evening of 2020-01-27 the Spring Festival holiday was made longer: it no longer ended on 30 January but on
// 2 February, and Saturday 1 February was no workday any more. What was used before stays used.
func TestTheHolidayThatWasMadeLonger(t *testing.T) {
	t.Parallel()
	first, amended := published2020(t)
	spec := spec2026()
	spec.Years = []Notice{first}
	before := build(t, spec)
	c := next(t, before, CalendarSpec{ID: "cn", Version: 2, Since: "2020-01-27 20:00", Years: []Notice{amended}})
	if !before.IsWorkday(at("2020-01-31 10:00")) || !before.IsWorkday(at("2020-02-01 10:00")) {
		t.Fatal("31 January and 1 February were workdays at first")
	}
	for _, day := range []string{"2020-01-31", "2020-02-01", "2020-02-02"} {
		if c.IsWorkday(at(day + " 10:00")) {
			t.Errorf("%s is a workday", day)
		}
	}
	if !c.IsWorkday(at("2020-02-03 10:00")) || !c.IsWorkday(at("2020-01-19 10:00")) {
		t.Error("3 February and 19 January are workdays")
	}
	for _, tt := range []struct {
		received, was, is string
		l                 Limit
	}{
		{"2020-01-22 10:00", "2020-02-01 23:59:59.999", "2020-02-04 23:59:59.999", Limit{Amount: 3, Unit: WorkingDays}},
		{"2020-01-23 16:30", "2020-01-31 10:00", "2020-02-03 10:00", Limit{Amount: 2, Unit: WorkingHours}},
		{"2020-01-22 10:00", "2020-01-23 23:59:59.999", "2020-01-23 23:59:59.999", Limit{Amount: 1, Unit: WorkingDays}},
		{"2020-01-22 10:00", "2020-01-25 10:00", "2020-01-25 10:00", Limit{Amount: 72, Unit: Hours}},
	} {
		was, _ := before.Due(at(tt.received), tt.l)
		is, _ := c.Due(at(tt.received), tt.l)
		if !was.Equal(at(tt.was)) || !is.Equal(at(tt.is)) {
			t.Errorf("%s + %v was due %v and is due %v, want %s and %s", tt.received, tt.l, was, is, tt.was, tt.is)
		}
	}
	if c.Previous() != before || !c.Since().Equal(at("2020-01-27 20:00")) || c.Title() != before.Title() {
		t.Error("it does not say what it follows, and since when")
	}
}

// A notice that comes after its year is over changes none of the year's days, and the calendar does not say that it knows them:
// what was counted by plain weeks stays provisional.
func TestANoticeAfterItsYear(t *testing.T) {
	t.Parallel()
	first, _ := published2020(t)
	c := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-01 09:00", Years: []Notice{first}})
	if !c.IsWorkday(at("2020-01-28 10:00")) || c.HasNotice(2020) || !c.HasNotice(2026) {
		t.Errorf("28 January 2020 is worked: %t, the notice of 2020 is known: %t, that of 2026: %t", c.IsWorkday(at("2020-01-28 10:00")), c.HasNotice(2020), c.HasNotice(2026))
	}
	if _, provisional := c.Due(at("2020-01-20 10:00"), Limit{Amount: 5, Unit: WorkingDays}); !provisional {
		t.Error("a deadline by plain weeks of a year without holidays counts as certain")
	}
}

// A day on which the hours change while people work: what was worked before stays.
func TestHoursChangeInTheMiddleOfADay(t *testing.T) {
	t.Parallel()
	half := notice2026()
	half.Days = append(half.Days, Day{Date: "2026-03-11", Name: "台风停工", Off: true}, Day{Date: "2026-03-12", Name: "台风停工", Off: true})
	c := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-11 14:30", Years: []Notice{half}})
	for _, tt := range []struct {
		start string
		l     Limit
		want  string
	}{
		{"2026-03-11 09:00", Limit{Amount: 4, Unit: WorkingHours}, "2026-03-11 14:30"},
		{"2026-03-11 09:00", Limit{Amount: 5, Unit: WorkingHours}, "2026-03-13 10:00"},
		{"2026-03-10 09:00", Limit{Amount: 2, Unit: WorkingDays}, "2026-03-13 23:59:59.999"},
		{"2026-03-10 09:00", Limit{Amount: 1, Unit: WorkingDays, DueAt: EndOfWork}, "2026-03-11 17:30"}, // as it was promised
	} {
		if due, _ := c.Due(at(tt.start), tt.l); !due.Equal(at(tt.want)) {
			t.Errorf("%s + %v = %v, want %s", tt.start, tt.l, due, tt.want)
		}
	}
	if got := c.Working(at("2026-03-11 00:00"), at("2026-03-12 00:00")); got != 4*time.Hour {
		t.Errorf("11 March has %v of work, want 4 h", got)
	}
	if day, ok := c.Listed(at("2026-02-14 10:00")); !ok || day.Name != "春节" {
		t.Errorf("a day before is listed as %+v, %v", day, ok)
	}
}

// A version says only what changes, and may take something away.
func TestAVersionTakesOver(t *testing.T) {
	t.Parallel()
	spec := spec2026()
	spec.Seasons = []Season{{Title: "夏令作息", From: "06-01", To: "09-30", Week: map[string][]string{"mon-fri": {"08:00-12:00"}}}}
	first := build(t, spec)
	second := next(t, first, CalendarSpec{ID: "cn", Version: 2, Since: "2026-11-05 09:00", Years: []Notice{{Year: 2027, Days: []Day{{Date: "2027-01-01", Name: "元旦", Off: true}}}}})
	third := next(t, second, CalendarSpec{ID: "cn", Version: 3, Since: "2026-12-01 00:00", Seasons: []Season{}})
	if !second.HasNotice(2026) || !second.HasNotice(2027) || first.HasNotice(2027) {
		t.Error("the years are not taken over")
	}
	summer := func(c *Calendar) time.Duration { return c.Working(at("2027-06-01 00:00"), at("2027-06-02 00:00")) }
	if summer(first) != 4*time.Hour || summer(second) != 4*time.Hour || summer(third) != 7*time.Hour {
		t.Errorf("a summer day has %v, %v, %v of work", summer(first), summer(second), summer(third))
	}
	if got := third.Working(at("2026-06-01 00:00"), at("2026-06-02 00:00")); got != 4*time.Hour {
		t.Errorf("the summer before has %v of work", got)
	}
	whole := next(t, first, CalendarSpec{ID: "cn", Version: 2, Week: map[string][]string{"mon": {"09:00-10:00"}}, Seasons: []Season{}})
	if got := whole.Working(at("2026-01-05 00:00"), at("2026-01-10 00:00")); got != time.Hour {
		t.Errorf("without since it does not hold from the beginning: %v", got)
	}
}

func TestVersionsThatAreRefused(t *testing.T) {
	t.Parallel()
	second := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-01 09:00"})
	for name, tt := range map[string]struct {
		spec CalendarSpec
		want string
	}{
		"another calendar":  {CalendarSpec{ID: "court", Version: 3}, `calendar "court": cannot follow calendar "cn"`},
		"a gap":             {CalendarSpec{ID: "cn", Version: 5}, "version 5: follows version 2"},
		"the same again":    {CalendarSpec{ID: "cn", Version: 2}, "version 2: follows version 2"},
		"another zone":      {CalendarSpec{ID: "cn", Version: 3, Zone: "Asia/Urumqi"}, `zone "Asia/Urumqi"`},
		"no such zone":      {CalendarSpec{ID: "cn", Version: 3, Zone: "Asia/Linyi"}, `zone "Asia/Linyi"`},
		"no instant":        {CalendarSpec{ID: "cn", Version: 3, Since: "2026-04-31 09:00"}, `since "2026-04-31 09:00"`},
		"a day only":        {CalendarSpec{ID: "cn", Version: 3, Since: "2026-04-30"}, `since "2026-04-30"`},
		"before the last":   {CalendarSpec{ID: "cn", Version: 3, Since: "2026-02-28 09:00"}, `must lie after "2026-03-01 09:00" of version 2`},
		"at the last":       {CalendarSpec{ID: "cn", Version: 3, Since: "2026-03-01 09:00"}, `must lie after "2026-03-01 09:00" of version 2`},
		"outside the table": {CalendarSpec{ID: "cn", Version: 3, Since: "2126-03-01 09:00"}, "must lie in 2000–2099"},
		"segments overlap":  {CalendarSpec{ID: "cn", Version: 3, Week: map[string][]string{"mon": {"09:00-12:00", "11:00-13:00"}}}, `segment "11:00-13:00"`},
		"a day twice": {
			CalendarSpec{ID: "cn", Version: 3, Years: []Notice{{Year: 2027, Days: []Day{{Date: "2027-01-01"}, {Date: "2027-01-01"}}}}},
			`day "2027-01-01" (): stands twice`,
		},
	} {
		if c, err := second.Next(tt.spec); err == nil || !strings.Contains(err.Error(), tt.want) || c != nil {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if _, err := NewCalendar(CalendarSpec{ID: "cn", Version: 1, Since: "2026-01-01 00:00"}); err == nil || !strings.Contains(err.Error(), "follows another") {
		t.Errorf("the first version with a since: %v", err)
	}
}

// Policies follow a calendar, or are pinned to a version of it; units may have hours of their own.
func TestWhoFollowsAVersion(t *testing.T) {
	t.Parallel()
	court := build(t, CalendarSpec{ID: "court", Title: "法院", Version: 1, Zone: "Asia/Shanghai", Week: map[string][]string{"mon-sun": {"08:00-09:00"}}})
	second := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-01 09:00", Week: map[string][]string{"tue": {"09:00-12:00"}}})
	calendars, err := UnitHours([]*Calendar{cn2026(), second, court}, map[string]string{"u2": "court", "u3": "cn", "u4": "cn@1"})
	if err != nil {
		t.Fatal(err)
	}
	follows, pinned := general(), general()
	pinned.ID, pinned.Calendar = "pinned", "cn@1"
	set, err := New([]Policy{follows, pinned}, calendars)
	if err != nil {
		t.Fatal(err)
	}
	_, newest, _ := set.Lookup("general@1")
	_, old, _ := set.Lookup("pinned@1")
	if newest.Version() != 2 || old.Version() != 1 {
		t.Fatalf("the policies have %v and %v", newest, old)
	}
	s := begin(t, "2026-03-02 10:00").do("2026-03-02 10:00", ticket.Dispatch, ticket.Details{Unit: "u2", Units: []string{"u3", "u4", "u5"}})
	clocks := Evaluate(s.events, general(), newest, at("2026-03-02 11:00"))
	for no, want := range map[int]string{0: "2026-03-31", 1: "2026-03-07", 2: "2026-03-31", 3: "2026-03-09", 4: "2026-03-31"} {
		if k := find(t, clocks, ClockResolve, no); !k.DueAt.Equal(at(want + " 23:59:59.999")) {
			t.Errorf("resolve/%d is due %v, want %s", no, k.DueAt.In(newest.Zone()), want)
		}
	}
	if text := Explain(newest, find(t, clocks, ClockResolve, 1)); len(text) < 2 || !strings.Contains(text[1].Text, "第 1 至第 5 个工作日") {
		t.Errorf("a unit with hours of its own is explained as %+v", text)
	}
	was := newest.AsOf("cn", 1, false)
	clocks = Evaluate(s.events, general(), was, at("2026-03-02 11:00"))
	for no, want := range map[int]string{0: "2026-03-09", 1: "2026-03-07", 2: "2026-03-09", 3: "2026-03-09"} {
		if k := find(t, clocks, ClockResolve, no); !k.DueAt.Equal(at(want + " 23:59:59.999")) {
			t.Errorf("resolve/%d was due %v, want %s", no, k.DueAt.In(newest.Zone()), want)
		}
	}
	if newest.AsOf("court", 1, false) != newest || old.AsOf("cn", 1, true) == old {
		t.Error("a calendar that is not concerned changes, or units of a pinned one do not")
	}
	if _, err := UnitHours(calendars, map[string]string{"u9": "moon"}); err == nil || !strings.Contains(err.Error(), `unit u9: calendar "moon"`) {
		t.Errorf("hours nobody knows: %v", err)
	}
}

// The ladder of a unit's clock counts by the unit's hours as its deadline does: who works on Sunday is reminded then, and a
// court that opens for an hour a day is.
func TestLaddersCountByTheHoursOfTheUnit(t *testing.T) {
	t.Parallel()
	court := build(t, CalendarSpec{ID: "court", Title: "法院", Version: 1, Zone: "Asia/Shanghai", Week: map[string][]string{"mon-sun": {"08:00-09:00"}}})
	calendars, err := UnitHours([]*Calendar{cn2026(), court}, map[string]string{"u2": "court"})
	if err != nil {
		t.Fatal(err)
	}
	p := general()
	sign := p.Clocks[ClockSign]
	sign.Ladder[0].Repeat = Repeat{Every: 1, Unit: WorkingHours, Times: 1}
	p.Clocks[ClockSign] = sign
	// A Friday: the court signs within four of its hours, on Tuesday at nine; an hour of its own later is Wednesday at nine.
	s := begin(t, "2026-03-06 10:00").do("2026-03-06 10:00", ticket.Dispatch, unit("u2"))
	var got []string
	for _, k := range Evaluate(s.events, p, calendars[0], at("2026-03-12 12:00")) {
		for _, d := range k.Due {
			if k.Assignment == 1 {
				got = append(got, string(k.Name)+" "+d.Step.ID+" "+d.At.In(court.Zone()).Format(sinceLayout))
			}
		}
	}
	want := []string{
		"sign late 2026-03-11 09:00", "sign late#2 2026-03-12 09:00",
		"resolve remind 2026-03-09 09:00", "resolve yellow 2026-03-10 09:00", "resolve red 2026-03-11 23:59",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// moreHolidays makes workdays of a notice holidays.
func moreHolidays(t *rapid.T, spec CalendarSpec) CalendarSpec {
	days := map[string]Day{}
	for _, d := range spec.Years[0].Days {
		days[d.Date] = d
	}
	for range rapid.IntRange(0, 10).Draw(t, "holidays") {
		d := date("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 364).Draw(t, "holiday")).Format(time.DateOnly)
		days[d] = Day{Date: d, Name: "加放", Off: true}
	}
	n := spec.Years[0]
	n.Days = nil
	for _, d := range slices.Sorted(maps.Keys(days)) {
		n.Days = append(n.Days, days[d])
	}
	spec.Years = []Notice{n}
	return spec
}

// A holiday more never shortens a deadline: neither when it always stood in the calendar nor when a new version brings it
// at some instant; and what ended before that instant does not change.
func TestAHolidayMoreNeverShortens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		spec := randomCalendar(rt)
		without := build(t, spec)
		more := moreHolidays(rt, spec)
		since := randomTime(rt, "since").Truncate(time.Minute)
		later := next(t, without, CalendarSpec{ID: "cn", Version: 2, Since: since.In(without.Zone()).Format(sinceLayout), Years: more.Years})
		start, l := randomTime(rt, "start"), randomLimit(rt)
		was, _ := without.Due(start, l)
		always, _ := build(t, more).Due(start, l)
		is, _ := later.Due(start, l)
		if always.Before(was) || is.Before(was) {
			rt.Fatalf("%v from %v was due %v, with more holidays %v, since %v %v", l, start, was, always, since, is)
		}
		if is.After(always) {
			rt.Fatalf("%v from %v is due %v when the holidays always stood there, but %v when they came at %v", l, start, always, is, since)
		}
		if was.Before(since) && !is.Equal(was) {
			rt.Fatalf("%v from %v was over at %v, before the new version of %v, and is %v now", l, start, was, since, is)
		}
		for _, unit := range LimitUnits {
			a, b := randomTime(rt, "a"), randomTime(rt, "b")
			if unit != WorkingDays && a.Before(since) && b.Before(since) && later.pos(unit, b)-later.pos(unit, a) != without.pos(unit, b)-without.pos(unit, a) {
				rt.Fatalf("time used changes: %s from %v to %v, since %v", unit, a, b, since)
			}
		}
	})
}

// A holiday more does not shorten the deadline of a ticket that was paused in time either. (A pause on the day of the start, which
// does not count, is time given: it may be lost when that day becomes a holiday.)
func TestAHolidayMoreNeverShortensAPausedOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		spec := spec2026()
		without := build(t, spec)
		more := moreHolidays(rt, spec)
		since := at("2026-01-01 00:00").AddDate(0, 0, rapid.IntRange(0, 330).Draw(rt, "since"))
		later := next(t, without, CalendarSpec{ID: "cn", Version: 2, Since: since.Format(sinceLayout), Years: more.Years})
		p := general()
		p.Budget.PauseTotal = Limit{Amount: 300, Unit: NaturalDays}
		start := randomTime(rt, "start")
		pause := start.Add(time.Duration(rapid.Int64Range(dayMS, 20*dayMS).Draw(rt, "before")) * time.Millisecond)
		resume := pause.Add(time.Duration(rapid.Int64Range(0, 20*dayMS).Draw(rt, "pause")) * time.Millisecond)
		s := begin(t, start.Format("2006-01-02 15:04"))
		for _, m := range []struct {
			at time.Time
			a  ticket.Action
			d  ticket.Details
		}{{start.Add(time.Minute), ticket.Dispatch, unit("u1")}, {start.Add(time.Minute), ticket.Sign, on(1)}, {pause, ticket.Pause, on(1)}, {resume, ticket.Resume, on(1)}} {
			if err := s.try(m.at, m.a, m.d); err != nil {
				rt.Fatal(err)
			}
		}
		now := resume.AddDate(0, 1, 0)
		was, is := Evaluate(s.events, p, without, now), Evaluate(s.events, p, later, now)
		unpaused := Evaluate(s.events[:3], p, without, now)
		for i := range was {
			if i < len(unpaused) && pause.Before(unpaused[i].DueAt) && is[i].DueAt.Before(was[i].DueAt) {
				rt.Fatalf("paused %v–%v, new holidays since %v: %s becomes %s", pause, resume, since, line(was[i]), line(is[i]))
			}
		}
	})
}

// BenchmarkNext: the start of a gateway builds every version of every calendar.
func BenchmarkNext(b *testing.B) {
	for b.Loop() {
		if _, err := cn2026().Next(CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-01 09:00"}); err != nil {
			b.Fatal(err)
		}
	}
}

// A court has hours of its own and the holidays of the city, with every version of them.
func TestHolidaysOfAnotherCalendar(t *testing.T) {
	t.Parallel()
	typhoon := notice2026()
	typhoon.Days = append(typhoon.Days, Day{Date: "2026-07-16", Name: "台风", Off: true})
	second := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-07-15 20:00", Years: []Notice{typhoon}})
	versions, err := Derive(CalendarSpec{ID: "court", Version: 1, Holidays: "cn", Week: map[string][]string{"mon-fri": {"09:00-12:00", "13:00-16:00"}}}, second)
	if err != nil || len(versions) != 2 {
		t.Fatalf("%v: %v", err, versions)
	}
	first, newest := versions[0], versions[1]
	if newest.Previous() != first || newest.Key() != "court@2" || !newest.Since().Equal(second.Since()) || !newest.HasNotice(2026) {
		t.Errorf("%v follows %v since %v", newest, newest.Previous(), newest.Since())
	}
	for day, want := range map[string]time.Duration{"2026-07-15": 6 * time.Hour, "2026-07-16": 0, "2026-02-14": 6 * time.Hour, "2026-02-16": 0} {
		if got := newest.Working(at(day+" 00:00"), at(day+" 00:00").AddDate(0, 0, 1)); got != want {
			t.Errorf("%s has %v of work, want %v", day, got, want)
		}
	}
	if !first.IsWorkday(at("2026-07-16 10:00")) {
		t.Error("the first version knows of the typhoon")
	}
	know, err := UnitHours([]*Calendar{cn2026(), second, first, newest}, map[string]string{"u1": "court", "u2": "court@2"})
	if err != nil {
		t.Fatal(err)
	}
	was := know[1].AsOf("cn", 1, false)
	if got := []string{was.Key(), was.For("u1").Key(), was.For("u2").Key(), know[1].For("u1").Key()}; strings.Join(got, " ") != "cn@1 court@1 court@2 court@2" {
		t.Errorf("before the second version there were %v", got)
	}
	for want, spec := range map[string]CalendarSpec{
		"leave out years and since": {ID: "court", Version: 2, Holidays: "cn"},
		"no working segment":        {ID: "court", Version: 1, Holidays: "cn"},
	} {
		if _, err := Derive(spec, second); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Derive(CalendarSpec{ID: "third", Version: 1, Holidays: "court"}, newest); err == nil || !strings.Contains(err.Error(), `takes its own from "cn"`) {
		t.Errorf("holidays of holidays: %v", err)
	}
}
