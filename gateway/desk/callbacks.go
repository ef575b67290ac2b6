package desk

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// CallbackRow is a citizen who is to be called back.
type CallbackRow struct {
	Number     string    `json:"number"`
	Title      string    `json:"title,omitempty"`
	Unit       *Named    `json:"unit,omitempty"` // who finished it
	Channel    Named     `json:"channel"`
	Reply      string    `json:"reply,omitempty"` // what the citizen was told
	ResolvedAt time.Time `json:"resolved_at"`
	At         time.Time `json:"at"` // when to call at the latest, or the time the citizen asked for
	Overdue    bool      `json:"overdue,omitempty"`
	Appointed  bool      `json:"appointed,omitempty"` // the citizen asked for the time
	Decide     bool      `json:"decide,omitempty"`    // the citizen has spoken and is not content: redo it or close it
	Unanswered int       `json:"unanswered"`          // calls since it was resolved
	Attempts   int       `json:"attempts_most"`       // unanswered calls after which it may be closed as unreachable
	Last       *Named    `json:"last,omitempty"`      // outcome of the last call
	LastAt     time.Time `json:"last_at,omitzero"`
	Appellant  *Party    `json:"appellant,omitempty"` // as far as the role sees it
	First      string    `json:"first,omitempty"`     // satisfaction in an earlier round
	Redone     int       `json:"redone,omitempty"`    // how often it was reopened
}

// CallbackList is one page of those to be called, the soonest first.
type CallbackList struct {
	Items []CallbackRow `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// Callbacks lists the citizens who are to be called back, in the viewer's scope, the soonest first. Whom a confidential
// ticket is about stands in the ticket alone, where views are logged.
func (d *Desk) Callbacks(ctx context.Context, v Viewer, cursor string, limit int) (CallbackList, error) {
	c, now, out := d.Live.Get(), d.Now(), CallbackList{Items: []CallbackRow{}}
	f, some, err := d.filter(ctx, c, v, Query{Order: "callback", Cursor: cursor, Limit: limit}, now)
	if err != nil || !some {
		return out, err
	}
	page, err := d.Store.Tickets(ctx, f)
	if err != nil {
		return out, err
	}
	for i := range page.Items {
		if v.sees(c, &page.Items[i].Ticket) {
			out.Items = append(out.Items, callbackRow(c, &page.Items[i], v.sight(c), now))
		}
	}
	out.Next = page.Next
	return out, nil
}

func callbackRow(c *city.City, item *store.Item, sight Sight, now time.Time) CallbackRow {
	t, p := &item.Ticket, &item.Private
	row := CallbackRow{
		Number: t.Number, Unit: named(t.LeadUnit(), c.UnitTitle(t.LeadUnit())), Channel: Named{t.Channel, channelTitle(c, t.Channel)},
		ResolvedAt: local(c, t.ResolvedAt), At: local(c, item.Callback), Overdue: now.After(item.Callback), Appointed: !t.Callback.Appointed.IsZero(),
		Decide: t.Callback.Done, Unanswered: t.Callback.Unanswered, LastAt: local(c, t.Callback.At), First: string(t.Outcome.First), Redone: t.Counters.Reopens,
		Last: named(t.Callback.Outcome, outcomeTitles[t.Callback.Outcome]),
	}
	policy, _, _ := c.Terms(t)
	row.Attempts = policy.Budget.Attempts()
	if t.Confidential {
		row.Title = "保密工单（打开查看，查看留痕）"
		return row
	}
	row.Title, row.Reply, row.Appellant = sight.words(p, p.Title), sight.words(p, p.PublicReply), sight.party(p.Appellant)
	return row
}

// Rating is what a citizen says of how the matter was handled.
type Rating struct {
	Solved       *bool
	Satisfaction ticket.Satisfaction
	Text         string
}

// Rate takes a citizen's own word on a ticket by its number and tracking code, as a callback that needs no call, and gives
// the track as it then stands. A matter is rated once each time it was resolved. Errors: those of Track; Conflict when it
// is not resolved or was rated already.
func (d *Desk) Rate(ctx context.Context, number, code string, r Rating) (Track, error) {
	var err error
	for range tries {
		var out Track
		if out, err = d.rate(ctx, number, code, r); !stale(err) {
			return out, err
		}
	}
	return Track{}, err
}

func (d *Desk) rate(ctx context.Context, number, code string, r Rating) (Track, error) {
	c, now := d.Live.Get(), d.Now()
	item, err := d.byCode(ctx, number, code, now)
	if err != nil {
		return Track{}, err
	}
	t, reached := item.Ticket, true
	work := &t
	if t.State == ticket.StateMerged {
		lead, err := d.leadOf(ctx, &t)
		if err != nil {
			return Track{}, err
		}
		work = &lead.Ticket
	}
	switch {
	case t.Callback.Done:
		return Track{}, ticket.Errorf(ticket.Conflict, "rating.given", "本次办理结果已经评价过，谢谢；如有新情况请补充诉求或拨打热线")
	case !ratable(&t, work):
		return Track{}, ticket.Errorf(ticket.Conflict, "rating.not_now", "工单%s，现在不能评价；办结后请再来", StateTitle(work.State))
	}
	history, err := d.Store.History(ctx, t.ID)
	if err != nil {
		return Track{}, err
	}
	history = city.Upto(&t, history)
	cmd := ticket.Command{
		Action: ticket.CallBack, Actor: ticket.Actor{Kind: ticket.ActorCitizen}, Cause: ticket.Cause{Pack: c.Hash},
		Details: ticket.Details{Reached: &reached, Solved: r.Solved, Satisfaction: r.Satisfaction, Outcome: ticket.OutcomeReached},
	}
	if r.Text != "" {
		cmd.Private = &ticket.Private{Text: r.Text}
	}
	e, err := t.Do(cmd, now, d.Random)
	if err != nil {
		return Track{}, err
	}
	change, _, err := d.change(ctx, c, &item, &t, append(history, e), now)
	if err != nil {
		return Track{}, err
	}
	if err := d.Store.Commit(ctx, change)[0]; err != nil {
		return Track{}, err
	}
	d.Committed(false)
	due := change.Tickets[0]
	return d.track(ctx, c, store.Item{Ticket: t, Due: due.Due, Provisional: due.Provisional}, now)
}
