package desk

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Track is what a citizen learns of a ticket by its number and tracking code: what was done and
// when, who has it, what was said. Ladder steps, other parties and internal notes are left out.
type Track struct {
	Number      string       `json:"number"`
	State       ticket.State `json:"state"`
	StateTitle  string       `json:"state_title"`
	Title       string       `json:"title,omitempty"`
	Unit        string       `json:"unit,omitempty"`
	Expected    time.Time    `json:"expected,omitzero"` // when an answer is due at the latest
	Provisional bool         `json:"provisional,omitempty"`
	Overdue     bool         `json:"overdue,omitempty"`
	Merged      bool         `json:"merged,omitempty"` // handled together with others about the same happening
	Steps       []TrackStep  `json:"steps"`
	Replies     []TrackReply `json:"replies,omitempty"`
	Ratable     bool         `json:"ratable,omitempty"` // the citizen may say whether it is solved, and how content they are
	Rating      string       `json:"rating,omitempty"`  // what the citizen said last
}

// TrackStep is one of the seven steps of a matter (受理、登记、分拨、处置、反馈、跟踪、结案).
type TrackStep struct {
	Name  string    `json:"name"`
	Title string    `json:"title"`
	Done  bool      `json:"done"`
	At    time.Time `json:"at,omitzero"`
	Text  string    `json:"text,omitempty"`
}

// TrackReply is a public reply the citizen was given.
type TrackReply struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Track opens the public track of a ticket. Errors: NotFound, the same for an unknown number and a wrong
// code; TooMany while the number is locked after five wrong codes.
func (d *Desk) Track(ctx context.Context, number, code string, now time.Time) (Track, error) {
	item, err := d.byCode(ctx, number, code, now)
	if err != nil {
		return Track{}, err
	}
	return d.track(ctx, d.Live.Get(), item, now)
}

// byCode opens a ticket to its citizen. Errors: those of Track.
func (d *Desk) byCode(ctx context.Context, number, code string, now time.Time) (store.Item, error) {
	number, code = strings.ToUpper(strings.TrimSpace(number)), strings.ToUpper(strings.TrimSpace(code))
	wrong := ticket.Errorf(ticket.NotFound, "track.wrong", "工单编号或查询码不正确，请核对后再试")
	if !ticket.ValidNumber(number) {
		return store.Item{}, wrong
	}
	item, err := d.Store.TicketByNumber(ctx, number)
	if ticket.IsKind(err, ticket.NotFound) {
		return store.Item{}, wrong
	}
	if err != nil {
		return store.Item{}, err
	}
	_, lockedUntil, err := d.Store.TrackFailures(ctx, number, now, false)
	if err != nil {
		return store.Item{}, err
	}
	if now.Before(lockedUntil) {
		return store.Item{}, trackLocked(lockedUntil.Sub(now))
	}
	if want := item.Private.TrackCode; want == "" || subtle.ConstantTimeCompare([]byte(code), []byte(want)) != 1 {
		if _, lockedUntil, err = d.Store.TrackFailures(ctx, number, now, true); err != nil {
			return store.Item{}, err
		}
		if now.Before(lockedUntil) {
			return store.Item{}, trackLocked(lockedUntil.Sub(now))
		}
		return store.Item{}, wrong
	}
	return item, nil
}

func trackLocked(left time.Duration) error {
	e := ticket.Errorf(ticket.TooMany, "track.locked", "查询码连续输错 %d 次，请 %d 分钟后再试，或拨打热线查询", store.TrackLimit, int(left.Minutes())+1)
	e.RetryAfter = left
	return e
}

func (d *Desk) track(ctx context.Context, c *city.City, item store.Item, now time.Time) (Track, error) {
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return Track{}, err
	}
	t := &item.Ticket
	out := Track{
		Number: t.Number, State: t.State, StateTitle: StateTitle(t.State), Title: text.MaskPersonal(t.Private.Title), Provisional: item.Provisional,
		Overdue: d.summary(c, &item, SightNone, now).Overdue,
	}
	if !item.Due.IsZero() && t.State.Open() && t.State != ticket.StateResolved {
		out.Expected = local(c, item.Due)
	}
	out.Rating = satisfactionTitles[t.Outcome.Final]
	work, workHistory := t, history
	if t.State == ticket.StateMerged || !t.Incident.IsZero() && t.Incident != t.ID {
		lead, err := d.leadOf(ctx, t)
		if err != nil {
			return Track{}, err
		}
		if workHistory, err = d.Store.History(ctx, lead.ID); err != nil {
			return Track{}, err
		}
		work, out.Merged = &lead.Ticket, true
	}
	if u := work.LeadUnit(); u != "" {
		out.Unit = c.UnitTitle(u)
	}
	out.Ratable = ratable(t, work)
	out.Steps = steps(c, t, history, work, workHistory)
	for _, e := range history {
		if e.Private != nil && e.Private.PublicReply != "" {
			out.Replies = append(out.Replies, TrackReply{At: local(c, e.At), Text: e.Private.PublicReply})
		}
	}
	return out, nil
}

