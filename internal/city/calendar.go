package city

import (
	"time"

	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// ClocksAsOf is Clocks as they were while version was the newest of calendar id. same is true when that
// cannot make a difference to the ticket; the clocks are then left out.
func (c *City) ClocksAsOf(t *ticket.Ticket, history []ticket.Event, now time.Time, id string, version int) (clocks []sla.Clock, same bool) {
	policy, calendar, ok := c.Terms(t)
	if !ok {
		return nil, true
	}
	before := calendar.AsOf(id, version, sla.Pinned(policy.Calendar))
	if before == calendar {
		return nil, true
	}
	return sla.Evaluate(history, policy, before, now), false
}
