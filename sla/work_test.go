package sla

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// working is the general policy with a ruling and a redo.
func working() Policy {
	p := general()
	p.Clocks[ClockArbitrate] = ClockRule{Limit: Limit{Amount: 1, Unit: WorkingDays}}
	p.Clocks[ClockRedo] = ClockRule{Limit: Limit{Amount: 2, Unit: WorkingDays}, Ladder: []Step{{ID: "red", Level: "red", To: []string{"head"}}}}
	return p
}

func TestClocksOfDisputesAndRedos(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		story func(testing.TB) *story
		now   string
		want  []string
	}{
		"an owner is disputed and ruled": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).
					do("2026-02-25 09:00", ticket.Object, on(1)).do("2026-02-26 09:00", ticket.Arbitrate, unit("u2"))
			},
			"2026-02-26 10:00",
			[]string{
				"dispatch/0 met", "resolve/0 running", "sign/1 u1 cancelled!", "contact/1 u1 cancelled", "resolve/1 u1 cancelled",
				"arbitrate/1 met", "sign/2 u2 running", "contact/2 u2 running", "resolve/2 u2 running",
			},
		},
		"a ruling that comes too late": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).
					do("2026-02-24 11:00", ticket.Object, on(1)).do("2026-02-26 00:00", ticket.Arbitrate, unit("u2"))
			},
			"2026-02-26 10:00",
			[]string{
				"dispatch/0 met", "resolve/0 running", "sign/1 u1 cancelled", "contact/1 u1 cancelled", "resolve/1 u1 cancelled",
				"arbitrate/1 missed!", "sign/2 u2 running", "contact/2 u2 running", "resolve/2 u2 running",
			},
		},
		"a dispute ends with its ticket": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).
					do("2026-02-24 11:00", ticket.Object, on(1)).do("2026-02-24 12:00", ticket.Decline, ticket.Details{})
			},
			"2026-02-26 10:00",
			[]string{
				"dispatch/0 met", "resolve/0 met", "sign/1 u1 cancelled", "contact/1 u1 cancelled", "resolve/1 u1 cancelled", "arbitrate/1 met",
			},
		},
		"what is redone has the limit of a redo, in every unit": {
			func(t testing.TB) *story {
				return begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).do("2026-02-24 10:20", ticket.Sign, on(1)).
					do("2026-02-24 11:00", ticket.Contact, on(1)).do("2026-02-24 12:00", ticket.Resolve, on(1)).
					do("2026-02-25 09:00", ticket.Reopen, ticket.Details{}).do("2026-02-25 10:00", ticket.Return, on(2)).
					do("2026-02-25 11:00", ticket.Dispatch, unit("u2")).do("2026-02-25 11:10", ticket.Sign, on(3)).
					do("2026-02-25 11:20", ticket.Contact, on(3)).do("2026-02-26 11:00", ticket.Resolve, on(3))
			},
			"2026-02-26 12:00",
			[]string{
				"dispatch/0 met", "resolve/0 met", "sign/1 u1 met", "contact/1 u1 met", "resolve/1 u1 met", "callback/1 cancelled",
				"sign/2 u1 cancelled", "contact/2 u1 cancelled", "redo/2 u1 cancelled", "sign/3 u2 met", "contact/3 u2 met", "redo/3 u2 met", "callback/3 running",
			},
		},
		"an end outside the rates stops them all": {
			func(t testing.TB) *story {
				s := begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).do("2026-02-24 10:20", ticket.Sign, on(1))
				for i, a := range []ticket.Action{ticket.AskTerminate, ticket.ReviewTerminate, ticket.Terminate} {
					s.by("2026-02-25 10:00", string(rune('a'+i)), a)
				}
				return s
			},
			"2026-02-26 12:00",
			[]string{"dispatch/0 met", "resolve/0 met", "sign/1 u1 met", "contact/1 u1 cancelled", "resolve/1 u1 cancelled"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.story(t)
			var got []string
			for _, k := range Evaluate(s.events, working(), cn2026(), at(tt.now)) {
				got = append(got, standing(k))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// by carries out a command of a person.
func (s *story) by(when, who string, action ticket.Action) {
	s.t.Helper()
	e, err := s.ticket.Do(ticket.Command{Action: action, Actor: ticket.Actor{Kind: ticket.ActorUser, ID: who}, Cause: ticket.Cause{Reason: "r"}}, at(when), zeroes{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.events = append(s.events, e)
}

// standing is a clock without its deadline: whose it is and how it stands; ! when it is late.
func standing(k Clock) string {
	words := []string{string(k.Name) + "/" + string(rune('0'+k.Assignment))}
	if k.Unit != "" {
		words = append(words, k.Unit)
	}
	state := string(k.State)
	if k.Overdue {
		state += "!"
	}
	return strings.Join(append(words, state), " ")
}

func TestACallbackByAppointment(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, unit("u1")).do("2026-02-24 10:20", ticket.Sign, on(1)).
		do("2026-02-24 12:00", ticket.Resolve, on(1))
	due := func() Clock {
		return find(t, Evaluate(s.events, working(), cn2026(), at("2026-02-24 13:00")), ClockCallback, 1)
	}
	plain := due()
	no := false
	appoint := func(when string) {
		s.do("2026-02-24 12:30", ticket.CallBack, ticket.Details{Reached: &no, Outcome: ticket.OutcomeAppointed, Until: at(when)})
	}
	appoint("2026-02-25 09:00")
	if k := due(); !k.DueAt.Equal(plain.DueAt) || !k.Appointed.IsZero() {
		t.Errorf("an appointment before the deadline moved it to %s", k.DueAt)
	}
	appoint("2026-03-02 15:00")
	k := due()
	if !k.DueAt.Equal(at("2026-03-02 15:00")) {
		t.Errorf("the deadline is %s, the appointment on 2 March at 15:00", k.DueAt)
	}
	if words := Explain(cn2026(), k); !strings.Contains(words[len(words)-1].Text, "约定") {
		t.Errorf("the appointment is not told: %+v", words)
	}
	s.do("2026-02-24 12:40", ticket.CallBack, ticket.Details{Reached: &no, Outcome: ticket.OutcomeNoAnswer})
	if k := due(); !k.DueAt.Equal(at("2026-03-02 15:00")) {
		t.Errorf("a call nobody answered moved the deadline to %s", k.DueAt)
	}
}

func TestTheLeadsClockRunsUntilTheWholeIsDone(t *testing.T) {
	t.Parallel()
	s := begin(t, "2026-02-24 10:00").do("2026-02-24 10:10", ticket.Dispatch, ticket.Details{Unit: "u1", Units: []string{"u2"}}).
		do("2026-02-24 10:20", ticket.Sign, on(1))
	e, err := s.ticket.Do(ticket.Command{Action: ticket.Resolve, Details: on(1), Private: &ticket.Private{PublicReply: "已修"}}, at("2026-02-25 10:00"), zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	s.events = append(s.events, e)
	own := func(now string) Clock { return find(t, s.clocks(now), ClockResolve, 1) }
	if k := own("2026-02-26 10:00"); k.State != Running || k.Overdue {
		t.Errorf("while another unit assists the lead's clock is %s", standing(k))
	}
	if k := own("2026-03-10 10:00"); k.State != Running || !k.Overdue || len(k.Due) == 0 {
		t.Errorf("late with the whole the lead's clock is %s", standing(k))
	}
	s.do("2026-02-27 10:00", ticket.Sign, on(2)).do("2026-02-27 11:00", ticket.Resolve, on(2))
	if k := own("2026-03-10 10:00"); k.State != Met || !k.StoppedAt.Equal(at("2026-02-27 11:00")) {
		t.Errorf("done with the whole the lead's clock is %s, stopped at %s", standing(k), k.StoppedAt)
	}
}

// TestNothingIsLost: no sequence of legal commands leaves an open ticket without somebody who has it, and without a running
// clock of the citizen; and none leaves a clock running on what has ended.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	p := working()
	rapid.Check(t, func(rt *rapid.T) {
		now := randomTime(rt, "start")
		s := begin(t, now.Format("2006-01-02 15:04"))
		for range rapid.IntRange(1, 40).Draw(rt, "length") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 3*dayMS).Draw(rt, "gap")) * time.Millisecond)
			outcome := rapid.SampledFrom(ticket.Outcomes).Draw(rt, "outcome")
			reached := outcome == ticket.OutcomeReached || outcome == ticket.OutcomeRefused
			d := ticket.Details{
				Unit: rapid.SampledFrom([]string{"u", "v", "w"}).Draw(rt, "unit"), Units: rapid.SampledFrom([][]string{nil, {"x"}}).Draw(rt, "units"),
				Amount: 1, LimitUnit: "working_days", Other: ticket.ID{9}, Reached: &reached, Outcome: outcome, Clock: "resolve", Step: "s", Calendar: "c@2", Fields: []string{ticket.DataEvent},
				Relation: rapid.SampledFrom([]string{"", ticket.LinkDistinct}).Draw(rt, "relation"),
			}
			if outcome == ticket.OutcomeAppointed {
				d.Until = now.Add(time.Hour)
			}
			cmd := ticket.Command{
				Action: rapid.SampledFrom(likely(s.ticket.Legal())).Draw(rt, "action"), Details: d,
				Actor: ticket.Actor{Kind: ticket.ActorUser, ID: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "who")},
				Cause: ticket.Cause{Reason: rapid.SampledFrom([]string{"", "r"}).Draw(rt, "reason")}, Private: &ticket.Private{PublicReply: "好", Note: "注"},
			}
			var can []int
			for _, a := range s.ticket.Assignments {
				if slices.Contains(s.ticket.LegalOn(a.No), cmd.Action) {
					can = append(can, a.No)
				}
			}
			if can != nil {
				cmd.Details.Assignment = rapid.SampledFrom(can).Draw(rt, "assignment")
			}
			if cmd.Action != ticket.CallBack {
				cmd.Details.Outcome = ""
			}
			e, err := s.ticket.Do(cmd, now, zeroes{})
			if err != nil {
				continue
			}
			s.events = append(s.events, e)
			owned(rt, &s.ticket, Evaluate(s.events, p, cn2026(), now), cmd.Action)
		}
	})
}

