package sla

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

// general is a policy with all clocks: 5 working days to resolve, as Shandong's rule of 2020 has it.
func general() Policy {
	return Policy{
		ID: "general", Version: 1, Title: "一般诉求", Calendar: "cn",
		Clocks: map[ClockName]ClockRule{
			ClockDispatch: {Limit: Limit{Amount: 2, Unit: Hours}, Ladder: []Step{{ID: "due", Level: "remind", To: []string{"duty"}}}},
			ClockSign:     {Limit: Limit{Amount: 4, Unit: WorkingHours}, Ladder: []Step{{ID: "late", After: 1, Unit: WorkingHours, Level: "yellow", To: []string{"head"}}}},
			ClockContact:  {Limit: Limit{Amount: 1, Unit: WorkingDays}},
			ClockResolve: {Limit: Limit{Amount: 5, Unit: WorkingDays}, Ladder: []Step{
				{ID: "remind", Before: 2, Unit: WorkingDays, Level: "remind", To: []string{"handler"}},
				{ID: "yellow", Before: 1, Unit: WorkingDays, Level: "yellow", To: []string{"handler", "head"}},
				{ID: "red", Level: "red", To: []string{"head", "duty"}},
				{ID: "supervise", After: 5, Unit: WorkingDays, Level: "supervise", To: []string{"supervision"}},
			}},
			ClockCallback: {Limit: Limit{Amount: 1, Unit: WorkingDays}},
		},
		Budget: Budget{
			Pauses: 3, PauseTotal: Limit{Amount: 10, Unit: WorkingDays},
			Extensions: 2, ExtensionMost: Limit{Amount: 10, Unit: WorkingDays},
		},
	}
}

