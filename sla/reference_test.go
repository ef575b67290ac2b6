package sla

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// minuteClasses are the moments of a day that matter to deadlines.
var minuteClasses = map[string]string{
	"midnight": "00:00", "before work": "07:10", "at work": "10:24", "lunch": "12:30", "end of work": "17:30", "after work": "18:05", "last": "23:59:59.999",
}

// reference is the plainest calendar there can be: whether each day is worked, from 2007 on.
type reference struct {
	from    time.Time // midnight UTC of the first day
	workday []bool
}

// referenceOf reads listed days; those that are not listed follow the week. It covers 2007 to the end of 2027, so that the
// longest limit that begins in 2026 ends within.
func referenceOf(listed map[string]bool) reference {
	r := reference{from: date("2007-01-01")}
	for d := r.from; d.Year() <= 2027; d = d.AddDate(0, 0, 1) {
		works, ok := listed[d.Format(time.DateOnly)]
		if !ok {
			works = d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
		}
		r.workday = append(r.workday, works)
	}
	return r
}

// lastDay walks day by day: the n-th workday after (or from) a day.
func (r *reference) lastDay(day, n int, sameDay bool) int {
	d := day
	if !sameDay {
		d++
	}
	for ; ; d++ {
		if r.workday[d] {
			if n--; n == 0 {
				return d
			}
		}
	}
}

// bothCollections are the listed days of holiday-cn, also as notices, and of chinese-days.
func bothCollections(t *testing.T) (notices []Notice, lists map[string]map[string]bool) {
	t.Helper()
	folder := filepath.Join("..", "..", "shared", "data", "calendar")
	files, err := filepath.Glob(filepath.Join(folder, "holiday-cn", "2*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no published notices beside the project")
	}
	first, second := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		doc, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n, err := ReadNotice(doc, nil)
		if err != nil {
			t.Fatal(err)
		}
		notices = append(notices, n)
		for _, d := range n.Days {
			first[d.Date] = !d.Off
		}
	}
	doc, err := os.ReadFile(filepath.Join(folder, "chinese-days.json"))
	if err != nil {
		t.Skip("no second collection beside the project")
	}
	var wire struct{ Holidays, Workdays map[string]string }
	if err := json.Unmarshal(doc, &wire); err != nil {
		t.Fatal(err)
	}
	for d := range wire.Holidays {
		second[d] = false
	}
	for d := range wire.Workdays {
		second[d] = true
	}
	return notices, map[string]map[string]bool{"holiday-cn": first, "chinese-days": second}
}

// TestDeadlinesDayByDay compares deadlines of 1 to 30 working days, from every day of 2007–2026 and every kind of minute of it, with
// a walk from day to day through each of the two collections. The years are taken in as versions, one a year, as a city does.
func TestDeadlinesDayByDay(t *testing.T) {
	t.Parallel()
	notices, lists := bothCollections(t)
	spec := spec2026()
	spec.Years = notices[:1]
	c := build(t, spec)
	for _, n := range notices[1:] {
		c = next(t, c, CalendarSpec{ID: "cn", Version: c.Version() + 1, Since: time.Date(n.Year-1, time.November, 5, 10, 0, 0, 0, time.UTC).Format(sinceLayout), Years: []Notice{n}})
	}
	for name, listed := range lists {
		r := referenceOf(listed)
		for class, clock := range minuteClasses {
			t.Run(name+"/"+class, func(t *testing.T) {
				t.Parallel()
				compareDeadlines(t, c, &r, clock)
			})
		}
	}
}

