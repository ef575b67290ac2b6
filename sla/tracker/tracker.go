// Package tracker is the loop that watches deadlines: it takes the tickets whose timer has come,
// evaluates their clocks from their events, and records each ladder step that has fallen due,
// with its notices and alerts, in one commit. A step is recorded exactly once: the event and the
// notices carry unique keys, and the commit expects the version the decision was made from.
//
// It keeps nothing in memory between runs but how many tickets it could not read: a crash loses
// nothing, and any number of trackers may run over one store.
package tracker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
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
	Store  Store
	Live   *city.Live
	Random io.Reader
	Log    *slog.Logger
	Now    func() time.Time // for Run only; RunOnce is told the time
	// Sound says why the clock is not to be trusted; nil, and a nil function: it is. While it is not, nothing is judged:
	// a step taken a day early stands on the ticket for good, one taken a minute late says so.
	Sound     func(ctx context.Context) error
	Batch     int           // tickets a run takes; 0 means 64
	Together  int           // of them, how many are written at once; 0 means 16, for a store with one writer
	Every     time.Duration // pause between idle runs; 0 means 1 s
	Committed func(urgent bool)
	Metrics   *Metrics
}

// together is how many tickets a tracker has written at once where intake waits behind it: a transaction of sixty-four is
// fifteen milliseconds of SQLite's one writer, and a storm has three of them a second.
const together = 16

// Tracker watches deadlines.
type Tracker struct {
	Options
	ran     atomic.Int64 // when a run last ended well, Unix ms; 0: not yet
	stuck   atomic.Int64 // tickets the last run could not look at: the next one reads past them
	crowded atomic.Bool  // in the last run another tracker was first at some of them
}

