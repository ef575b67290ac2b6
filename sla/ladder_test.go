package sla

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// burst is a policy for a burst main: resolve in two hours, and a ladder that says things again.
func burst(ladder ...Step) Policy {
	for i := range ladder {
		if ladder[i].To == nil {
			ladder[i].To = []string{"handler"}
		}
	}
	return Policy{ID: "general", Version: 1, Title: "爆管", Calendar: "cn", Clocks: map[ClockName]ClockRule{
		ClockResolve: {Limit: Limit{Amount: 2, Unit: Hours}, Ladder: ladder},
	}, Budget: Budget{Extensions: 3, ExtensionMost: Limit{Amount: 48, Unit: Hours}}}
}

// run looks every minute, records what is due as the tracker does, and tells the steps of one clock with their minute.
func (s *story) run(p Policy, from, to string, assignment int) []string {
	s.t.Helper()
	var told []string
	for now := at(from); !now.After(at(to)); now = now.Add(time.Minute) {
		for _, k := range Evaluate(s.events, p, cn2026(), now) {
			for _, d := range k.Due {
				details := ticket.Details{Clock: string(k.Name), Step: d.Step.ID, Level: d.Step.Level, Assignment: k.Assignment, Due: d.At}
				if err := s.try(now, ticket.Escalate, details); err != nil {
					s.t.Fatal(err)
				}
				if k.Assignment == assignment {
					told = append(told, now.In(cn2026().zone).Format("15:04")+" "+d.Step.ID)
				}
			}
		}
	}
	return told
}

// due lists what has fallen due on a clock.
func due(k Clock) []string {
	var ids []string
	for _, d := range k.Due {
		ids = append(ids, d.At.In(cn2026().zone).Format("15:04")+" "+d.Step.ID)
	}
	return ids
}

func TestAStepIsSaidAgain(t *testing.T) {
	t.Parallel()
	p := burst(Step{ID: "red", Level: "red", Repeat: Repeat{Every: 30, Unit: Minutes, Times: 3}})
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	s := begin(t, "2026-07-13 09:00")
	want := []string{"11:00 red", "11:30 red#2", "12:00 red#3", "12:30 red#4"}
	if diff := cmp.Diff(want, s.run(p, "2026-07-13 09:00", "2026-07-13 18:00", 0)); diff != "" {
		t.Error(diff)
	}
	if k := find(t, Evaluate(s.events, p, cn2026(), at("2026-07-14 09:00")), ClockResolve, 0); len(k.Due) != 0 || !k.NextStep.IsZero() {
		t.Errorf("after the last repeat: %v, next %s", due(k), k.NextStep)
	}
}

// A tracker that slept takes every repeat it missed, in their order.
func TestRepeatsThatWereMissed(t *testing.T) {
	t.Parallel()
	p := burst(Step{ID: "yellow", Before: 60, Unit: Minutes, Level: "yellow", Repeat: Repeat{Every: 20, Unit: Minutes, Times: 9}},
		Step{ID: "red", Level: "red", Repeat: Repeat{Every: 1, Unit: Hours, Times: 2}})
	k := find(t, Evaluate(begin(t, "2026-07-13 09:00").events, p, cn2026(), at("2026-07-13 12:10")), ClockResolve, 0)
	// The yellow card is not said again once the red one has fallen due, at 11:00.
	if diff := cmp.Diff([]string{"10:00 yellow", "10:20 yellow#2", "10:40 yellow#3", "11:00 red", "12:00 red#2"}, due(k)); diff != "" {
		t.Error(diff)
	}
	if want := at("2026-07-13 13:00"); !k.NextStep.Equal(want) {
		t.Errorf("next %s, want %s", k.NextStep, want)
	}
}

