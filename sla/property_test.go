package sla

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// randomPolicy draws limits for the clocks and keeps ladder and budget.
func randomPolicy(t *rapid.T) Policy {
	p := general()
	for _, name := range Clocks {
		r := p.Clocks[name]
		r.Limit = randomLimit(t)
		p.Clocks[name] = r
	}
	p.Budget.PauseTotal = Limit{Amount: rapid.IntRange(0, 10).Draw(t, "pause_total"), Unit: rapid.SampledFrom(LimitUnits).Draw(t, "unit")}
	return p
}

// someActions are drawn again and again; the illegal ones are left out by the ticket itself.
var someActions = []ticket.Action{
	ticket.Dispatch, ticket.Sign, ticket.Sign, ticket.Contact, ticket.Pause, ticket.Pause, ticket.Resume, ticket.Resume, ticket.AskExtend,
	ticket.Extend, ticket.Return, ticket.Withdraw, ticket.SendOn, ticket.AddUnit, ticket.Resolve, ticket.CallBack, ticket.Reopen,
	ticket.Close, ticket.Triage, ticket.Object, ticket.Arbitrate, ticket.Transfer, ticket.Merge, ticket.Urge,
}

// randomStory draws a legal history and returns it with the moment after its last event.
func randomStory(t *rapid.T, tb testing.TB) (s *story, end time.Time) {
	now := randomTime(t, "start")
	s = begin(tb, now.Format("2006-01-02 15:04"))
	for range rapid.IntRange(0, 25).Draw(t, "length") {
		now = now.Add(time.Duration(rapid.Int64Range(0, 3*dayMS).Draw(t, "gap")) * time.Millisecond)
		d := ticket.Details{
			Unit: "u", Assignment: rapid.IntRange(1, 3).Draw(t, "assignment"), Amount: rapid.IntRange(1, 5).Draw(t, "amount"),
			LimitUnit: string(rapid.SampledFrom(LimitUnits).Draw(t, "unit")), Other: ticket.ID{9}, Reached: yes(),
		}
		_ = s.try(now, rapid.SampledFrom(someActions).Draw(t, "action"), d) // refused ones are not recorded
	}
	return s, now
}

// recorded returns the history with every step that is due at now recorded by an escalate event.
func recorded(s *story, clocks []Clock, now time.Time) []ticket.Event {
	events := append([]ticket.Event(nil), s.events...)
	for _, k := range clocks {
		for _, d := range k.Due {
			events = append(events, ticket.Event{
				Ticket: s.ticket.ID, Seq: int64(len(events) + 1), At: now, Action: ticket.Escalate,
				Details: ticket.Details{Clock: string(k.Name), Assignment: k.Assignment, Step: d.Step.ID, Level: d.Step.Level},
			})
		}
	}
	return events
}

// TestLadderProperties: on any legal history, steps are never lost while nobody records them, are
// gone for good once recorded, and NextLook never lets a moment pass at which something happens.
func TestLadderProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := randomPolicy(rt)
		s, now := randomStory(rt, t)
		now = now.Add(time.Duration(rapid.Int64Range(0, 20*dayMS).Draw(rt, "later")) * time.Millisecond)
		clocks := Evaluate(s.events, p, cn2026(), now)
		if diff := cmp.Diff(clocks, Evaluate(s.events, p, cn2026(), now)); diff != "" {
			rt.Fatalf("not the same twice: %s", diff)
		}

		next := now.Add(time.Duration(rapid.Int64Range(1, 20*dayMS).Draw(rt, "more")) * time.Millisecond)
		after := Evaluate(s.events, p, cn2026(), next)
		for i, k := range clocks {
			for _, d := range k.Due {
				if !hasStep(after[i], d.Step.ID) {
					rt.Fatalf("step %s of %s was due at %v and is lost at %v", d.Step.ID, line(k), now, next)
				}
			}
		}

		quiet := recorded(s, clocks, now)
		for _, k := range Evaluate(quiet, p, cn2026(), now) {
			if len(k.Due) > 0 {
				rt.Fatalf("recorded, and due again: %s", line(k))
			}
		}
		look, ok := NextLook(Evaluate(quiet, p, cn2026(), now))
		if ok && !look.After(now) {
			rt.Fatalf("nothing is due at %v, and yet it wants a look at %v", now, look)
		}
		if ok {
			next = look.Add(-time.Millisecond)
		}
		for i, k := range Evaluate(quiet, p, cn2026(), next) {
			if len(k.Due) > 0 || k.State != clocks[i].State || k.Overdue != clocks[i].Overdue {
				rt.Fatalf("something happens at %v, before the look at %v: %s was %s", next, look, line(k), line(clocks[i]))
			}
		}
	})
}

