package desk

import (
	"context"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Query narrows a list of tickets. Zero parts mean no limit; Unit, Region and Category mean the
// whole subtree below.
type Query struct {
	States    []ticket.State
	Unit      string
	Region    string
	Category  string
	Channel   string
	Source    ticket.SourceClass
	Urgency   ticket.Urgency
	Incident  string // number of the lead ticket
	Overdue   bool
	DueBefore time.Time
	From, To  time.Time // registered; From inclusive, To exclusive
	Historic  bool      // imported tickets too
	Rated     bool      // only those that the public rates count
	Queue     store.Queue
	Order     string // registered (newest first) or due (soonest first)
	Cursor    string
	Limit     int // at most 200; 0 means 50
}

// List is one page of tickets.
type List struct {
	Items []Summary `json:"items"`
	Next  string    `json:"next,omitempty"` // cursor of the next page; empty on the last
}

// listMost is the largest page.
const listMost = 200

// List lists the tickets in the viewer's scope. A page may be shorter than asked for while more follow:
// Next says whether any do. Errors: Invalid when a filter names what the pack does not know.
func (d *Desk) List(ctx context.Context, v Viewer, q Query) (List, error) {
	c, now := d.Live.Get(), d.Now()
	f, some, err := d.filter(ctx, c, v, q, now)
	if err != nil || !some {
		return List{Items: []Summary{}}, err
	}
	page, err := d.Store.Tickets(ctx, f)
	if err != nil {
		return List{}, err
	}
	return List{Items: d.summaries(c, v, page.Items, now), Next: page.Next}, nil
}

// summaries shows those of the tickets that the viewer sees.
func (d *Desk) summaries(c *city.City, v Viewer, items []store.Item, now time.Time) []Summary {
	list, sight := make([]Summary, 0, len(items)), v.sight(c)
	for i := range items {
		if v.sees(c, &items[i].Ticket) {
			row := d.summary(c, &items[i], sight, now)
			if row.Confidential {
				row.Title = "保密工单（打开查看，查看留痕）" // what it says is shown where the view is logged
			}
			list = append(list, row)
		}
	}
	return list
}

// filter makes a query the store's filter, inside the viewer's scope. some is false when the query
// lies outside it altogether.
func (d *Desk) filter(ctx context.Context, c *city.City, v Viewer, q Query, now time.Time) (f store.Filter, some bool, err error) {
	f = store.Filter{
		States: q.States, DueBefore: q.DueBefore, From: q.From, To: q.To, Overdue: q.Overdue, Now: now, Order: q.Order, Cursor: q.Cursor,
		Limit: min(max(q.Limit, 0), listMost), HideConfidential: v.Unit == "" && !v.Can(RightConfidential), HideHistoric: !q.Historic, Queue: q.Queue, HideUnrated: q.Rated,
	}
	if q.Channel != "" {
		f.Channels = []string{q.Channel}
	}
	if q.Source != "" {
		f.Sources = []ticket.SourceClass{q.Source}
	}
	if q.Urgency != "" {
		f.Urgency = []ticket.Urgency{q.Urgency}
	}
	if q.Category != "" {
		if _, known := c.Rules.Category(q.Category); !known {
			return f, false, invalid("category", "没有诉求分类 %q", q.Category)
		}
		f.Categories = subtree(q.Category, c.Rules.ChildCategories)
	}
	if q.Incident != "" {
		if f.Incident, err = d.TicketID(ctx, v, q.Incident); err != nil {
			return f, false, err
		}
	}
	unit, some, err := within(v.Unit, q.Unit, "unit", c.Rules.WithinUnit)
	if err != nil || !some {
		return f, false, err
	}
	if unit != "" {
		if _, known := c.Rules.Unit(unit); !known {
			return f, false, invalid("unit", "没有承办单位 %q", unit)
		}
		f.Units = unitsBelow(c, unit)
	}
	region, some, err := within(v.Region, q.Region, "region", c.Rules.WithinRegion)
	if err != nil || !some {
		return f, false, err
	}
	if region != "" {
		if _, known := c.Rules.Region(region); !known {
			return f, false, invalid("region", "没有区划 %q", region)
		}
		f.Regions = subtree(region, c.Rules.ChildRegions)
	}
	return f, true, nil
}

// within is the narrower of scope and wish in a tree; some is false when they have nothing in common.
func within(scope, wish, field string, below func(id, ancestor string) bool) (id string, some bool, err error) {
	switch {
	case len(wish) > 64:
		return "", false, invalid(field, "编号过长")
	case wish == "" || scope == wish:
		return scope, true, nil
	case scope == "" || below(wish, scope):
		return wish, true, nil
	case below(scope, wish):
		return scope, true, nil
	default:
		return "", false, nil
	}
}

// Found is what a search brought.
type Found struct {
	By    string    `json:"by"` // number, phone or text
	Items []Summary `json:"items"`
}

// searchMost is how many tickets a search brings at most, searchDepth how many of the whole city's newest
// hits are looked through for those in the viewer's scope.
const (
	searchMost  = 200
	searchDepth = 1000
)

// Search finds tickets in the viewer's scope: by number, by a phone number exactly, else by words.
// A search by phone is written to the access log, without the number. Errors: Invalid for an empty or
// overlong query; Forbidden for a search by phone of somebody who may see no identities.
func (d *Desk) Search(ctx context.Context, v Viewer, query string) (Found, error) {
	c, now := d.Live.Get(), d.Now()
	query = strings.TrimSpace(query)
	if query == "" || len(query) > 400 {
		return Found{}, invalid("q", "请输入 1 至 100 个字")
	}
	if numbers := ticket.FindNumbers(query); len(numbers) > 0 {
		item, err := d.find(ctx, c, v, numbers[0])
		if ticket.IsKind(err, ticket.NotFound) {
			return Found{By: "number", Items: []Summary{}}, nil
		}
		return Found{By: "number", Items: d.summaries(c, v, []store.Item{item}, now)}, err
	}
	f, some, err := d.filter(ctx, c, v, Query{Historic: true, Limit: searchMost}, now)
	if err != nil || !some {
		return Found{By: "text", Items: []Summary{}}, err
	}
	if phone := phoneOf(c, query); phone != "" {
		if v.sight(c) == SightNone {
			return Found{}, forbidden("search", "phone")
		}
		if err := d.log(ctx, v, store.Access{What: "search", Fields: []string{"phone"}}); err != nil {
			return Found{}, err
		}
		f.Phone = phone
		page, err := d.Store.Tickets(ctx, f)
		if err != nil {
			return Found{}, err
		}
		return Found{By: "phone", Items: d.summaries(c, v, page.Items, now)}, nil
	}
	f.IDs, err = d.Index.Find(ctx, query, searchDepth)
	if err != nil || len(f.IDs) == 0 {
		return Found{By: "text", Items: []Summary{}}, err
	}
	page, err := d.Store.Tickets(ctx, f)
	if err != nil {
		return Found{}, err
	}
	return Found{By: "text", Items: d.summaries(c, v, page.Items, now)}, nil
}

// phoneOf is the canonical form when the whole query is a telephone number, else "".
func phoneOf(c *city.City, query string) string {
	digits := 0
	for _, r := range text.Fold(query) {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case !strings.ContainsRune("+-() ", r):
			return ""
		}
	}
	if digits < 5 {
		return ""
	}
	return text.ParsePhone(query, c.AreaCode).Canonical()
}

// Counts are the figures of the whole city.
type Counts = store.Counts

// Counts gives the figures as they are now.
func (d *Desk) Counts(ctx context.Context) (Counts, error) { return d.Store.Counts(ctx, d.Now()) }