// story writes a ticket's history by legal commands.
type story struct {
	t      testing.TB
	ticket ticket.Ticket
	events []ticket.Event
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func begin(t testing.TB, when string, change ...func(*ticket.Registration)) *story {
	t.Helper()
	r := ticket.Registration{
		Number: ticket.FormatNumber("LY", date("2026-02-13"), 1), Channel: "form", Key: "k", Kind: ticket.KindCase,
		Source: ticket.SourceCitizen, Type: ticket.TypeHelp, Urgency: ticket.UrgencyNormal, Policy: "general@1", ReceivedAt: at(when),
	}
	for _, c := range change {
		c(&r)
	}
	id, err := ticket.NewID(at(when), zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t}
	first, e, err := ticket.New(id, ticket.Command{Action: ticket.Register, Details: ticket.Details{Registration: &r}}, at(when), zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	s.ticket, s.events = first, []ticket.Event{e}
	return s
}

// do carries out a command, completed with the parts every action may need.
func (s *story) do(when string, action ticket.Action, d ticket.Details) *story {
	s.t.Helper()
	if err := s.try(at(when), action, d); err != nil {
		s.t.Fatalf("%s %s: %v", when, action, err)
	}
	return s
}

func (s *story) try(when time.Time, action ticket.Action, d ticket.Details) error {
	who := ticket.Actor{Kind: ticket.ActorUser, ID: "who does " + string(action)} // each is another person's
	cmd := ticket.Command{Action: action, Actor: who, Details: d, Cause: ticket.Cause{Reason: "r"}, Private: &ticket.Private{PublicReply: "已办结", Note: "n"}}
	e, err := s.ticket.Do(cmd, when, zeroes{})
	if err == nil {
		s.events = append(s.events, e)
	}
	return err
}

// on names an assignment.
func on(no int) ticket.Details { return ticket.Details{Assignment: no} }

func unit(id string) ticket.Details { return ticket.Details{Unit: id} }

func yes() *bool { v := true; return &v }

func (s *story) clocks(now string) []Clock { return Evaluate(s.events, general(), cn2026(), at(now)) }

func find(t testing.TB, clocks []Clock, name ClockName, assignment int) Clock {
	t.Helper()
	for _, k := range clocks {
		if k.Name == name && k.Assignment == assignment {
			return k
		}
	}
	t.Fatalf("no clock %s of assignment %d in %+v", name, assignment, clocks)
	return Clock{}
}

// line is a clock in short: name/assignment state due, with ! when overdue and the steps due.
func line(k Clock) string {
	var b strings.Builder
	b.WriteString(string(k.Name) + "/" + string(rune('0'+k.Assignment)) + " " + string(k.State) + " " + cn2026().Words(k.DueAt))
	if k.Overdue {
		b.WriteString("!")
	}
	for _, d := range k.Due {
		b.WriteString(" " + d.Step.ID)
	}
	return b.String()
}

func lines(clocks []Clock) []string {
	out := make([]string, len(clocks))
	for i, k := range clocks {
		out[i] = line(k)
	}
	return out
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		story func(t testing.TB) *story
		now   string
		want  []string
	}{
		"registered": {
			func(t testing.TB) *story { return begin(t, "2026-02-13 10:00") },
			"2026-02-13 12:00",
			[]string{"dispatch/0 running 2026年2月13日（周五）12:00 due", "resolve/0 running 2026年2月27日（周五）24:00"},
		},
		"answered at once": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-13 10:00").do("2026-02-13 10:05", ticket.Answer, ticket.Details{})
			},
			"2026-05-13 12:00",
			[]string{"dispatch/0 met 2026年2月13日（周五）12:00", "resolve/0 met 2026年2月27日（周五）24:00"},
		},
		"declined too late for the dispatch": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-13 10:00").do("2026-02-13 14:00", ticket.Decline, ticket.Details{})
			},
			"2026-02-13 15:00",
			[]string{"dispatch/0 missed 2026年2月13日（周五）12:00!", "resolve/0 met 2026年2月27日（周五）24:00"},
		},
		"the whole way": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-13 10:00").do("2026-02-13 11:00", ticket.Dispatch, ticket.Details{Unit: "u1", Units: []string{"u2"}}).
					do("2026-02-13 14:30", ticket.Sign, on(1)).do("2026-02-14 10:00", ticket.Contact, on(1)).
					do("2026-02-14 11:00", ticket.Sign, on(2)).do("2026-02-24 10:00", ticket.Resolve, on(2)).
					do("2026-02-25 10:00", ticket.Resolve, on(1)).
					do("2026-02-25 15:00", ticket.CallBack, ticket.Details{Reached: new(bool)}).
					do("2026-02-27 09:00", ticket.CallBack, ticket.Details{Reached: yes()}).
					do("2026-02-27 09:01", ticket.Close, ticket.Details{})
			},
			"2026-03-27 09:00",
			[]string{
				"dispatch/0 met 2026年2月13日（周五）12:00", "resolve/0 met 2026年2月27日（周五）24:00",
				"sign/1 met 2026年2月13日（周五）16:30", "contact/1 met 2026年2月14日（周六）24:00", "resolve/1 met 2026年2月27日（周五）24:00",
				"sign/2 missed 2026年2月13日（周五）16:30!", "resolve/2 met 2026年2月27日（周五）24:00",
				"callback/1 missed 2026年2月26日（周四）24:00!",
			},
		},
		"returned and sent elsewhere": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).
					do("2026-02-25 11:00", ticket.Return, on(1)).do("2026-02-26 10:00", ticket.Dispatch, unit("u2")).
					do("2026-02-26 11:00", ticket.Sign, on(2))
			},
			"2026-02-27 10:00",
			[]string{
				"dispatch/0 met 2026年2月24日（周二）12:00", "resolve/0 running 2026年3月2日（周一）24:00",
				"sign/1 cancelled 2026年2月24日（周二）16:30!", "contact/1 cancelled 2026年2月25日（周三）24:00", "resolve/1 cancelled 2026年3月2日（周一）24:00",
				"sign/2 met 2026年2月26日（周四）15:30", "contact/2 running 2026年2月27日（周五）24:00", "resolve/2 running 2026年3月4日（周三）24:00",
			},
		},
		"sent on below": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).
					do("2026-02-24 11:10", ticket.SendOn, ticket.Details{Assignment: 1, Unit: "u1.1"})
			},
			"2026-02-24 12:00",
			[]string{
				"dispatch/0 met 2026年2月24日（周二）12:00", "resolve/0 running 2026年3月2日（周一）24:00",
				"sign/1 met 2026年2月24日（周二）16:30", "contact/1 running 2026年2月25日（周三）24:00", "resolve/1 running 2026年3月2日（周一）24:00",
				"sign/2 running 2026年2月24日（周二）16:40", "resolve/2 running 2026年3月2日（周一）24:00",
			},
		},
		"merged": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).
					do("2026-02-24 11:10", ticket.Merge, ticket.Details{Other: ticket.ID{9}})
			},
			"2026-06-24 12:00",
			[]string{
				"dispatch/0 met 2026年2月24日（周二）12:00", "resolve/0 cancelled 2026年3月2日（周一）24:00",
				"sign/1 cancelled 2026年2月24日（周二）16:30", "contact/1 cancelled 2026年2月25日（周三）24:00", "resolve/1 cancelled 2026年3月2日（周一）24:00",
			},
		},
		"merged by mistake": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 10:00", ticket.Merge, ticket.Details{Other: ticket.ID{9}}).
					do("2026-02-24 11:10", ticket.LinkTo, ticket.Details{Other: ticket.ID{9}, Relation: ticket.LinkDistinct})
			},
			"2026-02-24 11:20",
			[]string{"dispatch/0 running 2026年2月24日（周二）12:00", "resolve/0 running 2026年3月2日（周一）24:00"},
		},
		"reopened when overdue": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).
					do("2026-02-24 11:30", ticket.Sign, on(1)).do("2026-02-24 16:00", ticket.Resolve, on(1)).
					do("2026-03-04 10:00", ticket.Reopen, ticket.Details{})
			},
			"2026-03-04 10:00",
			[]string{
				"dispatch/0 met 2026年2月24日（周二）12:00", "resolve/0 running 2026年3月2日（周一）24:00! remind yellow red",
				"sign/1 met 2026年2月24日（周二）16:30", "contact/1 met 2026年2月25日（周三）24:00", "resolve/1 met 2026年3月2日（周一）24:00",
				"callback/1 cancelled 2026年2月25日（周三）24:00!",
				"sign/2 running 2026年3月4日（周三）15:30", "contact/2 running 2026年3月5日（周四）24:00", "resolve/2 running 2026年3月11日（周三）24:00",
			},
		},
		"an alarm wants no callback": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00", func(r *ticket.Registration) { r.Source = ticket.SourceMachine }).
					do("2026-02-24 10:01", ticket.Dispatch, unit("u1")).
					do("2026-02-24 10:02", ticket.Sign, on(1)).do("2026-02-24 10:03", ticket.Contact, on(1)).do("2026-02-24 16:00", ticket.Resolve, on(1))
			},
			"2026-06-24 16:00",
			[]string{
				"dispatch/0 met 2026年2月24日（周二）12:00", "resolve/0 met 2026年3月2日（周一）24:00",
				"sign/1 met 2026年2月24日（周二）15:31", "contact/1 met 2026年2月25日（周三）24:00", "resolve/1 met 2026年3月2日（周一）24:00",
			},
		},
		"historic counts from the receipt": {
			func(t testing.TB) *story {
				return begin(t, "2026-04-24 10:00", func(r *ticket.Registration) {
					r.Historic, r.ReceivedAt = true, at("2026-02-13 10:00")
				})
			},
			"2026-04-24 10:00",
			[]string{"dispatch/0 running 2026年2月13日（周五）12:00! due", "resolve/0 running 2026年2月27日（周五）24:00! remind yellow red supervise"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clocks := tt.story(t).clocks(tt.now)
			if diff := cmp.Diff(tt.want, lines(clocks)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCitizenWithoutCallback(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00", func(r *ticket.Registration) { r.NoCallback = true }).
		do("2026-02-24 10:01", ticket.Dispatch, unit("u1")).do("2026-02-24 10:02", ticket.Sign, on(1)).do("2026-02-24 16:00", ticket.Resolve, on(1))
	for _, k := range s.clocks("2026-02-24 17:00") {
		if k.Name == ClockCallback {
			t.Errorf("%+v", k)
		}
	}
}

// TestPause: registered Fri 02-27, due Fri 03-06; a pause of two working days in between.
func TestPause(t *testing.T) {
	t.Parallel()
	handled := func(t testing.TB) *story {
		return begin(t, "2026-02-27 10:00").do("2026-02-27 10:30", ticket.Dispatch, ticket.Details{Unit: "u1", Units: []string{"u2"}}).
			do("2026-02-27 10:40", ticket.Sign, on(1)).do("2026-02-27 10:40", ticket.Sign, on(2))
	}
	t.Run("two working days", func(t *testing.T) {
		t.Parallel()
		s := handled(t).do("2026-03-02 11:00", ticket.Pause, on(1)).do("2026-03-04 11:00", ticket.Resume, on(1))
		clocks := s.clocks("2026-03-04 12:00")
		for _, assignment := range []int{0, 1} {
			k := find(t, clocks, ClockResolve, assignment)
			if !k.DueAt.Equal(at("2026-03-09 23:59:59.999")) || k.Paused != 14*time.Hour || k.State != Running {
				t.Errorf("%s, paused %v", line(k), k.Paused)
			}
		}
		if k := find(t, clocks, ClockResolve, 2); !k.DueAt.Equal(at("2026-03-05 23:59:59.999")) || k.Paused != 0 {
			t.Errorf("the assisting unit was not paused: %s", line(k))
		}
	})
	t.Run("part of a day", func(t *testing.T) {
		t.Parallel()
		k := find(t, handled(t).do("2026-03-02 10:00", ticket.Pause, on(1)).do("2026-03-02 12:30", ticket.Resume, on(1)).
			clocks("2026-03-02 13:00"), ClockResolve, 0)
		if !k.DueAt.Equal(at("2026-03-06 11:00")) || k.Paused != 2*time.Hour {
			t.Errorf("%s, paused %v", line(k), k.Paused)
		}
	})
	t.Run("at night", func(t *testing.T) {
		t.Parallel()
		k := find(t, handled(t).do("2026-03-02 20:00", ticket.Pause, on(1)).do("2026-03-03 08:00", ticket.Resume, on(1)).
			clocks("2026-03-03 09:00"), ClockResolve, 0)
		if !k.DueAt.Equal(at("2026-03-05 23:59:59.999")) || k.Paused != 0 {
			t.Errorf("%s, paused %v", line(k), k.Paused)
		}
	})
	t.Run("going on", func(t *testing.T) {
		t.Parallel()
		clocks := handled(t).do("2026-03-04 09:00", ticket.Pause, on(1)).clocks("2026-03-06 09:00")
		k := find(t, clocks, ClockResolve, 0)
		if k.State != Held || k.Overdue || len(k.Due) > 0 || !k.DueAt.Equal(at("2026-03-09 23:59:59.999")) {
			t.Errorf("%s", line(k))
		}
		if want := at("2026-03-17 17:30"); !k.HeldUntil.Equal(want) {
			t.Errorf("held until %v, want the tenth working day's end %v", k.HeldUntil, want)
		}
		if k := find(t, clocks, ClockContact, 1); k.State != Held {
			t.Errorf("a pause holds every clock of the assignment: %s", line(k))
		}
	})
	t.Run("beyond the budget", func(t *testing.T) {
		t.Parallel()
		s := handled(t).do("2026-03-04 09:00", ticket.Pause, on(1))
		k := find(t, s.clocks("2026-03-20 09:00"), ClockResolve, 0)
		if k.State != Running || k.Paused != 70*time.Hour || !k.HeldUntil.IsZero() || !k.DueAt.Equal(at("2026-03-19 23:59:59.999")) {
			t.Errorf("%s, paused %v, held until %v", line(k), k.Paused, k.HeldUntil)
		}
		again := find(t, s.do("2026-03-21 09:00", ticket.Resume, on(1)).do("2026-03-23 09:00", ticket.Pause, on(1)).
			clocks("2026-04-23 09:00"), ClockResolve, 0)
		if !again.DueAt.Equal(k.DueAt) || again.State != Running {
			t.Errorf("after the budget is used up: %s", line(again))
		}
	})
	t.Run("as long as approved", func(t *testing.T) {
		t.Parallel()
		s := handled(t).do("2026-03-04 09:00", ticket.Pause, ticket.Details{Assignment: 1, Until: at("2026-03-05 09:00")})
		k := find(t, s.clocks("2026-03-04 12:00"), ClockResolve, 0)
		if k.State != Held || !k.HeldUntil.Equal(at("2026-03-05 09:00")) {
			t.Errorf("%s, held until %v", line(k), k.HeldUntil)
		}
		k = find(t, s.clocks("2026-03-08 12:00"), ClockResolve, 0)
		if k.State != Running || !k.DueAt.Equal(at("2026-03-06 23:59:59.999")) {
			t.Errorf("%s", line(k))
		}
		s.do("2026-03-09 09:00", ticket.Resume, on(1))
		if again := find(t, s.clocks("2026-03-09 12:00"), ClockResolve, 0); !again.DueAt.Equal(k.DueAt) {
			t.Errorf("resumed late: %s", line(again))
		}
	})
	t.Run("an assisting unit", func(t *testing.T) {
		t.Parallel()
		clocks := handled(t).do("2026-03-03 09:00", ticket.Pause, on(2)).clocks("2026-03-04 09:00")
		if k := find(t, clocks, ClockResolve, 2); k.State != Held {
			t.Errorf("%s", line(k))
		}
		if k := find(t, clocks, ClockResolve, 0); k.State != Running || !k.DueAt.Equal(at("2026-03-05 23:59:59.999")) {
			t.Errorf("the lead works on: %s", line(k))
		}
	})
	t.Run("a policy without a budget", func(t *testing.T) {
		t.Parallel()
		p := general()
		p.Budget = Budget{}
		s := handled(t).do("2026-03-04 09:00", ticket.Pause, on(1))
		k := find(t, Evaluate(s.events, p, cn2026(), at("2026-03-06 09:00")), ClockResolve, 0)
		if k.State != Running || !k.DueAt.Equal(at("2026-03-05 23:59:59.999")) || !k.Overdue {
			t.Errorf("%s", line(k))
		}
	})
	t.Run("wall time", func(t *testing.T) {
		t.Parallel()
		p := general()
		p.Clocks[ClockResolve] = ClockRule{Limit: Limit{Amount: 7, Unit: NaturalDays}}
		s := handled(t).do("2026-02-28 20:00", ticket.Pause, on(1)).do("2026-03-02 23:00", ticket.Resume, on(1))
		k := find(t, Evaluate(s.events, p, cn2026(), at("2026-03-04 09:00")), ClockResolve, 0)
		if k.Paused != 51*time.Hour || !k.DueAt.Equal(at("2026-03-06 23:59:59.999").Add(51*time.Hour)) {
			t.Errorf("%s, paused %v", line(k), k.Paused)
		}
	})
}

func TestExtend(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).do("2026-02-24 11:30", ticket.Sign, on(1))
	extend := func(when string, amount int, unit LimitUnit) {
		d := ticket.Details{Assignment: 1, Amount: amount, LimitUnit: string(unit)}
		s.do(when, ticket.AskExtend, d).do(when, ticket.Extend, d)
	}
	check := func(now, due string, extended int) {
		t.Helper()
		for _, assignment := range []int{0, 1} {
			k := find(t, s.clocks(now), ClockResolve, assignment)
			if !k.DueAt.Equal(at(due)) || k.Extended != extended {
				t.Errorf("%s: %s, extended %d; want %s, %d", now, line(k), k.Extended, due, extended)
			}
		}
	}
	check("2026-02-25 09:00", "2026-03-02 23:59:59.999", 0)
	s.do("2026-02-25 09:00", ticket.AskExtend, ticket.Details{Assignment: 1, Amount: 3, LimitUnit: "working_days"})
	check("2026-02-25 09:00", "2026-03-02 23:59:59.999", 0)
	s.do("2026-02-25 09:30", ticket.RefuseExtend, on(1))
	extend("2026-02-25 10:00", 3, "")
	check("2026-02-25 10:00", "2026-03-05 23:59:59.999", 3)
	extend("2026-02-25 11:00", 2, NaturalDays)
	check("2026-02-25 11:00", "2026-03-07 23:59:59.999", 4) // a Saturday
	extend("2026-02-25 12:00", 90, WorkingDays)
	check("2026-02-25 12:00", "2026-03-16 23:59:59.999", 10)
	extend("2026-02-25 13:00", 3, "fortnights")
	check("2026-02-25 13:00", "2026-03-16 23:59:59.999", 10)
}

func TestLadder(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).do("2026-02-24 11:30", ticket.Sign, on(1)).
		do("2026-02-24 11:40", ticket.Contact, on(1))
	steps := func(now string) []string {
		k := find(t, s.clocks(now), ClockResolve, 1)
		var ids []string
		for _, d := range k.Due {
			ids = append(ids, d.Step.ID)
		}
		return append(ids, k.NextStep.In(cn2026().Zone()).Format("01-02 15:04:05"))
	}
	fire := func(when, step string) {
		t.Helper()
		s.do(when, ticket.Escalate, ticket.Details{Clock: "resolve", Assignment: 1, Step: step, Level: "remind"})
	}
	check := func(now string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, steps(now)); diff != "" {
			t.Errorf("%s: %s", now, diff)
		}
	}
	check("2026-02-27 17:29", "02-27 17:30:00")           // nobody reads a reminder at midnight
	check("2026-02-27 17:30", "remind", "02-28 17:30:00") // 02-28 is a make-up workday
	fire("2026-02-28 00:00", "remind")
	check("2026-02-28 00:00", "02-28 17:30:00")
	check("2026-03-20 00:00", "yellow", "red", "supervise", "01-01 08:05:43") // the zero time: no step is left
	fire("2026-03-20 00:00", "yellow")
	fire("2026-03-20 00:00", "nonsense")
	check("2026-03-20 00:00", "red", "supervise", "01-01 08:05:43")

	// An extension moves what is still to come, and never brings back what was done.
	d := ticket.Details{Assignment: 1, Amount: 10}
	s.do("2026-03-20 00:00", ticket.AskExtend, d).do("2026-03-20 00:00", ticket.Extend, d)
	check("2026-03-20 00:00", "red", "03-24 09:00:00")

	// The citizen's clock has its own record.
	if k := find(t, s.clocks("2026-03-13 00:00"), ClockResolve, 0); k.Due == nil || k.Due[0].Step.ID != "remind" {
		t.Errorf("%s", line(k))
	}
	s.do("2026-03-20 01:00", ticket.Resolve, on(1))
	if k := find(t, s.clocks("2026-06-20 00:00"), ClockResolve, 1); k.Due != nil || !k.NextStep.IsZero() || k.State != Missed {
		t.Errorf("a stopped clock has no steps: %s", line(k))
	}
}

