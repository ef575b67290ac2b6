package desk

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// sharedMost bounds how many reporters of one incident are answered in one commit; the rest of a
// larger incident see the reply of the lead ticket on their public track.
const sharedMost = 1000

// shareReply adds to a change that ends the lead ticket of an incident what the other reporters are
// owed: on each merged ticket a note with the public reply, and to each citizen a word of its own. It is
// one change, so that nobody is told of an end that was not written.
func (d *Desk) shareReply(ctx context.Context, c *city.City, change *store.Change, lead *ticket.Ticket, e ticket.Event, now time.Time) error {
	if ending(lead, e) == "" {
		return nil
	}
	page, err := d.Store.Tickets(ctx, store.Filter{Incident: lead.ID, States: []ticket.State{ticket.StateMerged}, Limit: sharedMost})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		t, expect := item.Ticket, item.Version
		if t.ID == lead.ID {
			continue
		}
		history, err := d.Store.History(ctx, t.ID)
		if err != nil {
			return err
		}
		told, err := t.Do(ticket.Command{
			Action: ticket.Note, Actor: e.Actor, Cause: ticket.Cause{Pack: c.Hash, Reason: "incident_reply"},
			Details: ticket.Details{Other: lead.ID, Relation: "incident"},
			Private: &ticket.Private{Note: "牵头工单 " + lead.Number + " " + ActionTitle(e.Action), PublicReply: lead.Private.PublicReply},
		}, now, d.Random)
		if err != nil {
			return err
		}
		change.Tickets = append(change.Tickets, c.Change(expect, t, append(history, told), now))
		end := e
		end.Seq = told.Seq // the notice's key is that of the reporter's own event
		n, ok, err := d.tellCitizen(c, &t, lead, end)
		if err != nil {
			return err
		}
		if ok {
			change.Outbox = append(change.Outbox, n)
		}
	}
	return nil
}