func compareDeadlines(t *testing.T, c *Calendar, r *reference, clock string) {
	t.Helper()
	at0 := at("2007-01-01 " + clock)
	endOfWork := time.Duration(17*60+30) * time.Minute
	for day := range r.workday {
		start := at0.AddDate(0, 0, day)
		if start.Year() > 2026 {
			return
		}
		midnight := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, c.Zone())
		for n := 1; n <= 30; n++ {
			last := r.lastDay(day, n, false)
			want := midnight.AddDate(0, 0, last-day)
			check := func(l Limit, want time.Time) {
				if due, _ := c.Due(start, l); !due.Equal(want) {
					t.Fatalf("%v + %+v = %v, want %v", start, l, due, want)
				}
			}
			check(Limit{Amount: n, Unit: WorkingDays}, want.AddDate(0, 0, 1).Add(-time.Millisecond))
			if n%7 != 1 {
				continue // the other ways of counting for 1, 8, 15, 22 and 29 days
			}
			check(Limit{Amount: n, Unit: WorkingDays, DueAt: EndOfWork}, want.Add(endOfWork))
			toTheMinute := want.Add(start.Sub(midnight))
			if !r.workday[day] { // the last day whole
				toTheMinute = want.AddDate(0, 0, 1).Add(-time.Millisecond)
			}
			check(Limit{Amount: n, Unit: WorkingDays, DueAt: ToTheMinute}, toTheMinute)
			same := midnight.AddDate(0, 0, r.lastDay(day, n, true)-day)
			if same.AddDate(0, 0, 1).Add(-time.Millisecond).Equal(start) {
				same = midnight.AddDate(0, 0, r.lastDay(day, n+1, true)-day) // nothing is left of the day
			}
			check(Limit{Amount: n, Unit: WorkingDays, CountFrom: SameDay}, same.AddDate(0, 0, 1).Add(-time.Millisecond))
		}
	}
}

// TestDeadlinesMinuteByMinute compares 1 to 30 working hours from every day of a year with a walk from minute to minute.
func TestDeadlinesMinuteByMinute(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, d := range notice2026().Days {
		listed[d.Date] = !d.Off
	}
	r := referenceOf(listed)
	first := int(date("2026-01-01").Sub(r.from) / (24 * time.Hour))
	for class, clock := range minuteClasses {
		if class == "last" {
			continue // no whole minute
		}
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			for day := first; day < first+365; day++ {
				start := at("2026-01-01 "+clock).AddDate(0, 0, day-first)
				worked, d, minute := 0, day, int(start.Sub(at("2026-01-01 00:00").AddDate(0, 0, day-first))/time.Minute)
				for worked < 30*60 {
					if r.workday[d] && (minute >= 540 && minute < 720 || minute >= 810 && minute < 1050) {
						worked++
						if worked%60 == 0 {
							want := at("2026-01-01 00:00").AddDate(0, 0, d-first).Add(time.Duration(minute+1) * time.Minute)
							if due, _ := cn2026().Due(start, Limit{Amount: worked / 60, Unit: WorkingHours}); !due.Equal(want) {
								t.Fatalf("%v + %d working hours = %v, want %v", start, worked/60, due, want)
							}
						}
					}
					if minute++; minute == 1440 {
						minute, d = 0, d+1
					}
				}
			}
		})
	}
}

// quietActions change no clock, wherever they stand.
var quietActions = []ticket.Action{
	ticket.Amend, ticket.Note, ticket.Supplement, ticket.Urge, ticket.Supervise, ticket.Reveal, ticket.Repeat, ticket.Recalendar, ticket.Hold, ticket.Release,
}

// TestAnEditChangesNothing: what is edited, said or noted anywhere in a legal history leaves every clock as it is.
func TestAnEditChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := randomPolicy(rt)
		plain, now := randomStory(rt, t)
		edited := begin(t, plain.events[0].At.In(cn2026().Zone()).Format("2006-01-02 15:04"))
		for _, e := range plain.events[1:] {
			for range rapid.IntRange(0, 2).Draw(rt, "edits") {
				d := ticket.Details{Category: "03.02", Urgency: ticket.UrgencyUrgent, Region: "371302", Calendar: "cn@2", Due: now, Assignment: 1}
				_ = edited.try(e.At, rapid.SampledFrom(quietActions).Draw(rt, "edit"), d)
			}
			if err := edited.try(e.At, e.Action, e.Details); err != nil {
				rt.Fatalf("%s is refused after edits: %v", e.Action, err)
			}
		}
		if diff := cmp.Diff(Evaluate(plain.events, p, cn2026(), now), Evaluate(edited.events, p, cn2026(), now), cmpopts.EquateEmpty()); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestReplicasAgree: replicas that read the same pack in another order, and look at the tickets in another order and at once, find
