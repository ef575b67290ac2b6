package ticket_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "github.com/citizen-hotline/gateway/ticket"
)

var start = time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)

// matter is a ticket with its history, told in the office's words.
type matter struct {
	t      *testing.T
	ticket Ticket
	events []Event
	now    time.Time
}

func registered(t *testing.T) *matter {
	t.Helper()
	id, err := NewID(start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tk, e, err := New(id, Command{
		Action: Register, Actor: Actor{Kind: ActorCitizen},
		Details: Details{Registration: &Registration{
			Number: FormatNumber("LY", start, 7), Channel: "form", Key: "k-1", Kind: KindCase,
			Source: SourceCitizen, Type: TypeHelp, Urgency: UrgencyNormal, ReceivedAt: start,
		}},
		Private: &Private{Title: "路灯不亮", Text: "王女士反映滨河路路灯不亮，电话13800000000", Appellant: Party{Name: "王女士", Phone: "13800000000"}},
	}, start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &matter{t: t, ticket: tk, events: []Event{e}, now: start}
}

func (m *matter) do(cmd Command) error {
	m.now = m.now.Add(time.Minute)
	e, err := m.ticket.Do(cmd, m.now, rand.Reader)
	if err == nil {
		m.events = append(m.events, e)
	}
	return err
}

// Must does a command that has to be possible and checks the state it leads to.
func (m *matter) Must(a Action, d Details, reason string, p *Private, want State) {
	m.t.Helper()
	if err := m.do(Command{Action: a, Actor: Actor{Kind: ActorUser, ID: "u"}, Cause: Cause{Reason: reason}, Details: d, Private: p}); err != nil {
		m.t.Fatalf("%s: %v", a, err)
	}
	if m.ticket.State != want {
		m.t.Fatalf("after %s the ticket is %s, want %s", a, m.ticket.State, want)
	}
}

// Refused does a command that has to be refused with a code.
func (m *matter) Refused(code string, cmd Command) {
	m.t.Helper()
	before := m.ticket.Clone()
	err := m.do(cmd)
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		m.t.Fatalf("%s: got %v, want code %s", cmd.Action, err, code)
	}
	if diff := cmp.Diff(before, m.ticket); diff != "" {
		m.t.Fatalf("a refused %s changed the ticket:\n%s", cmd.Action, diff)
	}
}

var reply = &Private{PublicReply: "已修复，请查看。"}

func TestTheCommonWayFromDispatchToArchive(t *testing.T) {
	t.Parallel()
	m := registered(t)
	yes := true
	m.Must(Dispatch, Details{Unit: "b-lights", Units: []string{"s-yitang"}}, "", nil, StateDispatched)
	m.Must(Sign, Details{Assignment: 1}, "", nil, StateHandling)
	m.Must(Contact, Details{Assignment: 1}, "", nil, StateHandling)
	m.Must(Resolve, Details{Assignment: 1}, "", reply, StateHandling) // the assisting street is not done
	m.Must(Sign, Details{Assignment: 2}, "", nil, StateHandling)
	m.Must(Resolve, Details{Assignment: 2}, "", &Private{PublicReply: "街道已配合。"}, StateResolved)
	if m.ticket.Private.PublicReply != reply.PublicReply {
		t.Errorf("the assisting unit's words stand for the lead's: %s", m.ticket.Private.PublicReply)
	}
	m.Must(CallBack, Details{Reached: &yes, Solved: &yes, Satisfaction: Dissatisfied}, "", nil, StateResolved)
	m.Must(Reopen, Details{}, "dissatisfied", nil, StateDispatched)
	m.Must(Return, Details{Assignment: 3}, "not_ours", nil, StateTriage) // what was resolved once is open again
	m.Must(Dispatch, Details{Unit: "b-lights"}, "", nil, StateDispatched)
	m.Must(Sign, Details{Assignment: 4}, "", nil, StateHandling)
	m.Must(Resolve, Details{Assignment: 4}, "", reply, StateResolved)
	m.Must(CallBack, Details{Reached: &yes, Satisfaction: Satisfied}, "", nil, StateResolved)
	m.Must(Close, Details{}, "", nil, StateClosed)
	if o := m.ticket.Outcome; o.First != Dissatisfied || o.Final != Satisfied {
		t.Errorf("first and final satisfaction are %s and %s", o.First, o.Final)
	}
	if m.ticket.LeadUnit() != "b-lights" || m.ticket.Counters.Reopens != 1 {
		t.Errorf("lead %s, reopened %d times", m.ticket.LeadUnit(), m.ticket.Counters.Reopens)
	}
}

func TestReturnsNeverLoseATicket(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Dispatch, Details{Unit: "a"}, "", nil, StateDispatched)
	m.Must(Return, Details{Assignment: 1}, "not_ours", nil, StateTriage)
	m.Must(Dispatch, Details{Unit: "b"}, "", nil, StateDispatched)
	m.Must(Sign, Details{Assignment: 2}, "", nil, StateHandling)
	m.Must(Arbitrate, Details{Unit: "a"}, "ruled", nil, StateDispatched)
	m.Refused("ticket.return.forced", Command{Action: Return, Cause: Cause{Reason: "not_ours"}, Details: Details{Assignment: 3}})
	if a, _ := m.ticket.Assignment(2); a.State != Withdrawn {
		t.Errorf("the unit that lost the ruling is %s", a.State)
	}
}

