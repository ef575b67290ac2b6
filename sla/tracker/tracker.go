// Package tracker is the loop that watches deadlines: it takes the tickets whose timer has come,
// evaluates their clocks from their events, and records each ladder step that has fallen due,
// with its notices and alerts, in one commit. A step is recorded exactly once: the event and the
// notices carry unique keys, and the commit expects the version the decision was made from.
//
// It keeps nothing in memory between runs but how many tickets it could not read: a crash loses
// nothing, and any number of trackers may run over one store.
package tracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the tracker reads and writes.
type Store interface {
	store.Writer
	store.Timers
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// Options are the parts of a tracker. All are required but Committed and Metrics.
type Options struct {
	Store     Store
	Live      *city.Live
	Random    io.Reader
	Log       *slog.Logger
	Now       func() time.Time // for Run only; RunOnce is told the time
	Batch     int              // tickets a run takes; 0 means 64
	Every     time.Duration    // pause between idle runs; 0 means 1 s
	Committed func(urgent bool)
	Metrics   *Metrics
}

// Tracker watches deadlines.
type Tracker struct {
	Options
	stuck atomic.Int64 // tickets the last run could not look at: the next one reads past them
}

// New makes a Tracker.
func New(o Options) *Tracker {
	if o.Batch <= 0 {
		o.Batch = 64
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Committed == nil {
		o.Committed = func(bool) {}
	}
	return &Tracker{Options: o}
}

// Result is what one run did.
type Result struct {
	Tickets int  // looked at
	Steps   int  // recorded
	More    bool // there may be more due right now
}

// Run watches until ctx ends. Errors are logged and the loop goes on: the timers stay due.
func (t *Tracker) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		result, err := t.RunOnce(ctx, t.Now())
		if err != nil && ctx.Err() == nil {
			t.Log.ErrorContext(ctx, "deadlines not checked", slog.Any("error", err))
		}
		pause := t.Every
		if result.More && err == nil {
			pause = 0
		}
		timer.Reset(pause)
	}
}

// RunOnce takes one batch of due timers and records what has fallen due at now.
func (t *Tracker) RunOnce(ctx context.Context, now time.Time) (Result, error) {
	oldest, err := t.Store.OldestDue(ctx, now)
	if err != nil {
		return Result{}, err
	}
	t.Metrics.lag(oldest, now)
	if oldest.IsZero() {
		return Result{}, nil
	}
	limit := t.Batch + int(t.stuck.Load())
	due, err := t.Store.Due(ctx, now, limit)
	if err != nil {
		return Result{}, err
	}
	c := t.Live.Get()
	result := Result{Tickets: len(due), More: len(due) == limit}
	changes, steps := make([]store.Change, 0, len(due)), make([]int, 0, len(due))
	var failed []error
	for _, timer := range due {
		change, n, err := t.look(ctx, c, timer.Ticket, now)
		if err != nil {
			failed = append(failed, fmt.Errorf("ticket %s: %w", timer.Ticket, err))
			continue
		}
		changes, steps = append(changes, change), append(steps, n)
	}
	t.stuck.Store(int64(len(failed)))
	for n, err := range t.Store.Commit(ctx, changes...) {
		switch {
		case err == nil:
			result.Steps += steps[n]
			t.Metrics.fired(steps[n])
		case ticket.IsKind(err, ticket.Conflict), ticket.IsKind(err, ticket.Duplicate):
			// Somebody moved the ticket, or another tracker was first: its timer says when to look again.
		default:
			failed = append(failed, err)
		}
	}
	if result.Steps > 0 {
		t.Committed(false)
	}
	if len(failed) > 0 {
		result.More = false // a ticket that cannot be read must not make the loop spin
	}
	return result, errors.Join(failed...)
}

// look evaluates one ticket and makes the change that records what has fallen due and when to
// look again.
func (t *Tracker) look(ctx context.Context, c *city.City, id ticket.ID, now time.Time) (store.Change, int, error) {
	item, err := t.Store.Ticket(ctx, id)
	if err != nil {
		return store.Change{}, 0, err
	}
	history, err := t.Store.History(ctx, id)
	if err != nil {
		return store.Change{}, 0, err
	}
	next, change, steps := item.Ticket, store.Change{Lane: store.Machines}, 0
	history = city.Upto(&next, history)
	clocks, _ := c.Clocks(&next, history, now)
	for _, k := range clocks {
		for _, s := range k.Due {
			e, err := t.step(c, &next, k, s, history[0].At, now)
			if err != nil {
				return store.Change{}, 0, err
			}
			history = append(history, e)
			steps++
			if e.Details.Imported || next.Historic {
				continue
			}
			if err := t.tell(c, &next, k, s, e, &change); err != nil {
				return store.Change{}, 0, err
			}
		}
	}
	change.Tickets = []store.TicketChange{c.Change(item.Version, next, history, now)}
	return change, steps, nil
}

