package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Alert is something a person on duty must see.
type Alert struct {
	ID           string           `json:"id"`
	Number       string           `json:"number,omitempty"`
	Unit         *Named           `json:"unit,omitempty"`   // of the post
	Holder       *Named           `json:"holder,omitempty"` // whose work it is about
	Region       *Named           `json:"region,omitempty"`
	Level        string           `json:"level"`
	LevelTitle   string           `json:"level_title"`
	Post         string           `json:"post,omitempty"`
	PostTitle    string           `json:"post_title,omitempty"`
	Text         string           `json:"text"`
	At           time.Time        `json:"at"`
	State        store.AlertState `json:"state"`
	StateTitle   string           `json:"state_title"`
	Person       string           `json:"person,omitempty"` // it was handed to
	DeliveredTo  string           `json:"delivered_to,omitempty"`
	DeliveredAt  time.Time        `json:"delivered_at,omitzero"`
	Climbed      int              `json:"climbed,omitempty"`      // how often it has climbed
	ClimbedFrom  string           `json:"climbed_from,omitempty"` // id of the alert below
	ClimbsAt     time.Time        `json:"climbs_at,omitzero"`     // when it climbs unless somebody acknowledges it
	SnoozedUntil time.Time        `json:"snoozed_until,omitzero"`
	AckedBy      string           `json:"acked_by,omitempty"`
	AckedAt      time.Time        `json:"acked_at,omitzero"`
	DoneBy       string           `json:"done_by,omitempty"`
	DoneAt       time.Time        `json:"done_at,omitzero"`
}

// AlertQuery narrows a list of alerts within the viewer's scope. Zero parts mean no limit.
type AlertQuery struct {
	Open   bool // not acknowledged
	Active bool // not done
	Mine   bool // of the viewer's posts, or handed to the viewer
	State  store.AlertState
	Unit   string
	Level  string
	Post   string
	Limit  int // at most 1000; 0 means 100
}

var alertStates = map[store.AlertState]string{
	store.AlertOpen: "待确认", store.AlertSnoozed: "已推迟", store.AlertAcked: "已确认", store.AlertDone: "已办结",
}

// Alerts lists alerts in the viewer's scope, newest first.
func (d *Desk) Alerts(ctx context.Context, v Viewer, q AlertQuery) ([]Alert, error) {
	c, list := d.Live.Get(), []Alert{}
	f, some, err := d.alertFilter(ctx, c, v, q)
	if err != nil || !some {
		return list, err
	}
	rows, err := d.alerts(ctx, c, v, f)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if q.State == "" || rows[i].State() == q.State {
			list = append(list, alertRow(c, &rows[i]))
		}
	}
	return list, nil
}

func alertRow(c *city.City, a *store.Alert) Alert {
	state := a.State()
	row := Alert{
		ID: a.ID.String(), Number: a.Number, Region: named(a.Region, regionTitle(c, a.Region)), Level: a.Level, LevelTitle: LevelTitle(a.Level),
		Post: a.Post, Text: a.Text, At: local(c, a.At), State: state, StateTitle: alertStates[state], Person: a.Person, DeliveredTo: a.DeliveredTo,
		DeliveredAt: local(c, a.DeliveredAt), Climbed: a.Rung, SnoozedUntil: local(c, a.SnoozedUntil), AckedBy: a.AckedBy, AckedAt: local(c, a.AckedAt),
		DoneBy: a.DoneBy, DoneAt: local(c, a.DoneAt),
	}
	if a.Unit != "" {
		row.Unit = named(a.Unit, c.UnitTitle(a.Unit))
	}
	if a.Holder != "" {
		row.Holder = named(a.Holder, c.UnitTitle(a.Holder))
	}
	if a.Post != "" {
		row.PostTitle = c.PostTitle(a.Post)
	}
	if !a.Root.IsZero() {
		row.ClimbedFrom = a.Root.String()
	}
	if state == store.AlertOpen && !a.DeliveredAt.IsZero() {
		row.ClimbsAt = local(c, a.Look)
	}
	return row
}

