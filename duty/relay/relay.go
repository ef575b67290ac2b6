// Package relay is the loop that sees alerts through: each is delivered to whoever holds its post,
// climbs while nobody acknowledges it, and wakes when it was put off long enough. A shift that
// nobody holds is alarmed ahead of time, and what is meant for it goes to the post that stands in.
//
// It keeps nothing in memory but when it last looked at the rosters and how many alerts it could not read: a crash
// loses nothing, and any number of relays may run over one store. Each change expects the version of the alert it was
// decided from, and an alert that climbs has a unique key for its rung, so everything happens once.
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the relay reads and writes.
type Store interface {
	store.Writer
	city.Overrides
	Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error)
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
}

// Why says why somebody is told of an alert now.
type Why string

// Why somebody is told.
const (
	WhyRaised     Why = "raised"      // it is new
	WhyClimbed    Why = "climbed"     // nobody below acknowledged it
	WhyWoke       Why = "woke"        // it was put off until now
	WhyHandedOver Why = "handed_over" // by somebody, to this post or person
)

// Told is who is told of an alert.
type Told struct {
	Alert store.Alert // as it now stands: Post is where it is
	// Ticket is what the alert is about; nil when it is about none, and of one that is new: whoever raised it knew it.
	Ticket *ticket.Ticket
	Who    string // who holds the post, or the person it was handed to; empty when no roster says
	Why    Why
}

// Options are the parts of a relay. All are required but Tell, Committed, Metrics and those with a default.
type Options struct {
	Store  Store
	Live   *city.Live
	Random io.Reader
	Log    *slog.Logger
	Now    func() time.Time // for Run only; RunOnce is told the time
	Batch  int              // alerts a run looks at; 0 means 128
	Every  time.Duration    // pause between idle runs; 0 means 1 s
	// Tell makes the notices that take an alert to people: to a bot, by mail, by message. They are kept
	// with the delivery of the alert, or neither is. It is called for each delivery: when an alert is new,
	// has climbed, wakes or is handed over. nil: none.
	Tell      func(c *city.City, t Told) ([]store.Notice, error)
	Committed func(urgent bool)
	Metrics   *Metrics
}

// Relay sees alerts through.
type Relay struct {
	Options
	looked time.Time // at the rosters
	stuck  int       // alerts the last run could not look at: the next one reads past them
}

// New makes a Relay.
func New(o Options) *Relay {
	if o.Batch <= 0 {
		o.Batch = 128
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Tell == nil {
		o.Tell = func(*city.City, Told) ([]store.Notice, error) { return nil, nil }
	}
	if o.Committed == nil {
		o.Committed = func(bool) {}
	}
	return &Relay{Options: o}
}

// Result is what one run did.
type Result struct {
	Changed int  // alerts delivered, climbed, woken, sent elsewhere
	Raised  int  // alarms about shifts nobody holds
	More    bool // there may be more to do right now
}

// Run sees alerts through until ctx ends. Errors are logged and the loop goes on: what is due stays due.
func (r *Relay) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		result, err := r.RunOnce(ctx, r.Now())
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "alerts not seen through", slog.Any("error", err))
		}
		pause := r.Every
		if result.More && err == nil {
			pause = 0
		}
		timer.Reset(pause)
	}
}

// rosterEvery is how often the rosters are looked at for shifts that nobody holds.
const rosterEvery = time.Minute

// RunOnce looks at the alerts that are due at now, and once a minute at the rosters.
func (r *Relay) RunOnce(ctx context.Context, now time.Time) (Result, error) {
	limit := r.Batch + r.stuck
	due, err := r.Store.Alerts(ctx, store.AlertFilter{Look: now, Limit: limit})
	if err != nil {
		return Result{}, err
	}
	r.Metrics.lag(due, now)
	rosters := now.Sub(r.looked).Abs() >= rosterEvery // a clock may be set back
	if len(due) == 0 && !rosters {
		return Result{}, nil
	}
	c := r.Live.Get()
	book, err := c.BookNow(ctx, r.Store, now)
	if err != nil {
		return Result{}, err
	}
	changes, failed := r.decide(ctx, c, book, due, now)
	r.stuck = len(failed)
	result := Result{More: len(due) == limit}
	var alarms []store.Change
	if rosters {
		moved, err := r.astray(ctx, c, book, now)
		changes, failed = append(changes, moved...), append(failed, err)
		ended, err := r.covered(ctx, book, now)
		changes, failed = append(changes, ended...), append(failed, err)
		alarms, err = r.unattended(ctx, c, book, now)
		failed = append(failed, err)
	}
	for n, err := range r.Store.Commit(ctx, append(changes, alarms...)...) {
		switch {
		case err == nil && n < len(changes):
			result.Changed++
			r.Metrics.acted(&changes[n])
		case err == nil:
			result.Raised++
		case ticket.IsKind(err, ticket.Conflict), ticket.IsKind(err, ticket.Duplicate):
			// Somebody acted on the alert, or another relay was first.
		default:
			failed = append(failed, err)
		}
	}
	if result.Changed+result.Raised > 0 {
		r.Committed(false)
	}
	err = errors.Join(failed...)
	if err == nil && rosters {
		r.looked = now
	}
	result.More = result.More && err == nil // an alert that cannot be read must not make the loop spin
	return result, err
}

