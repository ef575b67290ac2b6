package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const (
	pageHands = 2     // work on pages side by side
	pageMost  = 2_000 // notices of a page; what is beyond waits for the next
	readMost  = 1_000 // notices of a page that are read for its words
	lookMost  = 500   // notices looked at again in a run
	// pageAge is how long a page is tried at all: a destination whose breaker stays open is asked too seldom for
	// the count of attempts to end it.
	pageAge = 48 * time.Hour
)

// runPages makes pages of the groups whose time has come and sends those that are due. It returns how many it
// tried.
func (w *Worker) runPages(ctx context.Context, kind string, now time.Time) (int, error) {
	c := w.Live.Get()
	if kind == KindPage {
		if err := w.lookAgain(ctx, c, now); err != nil {
			return 0, err
		}
	}
	for range claimMost {
		g, ok, err := w.Store.NextGroup(ctx, kind, now)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if err := w.form(ctx, c, kind, g, now); err != nil {
			return 0, fmt.Errorf("outbox: page of %s: %w", g.Key, err)
		}
	}
	claimed, err := w.Store.ClaimPages(ctx, kind, now, w.lease(), claimMost)
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	release := w.holdPages(ctx, claimed)
	defer release()
	errs := make([]error, len(claimed))
	var all sync.WaitGroup
	for n := range claimed {
		all.Go(func() {
			errs[n] = w.Store.SettlePage(context.WithoutCancel(ctx), w.send(ctx, c, &claimed[n], now))
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return len(claimed), err
		}
	}
	return len(claimed), nil
}

func (w *Worker) holdPages(ctx context.Context, claimed []store.NoticePage) (release func()) {
	ids := make([]int64, len(claimed))
	for i := range claimed {
		ids[i] = claimed[i].ID
	}
	return w.renewing(ctx, func(until time.Time) { _ = w.Store.RenewPages(ctx, ids, until) })
}

// bodyOf reads what a notice says. One that cannot be read is told by what its row says.
func bodyOf(n *store.StoredNotice) PageNotice {
	var b PageNotice
	if json.Unmarshal(n.Body, &b) != nil || b.Level == "" {
		b = PageNotice{Level: paging.LevelAlarm, Text: "通知内容无法读取，请在控制台查看", Rule: n.Why, At: n.Created.UnixMilli()}
	}
	return b
}

// form makes the next page of a group, or lets the group wait: for its interval, for quiet hours to end, for a
// page that is still under way.
func (w *Worker) form(ctx context.Context, c *city.City, kind string, g store.Group, now time.Time) error {
	list, err := w.Store.Waiting(ctx, g.Key, pageMost)
	if err != nil || len(list) == 0 {
		return err // another gateway was first
	}
	if kind == KindPage {
		head := bodyOf(&list[0])
		r := c.Notices.Route(head.Route)
		until := now
		switch {
		case g.Open:
			until = now.Add(max(r.Interval, 10*time.Second))
		case g.Again.After(now) && !g.Again.After(now.Add(r.Interval)): // later still: the clock was set back since
			until = g.Again
		}
		if until = r.From(until, head.Level, c.Zone); until.After(now) {
			return w.Store.HoldGroup(ctx, g.Key, until)
		}
	}
	left, err := w.sift(ctx, c, kind, list, now)
	if err != nil {
		return err
	}
	_, err = w.Store.FormPage(ctx, store.NewPage{
		Group: g.Key, Target: list[0].Target, Kind: kind, Seq: g.Last + 1, Through: list[len(list)-1].ID, At: now, Left: left,
	})
	return err
}

// sift says which notices a page leaves out: of training tickets, and but for emergencies those whose reason is
// over, those that call for somebody to take what has been taken since, and those that a silence holds back.
func (w *Worker) sift(ctx context.Context, c *city.City, kind string, list []store.StoredNotice, now time.Time) ([]store.LeftOut, error) {
	silences, err := w.Store.Silences(ctx, now, 1000)
	if err != nil {
		return nil, err
	}
	var left []store.LeftOut
	seen := looks{w: w, c: c, now: now, tickets: map[ticket.ID]looked{}}
	for i := range list {
		n := &list[i]
		b := bodyOf(n)
		state, err := seen.at(ctx, n, &b)
		if err != nil {
			return nil, err
		}
		if state == stands {
			if state, err = w.taken(ctx, n, &b); err != nil {
				return nil, err
			}
		}
		d, _ := c.Notices.Destination(n.Target)
		switch {
		case state == training:
			left = append(left, store.LeftOut{ID: n.ID, State: store.NoticeWithheld, Error: errTraining.Error()})
		case kind == KindUrgentPage, n.Over:
		case state == over && n.Attempts == 0: // also what a silence held back until now
			left = append(left, store.LeftOut{ID: n.ID, State: store.NoticeDropped, Error: "通知前事项已处置"})
		case state == over && (d == nil || d.Kind != paging.Alertmanager):
			left = append(left, store.LeftOut{ID: n.ID, State: store.NoticeDelivered})
		default:
			if s := silencing(c, silences, n.Target, &b); s != nil && !seen.protected(n) {
				left = append(left, store.LeftOut{ID: n.ID, State: store.NoticeSilenced, Silence: s.ID, Until: s.Until})
			}
		}
	}
	return left, nil
}

// silencing is the silence that holds a page back, nil when none does. Emergencies and clocks of the law are
// never silenced.
func silencing(c *city.City, silences []store.Silence, destination string, b *PageNotice) *store.Silence {
	if b.Urgent || b.Statutory {
		return nil
	}
	for i := range silences {
		s := &silences[i]
		if (s.Unit == "" || s.Unit == b.Unit || c.Rules.WithinUnit(b.Unit, s.Unit)) &&
			(s.Level == "" || slices.Index(paging.Levels, b.Level) <= slices.Index(paging.Levels, s.Level)) &&
			(s.Destination == "" || s.Destination == destination) && (s.Clock == "" || s.Clock == b.Clock) {
			return s
		}
	}
	return nil
}

// taken finds over what only asks for somebody who takes an alert, once somebody has: that it has climbed, woke or was
// handed over, and alerts that are about no ticket. A ladder step is told whoever took it.
func (w *Worker) taken(ctx context.Context, n *store.StoredNotice, b *PageNotice) (reason, error) {
	if !b.Call && !n.Ticket.IsZero() {
		return stands, nil
	}
	if acked, err := w.Store.AlertAcked(ctx, b.Alert); err != nil || !acked {
		return stands, err
	}
	return over, nil
}

// What a look at a notice's reason finds.
type reason int

const (
	stands reason = iota
	over
	training
)

// looks reads each ticket once.
type looks struct {
	w       *Worker
	c       *city.City
	now     time.Time
	tickets map[ticket.ID]looked
}

type looked struct {
	item    store.Item
	clocks  []sla.Clock
	missing bool
}

// at says whether the reason of a notice still stands: its clock runs, its ticket is open. What has no ticket
// stands.
func (l *looks) at(ctx context.Context, n *store.StoredNotice, b *PageNotice) (reason, error) {
	if n.Ticket.IsZero() {
		return stands, nil
	}
	t, known := l.tickets[n.Ticket]
	if !known {
		var err error
		if t, err = l.read(ctx, n.Ticket); err != nil {
			return stands, err
		}
		l.tickets[n.Ticket] = t
	}
	switch {
	case t.missing:
		return over, nil
	case t.item.Training:
		return training, nil
	case !t.item.State.Open():
		return over, nil
	}
	for i := range t.clocks {
		if k := &t.clocks[i]; string(k.Name) == b.Clock && k.Assignment == b.Assignment && k.State != sla.Running && k.State != sla.Held {
			return over, nil
		}
	}
	return stands, nil
}

// protected reports whether the ticket of a notice that was looked at is an emergency or has the terms of the law, as
// it stands now: whatever the notice is about, no silence holds it back.
func (l *looks) protected(n *store.StoredNotice) bool {
	t, known := l.tickets[n.Ticket]
	if !known || t.missing {
		return false
	}
	policy, _, _ := l.c.Terms(&t.item.Ticket)
	return t.item.Urgency == ticket.UrgencyEmergency || policy.Statutory
}

func (l *looks) read(ctx context.Context, id ticket.ID) (t looked, err error) {
	t.item, err = l.w.Store.Ticket(ctx, id)
	if ticket.IsKind(err, ticket.NotFound) {
		return looked{missing: true}, nil
	}
	if err != nil || t.item.Training || !t.item.State.Open() {
		return t, err
	}
	history, err := l.w.Store.History(ctx, id)
	t.clocks, _ = l.c.Clocks(&t.item.Ticket, city.Upto(&t.item.Ticket, history), l.now)
	return t, err
}

// lookAgain looks at what was told a repeat interval ago, and at what silences held back until now: what still
// stands waits for a page again. Who has acknowledged an alert is not told of it again. Alertmanager is told what
// is over.
func (w *Worker) lookAgain(ctx context.Context, c *city.City, now time.Time) error {
	list, err := w.Store.Repeats(ctx, now, lookMost)
	if err != nil || len(list) == 0 {
		return err
	}
	seen := looks{w: w, c: c, now: now, tickets: map[ticket.ID]looked{}}
	found := make([]store.Standing, 0, len(list))
	for i := range list {
		n := &list[i]
		b := bodyOf(n)
		state, err := seen.at(ctx, n, &b)
		if err != nil {
			return err
		}
		acked, err := w.Store.AlertAcked(ctx, b.Alert)
		if err != nil {
			return err
		}
		s, r := store.Standing{ID: n.ID, Was: n.Repeat}, c.Notices.Route(b.Route)
		d, known := c.Notices.Destination(n.Target)
		mirror := known && d.Kind == paging.Alertmanager
		switch {
		case state == training, !known:
		case state == over || acked && n.Ticket.IsZero():
			s.Tell, s.Over = mirror && n.State == store.NoticeDelivered, true
		case mirror, !acked, n.State == store.NoticeSilenced:
			s.Tell = true
		}
		if s.Due = now; s.Tell && n.Kind == KindPage {
			s.Due = r.From(now.Add(r.Wait), b.Level, c.Zone)
		}
		found = append(found, s)
	}
	return w.Store.SettleStanding(ctx, found)
}

// send tries one page and says how it stands.
func (w *Worker) send(ctx context.Context, c *city.City, p *store.NoticePage, now time.Time) store.PageResult {
	result := store.PageResult{ID: p.ID, At: now, Again: now}
	d, ok := c.Notices.Destination(p.Target)
	if !ok {
		return w.failed(ctx, p, result, now, errFinal(fmt.Errorf("outbox: destination %s is not in the pack", p.Target)))
	}
	wait := func(until time.Time, why string) store.PageResult {
		result.State, result.Uncounted, result.Error = store.NoticePending, true, why
		result.Next = now.Add(max(time.Duration(w.Speed*float64(until.Sub(w.Wall()))), time.Second))
		if now.Sub(p.Created) > pageAge {
			return w.failed(ctx, p, result, now, errFinal(fmt.Errorf("outbox: %s could not be told for %s", p.Target, pageAge)))
		}
		return result
	}
	urgent := p.Kind == KindUrgentPage
	if until, ok := w.breakers.allow(d.ID, w.Wall()); !ok && !urgent {
		return wait(until, "")
	}
	at, ok, err := w.Store.TakeTurn(ctx, d.ID, d.PerMinute(), w.Wall(), urgent)
	if err != nil || !ok {
		w.breakers.forget(d.ID)
		if err != nil {
			return w.failed(ctx, p, result, now, err)
		}
		return wait(at, "")
	}
	list, standing, err := w.Store.PageNotices(ctx, *p, readMost)
	if err != nil {
		w.breakers.forget(d.ID)
		return w.failed(ctx, p, result, now, err)
	}
	m, r := w.message(c, d, p, list, standing, now)
	if err = w.page(ctx, d, m); err != nil {
		if ctx.Err() == nil {
			w.breakers.tell(d.ID, w.Wall(), plain(err))
		} else {
			w.breakers.forget(d.ID)
		}
		return w.failed(ctx, p, result, now, err)
	}
	w.breakers.tell(d.ID, w.Wall(), "")
	w.Metrics.paged(d.ID, "delivered")
	result.State, result.Again = store.NoticeDelivered, now.Add(r.Interval)
	if again := r.Again(d); again > 0 {
		result.Repeat = now.Add(again)
	}
	return result
}

// page sends a message. A panic of a sender is a failure of this page alone.
func (w *Worker) page(ctx context.Context, d *paging.Destination, m *paging.Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: paging %s panicked (%T)", d.ID, p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	s, err := w.Sender(d)
	if err != nil {
		return err
	}
	return s.Send(ctx, m)
}

// Sender is the sender of a destination, as the pack and its secrets stand now.
func (w *Worker) Sender(d *paging.Destination) (sender.Sender, error) {
	return sender.New(d, sender.Deps{
		HTTP: w.HTTP, Dial: w.Dial, Wall: w.Wall,
		Secret: func(ref string) (string, error) { return w.Secret(adapters.SecretRef(ref)) },
	})
}

// failed says how a page stands after a failure.
func (w *Worker) failed(ctx context.Context, p *store.NoticePage, r store.PageResult, now time.Time, err error) store.PageResult {
	r.Error, r.Uncounted = plain(err), false
	waits := backoff
	if p.Kind == KindUrgentPage {
		waits = urgentBackoff
	}
	if p.Attempts > len(waits) || final(err) {
		r.State = store.NoticeDead
		w.Metrics.paged(p.Target, "dead")
		w.Log.ErrorContext(ctx, "page given up", slog.Int64("page", p.ID), slog.String("destination", p.Target), slog.String("error", r.Error))
		return r
	}
	r.State, r.Next = store.NoticePending, now.Add(waits[max(p.Attempts, 1)-1])
	w.Metrics.paged(p.Target, "retry")
	return r
}

// message makes the words of a page from its notices. The same page always gives the same id, and after a crash
// the same words.
func (w *Worker) message(c *city.City, d *paging.Destination, p *store.NoticePage, list []store.StoredNotice, standing int, now time.Time) (*paging.Message, paging.Route) {
	m := &paging.Message{
		ID: "pge_" + ticket.Chain(ticket.Hash{}, fmt.Appendf(nil, "%s/%d/%d", p.Group, p.Seq, p.Created.UnixMilli())).String()[:32],
		At: now, City: c.Title, Destination: d.ID, Count: p.Count, Standing: standing, Repeated: true, Zone: c.Zone,
		Over: standing == 0 && len(list) > 0, Urgent: p.Kind == KindUrgentPage,
	}
	var units, clocks []string
	m.Over = m.Over && !slices.ContainsFunc(list, func(n store.StoredNotice) bool { return !n.Over })
	items := make([]paging.Item, 0, len(list))
	for i := range list {
		n := &list[i]
		b := bodyOf(n)
		m.Route = b.Route
		m.Repeated = m.Repeated && n.Attempts > 0
		m.Levels, m.Why = add(m.Levels, b.Level), add(m.Why, b.Rule)
		units, clocks = add(units, b.Unit), add(clocks, b.Clock)
		it := paging.Item{Number: b.Number, Unit: b.UnitName, Level: b.Level, Clock: sla.ClockName(b.Clock).Title(), Text: b.Text, Why: b.Rule}
		if b.Due != 0 {
			it.Due = time.UnixMilli(b.Due).UTC()
		}
		if at := time.UnixMilli(b.At).UTC(); m.Since.IsZero() || at.Before(m.Since) {
			m.Since = at
		}
		if n.Over && !m.Over {
			m.Count-- // the rest of its group stands
			continue
		}
		items = append(items, it)
	}
	slices.SortStableFunc(items, func(a, b paging.Item) int { return a.Due.Compare(b.Due) })
	slices.SortFunc(m.Levels, func(a, b string) int { return slices.Index(paging.Levels, b) - slices.Index(paging.Levels, a) })
	if len(items) > 0 {
		m.Oldest = items[0].Due
	}
	m.Items = items[:min(len(items), paging.Listed)]
	if len(units) == 1 && units[0] != "" {
		m.UnitID, m.Unit = units[0], c.UnitTitle(units[0])
	}
	if len(clocks) == 1 {
		m.Clock = clocks[0]
	}
	r := c.Notices.Route(m.Route)
	m.Lasts = 3 * r.Again(d)
	return m, r
}

func add(list []string, v string) []string {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, strings.Clone(v))
}

// Destinations are the circuit breakers of the destinations asked of so far.
func (w *Worker) Destinations() []DestinationState { return w.breakers.list() }