// alertFilter makes a query the store's filter, inside the viewer's scope. some is false when the query
// lies outside it altogether.
func (d *Desk) alertFilter(ctx context.Context, c *city.City, v Viewer, q AlertQuery) (f store.AlertFilter, some bool, err error) {
	f = store.AlertFilter{Open: q.Open, Unfinished: q.Active, Snoozed: q.State == store.AlertSnoozed, Limit: q.Limit}
	if f.Limit == 0 {
		f.Limit = 100
	}
	switch q.State {
	case store.AlertOpen, store.AlertSnoozed:
		f.Open = true
	case store.AlertAcked:
		f.Unfinished = true
	case store.AlertDone:
	}
	unit, some, err := within(v.Unit, q.Unit, "unit", c.Rules.WithinUnit)
	if err != nil || !some {
		return f, false, err
	}
	if v.Unit != "" {
		f.Units = unitsBelow(c, v.Unit)
	}
	if q.Unit != "" {
		f.Holders = []string{unit} // a line of the groups, opened
	}
	if v.Region != "" {
		f.Regions = subtree(v.Region, c.Rules.ChildRegions)
	}
	if q.Level != "" {
		f.Levels = []string{q.Level}
	}
	if q.Post != "" {
		f.Posts = []string{q.Post}
	}
	if q.Mine {
		f.Who = v.Login
		if f.Posts, err = d.ownPosts(ctx, c, v); err != nil {
			return f, false, err
		}
	}
	return f, true, nil
}

// ownPosts are the posts a viewer holds: by the account, and by the roster now.
func (d *Desk) ownPosts(ctx context.Context, c *city.City, v Viewer) ([]string, error) {
	now := d.Now()
	book, err := c.BookNow(ctx, d.Store, now)
	if err != nil {
		return nil, err
	}
	posts := append(slices.Clone(v.Posts), book.Holds(v.Login, now)...)
	slices.Sort(posts)
	return slices.Compact(posts), nil
}

// alerts reads what a filter finds, without what the viewer may not know of. The filter lies in the
// viewer's scope.
func (d *Desk) alerts(ctx context.Context, c *city.City, v Viewer, f store.AlertFilter) ([]store.Alert, error) {
	f.Limit = min(max(f.Limit, 1), 1000)
	f.HideConfidential = v.Unit == "" && !v.Can(RightConfidential)
	rows, err := d.Store.Alerts(ctx, f)
	if err != nil {
		return nil, err
	}
	var ids []ticket.ID
	for _, a := range rows {
		if !a.Ticket.IsZero() && !slices.Contains(ids, a.Ticket) {
			ids = append(ids, a.Ticket)
		}
	}
	tickets, err := d.ticketsOf(ctx, ids)
	return slices.DeleteFunc(rows, func(a store.Alert) bool {
		t, known := tickets[a.Ticket]
		return known && t.Confidential && !v.sees(c, t)
	}), err
}

// alert finds an alert in the viewer's scope with all of its family: those that climbed from the same one.
func (d *Desk) alert(ctx context.Context, c *city.City, v Viewer, id ticket.ID) (a store.Alert, family []store.Alert, err error) {
	f, _, err := d.alertFilter(ctx, c, v, AlertQuery{})
	if err != nil {
		return a, nil, err
	}
	f.IDs = []ticket.ID{id}
	rows, err := d.alerts(ctx, c, v, f)
	if err != nil {
		return a, nil, err
	}
	if len(rows) == 0 {
		return a, nil, ticket.Errorf(ticket.NotFound, "alert.unknown", "没有这条告警")
	}
	family, err = d.Store.Alerts(ctx, store.AlertFilter{Family: rows[0].Family(), Limit: 100})
	slices.SortFunc(family, func(a, b store.Alert) int { return slices.Compare(a.ID[:], b.ID[:]) }) // who writes several, does so in one order
	a = rows[0]
	for i := range family { // as it stands in the family: what is decided must rest on one look, not on two
		if family[i].ID == id {
			a = family[i]
		}
	}
	return a, family, err
}

// AlertStory is an alert with its history.
type AlertStory struct {
	Alert
	History []AlertEntry `json:"history"`
}

// AlertEntry is one line of an alert's history.
type AlertEntry struct {
	At     time.Time         `json:"at"`
	By     string            `json:"by,omitempty"` // empty: the gateway
	What   store.AlertAction `json:"what"`
	Title  string            `json:"title"`
	Post   string            `json:"post,omitempty"`
	Person string            `json:"person,omitempty"`
	Until  time.Time         `json:"until,omitzero"`
	Reason string            `json:"reason,omitempty"`
}

var alertActions = map[store.AlertAction]string{
	store.AlertDelivered: "送达", store.AlertRerouted: "无人当班，改送", store.AlertClimbed: "无人确认，上报", store.AlertPutOff: "推迟",
	store.AlertWoke: "推迟到点，再次送达", store.AlertHandedOver: "移交", store.AlertAcknowledged: "确认", store.AlertFinished: "办结",
}

