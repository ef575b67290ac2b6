package desk

import (
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Call is a call as a viewer may see it.
type Call struct {
	ID         string    `json:"id"`
	Channel    Named     `json:"channel"`
	CallID     string    `json:"call_id"`
	Line       string    `json:"line,omitempty"`
	Agent      string    `json:"agent,omitempty"`
	State      string    `json:"state"` // ringing, answered, ended, missed
	CallBack   string    `json:"call_back,omitempty"`
	RangAt     time.Time `json:"rang_at,omitzero"`
	AnsweredAt time.Time `json:"answered_at,omitzero"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Seconds    int       `json:"seconds,omitempty"`
	Caller     *Party    `json:"caller,omitempty"`
	Recordings int       `json:"recordings,omitempty"`
	Transcript string    `json:"transcript,omitempty"`
	Tickets    []string  `json:"tickets,omitempty"` // numbers
}

// CallList is one page of calls.
type CallList struct {
	Items []Call `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Calls lists calls, newest first; those owed a call back only when due is set. Calls belong to
// the hotline's own people: somebody whose scope is a unit sees none.
func (d *Desk) Calls(ctx context.Context, v Viewer, due bool, cursor string, limit int) (CallList, error) {
	c, out := d.Live.Get(), CallList{Items: []Call{}}
	if v.Unit != "" || v.Region != "" {
		return out, nil
	}
	calls, next, err := d.Store.Calls(ctx, store.CallFilter{CallBackDue: due, Cursor: cursor, Limit: min(limit, listMost)})
	if err != nil {
		return out, err
	}
	var ids []ticket.ID
	for _, k := range calls {
		ids = append(ids, k.Tickets...)
	}
	tickets, err := d.ticketsOf(ctx, ids)
	if err != nil {
		return out, err
	}
	for i := range calls {
		out.Items = append(out.Items, callRow(c, v, &calls[i], tickets))
	}
	out.Next = next
	return out, nil
}

// callRow shows a call. Who called and what was said of a confidential matter stands in its ticket alone,
// where views are logged; one that cannot be looked at counts as confidential.
func callRow(c *city.City, v Viewer, k *store.Call, tickets map[ticket.ID]*ticket.Ticket) Call {
	row := Call{
		ID: k.ID.String(), Channel: Named{k.Channel, channelTitle(c, k.Channel)}, CallID: k.CallID, Line: k.Line, Agent: k.Agent, State: k.State,
		CallBack: k.CallBack, RangAt: local(c, k.RangAt), AnsweredAt: local(c, k.AnsweredAt), EndedAt: local(c, k.EndedAt), Seconds: k.Seconds,
		Recordings: len(k.Private.Recording),
	}
	open := true
	for _, id := range k.Tickets {
		t, known := tickets[id]
		open = open && known && !t.Confidential
		if known && v.sees(c, t) {
			row.Tickets = append(row.Tickets, t.Number)
		}
	}
	if sight := v.sight(c); open && sight > SightNone {
		row.Caller = sight.party(k.Private.Caller)
		row.Transcript = sight.words(&ticket.Private{Appellant: k.Private.Caller}, k.Private.Transcript)
	}
	return row
}

// ticketsOf reads tickets by id.
func (d *Desk) ticketsOf(ctx context.Context, ids []ticket.ID) (map[ticket.ID]*ticket.Ticket, error) {
	found := map[ticket.ID]*ticket.Ticket{}
	for some := range slices.Chunk(ids, 500) {
		page, err := d.Store.Tickets(ctx, store.Filter{IDs: some, Limit: len(some)})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			found[page.Items[i].ID] = &page.Items[i].Ticket
		}
	}
	return found, nil
}

// Delivery is a delivery without its content.
type Delivery struct {
	ID         string              `json:"id"`
	Channel    Named               `json:"channel"`
	ReceivedAt time.Time           `json:"received_at"`
	State      store.DeliveryState `json:"state"`
	Code       string              `json:"code,omitempty"` // of quarantine or rejection
}

// DeliveryList is one page of deliveries.
type DeliveryList struct {
	Items []Delivery `json:"items"`
	Next  string     `json:"next,omitempty"`
}

// Deliveries lists deliveries, newest first, without what they say.
func (d *Desk) Deliveries(ctx context.Context, f store.DeliveryFilter) (DeliveryList, error) {
	c := d.Live.Get()
	f.Limit = min(f.Limit, listMost)
	rows, next, err := d.Store.Deliveries(ctx, f)
	out := DeliveryList{Items: make([]Delivery, 0, len(rows)), Next: next}
	for _, r := range rows {
		out.Items = append(out.Items, Delivery{ID: r.ID.String(), Channel: Named{r.Channel, channelTitle(c, r.Channel)}, ReceivedAt: local(c, r.ReceivedAt), State: r.State, Code: r.Code})
	}
	return out, err
}

// Notice is something to tell a unit or a citizen, without what it says.
type Notice struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"`
	Target   Named     `json:"target"`
	State    string    `json:"state"`
	Attempts int       `json:"attempts"`
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next,omitzero"`
	Done     time.Time `json:"done,omitzero"`
	Error    string    `json:"error,omitempty"`
	Why      string    `json:"why,omitempty"`     // rule or step, and for pages the route
	Page     int64     `json:"page,omitempty"`    // the page that tells of it
	Silence  int64     `json:"silence,omitempty"` // what held it back
}

// Notices lists notices in a state, newest first, before the one with id cursor (0: from the newest). Of those
// that were silenced only one silence's when silence is not 0.
func (d *Desk) Notices(ctx context.Context, state store.NoticeState, silence, cursor int64, limit int) ([]Notice, error) {
	c := d.Live.Get()
	read := func() ([]store.StoredNotice, error) {
		if silence != 0 {
			return d.Store.Silenced(ctx, silence, cursor, min(max(limit, 1), listMost))
		}
		return d.Store.Notices(ctx, state, cursor, min(max(limit, 1), listMost))
	}
	rows, err := read()
	list := make([]Notice, 0, len(rows))
	for _, n := range rows {
		title := channelTitle(c, n.Target)
		if u, ok := c.Rules.Unit(n.Target); ok {
			title = u.Name
		}
		if to, ok := c.Notices.Destination(n.Target); ok && (n.Kind == outbox.KindPage || n.Kind == outbox.KindUrgentPage) {
			title = to.Title
		}
		list = append(list, Notice{
			ID: n.ID, Kind: n.Kind, Target: Named{n.Target, title}, State: string(n.State), Attempts: n.Attempts,
			Created: local(c, n.Created), Next: local(c, n.Next), Done: local(c, n.Done), Error: n.Error,
			Why: n.Why, Page: n.Page, Silence: n.Silence,
		})
	}
	return list, err
}

// RedriveNotices puts dead notices back to pending and tells how many there were.
func (d *Desk) RedriveNotices(ctx context.Context, ids []int64) (int, error) {
	n, err := d.Store.Redrive(ctx, ids, d.Now())
	if err == nil && n > 0 {
		d.Committed(true)
	}
	return n, err
}

// stamp writes a time in the city's zone.
func stamp(c *city.City, at time.Time) string { return local(c, at).Format(time.RFC3339) }
