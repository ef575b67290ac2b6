package city

import (
	"time"

	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// ExplainedClock is a clock with how its deadline came about, in words for people.
type ExplainedClock struct {
	sla.Clock
	Title     string        `json:"title"`
	UnitTitle string        `json:"unit_title,omitempty"` // whom the time is charged to; empty for the ticket's own
	Segments  []sla.Segment `json:"segments"`
}

// ExplainedClocks are the clocks of a ticket, explained. The API and the command line give the same.
type ExplainedClocks struct {
	Number      string           `json:"number"`
	Policy      string           `json:"policy"` // id@version the ticket is pinned to
	PolicyTitle string           `json:"policy_title,omitempty"`
	Basis       string           `json:"basis,omitempty"`     // legal basis of the policy
	Statutory   bool             `json:"statutory,omitempty"` // set by law
	Unrated     bool             `json:"unrated,omitempty"`   // outside the public rates
	Now         time.Time        `json:"now"`
	Clocks      []ExplainedClock `json:"clocks"`

	Calendar *sla.Calendar `json:"-"` // of the policy, for writing moments
}

// ExplainClocks says of each clock of a ticket how its deadline came about, stretch by stretch in the city's time.
// history is the ticket's, see [Upto]. ok is false when the pack has neither the ticket's policy nor a default one.
func (c *City) ExplainClocks(t *ticket.Ticket, history []ticket.Event, now time.Time) (e ExplainedClocks, ok bool) {
	policy, calendar, ok := c.Terms(t)
	if !ok {
		return e, false
	}
	local := func(at time.Time) time.Time {
		if at.IsZero() {
			return at
		}
		return at.In(c.Zone)
	}
	clocks, _ := c.Clocks(t, history, now)
	e = ExplainedClocks{Number: t.Number, Policy: t.Policy, PolicyTitle: policy.Title, Basis: policy.Basis, Statutory: policy.Statutory, Unrated: c.Unrated(t), Now: local(now), Calendar: calendar, Clocks: make([]ExplainedClock, len(clocks))}
	for i, k := range clocks {
		x := ExplainedClock{Clock: k, Title: k.Name.Title() + "时限", Segments: sla.Explain(calendar, k)}
		x.StartedAt, x.DueAt, x.StoppedAt, x.HeldUntil, x.NextStep = local(k.StartedAt), local(k.DueAt), local(k.StoppedAt), local(k.HeldUntil), local(k.NextStep)
		for n := range x.Holds {
			x.Holds[n].From, x.Holds[n].To = local(x.Holds[n].From), local(x.Holds[n].To)
		}
		for n := range x.Due {
			x.Due[n].At = local(x.Due[n].At)
		}
		if k.Unit != "" {
			x.UnitTitle = c.UnitTitle(k.Unit)
		}
		e.Clocks[i] = x
	}
	return e, true
}