// New makes a Tracker.
func New(o Options) *Tracker {
	if o.Batch <= 0 {
		o.Batch = 64
	}
	if o.Together <= 0 {
		o.Together = together
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
	doubt := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if why := t.doubt(ctx); why != "" {
			if why != doubt && ctx.Err() == nil {
				t.Log.ErrorContext(ctx, "deadlines are not judged: the clock cannot be trusted", slog.String("error", why))
			}
			doubt = why
			timer.Reset(t.Every)
			continue
		} else if doubt != "" {
			doubt = ""
			t.Log.InfoContext(ctx, "deadlines are judged again")
		}
		now := t.Now()
		result, err := t.RunOnce(ctx, now)
		if err == nil {
			t.ran.Store(now.UnixMilli())
		}
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

// doubt is why the clock is not to be trusted, "" when it is.
func (t *Tracker) doubt(ctx context.Context) string {
	if t.Sound == nil {
		return ""
	}
	err := t.Sound(ctx)
	t.Metrics.sound(err == nil)
	if err == nil {
		return ""
	}
	return err.Error()
}

// Ran is when a run of the loop last ended well; zero when none has yet.
func (t *Tracker) Ran() time.Time {
	if ms := t.ran.Load(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
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
	limit, most := t.Batch+int(t.stuck.Load()), 1
	if t.crowded.Load() {
		most = 8
	}
	due, err := t.Store.Due(ctx, now, limit*most)
	if err != nil {
		return Result{}, err
	}
	c := t.Live.Get()
	result := Result{More: len(due) == limit*most}
	if len(due) > limit { // others are at the same: each takes its own part, whichever it is
		from := rand.IntN(len(due) - limit + 1) //nolint:gosec // nothing is to be guessed
		due, result.More = due[from:from+limit], true
	}
	result.Tickets = len(due)
	changes, steps := make([]store.Change, 0, len(due)), make([]int, 0, len(due))
	watched, failed := t.read(ctx, due)
	for i := range watched {
		change, n, err := t.look(c, watched[i], now)
		if err != nil {
			failed = append(failed, fmt.Errorf("ticket %s: %w", watched[i].ID, err))
			continue
		}
		changes, steps = append(changes, change), append(steps, n)
	}
	t.stuck.Store(int64(len(failed)))
	crowded := false
	for part := range slices.Chunk(changes, t.Together) {
		for n, err := range t.Store.Commit(ctx, part...) {
			switch {
			case err == nil:
				result.Steps += steps[n]
				t.Metrics.fired(steps[n])
			case ticket.IsKind(err, ticket.Conflict), ticket.IsKind(err, ticket.Duplicate):
				crowded = true // somebody moved the ticket, or another tracker was first: its timer says when to look again
			default:
				failed = append(failed, err)
			}
		}
		steps = steps[len(part):]
	}
	t.crowded.Store(crowded)
	if result.Steps > 0 {
		t.Committed(false)
	}
	if len(failed) > 0 {
		result.More = false // a ticket that cannot be read must not make the loop spin
	}
	return result, errors.Join(failed...)
}

// read gives the tickets with their histories. Where they cannot be read together they are read one by one, so that a
// damaged one does not hide the others; what could not be read is among the errors.
func (t *Tracker) read(ctx context.Context, due []store.Timer) (list []store.Watched, failed []error) {
	ids := make([]ticket.ID, len(due))
	for i := range due {
		ids[i] = due[i].Ticket
	}
	list, err := t.Store.Watch(ctx, ids)
	if err == nil || ctx.Err() != nil {
		return list, errs(err)
	}
	for _, id := range ids {
		w := store.Watched{}
		if w.Item, err = t.Store.Ticket(ctx, id); err == nil {
			w.History, err = t.Store.History(ctx, id)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("ticket %s: %w", id, err))
			continue
		}
		list = append(list, w)
	}
	return list, failed
}

func errs(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// look evaluates one ticket and makes the change that records what has fallen due and when to look again. Steps are
// recorded in the order in which they fell due, whichever clock they are of.
func (t *Tracker) look(c *city.City, w store.Watched, now time.Time) (store.Change, int, error) {
	next, change := w.Ticket, store.Change{Lane: store.Machines}
	history := city.Upto(&next, w.History)
	if len(history) == 0 {
		return store.Change{}, 0, errors.New("the ticket has no history")
	}
	clocks, _ := c.Clocks(&next, history, now)
	var events []ticket.Event
	for _, r := range dueOf(clocks) {
		k, s := clocks[r.clock], r.step
		e, err := t.step(c, &next, k, s, history[0].At, now)
		if err != nil {
			return store.Change{}, 0, err
		}
		events = append(events, e)
		if e.Details.Imported || next.Historic || echoes(&next, &k, clocks) {
			continue
		}
		if err := t.tell(c, &next, k, s, e, &change); err != nil {
			return store.Change{}, 0, err
		}
	}
	// What was due is recorded now, and a step that is recorded changes nothing else of the clocks.
	for i := range clocks {
		clocks[i].Due = nil
	}
	change.Tickets = []store.TicketChange{c.ChangeBy(w.Version, next, events, clocks)}
	return change, len(events), nil
}

// dueStep is a step that has fallen due, with the place of its clock.
type dueStep struct {
	clock int
	step  sla.DueStep
}

// dueOf lists what has fallen due on all clocks, the earliest first.
func dueOf(clocks []sla.Clock) (list []dueStep) {
	for i := range clocks {
		for _, s := range clocks[i].Due {
			list = append(list, dueStep{i, s})
		}
	}
	slices.SortStableFunc(list, func(a, b dueStep) int { return a.step.At.Compare(b.step.At) })
	return list
}

// echoes reports whether a clock is the citizen's and the unit's that answers runs to the same deadline: the
// same people hear of that one at the same moment, and nobody wants to be told twice.
func echoes(t *ticket.Ticket, k *sla.Clock, clocks []sla.Clock) bool {
	return k.Name == sla.ClockResolve && k.Assignment == 0 && slices.ContainsFunc(clocks, func(own sla.Clock) bool {
		a, ok := t.Assignment(own.Assignment)
		return ok && a.Role == ticket.Lead && a.Parent == 0 && own.Name == k.Name && own.State == sla.Running && own.DueAt.Equal(k.DueAt)
	})
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
	posts := receivers(c, holder, s.Step.To)
	raised := len(change.Alerts)
	for _, unit := range slices.Sorted(maps.Keys(posts)) {
		n, err := outbox.About(outbox.KindLadder, unit, next, e, outbox.LadderNotice{
			UnitNotice: outbox.UnitNotice{
				Event: string(ticket.Escalate), Ticket: next.Number, Seq: e.Seq, Unit: unit, UnitName: c.UnitTitle(unit),
				Urgency: next.Urgency, Why: e.Cause.Rule, At: e.At.UnixMilli(),
			},
			Clock: string(k.Name), Step: s.Step.ID, Level: s.Step.Level, Posts: posts[unit], Due: k.DueAt.UnixMilli(), Provisional: k.Provisional,
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
	policy, _, _ := c.Policies.Lookup(next.Policy)
	pages, err := outbox.Pages(c, next, change.Alerts[raised:], outbox.Cause{
		Key: fmt.Sprintf("%s/%d", next.ID, e.Seq), Rule: e.Cause.Rule, Unit: holder, Clock: string(k.Name), Step: s.Step.ID,
		Assignment: k.Assignment, Due: k.DueAt, Statutory: policy.Statutory,
	})
	change.Outbox = append(change.Outbox, pages...)
	return err
}

func (t *Tracker) alert(c *city.City, next *ticket.Ticket, k sla.Clock, s sla.DueStep, e ticket.Event, unit, post string) (store.Alert, error) {
	id, err := ticket.NewID(e.At, t.Random)
	if err != nil {
		return store.Alert{}, err
	}
	// The text of an alert is kept in the clear: it names the ticket, never the citizen's words.
	due := k.DueAt.In(c.Zone).Format("1月2日 15:04")
	if k.Provisional {
		due += "（暂定）"
	}
	words := c.Say("ladder_"+s.Step.Level, map[string]string{
		"number": next.Number, "unit": c.UnitTitle(cmp.Or(k.Unit, next.LeadUnit())), "due": due, "clock": k.Name.Title(),
	})
	return store.Alert{
		ID: id, Key: fmt.Sprintf("%s/%d/%s", next.ID, e.Seq, post), Ticket: next.ID, Number: next.Number, Unit: unit, Holder: cmp.Or(k.Unit, next.LeadUnit()),
		Region: next.Region, Level: s.Step.Level, Post: post, Text: outbox.Training(next, words), At: e.At,
	}, nil
}