func TestNoYellowCardAfterARedOne(t *testing.T) {
	t.Parallel()
	p := burst(Step{ID: "yellow", Before: 30, Unit: Minutes, Level: "yellow", Repeat: Repeat{Every: 10, Unit: Minutes, Times: 20}},
		Step{ID: "red", Level: "red"}, Step{ID: "supervise", After: 1, Unit: Hours, Level: "supervise"})
	s := begin(t, "2026-07-13 09:00").do("2026-07-13 09:00", ticket.Dispatch, unit("u1")).do("2026-07-13 09:05", ticket.Sign, on(1))
	if diff := cmp.Diff([]string{"10:30 yellow", "10:40 yellow#2", "10:50 yellow#3", "11:00 red"}, s.run(p, "2026-07-13 09:06", "2026-07-13 11:04", 1)); diff != "" {
		t.Fatal(diff)
	}
	s.do("2026-07-13 11:04", ticket.AskExtend, ticket.Details{Assignment: 1, Amount: 5, LimitUnit: "hours"}).do("2026-07-13 11:05", ticket.Extend, ticket.Details{Assignment: 1, Amount: 5, LimitUnit: "hours"}) // due at 16:00 now
	if diff := cmp.Diff([]string{"17:00 supervise"}, s.run(p, "2026-07-13 11:06", "2026-07-13 20:00", 1)); diff != "" {
		t.Errorf("the deadline moved behind a red card: %s", diff)
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	every := Repeat{Every: 10, Unit: Minutes, Times: 5}
	for until, act := range map[Until]func(*story){
		UntilSigned: func(s *story) { s.do("2026-07-13 11:15", ticket.Sign, on(1)) },
		UntilContacted: func(s *story) {
			s.do("2026-07-13 09:10", ticket.Sign, on(1)).do("2026-07-13 11:15", ticket.Contact, on(1))
		},
		UntilResolved: func(s *story) {
			s.do("2026-07-13 09:10", ticket.Sign, on(1)).do("2026-07-13 11:15", ticket.Resolve, on(1))
		},
	} {
		t.Run(string(until), func(t *testing.T) {
			t.Parallel()
			p := burst(Step{ID: "red", Level: "red", Until: until, Repeat: every})
			s := begin(t, "2026-07-13 09:00").do("2026-07-13 09:00", ticket.Dispatch, unit("u1"))
			if until == UntilSigned { // nobody does anything before the deadline
				if diff := cmp.Diff([]string{"11:00 red", "11:10 red#2"}, s.run(p, "2026-07-13 09:01", "2026-07-13 11:14", 0)); diff != "" {
					t.Fatal(diff)
				}
			}
			act(s)
			if got := s.run(p, "2026-07-13 11:16", "2026-07-13 14:00", 0); got != nil {
				t.Errorf("still said after it was %s: %v", until, got)
			}
		})
	}
}

// Who has the work is looked at, not who had it: a return begins anew.
func TestUntilLooksAtWhoHasTheWork(t *testing.T) {
	t.Parallel()
	p := burst(Step{ID: "red", Level: "red", Until: UntilSigned})
	s := begin(t, "2026-07-13 09:00").do("2026-07-13 09:00", ticket.Dispatch, unit("u1")).do("2026-07-13 09:05", ticket.Sign, on(1)).
		do("2026-07-13 09:10", ticket.Return, on(1)).do("2026-07-13 09:20", ticket.Dispatch, unit("u2"))
	if diff := cmp.Diff([]string{"11:00 red"}, s.run(p, "2026-07-13 09:21", "2026-07-13 11:30", 0)); diff != "" {
		t.Error(diff)
	}
}

func TestLadderRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		clock ClockName
		step  Step
		want  string
	}{
		"no interval":     {ClockResolve, Step{Repeat: Repeat{Times: 2}}, "repeat: every: "},
		"no times":        {ClockResolve, Step{Repeat: Repeat{Every: 1, Unit: Hours}}, "times 0: must be 1 or more"},
		"forever":         {ClockResolve, Step{Repeat: Repeat{Every: 1, Unit: Minutes, Times: 64}}, "at most 64 steps with their repeats, got 65"},
		"a mark":          {ClockResolve, Step{ID: "red#2"}, "may not hold #"},
		"unknown":         {ClockResolve, Step{Until: "tired"}, `until "tired": is not known`},
		"always over":     {ClockCallback, Step{Until: UntilResolved}, "could never be due"},
		"never over":      {ClockDispatch, Step{Until: UntilSigned}, "cannot come before the clock stops"},
		"replied is fine": {ClockDispatch, Step{Until: UntilReplied}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.step.ID == "" {
				tt.step.ID = "red"
			}
			tt.step.Level, tt.step.To = "red", []string{"head"}
			p := burst()
			p.Clocks[tt.clock] = ClockRule{Limit: Limit{Amount: 1, Unit: Hours}, Ladder: []Step{tt.step}}
			if err := p.Validate(); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAClockThatCanNeverMatter(t *testing.T) {
	t.Parallel()
	p := general()
	p.Clocks[ClockSign] = ClockRule{Limit: Limit{Amount: 6, Unit: WorkingDays}}
	want := "clock sign: 6 个工作日 can never matter: clock resolve ends after 5 个工作日"
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// However often and whenever the tracker looks: each rung once, never a milder one behind a harder one, and what is
// recorded in the end does not depend on when it looked.
func TestRepeatProperties(t *testing.T) {
	t.Parallel()
	p := burst(
		Step{ID: "remind", Before: 60, Unit: Minutes, Level: "remind", Repeat: Repeat{Every: 7, Unit: Minutes, Times: 12}},
		Step{ID: "yellow", Before: 20, Unit: Minutes, Level: "yellow", Repeat: Repeat{Every: 11, Unit: Minutes, Times: 4}},
		Step{ID: "red", After: 5, Unit: Minutes, Level: "red", Repeat: Repeat{Every: 30, Unit: Minutes, Times: 6}},
		Step{ID: "supervise", After: 1, Unit: WorkingHours, Level: "supervise"},
	)
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	end := at("2026-07-13 20:00")
	record := func(t testing.TB, looks []time.Time) []string {
		s := begin(t, "2026-07-13 09:00")
		var order []string
		for _, now := range append(looks, end) {
			k := find(t, Evaluate(s.events, p, cn2026(), now), ClockResolve, 0)
			for _, d := range k.Due {
				if err := s.try(now, ticket.Escalate, ticket.Details{Clock: "resolve", Step: d.Step.ID, Level: d.Step.Level}); err != nil {
					t.Fatal(err)
				}
				order = append(order, d.Step.ID)
			}
		}
		return order
	}
	want := record(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		minutes := rapid.SliceOfN(rapid.IntRange(0, 600), 0, 40).Draw(rt, "minutes")
		now, looks := at("2026-07-13 09:00"), []time.Time(nil)
		for _, m := range minutes { // a wall clock may go back between looks
			looks = append(looks, now.Add(time.Duration(m)*time.Minute))
		}
		got := record(t, looks)
		seen := map[string]bool{}
		for _, id := range got {
			if seen[id] {
				rt.Fatalf("%s twice in %v", id, got)
			}
			seen[id] = true
		}
		if len(looks) > 0 && isSorted(looks) && cmp.Diff(want, got) != "" {
			rt.Fatalf("looked at %v: %v, want %v", minutes, got, want)
		}
		level := map[string]int{"remind": 0, "yellow": 1, "red": 2, "supervise": 3}
		for i := 1; i < len(got); i++ {
			a, _, _ := strings.Cut(got[i-1], "#")
			b, _, _ := strings.Cut(got[i], "#")
			if level[b] < level[a] {
				rt.Fatalf("%s after %s: %v", b, a, got)
			}
		}
	})
}

func isSorted(times []time.Time) bool {
	for i := 1; i < len(times); i++ {
		if times[i].Before(times[i-1]) {
			return false
		}
	}
	return true
}

// Whatever a recorded step is called, it is one rung of the ladder or none.
func FuzzRung(f *testing.F) {
	ladder := []Step{{ID: "yellow"}, {ID: "red", Repeat: Repeat{Every: 1, Unit: Hours, Times: 3}}, {ID: "supervise"}}
	for _, id := range []string{"", "red", "red#2", "red#4", "red#5", "red#1", "red#", "#2", "yellow#2", "red#2#2", "red#99999999999999999999", "red#-2"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		at := rung(ladder, id)
		if at < -1 || at >= rungs(ladder) {
			t.Fatalf("%q is rung %d of %d", id, at, rungs(ladder))
		}
		if at < 0 {
			return
		}
		first := 0
		for i := range ladder {
			if n := at - first; n <= ladder[i].Repeat.Times {
				if name, _, _ := strings.Cut(id, repeatMark); name != ladder[i].ID {
					t.Fatalf("%q is taken for %s", id, ladder[i].ID)
				}
				return
			}
			first += 1 + ladder[i].Repeat.Times
		}
	})
}

// Whatever the deadline, a step counted in working days falls where somebody works, never later than asked
// for before a deadline and never earlier than asked for after it.
func TestStepsInWorkingDaysFallInWorkingTime(t *testing.T) {
	t.Parallel()
	c := cn2026()
	rapid.Check(t, func(t *rapid.T) {
		due := at("2026-03-01 00:00").Add(time.Duration(rapid.Int64Range(0, 200*24*60).Draw(t, "minute")) * time.Minute)
		n := rapid.IntRange(1, 10).Draw(t, "n")
		l := Limit{Amount: n, Unit: WorkingDays}
		before, asked := Step{Before: n, Unit: WorkingDays}.At(c, due), c.Back(due, l)
		if before.After(asked) || !c.atWork(before) {
			t.Fatalf("%d working days before %v: %v, asked %v", n, due, before, asked)
		}
		after, asked := Step{After: n, Unit: WorkingDays}.At(c, due), c.Forward(due, l)
		if after.Before(asked) || !c.atWork(after) {
			t.Fatalf("%d working days after %v: %v, asked %v", n, due, after, asked)
		}
	})
}
