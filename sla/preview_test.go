package sla

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/ticket"
)

// shorter is general with three working days to resolve, half an hour to sign and no callback.
func shorter() Policy {
	p := general()
	p.Version = 2
	r := p.Clocks[ClockResolve]
	r.Limit.Amount = 3
	p.Clocks[ClockResolve] = r
	p.Clocks[ClockSign] = ClockRule{Limit: Limit{Amount: 30, Unit: Minutes}}
	delete(p.Clocks, ClockCallback)
	return p
}

func TestAPreviewCountsWhatMoves(t *testing.T) {
	t.Parallel()
	c := NewComparison(10)
	now := at("2026-03-05 09:00")
	compare := func(number string, s *story) {
		c.Ticket(number, s.ticket.LeadUnit(), "general@1", "general@2",
			Evaluate(s.events, general(), cn2026(), now), Evaluate(s.events, shorter(), cn2026(), now))
	}
	// Signed after two hours, still handled: the deadline moves from 9 to 5 March, not yet over; the signature is late.
	compare("LY1", begin(t, "2026-03-02 09:00").do("2026-03-02 09:00", ticket.Dispatch, unit("u1")).do("2026-03-02 11:00", ticket.Sign, on(1)))
	// Three days earlier: its new deadline has passed.
	compare("LY2", begin(t, "2026-02-27 09:00").do("2026-02-27 09:00", ticket.Dispatch, unit("u2")).do("2026-02-27 09:10", ticket.Sign, on(1)))
	// Resolved in time under both; its callback is gone.
	compare("LY3", begin(t, "2026-03-02 09:00").do("2026-03-02 09:00", ticket.Dispatch, unit("u1")).
		do("2026-03-02 09:10", ticket.Sign, on(1)).do("2026-03-02 15:00", ticket.Resolve, on(1)))
	p := c.Preview()
	want := Tally{Tickets: 3, Earlier: 4, Overdue: 2, Missed: 1, Dropped: 1, Steps: 6}
	if diff := cmp.Diff(want, p.Total); diff != "" {
		t.Error(diff)
	}
	if p.Looked != 3 || p.Total.Moved() != 4 || len(p.Policies) != 1 || p.Policies[0].To != "general@2" {
		t.Errorf("%+v", p)
	}
	if len(p.Units) != 2 || p.Units[0].Unit != "u1" || p.Units[0].Tickets != 2 || p.Units[1].Overdue != 2 {
		t.Errorf("by unit: %+v", p.Units)
	}
	if e := p.Examples[0]; e.Number != "LY1" || e.Clock != ClockSign || !e.Ended || !e.Overdue {
		t.Errorf("the worst come first: %+v", p.Examples)
	}
	for i, e := range p.Examples[1:3] {
		if e.Number != "LY2" || !e.Overdue || e.WasOverdue || !e.After.Before(e.Before) {
			t.Errorf("example %d: %+v", i+1, e)
		}
	}
}

func TestAPreviewOfTheSameTermsIsEmpty(t *testing.T) {
	t.Parallel()
	c := NewComparison(10)
	s := begin(t, "2026-03-02 09:00").do("2026-03-02 09:00", ticket.Dispatch, unit("u1"))
	clocks := Evaluate(s.events, general(), cn2026(), at("2026-03-20 09:00"))
	c.Ticket("LY1", "u1", "general@1", "general@1", clocks, clocks)
	if p := c.Preview(); p.Total != (Tally{}) || p.Looked != 1 || len(p.Examples) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestExamplesAreLimited(t *testing.T) {
	t.Parallel()
	c := NewComparison(2)
	for range 5 {
		s := begin(t, "2026-03-02 09:00")
		now := at("2026-03-02 10:00")
		c.Ticket("LY1", "", "a@1", "a@2", Evaluate(s.events, general(), cn2026(), now), Evaluate(s.events, shorter(), cn2026(), now))
	}
	if p := c.Preview(); len(p.Examples) != 2 || p.Total.Tickets != 5 {
		t.Errorf("%d examples of %d", len(p.Examples), p.Total.Tickets)
	}
}
