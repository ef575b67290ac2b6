package desk

import (
	"context"
	"math"
	"slices"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// The desk is what channels may read of tickets.
var _ adapters.PublicDesk = (*Desk)(nil)

// published reports whether everybody may know of a ticket.
func published(t *ticket.Ticket) bool { return t.Public && !t.Confidential }

// PublicTicket implements [adapters.PublicDesk].
func (d *Desk) PublicTicket(ctx context.Context, number string) (adapters.PublicTicket, error) {
	item, err := d.Store.TicketByNumber(ctx, number)
	if ticket.IsKind(err, ticket.NotFound) || err == nil && !published(&item.Ticket) {
		return adapters.PublicTicket{}, unknown()
	}
	if err != nil {
		return adapters.PublicTicket{}, err
	}
	return public(d.Live.Get(), &item), nil
}

// Bounds of what the public may page through.
const (
	publicMost  = 1000
	publicDepth = 20 * publicMost
)

// PublicTickets implements [adapters.PublicDesk]. Pages beyond the newest 20,000 tickets are empty: a
// reader who wants more narrows the dates.
func (d *Desk) PublicTickets(ctx context.Context, f adapters.PublicFilter) ([]adapters.PublicTicket, error) {
	c := d.Live.Get()
	if len(f.Numbers) > 0 {
		return d.publicNumbers(ctx, f.Numbers)
	}
	limit, skip := min(max(f.Limit, 1), publicMost), 0
	if f.Page > 1 {
		skip = (f.Page - 1) * limit
	}
	if skip >= publicDepth {
		return nil, nil
	}
	filter := store.Filter{Public: true, HideConfidential: true, From: f.From, To: f.To, States: publicStates(f.Open), Limit: publicMost}
	for _, id := range f.Categories {
		filter.Categories = append(filter.Categories, subtree(id, c.Rules.ChildCategories)...)
	}
	var list []adapters.PublicTicket
	for {
		page, err := d.Store.Tickets(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			item := &page.Items[i]
			switch {
			case !published(&item.Ticket):
				continue
			case skip > 0:
				skip--
				continue
			}
			if list = append(list, public(c, item)); len(list) == limit {
				return list, nil
			}
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return list, nil
		}
	}
}

func (d *Desk) publicNumbers(ctx context.Context, numbers []string) ([]adapters.PublicTicket, error) {
	var list []adapters.PublicTicket
	for _, number := range numbers[:min(len(numbers), publicMost)] {
		t, err := d.PublicTicket(ctx, number)
		if ticket.IsKind(err, ticket.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// isOpen is the public's view: what the unit has resolved is closed, though a callback is still owed.
func isOpen(s ticket.State) bool { return s.Open() && s != ticket.StateResolved }

func publicStates(open *bool) []ticket.State {
	if open == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(ticket.States), func(s ticket.State) bool { return isOpen(s) != *open })
}

// public shows a ticket to everybody: the public summary, never the citizen's own words, and the place
// to about 100 m.
func public(c *city.City, item *store.Item) adapters.PublicTicket {
	t := &item.Ticket
	category, _ := c.Rules.Category(t.Category)
	p := adapters.PublicTicket{
		Number: t.Number, Open: isOpen(t.State), StateTitle: StateTitle(t.State), Category: t.Category, Service: category.Name,
		Summary: SightNone.words(&t.Private, t.PublicSummary), Registered: t.RegisteredAt, Updated: t.UpdatedAt, Region: regionTitle(c, t.Region),
		PublicReply: SightNone.words(&t.Private, t.Private.PublicReply),
	}
	if p.Summary == "" {
		p.Summary = category.Name
	}
	if u := t.LeadUnit(); u != "" {
		p.Unit = c.UnitTitle(u)
	}
	if p.Open {
		p.Expected = item.Due
	}
	if place := t.Private.Place; place.HasPoint() {
		if fixed, _, err := geo.Guard(geo.Point{Lng: place.Lng, Lat: place.Lat}, c.Bounds); err == nil {
			if at, err := geo.ToWGS84(fixed.Lng, fixed.Lat, geo.Datum(place.Datum)); err == nil && !math.IsNaN(at.Lng+at.Lat) {
				p.Lng, p.Lat = coarse(at.Lng), coarse(at.Lat)
			}
		}
	}
	return p
}

// ByReceipt implements [adapters.PublicDesk]: the receipt is the id of the delivery. The delivery is read
// again to find the request it made; one that cannot be read yet has no number.
func (d *Desk) ByReceipt(ctx context.Context, receipt string) (string, error) {
	id, err := ticket.ParseID(receipt)
	if err != nil {
		return "", ticket.Errorf(ticket.NotFound, "delivery.unknown", "没有这个受理回执")
	}
	delivery, err := d.Store.Delivery(ctx, id)
	if err != nil {
		return "", err
	}
	in, err := intake.DecodeInbound(delivery.Raw)
	if err != nil {
		return "", err
	}
	ch, ok := d.Live.Get().Channels[delivery.Channel]
	if !ok {
		return "", nil
	}
	opened := in
	if o, can := ch.Adapter.(adapters.Opener); can {
		if opened, err = o.Open(in); err != nil {
			return "", nil //nolint:nilerr // it has no number now; the reader comes again
		}
	}
	requests, err := ch.Adapter.Normalize(opened)
	if err != nil || len(requests) == 0 {
		return "", nil //nolint:nilerr // as above
	}
	known, err := d.Store.Request(ctx, delivery.Channel, requests[0].Key)
	if ticket.IsKind(err, ticket.NotFound) || err == nil && known.Ticket.IsZero() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	item, err := d.Store.Ticket(ctx, known.Ticket)
	return item.Number, err
}

// Services implements [adapters.PublicDesk]: the public leaves of the category tree.
func (d *Desk) Services() []adapters.Service {
	c := d.Live.Get()
	var list []adapters.Service
	for _, id := range c.Rules.Leaves() {
		k, _ := c.Rules.Category(id)
		if !k.Public {
			continue
		}
		s := adapters.Service{Code: k.ID, Name: k.Name, Description: k.Description, Keywords: k.Keywords}
		if parent, ok := c.Rules.Category(k.Parent); ok {
			s.Group = parent.Name
		}
		list = append(list, s)
	}
	return list
}
