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
	items, err := d.followers(ctx, lead.ID)
	if err != nil {
		return err
	}
	for _, item := range items {
		t, expect := item.Ticket, item.Version
		history, err := d.Store.History(ctx, t.ID)
		if err != nil {
			return err
		}
		told, err := t.Do(ticket.Command{
			Action: ticket.Note, Actor: e.Actor, Cause: ticket.Cause{Pack: c.Hash, Reason: "incident_reply"},
			Details: ticket.Details{Other: lead.ID, Relation: "incident"},
			Private: &ticket.Private{Note: "牵头工单 " + lead.Number + " " + ActionTitle(e.Action), PublicReply: toOthers(lead)},
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

// followers lists the tickets merged into one, and those merged into these before: whoever led an incident
// may have been found to be part of a larger one.
func (d *Desk) followers(ctx context.Context, lead ticket.ID) ([]store.Item, error) {
	var list []store.Item
	seen := map[ticket.ID]bool{lead: true}
	for next := []ticket.ID{lead}; len(next) > 0 && len(list) < sharedMost; next = next[1:] {
		page, err := d.Store.Tickets(ctx, store.Filter{Incident: next[0], States: []ticket.State{ticket.StateMerged}, Limit: sharedMost - len(list)})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if !seen[item.ID] {
				seen[item.ID] = true
				list, next = append(list, item), append(next, item.ID)
			}
		}
	}
	return list, nil
}

// toOthers is the public reply of a ticket as the other reporters of its incident may read it: whom it
// addresses by name is none of theirs.
func toOthers(lead *ticket.Ticket) string {
	return SightNone.words(&lead.Private, lead.Private.PublicReply)
}