func TestADistrictAnswersForItsStreet(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Dispatch, Details{Unit: "d-lanshan"}, "", nil, StateDispatched)
	m.Must(SendOn, Details{Assignment: 1, Unit: "s-yitang"}, "", nil, StateHandling)
	m.Refused("ticket.resolve.open_below", Command{Action: Resolve, Details: Details{Assignment: 1}, Private: reply})
	m.Must(Return, Details{Assignment: 2}, "not_ours", nil, StateHandling)
	if m.ticket.LeadUnit() != "d-lanshan" {
		t.Errorf("after the street's return %s is answerable", m.ticket.LeadUnit())
	}
	m.Must(SendOn, Details{Assignment: 1, Unit: "s-banche"}, "", nil, StateHandling)
	m.Must(Return, Details{Assignment: 1}, "not_ours", nil, StateTriage)
	if a, _ := m.ticket.Assignment(3); a.State != Withdrawn {
		t.Errorf("the street kept work its district gave back: %s", a.State)
	}
}

func TestWhatIsSetApart(t *testing.T) {
	t.Parallel()
	lead, other := ID{1}, ID{2}
	m := registered(t)
	m.Must(Merge, Details{Other: lead}, "same_incident", nil, StateMerged)
	m.Must(LinkTo, Details{Other: other, Relation: LinkDistinct}, "", nil, StateMerged)
	m.Must(LinkTo, Details{Other: lead}, "", nil, StateMerged)
	if m.ticket.SetApart(lead) || !m.ticket.SetApart(other) || m.ticket.SetApart(ID{3}) {
		t.Errorf("set apart by %+v", m.ticket.Links)
	}
	m.Must(LinkTo, Details{Other: lead, Relation: LinkDistinct}, "", nil, StateTriage)
	if !m.ticket.SetApart(lead) || !m.ticket.Incident.IsZero() {
		t.Errorf("taken out of the incident, it still follows %s: %+v", m.ticket.Incident, m.ticket.Links)
	}
	m.Must(LinkTo, Details{Other: other}, "", nil, StateTriage) // who was wrong may say so
	m.Must(Dispatch, Details{Unit: "a"}, "", nil, StateDispatched)
	m.Must(Split, Details{Other: ID{4}}, "", nil, StateDispatched)
	if m.ticket.SetApart(other) || !m.ticket.SetApart(ID{4}) {
		t.Errorf("set apart by %+v", m.ticket.Links)
	}
	if folded, err := Fold(m.events); err != nil || !cmp.Equal(folded, m.ticket) {
		t.Errorf("folded again it is another: %v", err)
	}
}