func hasStep(k Clock, id string) bool {
	for _, d := range k.Due {
		if d.Step.ID == id {
			return true
		}
	}
	return false
}

// TestPauseProperties: a pause never shortens a deadline, and to split it changes nothing.
func TestPauseProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := randomPolicy(rt)
		start := randomTime(rt, "start")
		gap := func(label string) time.Duration {
			return time.Duration(rapid.Int64Range(0, 6*dayMS).Draw(rt, label)) * time.Millisecond
		}
		pause := start.Add(time.Hour).Add(gap("before"))
		middle := pause.Add(gap("first"))
		resume := middle.Add(gap("second"))
		now := resume.Add(gap("after"))
		tell := func(moves ...time.Time) []Clock {
			s := begin(t, start.Format("2006-01-02 15:04"))
			for _, m := range []struct {
				a ticket.Action
				d ticket.Details
			}{{ticket.Dispatch, unit("u1")}, {ticket.Sign, on(1)}} {
				if err := s.try(start.Add(time.Minute), m.a, m.d); err != nil {
					rt.Fatal(err)
				}
			}
			for i, m := range moves {
				if err := s.try(m, []ticket.Action{ticket.Pause, ticket.Resume}[i%2], on(1)); err != nil {
					rt.Fatal(err)
				}
			}
			return Evaluate(s.events, p, cn2026(), now)
		}
		without, whole, split := tell(), tell(pause, resume), tell(pause, middle, middle, resume)
		if diff := cmp.Diff(whole, split, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("splitting the pause %v–%v at %v changes: %s", pause, resume, middle, diff)
		}
		shorter := tell(pause, middle)
		for i, k := range whole {
			if k.DueAt.Before(without[i].DueAt) || k.DueAt.Before(shorter[i].DueAt) {
				rt.Fatalf("the pause shortens %s to %s (half of it: %s)", line(without[i]), line(k), line(shorter[i]))
			}
		}
	})
}