// ratable reports whether the citizen of a ticket may say how it was handled: once, each time the work was done. work is the
// ticket whose unit did it. What was imported from an archive is over: nobody would be told that it is to be done again.
func ratable(t, work *ticket.Ticket) bool {
	done := work.State == ticket.StateResolved || t.ID != work.ID && work.State == ticket.StateClosed
	return done && !t.Historic && !t.Callback.Done && (t.State == ticket.StateResolved || t.State == ticket.StateMerged)
}

// leadOf reads the ticket whose unit does the work of a merged one, which may have been merged itself.
func (d *Desk) leadOf(ctx context.Context, t *ticket.Ticket) (lead store.Item, err error) {
	seen := map[ticket.ID]bool{t.ID: true}
	for id := t.Incident; !seen[id]; id = lead.Incident {
		seen[id] = true
		if lead, err = d.Store.Ticket(ctx, id); err != nil || lead.State != ticket.StateMerged {
			return lead, err
		}
	}
	return lead, nil
}

// steps tells how far a matter has come. work is the ticket whose unit does the work: t itself, or
// the lead of its incident.
func steps(c *city.City, t *ticket.Ticket, history []ticket.Event, work *ticket.Ticket, workHistory []ticket.Event) []TrackStep {
	owner, feedback := "", t.Private.PublicReply
	if u := work.LeadUnit(); u != "" {
		owner = c.UnitTitle(u)
	}
	if t.ID != work.ID && owner != "" {
		owner += "（与同一事件的其他反映一并办理）"
	}
	if t.State == ticket.StateDeclined || t.State == ticket.StateTransferred {
		feedback = StateTitle(t.State) + "：" + c.Reasons[t.Outcome.Reason].Advice
	}
	if t.Outcome.Unrated {
		feedback = ActionTitle(ticket.Terminate) + "：" + c.Reasons[t.Outcome.Reason].Advice
	}
	history, workHistory = round(history), round(workHistory)
	ended := []ticket.Action{ticket.Answer, ticket.Decline, ticket.Transfer, ticket.Terminate}
	list := []TrackStep{
		{Name: "received", Title: "受理", At: t.ReceivedAt},
		{Name: "registered", Title: "登记", At: t.RegisteredAt},
		{Name: "dispatched", Title: "分拨", At: latest(workHistory, ticket.Dispatch, ticket.Arbitrate, ticket.Reopen), Text: owner},
		{Name: "handling", Title: "处置", At: first(workHistory, ticket.Sign, ticket.SendOn)},
		{Name: "answered", Title: "反馈", At: replied(t, history), Text: feedback},
		{Name: "followed", Title: "跟踪", At: latest(history, ticket.CallBack)},
		{Name: "closed", Title: "结案", At: t.ClosedAt},
	}
	if at := first(history, ended...); !at.IsZero() {
		list[4].At = at
		if list[6].At.IsZero() {
			list[6].At = at
		}
	}
	for i := range list {
		list[i].Done = !list[i].At.IsZero()
		list[i].At = local(c, list[i].At)
		if !list[i].Done {
			list[i].Text = ""
		}
	}
	return list
}

// round is the part of a history since the matter was last reopened: what was done before has not
// settled it.
func round(history []ticket.Event) []ticket.Event {
	for n, e := range slices.Backward(history) {
		if e.Action == ticket.Reopen {
			return history[n:]
		}
	}
	return history
}

// replied is when the citizen last got a word: the public reply that stands, or the resolution.
func replied(t *ticket.Ticket, history []ticket.Event) time.Time {
	for _, e := range slices.Backward(history) {
		if e.Private != nil && e.Private.PublicReply != "" {
			return e.At
		}
	}
	if t.State.Open() && t.State != ticket.StateResolved {
		return time.Time{}
	}
	return t.ResolvedAt
}

// first and latest are when one of the actions was first and last taken; zero when never.
func first(history []ticket.Event, actions ...ticket.Action) time.Time {
	for _, e := range history {
		if slices.Contains(actions, e.Action) {
			return e.At
		}
	}
	return time.Time{}
}

func latest(history []ticket.Event, actions ...ticket.Action) time.Time {
	for _, e := range slices.Backward(history) {
		if slices.Contains(actions, e.Action) {
			return e.At
		}
	}
	return time.Time{}
}
