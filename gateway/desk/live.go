package desk

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// errNoEnd cannot happen while positions are 63 bits.
var errNoEnd = errors.New("desk: the feed of events has no end")

// FeedEnd is the position of the newest event, 0 when there is none. The feed is only ever read
// forward, so its end is found by halving.
func (d *Desk) FeedEnd(ctx context.Context) (int64, error) {
	beyond := func(at int64) (bool, error) {
		next, err := d.Store.Feed(ctx, at, 1)
		return len(next) > 0, err
	}
	low, high := int64(0), int64(1024) // low is at or before the end
	for {
		more, err := beyond(high)
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		if low, high = high, high*4; high > math.MaxInt64/8 {
			return 0, errNoEnd
		}
	}
	for low < high {
		mid := low + (high-low)/2
		more, err := beyond(mid)
		if err != nil {
			return 0, err
		}
		if more {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

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