func (r *Relay) decide(ctx context.Context, c *city.City, book *duty.Book, due []store.Alert, now time.Time) (changes []store.Change, failed []error) {
	for i := range due {
		change, err := r.next(ctx, c, book, &due[i], now)
		if err != nil {
			failed = append(failed, fmt.Errorf("alert %s: %w", due[i].ID, err))
			continue
		}
		changes = append(changes, change)
	}
	return changes, failed
}

// next is what becomes of an alert that is due.
func (r *Relay) next(ctx context.Context, c *city.City, book *duty.Book, a *store.Alert, now time.Time) (store.Change, error) {
	switch a.State() {
	case store.AlertOpen: // below
	case store.AlertAcked, store.AlertDone: // by a gateway of an older version, which wrote no history
		next := *a
		next.Look = time.Time{}
		return write(a, next, store.AlertEntry{At: a.AckedAt, By: a.AckedBy, What: store.AlertAcknowledged}), nil
	case store.AlertSnoozed:
		if now.Before(a.SnoozedUntil) {
			next := *a
			next.Look = a.SnoozedUntil
			return write(a, next, store.AlertEntry{}), nil
		}
	}
	if a.DeliveredAt.IsZero() {
		return r.deliver(ctx, c, book, a, now)
	}
	over, err := r.over(ctx, a)
	if err != nil {
		return store.Change{}, err
	}
	switch {
	case over:
		next := *a
		next.AckedAt, next.DoneAt, next.SnoozedUntil, next.Look = now, now, time.Time{}, time.Time{}
		return write(a, next, store.AlertEntry{At: now, What: store.AlertFinished}), nil
	case a.State() == store.AlertSnoozed:
		return r.deliver(ctx, c, book, a, now)
	}
	return r.climb(ctx, c, a, now)
}

// over reports whether the matter of an alert has come to its end: nobody need be waked for it.
func (r *Relay) over(ctx context.Context, a *store.Alert) (bool, error) {
	if a.Ticket.IsZero() {
		return false, nil
	}
	item, err := r.Store.Ticket(ctx, a.Ticket)
	if ticket.IsKind(err, ticket.NotFound) {
		return false, nil
	}
	return err == nil && !item.State.Open(), err
}

// deliver takes an alert to whoever holds its post, or to the post that stands in.
func (r *Relay) deliver(ctx context.Context, c *city.City, book *duty.Book, a *store.Alert, now time.Time) (store.Change, error) {
	next, why, what := *a, WhyRaised, store.AlertDelivered
	switch {
	case a.State() == store.AlertSnoozed:
		why, what = WhyWoke, store.AlertWoke
	case a.Version > 1: // it was delivered before, and people sent it on
		why = WhyHandedOver
	case !a.Root.IsZero():
		why = WhyClimbed
	}
	reached, who := a.Post, a.Person
	if who == "" {
		if reached, who = book.Reach(a.Post, now); reached != a.Post {
			what = store.AlertRerouted
		}
	}
	next.Post, next.DeliveredTo, next.DeliveredAt, next.SnoozedUntil = reached, who, now, time.Time{}
	next.Look = look(c, &next, now)
	change := write(a, next, store.AlertEntry{At: now, What: what, Person: who})
	told := Told{Alert: change.AlertChanges[0].Alert, Who: who, Why: why}
	if why != WhyRaised && !a.Ticket.IsZero() {
		item, err := r.Store.Ticket(ctx, a.Ticket)
		if err != nil && !ticket.IsKind(err, ticket.NotFound) {
			return store.Change{}, err
		}
		if err == nil {
			told.Ticket = &item.Ticket
		}
	}
	var err error
	change.Outbox, err = r.Tell(c, told)
	return change, err
}

