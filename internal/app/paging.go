package app

import (
	"fmt"

	"github.com/citizen-hotline/gateway/duty/relay"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
)

// page makes the pages of an alert that is delivered. Whoever raised an alert about a ticket has paged it in the same
// commit; when it climbs, wakes or is handed over it is told once more, under a key of its own.
func page(c *city.City, told relay.Told) ([]store.Notice, error) {
	a := told.Alert
	if told.Why == relay.WhyRaised && !a.Ticket.IsZero() {
		return nil, nil
	}
	why := outbox.Cause{Rule: "alert/" + string(told.Why)}
	if told.Why != relay.WhyRaised {
		why.Again = fmt.Sprintf("#%d", a.Version)
		a.At = a.DeliveredAt
	}
	why.Unit = a.Holder // whose work it is, not whose post it has come to
	if told.Ticket != nil {
		policy, _, _ := c.Terms(told.Ticket)
		why.Statutory = policy.Statutory
	}
	return outbox.Pages(c, told.Ticket, []store.Alert{a}, why)
}