// likely are the actions with those that carry a matter on ten times: most ends are final, and stories should be long.
func likely(legal []ticket.Action) []ticket.Action {
	list := legal
	for _, a := range legal {
		switch a {
		case ticket.Dispatch, ticket.Sign, ticket.Resolve, ticket.AddUnit, ticket.Object, ticket.Pause, ticket.Resume, ticket.Reopen, ticket.Return, ticket.CallBack:
			list = append(list, slices.Repeat([]ticket.Action{a}, 9)...)
		default:
		}
	}
	return list
}

func owned(t *rapid.T, tk *ticket.Ticket, clocks []Clock, after ticket.Action) {
	live := func(name ClockName, assignment int) bool {
		return slices.ContainsFunc(clocks, func(k Clock) bool {
			return k.Name == name && (assignment < 0 || k.Assignment == assignment) && (k.State == Running || k.State == Held)
		})
	}
	switch tk.State {
	case ticket.StateMerged: // its incident is worked on
	case ticket.StateResolved:
		if live(ClockResolve, -1) || live(ClockRedo, -1) {
			t.Fatalf("after %s it is resolved, and a clock of its work runs", after)
		}
	case ticket.StateReceived, ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused:
		if !live(ClockResolve, 0) {
			t.Fatalf("after %s it is %s, and the citizen's clock does not run", after, tk.State)
		}
		waits := tk.State == ticket.StateReceived || tk.State == ticket.StateTriage
		if len(tk.Holders()) == 0 && !waits {
			t.Fatalf("after %s it is %s, and nobody has it", after, tk.State)
		}
		if (tk.Dispute != nil) != live(ClockArbitrate, -1) {
			t.Fatalf("after %s it is disputed by %v, and the clock of the ruling runs: %t", after, tk.Dispute, live(ClockArbitrate, -1))
		}
	default:
		for _, k := range clocks {
			if k.State == Running || k.State == Held {
				t.Fatalf("after %s it is %s, and %s runs", after, tk.State, line(k))
			}
		}
		if tk.Dispute != nil || tk.Termination != nil || tk.Orders != nil || tk.Asked() {
			t.Fatalf("after %s it is %s, and somebody still waits", after, tk.State)
		}
	}
}
