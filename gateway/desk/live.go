package desk

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// FeedEnd is the position of the newest event, 0 when there is none.
func (d *Desk) FeedEnd(ctx context.Context) (int64, error) { return d.Store.FeedEnd(ctx) }

// Happening is one event of the feed, as live views tell it: no personal data, and only to those who
// see the ticket.
type Happening struct {
	Position int64         `json:"-"`
	Number   string        `json:"number"`
	Action   ticket.Action `json:"action"`
	State    ticket.State  `json:"state"`
	Unit     string        `json:"unit,omitempty"`
	At       time.Time     `json:"at"`

	ticket ticket.Ticket
}

// Feed reads the events after a position, at most limit, with the tickets as they stand now.
func (d *Desk) Feed(ctx context.Context, after int64, limit int) ([]Happening, error) {
	events, err := d.Store.Feed(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	known := map[ticket.ID]*ticket.Ticket{}
	list := make([]Happening, 0, len(events))
	for _, f := range events {
		t, ok := known[f.Ticket]
		if !ok {
			item, err := d.Store.Ticket(ctx, f.Ticket)
			if err != nil {
				return nil, err
			}
			t = &item.Ticket
			known[f.Ticket] = t
		}
		list = append(list, Happening{Position: f.Position, Number: t.Number, Action: f.Event.Action, State: t.State, Unit: t.LeadUnit(), At: f.Event.At, ticket: *t})
	}
	return list, nil
}

// Sees reports whether a happening is the viewer's to know. A reveal is nobody's but the access log's.
func (d *Desk) Sees(v Viewer, h *Happening) bool {
	return h.Action != ticket.Reveal && v.Can(RightRead) && v.sees(d.Live.Get(), &h.ticket)
}