// step records one rung on the ticket.
func (t *Tracker) step(c *city.City, next *ticket.Ticket, k sla.Clock, s sla.DueStep, imported, now time.Time) (ticket.Event, error) {
	return next.Do(ticket.Command{
		Action: ticket.Escalate, Actor: ticket.Actor{Kind: ticket.ActorTracker},
		Cause: ticket.Cause{Pack: c.Hash, Rule: next.Policy + "/" + string(k.Name) + "/" + s.Step.ID},
		Details: ticket.Details{
			Clock: string(k.Name), Step: s.Step.ID, Level: s.Step.Level, Assignment: k.Assignment,
			Unit: k.Unit, Due: s.At, Imported: next.Historic && !s.At.After(imported),
		},
	}, now, t.Random)
}

// tell adds the notices and alerts of a rung: to the posts of the unit that holds the clock, and
// to the posts of the centre.
func (t *Tracker) tell(c *city.City, next *ticket.Ticket, k sla.Clock, s sla.DueStep, e ticket.Event, change *store.Change) error {
	holder := k.Unit
	if holder == "" {
		holder = next.LeadUnit()
	}
	posts := map[string][]string{} // unit → posts
	for _, role := range s.Step.To {
		unit := holder
		if role == "duty" || role == "supervision" || unit == "" {
			unit = c.DutyUnit
		}
		posts[unit] = append(posts[unit], c.PostsOf(unit, role)...)
	}
	for unit, ids := range posts { // each is told once, however often the step names its role
		slices.Sort(ids)
		posts[unit] = slices.Compact(ids)
	}
	for _, unit := range slices.Sorted(maps.Keys(posts)) {
		n, err := outbox.About(outbox.KindLadder, unit, next, e, outbox.LadderNotice{
			UnitNotice: outbox.UnitNotice{
				Event: string(ticket.Escalate), Ticket: next.Number, Seq: e.Seq, Unit: unit, UnitName: c.UnitTitle(unit),
				Urgency: next.Urgency, Why: e.Cause.Rule, At: e.At.UnixMilli(),
			},
			Clock: string(k.Name), Step: s.Step.ID, Level: s.Step.Level, Posts: posts[unit], Due: k.DueAt.UnixMilli(),
		})
		if err != nil {
			return err
		}
		change.Outbox = append(change.Outbox, n)
		for _, post := range posts[unit] {
			a, err := t.alert(c, next, k, s, e, unit, post)
			if err != nil {
				return err
			}
			change.Alerts = append(change.Alerts, a)
		}
	}
	return nil
}

func (t *Tracker) alert(c *city.City, next *ticket.Ticket, k sla.Clock, s sla.DueStep, e ticket.Event, unit, post string) (store.Alert, error) {
	id, err := ticket.NewID(e.At, t.Random)
	if err != nil {
		return store.Alert{}, err
	}
	// The text of an alert is kept in the clear: it names the ticket, never the citizen's words.
	words := c.Say("ladder_"+s.Step.Level, map[string]string{
		"number": next.Number, "unit": c.UnitTitle(k.Unit),
		"due": k.DueAt.In(c.Zone).Format("1月2日 15:04"), "clock": ClockTitle(k.Name),
	})
	return store.Alert{
		ID: id, Key: fmt.Sprintf("%s/%d/%s", next.ID, e.Seq, post), Ticket: next.ID, Number: next.Number, Unit: unit,
		Region: next.Region, Level: s.Step.Level, Post: post, Text: words, At: e.At,
	}, nil
}

// ClockTitle is the Chinese name of a clock.
func ClockTitle(n sla.ClockName) string {
	return map[sla.ClockName]string{
		sla.ClockDispatch: "派单", sla.ClockSign: "签收", sla.ClockContact: "首次联系",
		sla.ClockResolve: "办结", sla.ClockCallback: "回访",
	}[n]
}