func TestIllegalAndIncompleteCommands(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Refused("ticket.move.illegal", Command{Action: Close})
	m.Refused("ticket.action.unknown", Command{Action: "vanish"})
	m.Refused("ticket.command.incomplete", Command{Action: Decline})
	m.Refused("ticket.other.itself", Command{Action: Merge, Details: Details{Other: m.ticket.ID}})
	m.Must(Dispatch, Details{Unit: "a"}, "", nil, StateDispatched)
	m.Refused("ticket.move.illegal", Command{Action: Resolve, Details: Details{Assignment: 1}, Private: reply})
	m.Refused("ticket.assignment.unknown", Command{Action: Sign, Details: Details{Assignment: 9}})
	m.Refused("ticket.unit.holds", Command{Action: AddUnit, Details: Details{Unit: "a"}})
	m.Refused("ticket.extension.none", Command{Action: Extend, Details: Details{Assignment: 1, Amount: 1}})

	err := m.do(Command{Action: Close})
	if err == nil || !strings.Contains(err.Error(), "sign") || !strings.Contains(err.Error(), "dispatched") {
		t.Errorf("the refusal does not name the state and what is possible: %v", err)
	}
}

func TestAClockThatStepsBackDoesNotReorderHistory(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.now = start.Add(-3 * time.Hour)
	m.Must(Dispatch, Details{Unit: "a"}, "", nil, StateDispatched)
	if m.events[1].At.Before(m.events[0].At) {
		t.Errorf("dispatch at %s lies before registration at %s", m.events[1].At, m.events[0].At)
	}
}

// step draws one command that the ticket's state allows.
func step(t *rapid.T, tk *Ticket) Command {
	a := rapid.SampledFrom(tk.Legal()).Draw(t, "action")
	yes := true
	cmd := Command{
		Action: a, Actor: Actor{Kind: ActorUser, ID: "u"}, Cause: Cause{Reason: "r"},
		Details: Details{Unit: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "unit"), Amount: 1, Other: ID{1}, Reached: &yes, Clock: "resolve", Step: "s", Calendar: "c@2", Fields: []string{DataTicket, DataEvent}},
		Private: &Private{PublicReply: "好", Note: "注"},
	}
	if n := len(tk.Assignments); n > 0 {
		cmd.Details.Assignment = rapid.IntRange(1, n).Draw(t, "assignment")
	}
	return cmd
}

func TestEveryHistoryFoldsToItsRowAndItsChainHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := registered(t)
		for range rapid.IntRange(0, 30).Draw(rt, "steps") {
			_ = m.do(step(rt, &m.ticket)) // parts may clash; a refusal is as good as a step
			if m.ticket.State == StateReceived && len(m.ticket.Assignments) > 0 {
				rt.Fatal("a ticket with assignments fell back to received")
			}
		}
		if err := VerifyChain(m.events); err != nil {
			rt.Fatal(err)
		}
		folded, err := Fold(m.events)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(m.ticket, folded); diff != "" {
			rt.Fatalf("the row is not the fold of its events:\n%s", diff)
		}
		// What an expire ended may be gone: the row was made without it.
		for n, e := range slices.Backward(m.events) {
			if e.Action == Expire {
				for i := range m.events[:n] {
					m.events[i].Private, m.events[i].Salt = nil, nil
				}
				break
			}
		}
		if err := VerifyChain(m.events); err != nil {
			rt.Fatal(err)
		}
		if folded, err = Fold(m.events); err != nil || !cmp.Equal(m.ticket, folded) {
			rt.Fatalf("the row rests on what was ended (%v):\n%s", err, cmp.Diff(m.ticket, folded))
		}
	})
}

func TestAHeldTicketKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	m := registered(t)
	over := Command{Action: Expire, Actor: Actor{Kind: ActorSystem}, Details: Details{Fields: []string{DataTicket, DataEvent}}}
	m.Refused("ticket.move.illegal", over) // it is open
	m.Must(Answer, Details{}, "", reply, StateClosed)
	m.Refused("ticket.command.incomplete", Command{Action: Hold})
	m.Must(Hold, Details{}, "reconsideration", nil, StateClosed)
	m.Refused("ticket.hold.held", Command{Action: Hold, Cause: Cause{Reason: "petition_review"}})
	m.Refused("ticket.expire.held", over)
	m.Must(Release, Details{}, "hold_over", nil, StateClosed)
	m.Refused("ticket.hold.none", Command{Action: Release, Cause: Cause{Reason: "hold_over"}})
	m.Must(Expire, over.Details, "", nil, StateClosed)
	if m.ticket.Private.Text != "" || len(m.ticket.Ended) != 2 {
		t.Errorf("the words are %q, ended are %v", m.ticket.Private.Text, m.ticket.Ended)
	}
	m.Must(Note, Details{}, "", &Private{Note: "家属来电"}, StateClosed)
	if m.ticket.Ended != nil {
		t.Errorf("a note of later would never end: %v", m.ticket.Ended)
	}
}