// AlertStory tells what became of an alert, oldest first.
func (d *Desk) AlertStory(ctx context.Context, v Viewer, id ticket.ID) (AlertStory, error) {
	c := d.Live.Get()
	a, _, err := d.alert(ctx, c, v, id)
	if err != nil {
		return AlertStory{}, err
	}
	log, err := d.Store.AlertLog(ctx, id)
	story := AlertStory{Alert: alertRow(c, &a), History: make([]AlertEntry, 0, len(log))}
	for _, e := range log {
		story.History = append(story.History, AlertEntry{
			At: local(c, e.At), By: e.By, What: e.What, Title: alertActions[e.What], Post: e.Post, Person: e.Person, Until: local(c, e.Until), Reason: e.Reason,
		})
	}
	return story, err
}

// AlertGroup is how many alerts of a level are about the work of a unit.
type AlertGroup struct {
	Unit       Named     `json:"unit"`
	Level      string    `json:"level"`
	LevelTitle string    `json:"level_title"`
	Count      int64     `json:"count"`
	Snoozed    int64     `json:"snoozed"` // of them
	Oldest     time.Time `json:"oldest"`
	Newest     time.Time `json:"newest"`
}

// AlertGroups is what waits, by unit and level.
type AlertGroups struct {
	Items []AlertGroup `json:"items"`
	Total int64        `json:"total"` // alerts in all groups
	More  bool         `json:"more"`  // there are more than were counted
}

// AlertGroups counts what waits in the viewer's scope by unit and level: what is worst comes first, of that
// the most.
func (d *Desk) AlertGroups(ctx context.Context, v Viewer, q AlertQuery) (AlertGroups, error) {
	c, out := d.Live.Get(), AlertGroups{Items: []AlertGroup{}}
	f, some, err := d.alertFilter(ctx, c, v, q)
	if err != nil || !some {
		return out, err
	}
	var groups []store.AlertGroup
	if f.Limit = 1000; v.Unit == "" {
		f.HideConfidential = !v.Can(RightConfidential)
		groups, err = d.Store.AlertGroups(ctx, f)
	} else { // whether a unit may know of a confidential matter stands in the matter itself
		var rows []store.Alert
		rows, err = d.alerts(ctx, c, v, f)
		groups, out.More = grouped(rows), len(rows) == f.Limit
	}
	all := groupsOf(c, groups)
	all.More = out.More
	return all, err
}

// groupsOf shows groups: what is worst comes first, of that the most.
func groupsOf(c *city.City, groups []store.AlertGroup) AlertGroups {
	out := AlertGroups{Items: []AlertGroup{}}
	for _, g := range groups {
		out.Total += g.Count
		out.Items = append(out.Items, AlertGroup{
			Unit: Named{g.Unit, c.UnitTitle(g.Unit)}, Level: g.Level, LevelTitle: LevelTitle(g.Level), Count: g.Count, Snoozed: g.Snoozed,
			Oldest: local(c, g.Oldest), Newest: local(c, g.Newest),
		})
	}
	slices.SortStableFunc(out.Items, func(a, b AlertGroup) int { return weight(b.Level) - weight(a.Level) })
	return out
}

// weight orders levels: an alarm of the hotline itself comes before all.
func weight(level string) int {
	if level == "alarm" {
		return len(ticket.Levels)
	}
	return slices.Index(ticket.Levels, level)
}

func grouped(rows []store.Alert) (list []store.AlertGroup) {
	for i := range rows {
		a := &rows[i]
		n := slices.IndexFunc(list, func(g store.AlertGroup) bool { return g.Unit == cmp.Or(a.Holder, a.Unit) && g.Level == a.Level })
		if n < 0 {
			n = len(list)
			list = append(list, store.AlertGroup{Unit: cmp.Or(a.Holder, a.Unit), Level: a.Level, Oldest: a.At, Newest: a.At})
		}
		g := &list[n]
		g.Count++
		if !a.SnoozedUntil.IsZero() {
			g.Snoozed++
		}
		if a.At.Before(g.Oldest) {
			g.Oldest = a.At
		}
		if a.At.After(g.Newest) {
			g.Newest = a.At
		}
	}
	slices.SortStableFunc(list, func(a, b store.AlertGroup) int { return int(b.Count - a.Count) })
	return list
}