// TestStepsAfterReopening: what passed while the ticket was resolved is due on reopening.
func TestStepsAfterReopening(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).do("2026-02-24 11:30", ticket.Sign, on(1)).
		do("2026-02-24 12:00", ticket.Resolve, on(1)).do("2026-03-04 09:00", ticket.Reopen, ticket.Details{})
	for _, d := range find(t, s.clocks("2026-03-04 10:00"), ClockResolve, 0).Due {
		if !d.At.Equal(at("2026-03-04 09:00")) {
			t.Errorf("step %s fell due %v, while the clock stood", d.Step.ID, d.At)
		}
	}
}

// TestSecondCallback: each resolution has a callback clock of its own, told apart by assignment.
func TestSecondCallback(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 11:00", ticket.Dispatch, unit("u1")).do("2026-02-24 11:30", ticket.Sign, on(1)).
		do("2026-02-24 12:00", ticket.Resolve, on(1)).do("2026-02-25 09:00", ticket.CallBack, ticket.Details{Reached: yes()}).
		do("2026-02-25 09:10", ticket.Reopen, ticket.Details{}).do("2026-02-25 09:20", ticket.Sign, on(2)).do("2026-02-25 10:00", ticket.Resolve, on(2))
	if k := find(t, s.clocks("2026-02-25 10:00"), ClockCallback, 1); k.State != Met {
		t.Errorf("%s", line(k))
	}
	if k := find(t, s.clocks("2026-02-25 10:00"), ClockCallback, 2); k.State != Running || !k.StartedAt.Equal(at("2026-02-25 10:00")) {
		t.Errorf("%s", line(k))
	}
	if k := find(t, s.clocks("2026-02-25 10:00"), ClockResolve, 0); k.State != Met || !k.StoppedAt.Equal(at("2026-02-25 10:00")) {
		t.Errorf("%s", line(k))
	}
}