// the same clocks.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		spec := randomCalendar(rt)
		more := moreHolidays(rt, spec)
		since := randomTime(rt, "since").In(cn2026().Zone()).Format(sinceLayout)
		p := randomPolicy(rt)
		var stories []*story
		var now time.Time
		for range rapid.IntRange(1, 4).Draw(rt, "tickets") {
			s, end := randomStory(rt, t)
			stories = append(stories, s)
			if end.After(now) {
				now = end
			}
		}
		replicas := make([][][]Clock, rapid.IntRange(2, 4).Draw(rt, "replicas"))
		orders := make([][]int, len(replicas))
		calendars := make([]*Calendar, len(replicas))
		for i := range replicas {
			own, newer := spec, more.Years[0]
			own.Years = []Notice{{Year: spec.Years[0].Year, Days: rapid.Permutation(spec.Years[0].Days).Draw(rt, "days")}}
			newer.Days = rapid.Permutation(newer.Days).Draw(rt, "newer days")
			calendars[i] = next(t, build(t, own), CalendarSpec{ID: "cn", Version: 2, Since: since, Years: []Notice{newer}})
			orders[i] = rapid.Permutation(slices.Collect(indexes(len(stories)))).Draw(rt, "order")
			replicas[i] = make([][]Clock, len(stories))
		}
		var all sync.WaitGroup
		for i := range replicas {
			all.Go(func() {
				for _, n := range orders[i] {
					replicas[i][n] = Evaluate(stories[n].events, p, calendars[i], now)
				}
			})
		}
		all.Wait()
		for i := range replicas[1:] {
			if diff := cmp.Diff(replicas[0], replicas[i+1]); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}

func indexes(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestAPauseAcrossAVersion: a pause never shortens a deadline, and to split it changes nothing, also when the calendar changes
// in between.
func TestAPauseAcrossAVersion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		spec := randomCalendar(rt)
		more := moreHolidays(rt, spec)
		since := randomTime(rt, "since").In(cn2026().Zone()).Format(sinceLayout)
		c := next(t, build(t, spec), CalendarSpec{ID: "cn", Version: 2, Since: since, Years: more.Years})
		p, start := randomPolicy(rt), randomTime(rt, "start")
		gap := func(label string) time.Duration {
			return time.Duration(rapid.Int64Range(0, 6*dayMS).Draw(rt, label)) * time.Millisecond
		}
		pause := start.Add(time.Hour).Add(gap("before"))
		middle := pause.Add(gap("first"))
		resume := middle.Add(gap("second"))
		now := resume.Add(gap("after"))
		tell := func(moves ...time.Time) []Clock {
			s := begin(t, start.Format("2006-01-02 15:04")).do(start.Format("2006-01-02 15:04"), ticket.Dispatch, unit("u1")).do(start.Format("2006-01-02 15:04"), ticket.Sign, on(1))
			for i, m := range moves {
				if err := s.try(m, []ticket.Action{ticket.Pause, ticket.Resume}[i%2], on(1)); err != nil {
					rt.Fatal(err)
				}
			}
			return Evaluate(s.events, p, c, now)
		}
		without, whole, split := tell(), tell(pause, resume), tell(pause, middle, middle, resume)
		if diff := cmp.Diff(whole, split, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("splitting the pause changes: %s", diff)
		}
		for i, k := range whole {
			if k.DueAt.Before(without[i].DueAt) {
				rt.Fatalf("the pause shortens %s to %s", line(without[i]), line(k))
			}
		}
	})
}
