package tables

import (
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// listed is a ticket of a list with what its cursor is made of.
type listed struct {
	store.Item
	pos, registered, due, callback int64
}

// Tickets implements [store.Reader].
func (s *Tables) Tickets(ctx context.Context, f store.Filter) (store.Page, error) {
	var q query
	s.narrow(&q, f)
	if err := s.narrowUnits(ctx, &q, f); err != nil {
		return store.Page{}, err
	}
	order, err := seek(&q, f)
	if err != nil {
		return store.Page{}, err
	}
	limit := pageLimit(f.Limit)
	list, err := built(ctx, s.DB, "tickets", `SELECT `+itemColumns+`, t.pos, t.registered_at, t.due_at, COALESCE(t.callback_at, 0) FROM tickets t`+
		q.where()+order+` LIMIT +?`, func(r Row) (listed, error) {
		var l listed
		var err error
		l.Item, err = s.scanItem(withLast{withLast{withLast{withLast{r, &l.callback}, &l.due}, &l.registered}, &l.pos})
		if l.callback != 0 {
			l.Callback = time.UnixMilli(l.callback).UTC()
		}
		return l, err
	}, append(q.args, limit+1)...)
	if err != nil {
		return store.Page{}, err
	}
	list, next := cut(list, limit, func(l listed) string {
		switch f.Order {
		case "due":
			return cursorOf(l.due, l.pos)
		case "callback":
			return cursorOf(l.callback, l.pos)
		}
		return cursorOf(l.registered, l.pos)
	})
	page := store.Page{Items: make([]store.Item, len(list)), Next: next}
	for i := range list {
		page.Items[i] = list[i].Item
	}
	return page, nil
}

// narrow adds every condition but that on units.
func (s *Tables) narrow(q *query, f store.Filter) {
	narrowStates(q, f.States)
	q.among(`t.region`, f.Regions)
	q.among(`t.category`, f.Categories)
	q.among(`t.channel`, f.Channels)
	q.among(`t.source`, texts(f.Sources))
	q.among(`t.urgency`, texts(f.Urgency))
	if !f.Incident.IsZero() {
		q.and(`t.incident = ? AND t.incident IS NOT NULL`, f.Incident[:])
	}
	if !f.DueFrom.IsZero() {
		q.and(`t.due_at >= ?`, f.DueFrom.UnixMilli())
	}
	if !f.DueBefore.IsZero() {
		q.and(`t.due_at < ?`, f.DueBefore.UnixMilli())
	}
	if !f.From.IsZero() {
		q.and(`t.registered_at >= ?`, f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q.and(`t.registered_at < ?`, f.To.UnixMilli())
	}
	if f.Overdue {
		q.and(overdue, f.Now.UnixMilli())
	}
	if f.Phone != "" {
		q.and(`t.phone_ix = ? AND t.phone_ix IS NOT NULL`, s.Ring.Index("phone", f.Phone))
	}
	if f.IDs != nil && len(f.IDs) == 0 {
		q.and(`1 = 0`) // an empty list is no SQL
	}
	if len(f.IDs) > 0 {
		ids := make([]any, len(f.IDs))
		for i := range f.IDs {
			ids[i] = f.IDs[i][:]
		}
		q.and(`t.id IN (`+marks(len(ids))+`)`, ids...)
	}
	if bit := queues[f.Queue]; f.Queue != "" {
		q.and(`(t.flags & 896) <> 0`) // what the index holds
		q.and(`(t.flags & ?) <> 0`, bit)
		q.and(`t.open = 1`)
	}
	if f.Public {
		q.and(`t.flags & 2 <> 0`)
	}
	if f.Provisional {
		q.and(`t.flags & 8 <> 0`)
	}
	if f.HideHistoric {
		q.and(`t.flags & 4 = 0`)
	}
	if f.HideUnrated {
		q.and(`t.flags & 1024 = 0`)
	}
	if f.HideConfidential {
		q.and(`t.flags & 1 = 0`)
	}
}

// queues are the flags of those who wait.
var queues = map[store.Queue]int64{store.QueueArbitration: flagDisputed, store.QueueApproval: flagAsked, store.QueueOrders: flagOrdered}

// overdue: the citizen's deadline has passed and the matter is not yet resolved.
const overdue = `t.due_at <= ? AND t.open = 1 AND t.state <> 'resolved'`

// narrowStates writes out what partial indexes need to see.
func narrowStates(q *query, states []ticket.State) {
	if len(states) == 0 {
		return
	}
	if len(states) == 1 && states[0] == ticket.StateTriage {
		q.and(`t.state = 'triage'`)
		return
	}
	if len(states) == 1 && states[0] == ticket.StatePaused {
		q.and(`t.state = 'paused'`)
		return
	}
	open := true
	for _, st := range states {
		open = open && st.Open()
	}
	if open {
		q.and(`t.open = 1`)
	}
	if open && !slices.ContainsFunc(ticket.States, func(st ticket.State) bool { return st.Open() && !slices.Contains(states, st) }) {
		return // every open state is asked for
	}
	q.among(`t.state`, texts(states))
}

// manyTickets is from where a unit's tickets are so many that the newest are found faster by
// going through all tickets than by gathering the unit's and sorting them.
const manyTickets = 5000

func (s *Tables) narrowUnits(ctx context.Context, q *query, f store.Filter) error {
	if len(f.Units) == 0 {
		return nil
	}
	in := marks(len(f.Units))
	args := anys(f.Units)
	counted, err := built(ctx, s.DB, "tickets", `SELECT count(*) FROM (SELECT 1 FROM ticket_units WHERE unit IN (`+in+`) LIMIT +?) AS counted`, scanInt,
		append(anys(f.Units), manyTickets)...)
	if err != nil {
		return err
	}
	if counted[0] < manyTickets {
		q.and(`t.id IN (SELECT ticket FROM ticket_units WHERE unit IN (`+in+`))`, args...)
		return nil
	}
	q.and(`EXISTS (SELECT 1 FROM ticket_units u WHERE u.ticket = t.id AND u.unit IN (`+in+`))`, args...)
	return nil
}

// seek adds where the page begins and returns the order of the list.
func seek(q *query, f store.Filter) (string, error) {
	switch f.Order {
	case "", "registered":
		if f.Cursor != "" {
			at, err := parseCursor(f.Cursor, 2)
			if err != nil {
				return "", err
			}
			q.and(`(t.registered_at, t.pos) < (?, ?)`, at[0], at[1])
		}
		return ` ORDER BY t.registered_at DESC, t.pos DESC`, nil
	case "due":
		if f.Cursor != "" {
			at, err := parseCursor(f.Cursor, 2)
			if err != nil {
				return "", err
			}
			q.and(`(t.due_at, t.pos) > (?, ?)`, at[0], at[1])
		}
		return ` ORDER BY t.due_at, t.pos`, nil
	case "callback":
		q.and(`t.callback_at IS NOT NULL`)
		q.and(`t.open = 1`) // a gateway of the version before closes a ticket and leaves the rest as it was
		if f.Cursor != "" {
			at, err := parseCursor(f.Cursor, 2)
			if err != nil {
				return "", err
			}
			q.and(`(t.callback_at, t.pos) > (?, ?)`, at[0], at[1])
		}
		return ` ORDER BY t.callback_at, t.pos`, nil
	}
	return "", ticket.Errorf(ticket.Invalid, "store.order", "tickets are ordered by registered, due or callback, not by %q", f.Order)
}
