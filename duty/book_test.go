package duty

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOverridesStandOnTop(t *testing.T) {
	t.Parallel()
	shanghai := zone(t, "Asia/Shanghai")
	roster := NewRoster([]Rotation{dayAndNight()}, shanghai, nil)
	cover := Override{ID: "1", Post: "centre.duty", From: at(t, "2026-01-01 12:00", shanghai), To: at(t, "2026-01-01 14:00", shanghai), Who: "替", Kind: KindCover}
	absent := Override{ID: "2", Post: "centre.duty", From: at(t, "2026-01-02 08:00", shanghai), To: at(t, "2026-01-02 20:00", shanghai), Kind: KindAbsent}
	b := NewBook(roster, []Override{absent, cover}, "")
	var got []string
	b.Periods("centre.duty", at(t, "2026-01-01 08:00", shanghai), at(t, "2026-01-02 21:00", shanghai), func(p Period) bool {
		got = append(got, p.From.In(shanghai).Format("02 15:04")+p.To.In(shanghai).Format("–15:04 ")+p.Who)
		return true
	})
	want := []string{"01 08:00–12:00 一", "01 12:00–14:00 替", "01 14:00–20:00 一", "01 20:00–08:00 甲", "02 08:00–20:00 ", "02 20:00–08:00 乙"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"centre.duty"}, b.Holds("替", at(t, "2026-01-01 13:00", shanghai))); diff != "" {
		t.Error(diff)
	}
}

// What is meant for a shift nobody holds goes to the fallback, and at last to the city's duty post.
func TestNothingGoesToNobody(t *testing.T) {
	t.Parallel()
	nobody := []Shift{{From: 0, To: 0, Who: []string{""}}}
	roster := NewRoster([]Rotation{
		{Post: "a", Start: date(2026, 1, 1), Fallback: "b", Shifts: nobody},
		{Post: "b", Start: date(2026, 1, 1), Fallback: "a", Shifts: nobody},
		{Post: "c", Start: date(2026, 1, 1), Fallback: "d", Shifts: nobody},
		{Post: "d", Start: date(2026, 1, 1), Shifts: []Shift{{From: 0, To: 0, Who: []string{"丁"}}}},
		{Post: "last", Start: date(2026, 1, 1), Shifts: []Shift{{From: 0, To: 0, Who: []string{"值班长"}}}},
	}, time.UTC, nil)
	b := NewBook(roster, nil, "last")
	for post, want := range map[string][2]string{"a": {"last", "值班长"}, "c": {"d", "丁"}, "d": {"d", "丁"}, "of nobody's roster": {"of nobody's roster", ""}} {
		if reached, who := b.Reach(post, date(2026, 7, 13)); reached != want[0] || who != want[1] {
			t.Errorf("%s reaches %s %s, want %v", post, reached, who, want)
		}
	}
}

// Swapped or not, everybody serves as many shifts, and as long where shifts are equally long; and the posts
// are held as long as before.
func TestSwapsKeepEverybodysTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.SampledFrom([]int{480, 720, 1440}).Draw(t, "length")
		var shifts []Shift
		for from := 0; from < minutesOfDay; from += length {
			shifts = append(shifts, Shift{From: from, To: (from + length) % minutesOfDay, Who: rapid.SliceOfN(rapid.SampledFrom([]string{"一", "二", "三", "四"}), 1, 4).Draw(t, "who")})
		}
		roster := NewRoster([]Rotation{{Post: "a", Start: date(2026, 1, 1), Shifts: shifts}, {Post: "b", Start: date(2026, 1, 3), Shifts: shifts}}, zone(t, "Asia/Shanghai"), nil)
		from := time.Date(2026, 3, 1, 0, 0, 0, 0, roster.zone)
		moment := func(name string) time.Time {
			return from.Add(time.Duration(rapid.IntRange(0, 10*1440-1).Draw(t, name)) * time.Minute)
		}
		plain := NewBook(roster, nil, "")
		one, _ := plain.On(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "post"), moment("one"))
		other, _ := plain.On(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "post"), moment("other"))
		if one.Post == other.Post && one.From.Equal(other.From) {
			return // a shift is not swapped with itself
		}
		forOne, forOther := Swap(one, other)
		swapped := NewBook(roster, []Override{forOne, forOther}, "")
		if diff := cmp.Diff(totals(plain, from), totals(swapped, from)); diff != "" {
			t.Fatalf("the swap changed how long somebody serves:\n%s", diff)
		}
		if p, _ := swapped.On(one.Post, one.From); p.Who != other.Who {
			t.Fatalf("%s has the shift of %s", p.Who, other.Who)
		}
	})
}

func totals(b *Book, from time.Time) map[string]time.Duration {
	sum := map[string]time.Duration{}
	for _, post := range b.Posts() {
		b.Periods(post, from, from.AddDate(0, 0, 10), func(p Period) bool {
			sum[p.Who] += p.To.Sub(p.From)
			return true
		})
	}
	return sum
}

// With overrides laid at random, there is still one holder at every minute, and the periods join.
func TestOverridesLeaveNoHole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b0 := NewRoster([]Rotation{drawRotation(t, "p")}, zone(t, rapid.SampledFrom(zones).Draw(t, "zone")), spring)
		from := time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC)
		var laid []Override
		begin := from
		for range rapid.IntRange(0, 6).Draw(t, "overrides") {
			begin = begin.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "pause")) * time.Minute)
			end := begin.Add(time.Duration(rapid.IntRange(1, 1500).Draw(t, "length")) * time.Minute)
			laid = append(laid, Override{Post: "p", From: begin, To: end, Who: rapid.SampledFrom([]string{"替", ""}).Draw(t, "who"), Kind: KindCover})
			begin = end
		}
		b := NewBook(b0, laid, "")
		last := time.Time{}
		b.Periods("p", from, from.AddDate(0, 0, 5), func(p Period) bool {
			if !last.IsZero() && !p.From.Equal(last) {
				t.Fatalf("a period ends at %v, the next begins at %v", last, p.From)
			}
			last = p.To
			return true
		})
		if last.Before(from.AddDate(0, 0, 5)) {
			t.Fatalf("the periods end at %v", last)
		}
		for _, o := range laid {
			if p, _ := b.On("p", o.To.Add(-time.Minute)); p.Who != o.Who {
				t.Fatalf("in the last minute of an override there is %q, want %q", p.Who, o.Who)
			}
		}
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules, day := DefaultRules(), date(2026, 7, 13)
	if look := rules.Look("red", 0, day); !look.Equal(day.Add(15 * time.Minute)) {
		t.Errorf("a red alert is looked at %v", look)
	}
	if look := rules.Look("red", 2, day); !look.IsZero() {
		t.Errorf("past its last rung it is looked at %v", look)
	}
	if look := rules.Look("remind", 0, day); !look.IsZero() {
		t.Errorf("a reminder climbs at %v", look)
	}
	rules.Snooze["step_up"] = 8 * time.Hour
	if end := rules.SnoozeEnd("step_up", day); !end.Equal(day.Add(SnoozeUrgent)) {
		t.Errorf("a step-up sleeps until %v", end)
	}
	if end := rules.SnoozeEnd("unknown", day); !end.Equal(day) {
		t.Errorf("a level without a limit sleeps until %v", end)
	}
}
