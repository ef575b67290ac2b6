package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// BriefStore is what a shift brief is read from.
type BriefStore interface {
	city.Overrides
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
	CountTickets(ctx context.Context, f store.Filter) (int64, error)
	Registered(ctx context.Context, from, to time.Time) ([]store.Tally, error)
	Calls(ctx context.Context, f store.CallFilter) ([]store.Call, string, error)
	Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error)
	AlertGroups(ctx context.Context, f store.AlertFilter) ([]store.AlertGroup, error)
}

// Brief is what whoever takes a shift over must know (交接班简报): how things stand now, and what falls due
// in the shift. It names no citizen.
type Brief struct {
	City    string       `json:"city"`
	Now     time.Time    `json:"now"`
	Post    string       `json:"post"` // whose shift it is
	Title   string       `json:"title"`
	From    time.Time    `json:"from"` // of the shift
	Until   time.Time    `json:"until"`
	Who     string       `json:"who"`  // empty: nobody
	Unit    *Named       `json:"unit"` // whose work alone it is about; null: the whole city's
	Duty    []OnDuty     `json:"duty"` // at the beginning of the shift, or now when it has begun
	Open    int64        `json:"open"` // tickets on which work or a callback is owed
	Triage  int64        `json:"triage"`
	Due     BriefList    `json:"due"`    // in the shift, soonest first
	Late    BriefList    `json:"late"`   // longest overdue first
	Paused  BriefList    `json:"paused"` // soonest due first
	Surges  []Surge      `json:"surges"`
	Surging Surging      `json:"surging"` // how surges were found
	Alerts  []AlertGroup `json:"alerts"`
	AlertsN int64        `json:"alerts_total"` // that wait for somebody
	Handed  []Alert      `json:"handed_over"`  // to a person, not done yet
	Empty   []Gap        `json:"unattended"`   // shifts nobody holds, from now to a day behind the shift
	Calls   BriefCalls   `json:"calls"`
}

// BriefList is the head of a list with the whole number.
type BriefList struct {
	Total int64         `json:"total"`
	Items []BriefTicket `json:"items"`
}

// BriefTicket is a ticket as a brief names it: by number and matter, without the citizen's words.
type BriefTicket struct {
	Number      string         `json:"number"`
	Category    string         `json:"category"`
	Region      string         `json:"region"`
	Urgency     ticket.Urgency `json:"urgency"`
	StateTitle  string         `json:"state_title"`
	Unit        Named          `json:"unit"`
	Holder      string         `json:"holder"` // who holds it: at a unit with a roster the one on duty, else the unit's post
	Due         time.Time      `json:"due,omitzero"`
	Provisional bool           `json:"provisional,omitempty"`
}

// Surge is a category or a region with many more tickets than usual.
type Surge struct {
	What   string  `json:"what"` // category or region
	ID     string  `json:"id"`
	Title  string  `json:"title"`
	Count  int64   `json:"count"`  // registered in the last hours
	Usual  float64 `json:"usual"`  // mean of the same hours on the days before
	Factor float64 `json:"factor"` // how many times the usual; 0: there is no usual
}

// Surging says how surges are found, so that nobody need trust them blindly.
type Surging struct {
	Hours  int     `json:"hours"`  // that are looked at
	Days   int     `json:"days"`   // of the fortnight before on which anything was registered in these hours
	Least  int64   `json:"least"`  // tickets a surge has
	Factor float64 `json:"factor"` // and how many times the usual
}

