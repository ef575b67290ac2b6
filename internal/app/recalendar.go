package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// recalendarPage is how many tickets are brought to a new version before others get a turn.
const recalendarPage = 200

// recalendarStates are the states in which a ticket has clocks that run.
var recalendarStates = []ticket.State{
	ticket.StateReceived, ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused, ticket.StateResolved,
}

// recalendarStore is what bringing tickets to a new version of a calendar needs of a store.
type recalendarStore interface {
	store.Writer
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
	Cursor(ctx context.Context, channel string) (string, error)
	ActivePack(ctx context.Context) (store.Pack, error)
}

// recalendaring brings open tickets to the version of a calendar that has come into force: one event on each whose clocks
// it moves. It works from the store alone, so that what was broken off goes on, and several gateways may do it at once.
type recalendaring struct {
	store  recalendarStore
	city   *city.City
	random io.Reader
	now    func() time.Time
	log    *slog.Logger
}

// reached is how far a calendar's open tickets have been brought; it is kept as a cursor.
type reached struct {
	Version int       `json:"version"`         // in force
	Done    bool      `json:"done,omitempty"`  // all open tickets have it
	From    int       `json:"from,omitempty"`  // before: the version of tickets without an event since Began
	Began   time.Time `json:"began,omitzero"`  // when the change came into force
	Next    string    `json:"next,omitempty"`  // the page to go on with
	Moved   int       `json:"moved,omitempty"` // tickets that were given the event
}

func calendarCursor(id string) string { return "calendar/" + id }

// runRecalendar follows the calendars of the pack in force. It gives other gateways ten seconds to take the pack up,
// so that none registers a ticket by the old version behind its back.
func (a *App) runRecalendar(ctx context.Context) {
	seen, rounds := "", 0
	a.every(ctx, 5*time.Second, func() error {
		c := a.live.Get()
		if c.Hash != seen {
			seen, rounds = c.Hash, 0
		}
		if rounds++; rounds <= 2 {
			return nil
		}
		return a.recalendar(ctx, c)
	})
}

// recalendar brings the open tickets to the versions of a city's calendars.
func (a *App) recalendar(ctx context.Context, c *city.City) error {
	r := recalendaring{store: a.store, city: c, random: rand.Reader, now: a.clock.Now, log: a.log}
	for _, calendar := range c.Calendars {
		if calendar.Spec().Holidays != "" {
			continue // its versions are those of the calendar it takes its holidays from, and come with them
		}
		for more := true; more; {
			var moved int
			var err error
			if moved, more, err = r.step(ctx, calendar); err != nil {
				return fmt.Errorf("open tickets to calendar %s: %w", calendar.Key(), err)
			}
			if moved > 0 {
				a.outbox.Wake(false)
				a.hub.Publish()
			}
		}
	}
	return nil
}

// step brings one page of open tickets to a calendar's version. It says how many it moved, and whether there is more to do.
func (r *recalendaring) step(ctx context.Context, calendar *sla.Calendar) (moved int, more bool, err error) {
	at, err := r.reached(ctx, calendar)
	if err != nil || at.Done && at.Version == calendar.Version() {
		return 0, false, err
	}
	active, err := r.store.ActivePack(ctx)
	if err != nil || active.Hash != r.city.Hash {
		return 0, false, err // another gateway is ahead: this one follows it first
	}
	switch {
	case at.Done:
		at = reached{Version: calendar.Version(), From: at.Version, Began: active.At}
	case at.Version != calendar.Version(): // the pack changed again on the way
		at = reached{Version: calendar.Version(), From: at.From, Began: at.Began}
	}
	page, err := r.store.Tickets(ctx, store.Filter{States: recalendarStates, Cursor: at.Next, Limit: recalendarPage})
	if err != nil {
		return 0, false, err
	}
	if moved, err = r.tickets(ctx, calendar, at, page.Items); err != nil {
		return moved, false, err
	}
	at.Moved += moved
	if at.Next = page.Next; page.Next == "" {
		at = reached{Version: at.Version, Done: true, Moved: at.Moved}
	}
	value, err := json.Marshal(at)
	if err != nil {
		return moved, false, err
	}
	cursor := &store.Cursor{Channel: calendarCursor(calendar.ID()), Value: string(value), At: r.now()}
	if err := errors.Join(r.store.Commit(ctx, store.Change{Lane: store.Machines, Cursor: cursor})...); err != nil {
		return moved, false, err
	}
	if at.Done {
		r.log.InfoContext(ctx, "open tickets have the new calendar", slog.String("calendar", calendar.Key()), slog.Int("moved", at.Moved))
	}
	return moved, !at.Done, nil
}