// TestQuietActions: what is only said changes no clock.
func TestQuietActions(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1"))
	before := s.clocks("2026-02-26 10:00")
	for _, a := range []ticket.Action{ticket.Amend, ticket.Note, ticket.Supplement, ticket.Urge, ticket.Supervise, ticket.Reveal, ticket.Repeat} {
		s.do("2026-02-25 10:00", a, ticket.Details{Urgency: ticket.UrgencyUrgent, Category: "03.02"})
	}
	if diff := cmp.Diff(before, s.clocks("2026-02-26 10:00"), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestEvaluateStopsAtUnknownEvents(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00")
	want := s.clocks("2026-02-26 10:00")
	newer := ticket.Event{Ticket: s.ticket.ID, Seq: 2, At: at("2026-02-24 11:00"), Action: "teleport"}
	if diff := cmp.Diff(want, Evaluate(append(s.events, newer), general(), cn2026(), at("2026-02-26 10:00"))); diff != "" {
		t.Error(diff)
	}
	if got := Evaluate(nil, general(), cn2026(), at("2026-02-26 10:00")); len(got) != 0 {
		t.Errorf("no events, but %v", lines(got))
	}
	if got := Evaluate(s.events, Policy{}, cn2026(), at("2026-02-26 10:00")); len(got) != 0 {
		t.Errorf("no rules, but %v", lines(got))
	}
}

func TestNextLook(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00")
	want := func(now, look string) {
		t.Helper()
		got, ok := NextLook(s.clocks(now))
		if !ok || !got.Equal(at(look)) {
			t.Errorf("%s: look at %v (%v), want %s", now, got, ok, look)
		}
	}
	want("2026-02-24 10:00", "2026-02-24 12:00")
	want("2026-02-24 12:00", "2026-02-24 12:00")
	s.do("2026-02-24 12:00", ticket.Escalate, ticket.Details{Clock: "dispatch", Step: "due"})
	want("2026-02-24 12:00", "2026-02-24 12:00:00.001")
	want("2026-02-24 12:01", "2026-02-27 17:30")
	s.do("2026-02-24 13:00", ticket.Dispatch, unit("u1")).do("2026-02-24 13:30", ticket.Sign, on(1))
	want("2026-02-24 13:30", "2026-02-26 00:00") // the first contact is overdue
	s.do("2026-02-25 09:00", ticket.Pause, ticket.Details{Assignment: 1, Until: at("2026-02-26 09:00")})
	want("2026-02-25 09:00", "2026-02-26 09:00")
	s.do("2026-02-25 10:00", ticket.Resume, on(1)).do("2026-02-25 11:00", ticket.Resolve, on(1)).
		do("2026-02-25 12:00", ticket.CallBack, ticket.Details{Reached: yes()}).do("2026-02-25 12:00", ticket.Close, ticket.Details{})
	if look, ok := NextLook(s.clocks("2026-02-25 12:00")); ok {
		t.Errorf("a closed ticket wants a look at %v", look)
	}
	if _, ok := NextLook(nil); ok {
		t.Error("no clocks want no look")
	}
}

// BenchmarkEvaluate: a ticket of 40 events, as a contested one has; the aim is 20 µs.
func BenchmarkEvaluate(b *testing.B) {
	s := contested(b)
	if len(s.events) != 40 {
		b.Fatalf("%d events", len(s.events))
	}
	p, now := general(), at("2026-03-20 10:00")
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(s.events, p, cn2026(), now)
	}
}

// contested is returned, paused, extended, reopened and talked about.
func contested(t testing.TB) *story {
	s := begin(t, "2026-02-13 10:00").do("2026-02-13 11:00", ticket.Dispatch, unit("u1")).do("2026-02-13 14:00", ticket.Return, on(1)).
		do("2026-02-14 09:00", ticket.Dispatch, ticket.Details{Unit: "u2", Units: []string{"u3"}}).
		do("2026-02-14 09:30", ticket.Sign, on(2)).do("2026-02-14 09:40", ticket.Sign, on(3)).do("2026-02-14 10:00", ticket.Contact, on(2)).
		do("2026-02-14 11:00", ticket.Pause, on(2)).do("2026-02-25 11:00", ticket.Resume, on(2)).
		do("2026-02-25 11:30", ticket.Pause, on(2)).do("2026-02-26 11:00", ticket.Resume, on(2))
	d := ticket.Details{Assignment: 2, Amount: 3, LimitUnit: "working_days"}
	s.do("2026-02-26 14:00", ticket.AskExtend, d).do("2026-02-26 15:00", ticket.Extend, d).
		do("2026-02-27 10:00", ticket.Resolve, on(3)).do("2026-03-02 10:00", ticket.Resolve, on(2)).
		do("2026-03-03 10:00", ticket.CallBack, ticket.Details{Reached: yes()}).do("2026-03-03 10:01", ticket.Reopen, ticket.Details{}).
		do("2026-03-03 11:00", ticket.Sign, on(4))
	for len(s.events) < 40 {
		s.do("2026-03-04 10:00", ticket.Urge, ticket.Details{}).do("2026-03-04 10:00", ticket.Note, ticket.Details{})
	}
	return s
}