func TestTheChainNamesWhatWasTouched(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Dispatch, Details{Unit: "a"}, "", nil, StateDispatched)
	m.Must(Sign, Details{Assignment: 1}, "", nil, StateHandling)
	touch := map[string]struct {
		change func([]Event) []Event
		want   string
	}{
		"a unit exchanged":    {func(e []Event) []Event { e[1].Details.Unit = "b"; return e }, "breaks at event 2"},
		"an event cut out":    {func(e []Event) []Event { return append(e[:1], e[2]) }, "event 2 is missing"},
		"the time set back":   {func(e []Event) []Event { e[2].At = start; return e }, "breaks at event 3"},
		"the citizen's words": {func(e []Event) []Event { p := *e[0].Private; p.Text = "别的"; e[0].Private = &p; return e }, "personal part of event 1"},
	}
	for name, c := range touch {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := VerifyChain(c.change(append([]Event(nil), m.events...)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestErasingAPersonLeavesTheChainWhole(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Note, Details{}, "", &Private{Note: "王女士来电"}, StateReceived)
	canonical, err := m.events[0].Canonical()
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"王女士", "13800000000", "路灯"} {
		if strings.Contains(string(canonical), personal) {
			t.Errorf("the canonical form holds %q", personal)
		}
	}
	for i := range m.events {
		m.events[i].Private, m.events[i].Salt = nil, nil
	}
	if err := VerifyChain(m.events); err != nil {
		t.Errorf("without the personal parts: %v", err)
	}
	if _, err := Fold(m.events); err != nil {
		t.Errorf("without the personal parts: %v", err)
	}
}

func TestCanonicalFormSurvivesTheStore(t *testing.T) {
	t.Parallel()
	m := registered(t)
	first, err := m.events[0].Canonical()
	if err != nil {
		t.Fatal(err)
	}
	var back Event
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	again, err := back.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(again) {
		t.Errorf("read back and written again:\n%s\n%s", first, again)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := FormatNumber("LY", start.AddDate(0, 0, rapid.IntRange(0, 4000).Draw(t, "day")), rapid.IntRange(0, 999999).Draw(t, "seq"))
		if !ValidNumber(n) {
			t.Fatalf("%s is not valid", n)
		}
		at := rapid.IntRange(2, len(n)-1).Draw(t, "digit")
		by := byte(rapid.IntRange(1, 9).Draw(t, "by"))
		bad := []byte(n)
		bad[at] = '0' + (bad[at]-'0'+by)%10
		if ValidNumber(string(bad)) {
			t.Fatalf("%s with a wrong digit is valid: %s", n, bad)
		}
		if got := FindNumbers("我的工单" + strings.ToLower(n) + "怎么样了"); len(got) != 1 || got[0] != n {
			t.Fatalf("found %v in a sentence with %s", got, n)
		}
	})
}

func TestIDsSortByTimeAndReadBack(t *testing.T) {
	t.Parallel()
	var last string
	for n := range 50 {
		id, err := NewID(start.Add(time.Duration(n)*time.Millisecond), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if id.String() <= last {
			t.Fatalf("%s does not follow %s", id, last)
		}
		last = id.String()
		back, err := ParseID(last)
		if err != nil || back != id {
			t.Fatalf("ParseID(%s) = %s, %v", last, back, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("0198f7b0-1111-7000-8000-000000000002")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err == nil && !strings.EqualFold(id.String(), s) && !id.IsZero() {
			t.Fatalf("%q reads as %s", s, id)
		}
	})
}

func TestAnAnswerLeavesNobodyHoldingAShare(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Dispatch, Details{Unit: "a", Units: []string{"b"}}, "", nil, StateDispatched)
	m.Must(Return, Details{Assignment: 1}, "not_ours", nil, StateTriage)
	m.Must(Answer, Details{}, "", &Private{PublicReply: "已答复"}, StateClosed)
	if units := m.ticket.Holders(); len(units) != 0 {
		t.Errorf("closed, and held by %v", units)
	}
}