// reached reads how far a calendar's tickets have been brought. One of which nothing is kept has been at its first version.
func (r *recalendaring) reached(ctx context.Context, calendar *sla.Calendar) (at reached, err error) {
	value, err := r.store.Cursor(ctx, calendarCursor(calendar.ID()))
	if err != nil {
		return at, err
	}
	if value == "" {
		first := calendar
		for first.Previous() != nil {
			first = first.Previous()
		}
		return reached{Version: first.Version(), Done: true}, nil
	}
	if err := json.Unmarshal([]byte(value), &at); err != nil {
		return at, fmt.Errorf("cursor %s: %w", calendarCursor(calendar.ID()), err)
	}
	return at, nil
}

// tickets brings some tickets to the version, and says how many it moved. Those that somebody changed meanwhile are read again.
func (r *recalendaring) tickets(ctx context.Context, calendar *sla.Calendar, at reached, items []store.Item) (moved int, err error) {
	const tries = 10
	for range tries {
		var changes []store.Change
		var ids []ticket.ID
		for i := range items {
			change, needed, err := r.change(ctx, calendar, at, &items[i])
			if err != nil {
				return moved, fmt.Errorf("ticket %s: %w", items[i].Number, err)
			}
			if needed {
				changes, ids = append(changes, change), append(ids, items[i].ID)
			}
		}
		items = items[:0:0]
		for i, err := range r.store.Commit(ctx, changes...) {
			switch {
			case err == nil:
				moved += len(changes[i].Tickets[0].Events) // one, or none where only the timer was set anew
			case ticket.IsKind(err, ticket.Conflict), ticket.IsKind(err, ticket.Duplicate):
				item, err := r.store.Ticket(ctx, ids[i])
				if err != nil {
					return moved, err
				}
				items = append(items, item)
			default:
				return moved, err
			}
		}
		if len(items) == 0 {
			return moved, ctx.Err()
		}
	}
	return moved, fmt.Errorf("%d tickets change faster than they can be read; it is tried again", len(items))
}

// change is the event by which a ticket takes the version, or the timer alone where no deadline moves but a step does; needed is
// false when there is nothing to write.
func (r *recalendaring) change(ctx context.Context, calendar *sla.Calendar, at reached, item *store.Item) (change store.Change, needed bool, err error) {
	history, err := r.store.History(ctx, item.ID)
	if err != nil {
		return change, false, err
	}
	history = city.Upto(&item.Ticket, history)
	from := versionOf(history, calendar.ID(), at)
	if from == calendar.Version() {
		return change, false, nil
	}
	now := r.now()
	is, _ := r.city.Clocks(&item.Ticket, history, now)
	moved, look := r.moved(calendar, item, history, is, from, now)
	if len(moved) == 0 && !look || r.alreadyBy(item, is, at) {
		return change, false, nil
	}
	if len(moved) == 0 {
		change = store.Change{Lane: store.Machines, Tickets: []store.TicketChange{r.city.ChangeBy(item.Version, item.Ticket, nil, is)}}
		return change, true, nil
	}
	next := item.Ticket
	e, err := next.Do(ticket.Command{
		Action: ticket.Recalendar, Actor: ticket.Actor{Kind: ticket.ActorSystem},
		Cause:   ticket.Cause{Pack: r.city.Hash, Rule: calendar.Key(), Basis: basisOf(calendar)},
		Details: recalendared(calendar, from, moved),
	}, now, r.random)
	if ticket.IsKind(err, ticket.Conflict) {
		return change, false, nil // it has ended
	}
	if err != nil {
		return change, false, err
	}
	change = store.Change{Lane: store.Machines}
	if change.Outbox, err = r.notices(&next, e, moved); err != nil {
		return change, false, err
	}
	change.Tickets = []store.TicketChange{r.city.Change(item.Version, next, append(history, e), now)}
	return change, true, nil
}

