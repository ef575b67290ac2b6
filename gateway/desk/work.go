package desk

import (
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/ticket"
)

// PauseAsk is a pause that was asked for and waits for its answer.
type PauseAsk struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"`
	At     time.Time `json:"at"`
}

// Dispute says that a ticket waits for the duty officer's ruling.
type Dispute struct {
	Unit   Named     `json:"unit"` // who objected
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Termination is an end that is under review.
type Termination struct {
	Reason     string       `json:"reason"`
	AskedBy    ticket.Actor `json:"asked_by"`
	AskedAt    time.Time    `json:"asked_at"`
	ReviewedBy string       `json:"reviewed_by,omitempty"`
	ReviewedAt time.Time    `json:"reviewed_at,omitzero"`
}

// Order is a supervise order that waits for the unit's answer.
type Order struct {
	No      string    `json:"no"`
	At      time.Time `json:"at"`
	Due     time.Time `json:"due"`
	Overdue bool      `json:"overdue,omitempty"`
}

func pauseAsk(c *city.City, a *ticket.PauseAsk) *PauseAsk {
	if a == nil {
		return nil
	}
	return &PauseAsk{Reason: reasonTitle(c, a.Reason), Until: local(c, a.Until), At: local(c, a.At)}
}

func dispute(c *city.City, t *ticket.Ticket) *Dispute {
	if t.Dispute == nil {
		return nil
	}
	return &Dispute{Unit: Named{t.Dispute.Unit, c.UnitTitle(t.Dispute.Unit)}, Reason: reasonTitle(c, t.Dispute.Reason), At: local(c, t.Dispute.At)}
}

func termination(c *city.City, t *ticket.Ticket) *Termination {
	x := t.Termination
	if x == nil {
		return nil
	}
	return &Termination{Reason: reasonTitle(c, x.Reason), AskedBy: x.AskedBy, AskedAt: local(c, x.AskedAt), ReviewedBy: x.ReviewedBy.ID, ReviewedAt: local(c, x.ReviewedAt)}
}

func orders(c *city.City, t *ticket.Ticket, now time.Time) []Order {
	var list []Order
	for _, o := range t.Orders {
		list = append(list, Order{No: o.No, At: local(c, o.At), Due: local(c, o.Due), Overdue: now.After(o.Due)})
	}
	return list
}
