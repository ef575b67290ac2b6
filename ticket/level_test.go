package ticket_test

import (
	"testing"

	. "github.com/citizen-hotline/gateway/ticket"
)

// A ticket that has its red card gets no yellow one any more, by whomever.
func TestNoMilderLevelByHand(t *testing.T) {
	t.Parallel()
	m := registered(t)
	m.Must(Dispatch, Details{Unit: "u1"}, "", nil, StateDispatched)
	m.Must(Escalate, Details{Clock: "sign", Step: "red", Level: "red", Assignment: 1}, "", nil, StateDispatched)
	m.Refused("ticket.level.milder", Command{Action: Supervise, Cause: Cause{Reason: "overdue"}, Details: Details{Level: "yellow"}})
	m.Must(Supervise, Details{}, "overdue", nil, StateDispatched)
	if m.ticket.Level != "supervise" {
		t.Errorf("supervised, it stands at %q", m.ticket.Level)
	}
}