// versionOf is the version by which a ticket's deadlines have counted: that of its last event of this change, else the one all had.
func versionOf(history []ticket.Event, id string, at reached) int {
	for i := len(history) - 1; i >= 0 && !history[i].At.Before(at.Began); i-- {
		of, version, _ := strings.Cut(history[i].Details.Calendar, "@")
		if n, err := strconv.Atoi(version); err == nil && history[i].Action == ticket.Recalendar && of == id {
			return n
		}
	}
	return at.From
}

// moved is what the version does to a ticket's clocks, and look whether its timer may stand at the wrong moment: steps can count in
// working time where their deadline does not. A version that the pack no longer has (after a roll-back) is known only by the
// citizen's deadline that was kept with the ticket; what it made of the others nobody knows, and the timer is set anew.
func (r *recalendaring) moved(calendar *sla.Calendar, item *store.Item, history []ticket.Event, is []sla.Clock, from int, now time.Time) (moves []sla.Move, look bool) {
	if calendar.Reaches(from) {
		was, same := r.city.ClocksAsOf(&item.Ticket, history, now, calendar.ID(), from)
		if same {
			return nil, false
		}
		before, _ := sla.NextLook(was)
		after, _ := sla.NextLook(is)
		return sla.Moves(was, is), !before.Equal(after)
	}
	if item.Due.IsZero() {
		return nil, true
	}
	kept := []sla.Clock{{Name: sla.ClockResolve, DueAt: item.Due, Provisional: item.Provisional}}
	return sla.Moves(kept, is), true
}

// alreadyBy reports whether a ticket was registered when the version was in force, and so has never counted by another.
func (r *recalendaring) alreadyBy(item *store.Item, is []sla.Clock, at reached) bool {
	if item.RegisteredAt.Before(at.Began) {
		return false
	}
	for _, k := range is {
		if k.Name == sla.ClockResolve && k.Assignment == 0 {
			return k.DueAt.Equal(item.Due) && k.Provisional == item.Provisional
		}
	}
	return true
}

// basisOf is the address of the notice that a version brings.
func basisOf(calendar *sla.Calendar) string {
	var papers []string
	for _, y := range calendar.Own().Years {
		papers = append(papers, y.Papers...)
	}
	if len(papers) == 0 {
		return ""
	}
	return papers[len(papers)-1]
}

// recalendared is what the event says: the calendar, the citizen's new deadline, and the old value of all that moved. Clocks of
// assignments are named clock/assignment; their new deadlines follow from the events, as always.
func recalendared(calendar *sla.Calendar, from int, moved []sla.Move) ticket.Details {
	d := ticket.Details{Calendar: calendar.Key(), Before: map[string]string{"calendar": calendar.ID() + "@" + strconv.Itoa(from)}}
	for _, m := range moved {
		name, provisional := string(m.Name)+"/"+strconv.Itoa(m.Assignment), ""
		if m.Assignment == 0 {
			name = string(m.Name)
		}
		if m.Name == sla.ClockResolve && m.Assignment == 0 {
			d.Clock, d.Due, name = string(m.Name), m.Is, "due"
			provisional = "provisional"
		}
		d.Before[name] = m.Was.UTC().Format(time.RFC3339Nano)
		if provisional != "" && m.WasProvisional != m.Provisional {
			d.Before[provisional] = strconv.FormatBool(m.WasProvisional)
		}
	}
	return d
}

// notices tell the systems of the units whose deadlines move; the citizen's deadline is the lead unit's to keep.
func (r *recalendaring) notices(t *ticket.Ticket, e ticket.Event, moved []sla.Move) ([]store.Notice, error) {
	var list []store.Notice
	told := map[string]bool{"": true}
	for _, m := range moved {
		unit := m.Unit
		if unit == "" && m.Name == sla.ClockResolve {
			unit = t.LeadUnit()
		}
		if told[unit] || t.Historic || !r.city.HasSystem(unit) {
			continue
		}
		told[unit] = true
		n, err := outbox.ForUnit(unit, r.city.UnitTitle(unit), t, e)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