// Gap is a shift that nobody holds.
type Gap struct {
	Post     string    `json:"post"`
	Title    string    `json:"title"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	StandsIn Stand     `json:"stands_in"`
}

// BriefCalls are calls owed back.
type BriefCalls struct {
	Total  int         `json:"total"`
	More   bool        `json:"more"` // there are more than were counted
	Oldest []BriefCall `json:"oldest"`
}

// BriefCall is a call owed back, without who called.
type BriefCall struct {
	ID     string    `json:"id"`
	Line   string    `json:"line"`
	RangAt time.Time `json:"rang_at"`
}

// How much of each list a brief shows, and how surges are found.
const (
	briefHead   = 15
	briefLines  = 40 // of alerts
	surgeHours  = 3
	surgeDays   = 14
	surgeLeast  = 10
	surgeFactor = 3
)

// Brief tells how things stand for the shift of a post at a time; without a post, of the viewer's unit or of
// the officer on duty. Errors: NotFound when the post has no roster in the viewer's scope.
func (d *Desk) Brief(ctx context.Context, v Viewer, post string, at time.Time) (Brief, error) {
	return MakeBrief(ctx, d.Store, d.Live.Get(), v, post, at, d.Now())
}

// briefing is a brief in the making.
type briefing struct {
	s    BriefStore
	c    *city.City
	v    Viewer
	book *duty.Book
	now  time.Time
	out  *Brief
}

// MakeBrief is [Desk.Brief] over any store.
func MakeBrief(ctx context.Context, s BriefStore, c *city.City, v Viewer, post string, at, now time.Time) (Brief, error) {
	out := Brief{City: c.Title, Now: local(c, now)}
	book, err := c.BookNow(ctx, s, at)
	if err != nil {
		return out, err
	}
	b := &briefing{s: s, c: c, v: v, book: book, now: now, out: &out}
	if err := b.shift(post, at); err != nil {
		return out, err
	}
	for _, part := range []func(context.Context) error{b.tickets, b.surges, b.alerts, b.calls} {
		if err := part(ctx); err != nil {
			return out, err
		}
	}
	b.gaps()
	return out, nil
}

// shift finds the shift the brief is for, and whose work it is about.
func (b *briefing) shift(post string, at time.Time) error {
	posts := DutyPosts(b.c, b.v, b.book)
	if post == "" && b.v.Unit != "" { // of the unit itself when it has a roster
		if n := slices.IndexFunc(posts, func(p string) bool { _, unit, _ := b.c.Post(p); return unit == b.v.Unit }); n >= 0 {
			post = posts[n]
		}
	}
	if post == "" && len(posts) > 0 {
		post = posts[0]
	}
	p, ok := b.book.On(post, at)
	if !ok || !slices.Contains(posts, post) {
		return noRoster(post)
	}
	b.out.Post, b.out.Title, b.out.Who = post, b.c.PostTitle(post), p.Who
	b.out.From, b.out.Until = local(b.c, p.From), local(b.c, p.To)
	unit := b.v.Unit
	if _, of, _ := b.c.Post(post); of != b.c.DutyUnit {
		unit = of
	}
	if unit != "" {
		b.out.Unit = named(unit, b.c.UnitTitle(unit))
	}
	when := p.From
	if b.now.After(when) && b.now.Before(p.To) {
		when = b.now
	}
	b.out.Duty = OnDutyAt(b.c, b.book, posts, when)
	return nil
}

// working are the states in which work on a ticket is owed.
var working = []ticket.State{ticket.StateReceived, ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused}

// scope is a filter that stays inside what the brief is about.
func (b *briefing) scope(f store.Filter) store.Filter {
	f.HideConfidential = b.v.Unit == "" && !b.v.Can(RightConfidential)
	if b.out.Unit != nil {
		f.Units = unitsBelow(b.c, b.out.Unit.ID)
	}
	if b.v.Region != "" {
		f.Regions = subtree(b.v.Region, b.c.Rules.ChildRegions)
	}
	return f
}

func (b *briefing) tickets(ctx context.Context) (err error) {
	from := b.out.From
	if b.now.After(from) {
		from = b.now // what fell due before is late
	}
	var open []ticket.State
	for _, s := range ticket.States {
		if s.Open() {
			open = append(open, s)
		}
	}
	if b.out.Open, err = b.s.CountTickets(ctx, b.scope(store.Filter{States: open})); err != nil {
		return err
	}
	if b.out.Triage, err = b.s.CountTickets(ctx, b.scope(store.Filter{States: []ticket.State{ticket.StateTriage}})); err != nil {
		return err
	}
	for _, part := range []struct {
		into *BriefList
		f    store.Filter
	}{
		{&b.out.Due, store.Filter{States: working, DueFrom: from, DueBefore: b.out.Until, Order: "due"}},
		{&b.out.Late, store.Filter{Overdue: true, Now: b.now, Order: "due"}},
		{&b.out.Paused, store.Filter{States: []ticket.State{ticket.StatePaused}, Order: "due"}},
	} {
		if *part.into, err = b.list(ctx, b.scope(part.f)); err != nil {
			return err
		}
	}
	return nil
}

func (b *briefing) list(ctx context.Context, f store.Filter) (BriefList, error) {
	list := BriefList{Items: []BriefTicket{}}
	var err error
	if list.Total, err = b.s.CountTickets(ctx, f); err != nil || list.Total == 0 {
		return list, err
	}
	f.Limit = briefHead
	page, err := b.s.Tickets(ctx, f)
	for i := range page.Items {
		if t := &page.Items[i]; b.v.sees(b.c, &t.Ticket) {
			list.Items = append(list.Items, b.row(t))
		}
	}
	return list, err
}

func (b *briefing) row(t *store.Item) BriefTicket {
	unit := t.LeadUnit()
	row := BriefTicket{
		Number: t.Number, Category: categoryTitle(b.c, t.Category), Region: regionTitle(b.c, t.Region), Urgency: t.Urgency, StateTitle: StateTitle(t.State),
		Unit: Named{unit, b.c.UnitTitle(unit)}, Due: local(b.c, t.Due), Provisional: t.Provisional,
	}
	if t.Confidential { // a brief lies on tables
		row.Category, row.Region = "保密工单", ""
	}
	if unit == "" { // nobody's yet: it lies at the centre
		unit = b.c.DutyUnit
		row.Unit = Named{unit, b.c.UnitTitle(unit)}
	}
	row.Holder = b.holder(unit)
	return row
}

// holder is who has the work of a unit: the one on duty where its handlers have a roster, else the post.
func (b *briefing) holder(unit string) string {
	posts := b.c.PostsOf(unit, "handler")
	if unit == b.c.DutyUnit {
		posts = b.c.PostsOf(unit, "duty")
	}
	for _, post := range posts {
		if p, ok := b.book.On(post, b.now); ok && p.Attended() {
			return p.Who
		} else if ok {
			reached, who := b.book.Reach(post, b.now)
			return cmp.Or(who, b.c.PostTitle(reached))
		}
	}
	if len(posts) > 0 {
		p, _, _ := b.c.Post(posts[0])
		return p.Title
	}
	return ""
}

// surges compares the last hours with the same hours of the fortnight before. Only whoever sees the whole
// city gets them: a unit's numbers are too small to say anything.
func (b *briefing) surges(ctx context.Context) error {
	b.out.Surges, b.out.Surging = []Surge{}, Surging{Hours: surgeHours, Least: surgeLeast, Factor: surgeFactor}
	if b.v.Unit != "" || b.v.Region != "" || b.out.Unit != nil {
		return nil
	}
	type key struct{ what, id string }
	recent, usual := map[key]int64{}, map[key]int64{}
	for day := 0; day <= surgeDays; day++ {
		to := b.now.In(b.c.Zone).AddDate(0, 0, -day) // the same hours by the wall clock
		tallies, err := b.s.Registered(ctx, to.Add(-surgeHours*time.Hour), to)
		if err != nil {
			return err
		}
		into := usual
		if day == 0 {
			into = recent
		} else if len(tallies) > 0 {
			b.out.Surging.Days++
		}
		for _, t := range tallies {
			into[key{"category", t.Category}] += t.Count
			into[key{"region", t.Region}] += t.Count
		}
	}
	for k, n := range recent {
		s := Surge{What: k.what, ID: k.id, Count: n, Title: regionTitle(b.c, k.id)}
		if k.what == "category" {
			s.Title = categoryTitle(b.c, k.id)
		}
		if days := b.out.Surging.Days; days > 0 {
			s.Usual = float64(usual[k]) / float64(days)
		}
		if k.id == "" || n < surgeLeast || float64(n) < surgeFactor*s.Usual {
			continue
		}
		if s.Usual > 0 {
			s.Factor = float64(n) / s.Usual
		}
		b.out.Surges = append(b.out.Surges, s)
	}
	slices.SortFunc(b.out.Surges, func(x, y Surge) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.What, y.What), cmp.Compare(x.ID, y.ID))
	})
	b.out.Surges = b.out.Surges[:min(len(b.out.Surges), briefHead)]
	return nil
}

func (b *briefing) alerts(ctx context.Context) error {
	f := store.AlertFilter{Open: true, Limit: 1000, HideConfidential: b.v.Unit != "" || !b.v.Can(RightConfidential)}
	if b.out.Unit != nil {
		f.Units = unitsBelow(b.c, b.out.Unit.ID)
	}
	if b.v.Region != "" {
		f.Regions = subtree(b.v.Region, b.c.Rules.ChildRegions)
	}
	groups, err := b.s.AlertGroups(ctx, f)
	if err != nil {
		return err
	}
	all := groupsOf(b.c, groups)
	b.out.Alerts, b.out.AlertsN = all.Items[:min(len(all.Items), briefLines)], all.Total
	f.Open, f.Unfinished, f.HandedOver, f.Limit = false, true, true, briefHead
	handed, err := b.s.Alerts(ctx, f)
	b.out.Handed = make([]Alert, 0, len(handed))
	for i := range handed {
		b.out.Handed = append(b.out.Handed, alertRow(b.c, &handed[i]))
	}
	return err
}

// calls are for the hotline's own people.
func (b *briefing) calls(ctx context.Context) error {
	b.out.Calls.Oldest = []BriefCall{}
	if b.v.Unit != "" || b.v.Region != "" || b.out.Unit != nil {
		return nil
	}
	owed, next, err := b.s.Calls(ctx, store.CallFilter{CallBackDue: true, Limit: 1000})
	if err != nil {
		return err
	}
	b.out.Calls.Total, b.out.Calls.More = len(owed), next != ""
	slices.Reverse(owed)
	for i := range owed[:min(len(owed), briefHead)] {
		k := &owed[i]
		b.out.Calls.Oldest = append(b.out.Calls.Oldest, BriefCall{ID: k.ID.String(), Line: cmp.Or(k.Line, channelTitle(b.c, k.Channel)), RangAt: local(b.c, k.RangAt)})
	}
	return nil
}

// gaps are the shifts nobody holds, from now to a day behind the shift.
func (b *briefing) gaps() {
	b.out.Empty = []Gap{}
	for _, post := range DutyPosts(b.c, b.v, b.book) {
		b.book.Periods(post, b.now, b.out.Until.AddDate(0, 0, 1), func(p duty.Period) bool {
			if !p.Attended() {
				reached, who := b.book.Reach(post, p.From)
				b.out.Empty = append(b.out.Empty, Gap{
					Post: post, Title: b.c.PostTitle(post), From: local(b.c, p.From), Until: local(b.c, p.To),
					StandsIn: Stand{Post: reached, Title: b.c.PostTitle(reached), Who: who},
				})
			}
			return true
		})
	}
}
