package desk

import (
	"context"
	"errors"
	"slices"

	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func asError(err error, into **ticket.Error) bool { return errors.As(err, into) }

// Ticket shows one ticket. The view of a confidential one is written to the access log before it
// is given. Errors: NotFound when there is none in the viewer's scope.
func (d *Desk) Ticket(ctx context.Context, v Viewer, number string) (View, error) {
	c, now := d.Live.Get(), d.Now()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return View{}, err
	}
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return View{}, err
	}
	if item.Confidential {
		if err := d.log(ctx, v, store.Access{What: "view", Ticket: item.ID}); err != nil {
			return View{}, err
		}
	}
	return d.view(ctx, c, v, item, history, v.sight(c), now)
}

// log writes one line of the access log. What could not be logged is not shown.
func (d *Desk) log(ctx context.Context, v Viewer, a store.Access) error {
	a.At, a.Actor = d.Now(), v.Actor()
	return d.Store.Commit(ctx, store.Change{Access: []store.Access{a}})[0]
}

// Explanation is why a ticket has its owner: the decision as it was made, and the rules in force
// tried again on the facts as they were seen.
type Explanation struct {
	Number   string              `json:"number"`
	Decided  ticket.Decision     `json:"decided"`
	SamePack bool                `json:"same_pack"` // the rules in force are those that decided
	Now      routing.Explanation `json:"now"`
	Text     string              `json:"text"` // the same in words
}

// Explain says why a ticket has its owner, in words of the matter itself: it is a view.
func (d *Desk) Explain(ctx context.Context, v Viewer, number string) (Explanation, error) {
	c := d.Live.Get()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return Explanation{}, err
	}
	if item.Confidential {
		if err := d.log(ctx, v, store.Access{What: "view", Ticket: item.ID, Fields: []string{"explanation"}}); err != nil {
			return Explanation{}, err
		}
	}
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return Explanation{}, err
	}
	f, err := intake.DecidedFacts(history)
	if err != nil {
		return Explanation{}, err
	}
	e := c.Rules.Classified(c.Rules.Explain(&f), item.Decision.Classified)
	return Explanation{Number: item.Number, Decided: item.Decision, SamePack: item.Decision.Pack == c.Hash, Now: e, Text: e.Text()}, nil
}

// Clocks says of each clock of a ticket how its deadline came about. It is a view.
func (d *Desk) Clocks(ctx context.Context, v Viewer, number string) (city.ExplainedClocks, error) {
	c := d.Live.Get()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return city.ExplainedClocks{}, err
	}
	if item.Confidential {
		if err := d.log(ctx, v, store.Access{What: "view", Ticket: item.ID, Fields: []string{"clocks"}}); err != nil {
			return city.ExplainedClocks{}, err
		}
	}
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return city.ExplainedClocks{}, err
	}
	e, ok := c.ExplainClocks(&item.Ticket, city.Upto(&item.Ticket, history), d.Now())
	if !ok {
		return e, ticket.Errorf(ticket.Unavailable, "policy.gone", "现行城市包没有时限政策 %s，也没有默认政策", item.Policy)
	}
	return e, nil
}

// AccessEntry is one line of the access log.
type AccessEntry struct {
	At     string       `json:"at"`
	Actor  ticket.Actor `json:"actor"`
	What   string       `json:"what"`
	Fields []string     `json:"fields,omitempty"`
	Reason string       `json:"reason,omitempty"`
}

// accessMost is how many lines of the access log are shown.
const accessMost = 500

// AccessLog lists who saw what of a ticket, newest first.
func (d *Desk) AccessLog(ctx context.Context, v Viewer, number string) ([]AccessEntry, error) {
	c := d.Live.Get()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return nil, err
	}
	lines, err := d.Store.AccessLog(ctx, item.ID, accessMost)
	if err != nil {
		return nil, err
	}
	list := make([]AccessEntry, 0, len(lines))
	for _, a := range lines {
		e := AccessEntry{At: stamp(c, a.At), Actor: a.Actor, What: a.What, Fields: a.Fields, Reason: a.Reason}
		if e.Reason != "" {
			e.Reason = reasonTitle(c, a.Reason)
		}
		list = append(list, e)
	}
	return list, nil
}

// Attachment finds an attachment of a ticket by its hash. Errors: NotFound when the ticket is
// outside the viewer's scope or has none such that the viewer may see.
func (d *Desk) Attachment(ctx context.Context, v Viewer, number, sha256 string) (ticket.MediaRef, error) {
	c := d.Live.Get()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return ticket.MediaRef{}, err
	}
	at := slices.IndexFunc(item.Private.Media, func(m ticket.MediaRef) bool { return m.SHA256 == sha256 && sha256 != "" && v.sight(c).showsMedia(m) })
	if at < 0 {
		return ticket.MediaRef{}, ticket.Errorf(ticket.NotFound, "media.unknown", "工单 %s 没有这个附件", number)
	}
	if item.Confidential {
		if err := d.log(ctx, v, store.Access{What: "view", Ticket: item.ID, Fields: []string{"media"}}); err != nil {
			return ticket.MediaRef{}, err
		}
	}
	return item.Private.Media[at], nil
}

// TicketID finds the id behind a number that the viewer sees, for commands that name another ticket.
func (d *Desk) TicketID(ctx context.Context, v Viewer, number string) (ticket.ID, error) {
	item, err := d.find(ctx, d.Live.Get(), v, number)
	return item.ID, err
}

// unitsBelow lists a unit and all below it.
func unitsBelow(c *city.City, id string) []string {
	return subtree(id, c.Rules.ChildUnits)
}

// subtree lists id and all below it.
func subtree(id string, children func(string) []string) []string {
	list := []string{id}
	for n := 0; n < len(list); n++ {
		list = append(list, children(list[n])...)
	}
	return list
}