// climb takes an alert that nobody acknowledged to the post of its next rung. The alert stays where it is,
// too: whoever acknowledges first acknowledges for all.
func (r *Relay) climb(ctx context.Context, c *city.City, a *store.Alert, now time.Time) (store.Change, error) {
	next := *a
	n, to, at := rung(c, a)
	if to == "" || at.After(now) { // the pack says otherwise by now
		next.Look = at
		return write(a, next, store.AlertEntry{}), nil
	}
	// Of several alerts about one thing (the handler's, the deputy's) one climbs to a post: it hears once.
	thing := a.Key + "/"
	if slash := strings.LastIndexByte(a.Key, '/'); slash >= 0 {
		thing = a.Key[:slash+1]
	}
	key := thing + "climb/" + to
	same, err := r.Store.Alerts(ctx, store.AlertFilter{Keys: []string{thing + to, key}, Limit: 2})
	if err != nil {
		return store.Change{}, err
	}
	if answered(same, a) { // and handed on since, to somebody who does not take it: the post must hear again
		key = fmt.Sprintf("%s#%d", key, a.Version)
	} else if len(same) > 0 {
		next.Rung = n + 1
		next.Look = look(c, &next, a.DeliveredAt)
		return write(a, next, store.AlertEntry{}), nil
	}
	id, err := ticket.NewID(now, r.Random)
	if err != nil {
		return store.Change{}, err
	}
	_, unit, _ := c.Post(to)
	above := store.Alert{
		ID: id, Key: key, Ticket: a.Ticket, Number: a.Number, Unit: unit, Holder: cmp.Or(a.Holder, a.Unit), Region: a.Region, Level: a.Level,
		Post: to, At: now, Root: a.ID,
		Text: c.Say("alert_climbed", map[string]string{"minutes": strconv.Itoa(int(now.Sub(a.DeliveredAt).Minutes())), "post": c.PostTitle(a.Post), "alert": a.Text}),
	}
	next.Rung = n + 1
	next.Look = look(c, &next, a.DeliveredAt)
	change := write(a, next, store.AlertEntry{At: now, What: store.AlertClimbed, Post: to})
	change.Alerts = []store.Alert{above}
	return change, nil
}

// answered reports whether what a post was alerted of before, from the beginning (the key of an alert that goes to
// several posts ends with the post) or by climbing, was taken before an alert came to where it is now. One that slept
// came there by itself.
func answered(same []store.Alert, a *store.Alert) bool {
	return len(same) > 0 && a.SnoozedAt.IsZero() && !slices.ContainsFunc(same, func(s store.Alert) bool {
		return s.AckedAt.IsZero() || !s.AckedAt.Before(a.DeliveredAt)
	})
}

// look is when an alert that was delivered at a time must be looked at for its next rung. One that itself
// has come by climbing climbs no further: that from which it came does.
func look(c *city.City, a *store.Alert, delivered time.Time) time.Time {
	if !a.Root.IsZero() {
		return time.Time{}
	}
	next := *a
	next.DeliveredAt = delivered
	_, to, at := rung(c, &next)
	if to == "" {
		return time.Time{}
	}
	return at
}

// rung is the next rung of an alert that leads to another post than its own: its number, that post, and
// when it is due. to is empty when there is none.
func rung(c *city.City, a *store.Alert) (n int, to string, at time.Time) {
	for n = a.Rung; ; n++ {
		r, ok := c.AlertRules.Rung(a.Level, n)
		if !ok {
			return 0, "", time.Time{}
		}
		if to = postFor(c, a, r.To); to != "" && to != a.Post {
			return n, to, a.DeliveredAt.Add(r.After)
		}
	}
}

// postFor is the post a rung leads to: it names a post, or the role of one in the alert's unit.
func postFor(c *city.City, a *store.Alert, to string) string {
	if _, _, ok := c.Post(to); ok {
		return to
	}
	unit := a.Unit
	if to == "duty" || to == "supervision" || unit == "" {
		unit = c.DutyUnit
	}
	if posts := c.PostsOf(unit, to); len(posts) > 0 {
		return posts[0]
	}
	return ""
}

// write is the change of one alert. An entry without a word leaves no history: only the look moves.
func write(was *store.Alert, next store.Alert, e store.AlertEntry) store.Change {
	next.Version = was.Version + 1
	e.Alert = next.ID
	if e.Post == "" {
		e.Post = next.Post
	}
	return store.Change{Lane: store.Machines, AlertChanges: []store.AlertChange{{Was: *was, Alert: next, Entry: e}}}
}
