package desk

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// silenceMost is how long a silence may last: long enough for a works weekend, too short to be forgotten.
const silenceMost = 7 * 24 * time.Hour

// silenceNote is said of every silence, so that nobody counts on more.
const silenceNote = "突发事件和法定时限的通知不受静默影响；工单上的时限记录和控制台告警照常"

// Silence is a hold on pages (静默) as people see it.
type Silence struct {
	ID          int64     `json:"id"`
	Author      string    `json:"author"`
	Reason      string    `json:"reason"`
	Unit        *Named    `json:"unit,omitempty"`  // this and those below it
	Level       *Named    `json:"level,omitempty"` // this and milder ones
	Destination *Named    `json:"destination,omitempty"`
	Clock       *Named    `json:"clock,omitempty"`
	Created     time.Time `json:"created"`
	Until       time.Time `json:"until"`
	EndedBy     string    `json:"ended_by,omitempty"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	Active      bool      `json:"active"`
	Held        int       `json:"held"` // notices it held back
	Note        string    `json:"note,omitempty"`
}

// NewSilence asks for a silence.
type NewSilence struct {
	Reason      string
	Unit        string
	Level       string
	Destination string
	Clock       string
	Until       time.Time
}

// Silences lists silences, newest first; only those in force when active is set. Who belongs to a unit sees
// those about it.
func (d *Desk) Silences(ctx context.Context, v Viewer, active bool, limit int) ([]Silence, error) {
	c, now, when := d.Live.Get(), d.Now(), time.Time{}
	if active {
		when = now
	}
	rows, err := d.Store.Silences(ctx, when, min(max(limit, 1), 1000))
	list := []Silence{}
	for i := range rows {
		if v.Unit == "" || d.within(c, v, rows[i].Unit) {
			list = append(list, silenceView(c, &rows[i], now))
		}
	}
	return list, err
}

func (d *Desk) within(c *city.City, v Viewer, unit string) bool {
	return unit == v.Unit || c.Rules.WithinUnit(unit, v.Unit)
}

func silenceView(c *city.City, s *store.Silence, now time.Time) Silence {
	view := Silence{
		ID: s.ID, Author: s.Author, Reason: s.Reason, Created: local(c, s.Created), Until: local(c, s.Until), EndedBy: s.EndedBy, EndedAt: local(c, s.EndedAt),
		Active: now.Before(s.Ends()), Held: s.Held, Level: named(s.Level, LevelTitle(s.Level)), Clock: named(s.Clock, sla.ClockName(s.Clock).Title()),
	}
	if s.Unit != "" {
		view.Unit = named(s.Unit, c.UnitTitle(s.Unit))
	}
	if to, ok := c.Notices.Destination(s.Destination); ok {
		view.Destination = named(to.ID, to.Title)
	} else {
		view.Destination = named(s.Destination, s.Destination)
	}
	return view
}

// Silence holds pages back until a time. Errors: Invalid when it names nothing, something that is not in the
// pack, no reason, or an end that is past or more than seven days away; Forbidden outside the viewer's unit.
func (d *Desk) Silence(ctx context.Context, v Viewer, n NewSilence) (Silence, error) {
	c, now := d.Live.Get(), d.Now()
	n.Reason = strings.TrimSpace(n.Reason)
	if err := checkSilence(c, &n, now); err != nil {
		return Silence{}, err
	}
	if v.Region != "" || v.Unit != "" && !d.within(c, v, n.Unit) {
		return Silence{}, ticket.Errorf(ticket.Forbidden, "access.denied", "只能静默本单位及下级单位的通知，请在 unit 中写明")
	}
	s := store.Silence{
		Author: v.Login, Reason: n.Reason, Unit: n.Unit, Level: n.Level, Destination: n.Destination, Clock: n.Clock, Created: now, Until: n.Until.UTC().Truncate(time.Millisecond),
	}
	var err error
	if s.ID, err = d.Store.AddSilence(ctx, s); err != nil {
		return Silence{}, err
	}
	view := silenceView(c, &s, now)
	view.Note = silenceNote
	return view, nil
}

func checkSilence(c *city.City, n *NewSilence, now time.Time) error {
	e := ticket.Errorf(ticket.Invalid, "body.invalid", "请按提示修改")
	complain := func(ok bool, name, message string) {
		if !ok {
			e.Fields = append(e.Fields, ticket.Field{Name: name, Message: message})
		}
	}
	complain(n.Reason != "" && utf8.RuneCountInString(n.Reason) <= 200, "reason", "请写明原因，最多 200 字")
	complain(n.Unit+n.Level+n.Destination+n.Clock != "", "unit", "unit、level、destination、clock 至少写一项；不能静默全部通知")
	if n.Unit != "" {
		_, known := c.Rules.Unit(n.Unit)
		complain(known, "unit", "没有这个单位")
	}
	complain(n.Level == "" || slices.Contains(paging.Levels, n.Level), "level", "应为 "+strings.Join(paging.Levels, "、")+" 之一")
	complain(n.Clock == "" || slices.Contains(paging.Clocks, n.Clock), "clock", "应为 "+strings.Join(paging.Clocks, "、")+" 之一")
	if n.Destination != "" {
		_, known := c.Notices.Destination(n.Destination)
		complain(known, "destination", "没有这个通知去向，见 /destinations")
	}
	complain(n.Until.After(now), "until", "结束时间应晚于现在")
	complain(!n.Until.After(now.Add(silenceMost)), "until", "最长静默 7 天；到期仍需要的请再设")
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// EndSilence ends a silence before its time; what it held back and still stands is paged then. Errors: NotFound
// when there is none the viewer may see, Conflict when it has ended.
func (d *Desk) EndSilence(ctx context.Context, v Viewer, id int64) error {
	unknown := ticket.Errorf(ticket.NotFound, "silence.unknown", "没有这条静默")
	if v.Region != "" {
		return unknown
	}
	if v.Unit != "" {
		list, err := d.Silences(ctx, v, true, 1000)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(s Silence) bool { return s.ID == id }) {
			return unknown
		}
	}
	err := d.Store.EndSilence(ctx, id, v.Login, d.Now())
	switch {
	case ticket.IsKind(err, ticket.NotFound):
		return unknown
	case ticket.IsKind(err, ticket.Conflict):
		return ticket.Errorf(ticket.Conflict, "silence.ended", "这条静默已经结束")
	}
	return err
}

// Destination is where pages go, and how it stands as this gateway sees it.
type Destination struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Kind      string    `json:"kind"`
	PerMinute int       `json:"per_minute"`
	Breaker   string    `json:"breaker"`            // closed, open, half_open
	Failures  int       `json:"failures"`           // in a row
	Until     time.Time `json:"until,omitzero"`     // of an open breaker
	Error     string    `json:"error,omitempty"`    // the last failure
	LastSent  time.Time `json:"last_sent,omitzero"` // since this gateway started
	Waiting   int64     `json:"waiting"`            // notices that could have been sent and were not
	Oldest    time.Time `json:"oldest,omitzero"`    // since when the oldest of them waits
}

// Destinations lists the destinations of the pack.
func (d *Desk) Destinations(ctx context.Context) ([]Destination, error) {
	c := d.Live.Get()
	states := map[string]outbox.DestinationState{}
	if d.Breakers != nil {
		for _, s := range d.Breakers() {
			states[s.ID] = s
		}
	}
	late, err := d.Store.Undelivered(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	list := []Destination{}
	if c.Notices == nil {
		return list, nil
	}
	for i := range c.Notices.Destinations {
		to := &c.Notices.Destinations[i]
		s := states[to.ID]
		row := Destination{
			ID: to.ID, Title: to.Title, Kind: to.Kind, PerMinute: to.PerMinute(), Breaker: string(outbox.BreakerClosed), Failures: s.Failures,
			Until: local(c, s.Until), Error: s.Error, LastSent: local(c, s.Sent),
		}
		if s.Breaker != "" {
			row.Breaker = string(s.Breaker)
		}
		for _, u := range late {
			if u.Target == to.ID && (u.Kind == outbox.KindPage || u.Kind == outbox.KindUrgentPage) {
				row.Waiting += u.Count
				if row.Oldest.IsZero() || u.Oldest.Before(row.Oldest) {
					row.Oldest = local(c, u.Oldest)
				}
			}
		}
		list = append(list, row)
	}
	return list, nil
}

// TryDestination sends a test message to a destination; see [outbox.Worker.Try] for its errors.
func (d *Desk) TryDestination(ctx context.Context, v Viewer, id string) error {
	if d.Try == nil {
		return ticket.Errorf(ticket.Unavailable, "destination.failed", "本网关不发送通知")
	}
	return d.Try(ctx, id, v.Login)
}

// Page is one message to a destination, without what it says.
type Page struct {
	ID          int64     `json:"id"`
	Destination Named     `json:"destination"`
	State       string    `json:"state"`
	Count       int       `json:"count"` // notices in it
	Urgent      bool      `json:"urgent,omitempty"`
	Attempts    int       `json:"attempts"`
	Created     time.Time `json:"created"`
	Next        time.Time `json:"next,omitzero"`
	Done        time.Time `json:"done,omitzero"`
	Error       string    `json:"error,omitempty"`
}

// Pages lists the messages to destinations in a state, newest first, before the one with id cursor.
func (d *Desk) Pages(ctx context.Context, state store.NoticeState, cursor int64, limit int) ([]Page, error) {
	c := d.Live.Get()
	rows, err := d.Store.PageList(ctx, state, cursor, min(max(limit, 1), listMost))
	list := make([]Page, 0, len(rows))
	for i := range rows {
		p := &rows[i]
		row := Page{
			ID: p.ID, Destination: Named{p.Target, p.Target}, State: string(p.State), Count: p.Count, Urgent: p.Kind == outbox.KindUrgentPage,
			Attempts: p.Attempts, Created: local(c, p.Created), Done: local(c, p.Done), Error: p.Error,
		}
		if p.State == store.NoticePending {
			row.Next = local(c, p.Next)
		}
		if to, ok := c.Notices.Destination(p.Target); ok {
			row.Destination.Title = to.Title
		}
		list = append(list, row)
	}
	return list, err
}
