package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// RetentionOptions say what is ended, and by which time.
type RetentionOptions struct {
	DryRun bool      // only count
	At     time.Time // counts as if it were that time; zero: now. Only with DryRun
}

// Retention ends what a city has kept for as long as its pack says, class by class, or only tells what
// that would be. A server's gateways may go on serving; so may the one of a file while it is only told.
func Retention(ctx context.Context, where Where, o RetentionOptions, report Report) (err error) {
	if !o.At.IsZero() && !o.DryRun {
		return errors.New("--at is for --dry-run: what ends for good ends by today's date")
	}
	ring, err := where.keys()
	if err != nil {
		return err
	}
	e := ending{now: o.At, random: rand.Reader, dry: o.DryRun}
	var packs packReader
	if o.DryRun && !where.shared() {
		rows, end, err := sqlite.Peek(where.file(), ring)
		if err != nil {
			return err
		}
		defer closing(&err, end)
		e.store, packs = peeked{rows}, rows
	} else {
		opened, err := where.openToCopy(ctx, ring, false)
		if errors.Is(err, sqlite.ErrHeld) {
			return fmt.Errorf("%w; a gateway ends by itself what has been kept long enough when it is started with --retention 03:30", err)
		}
		if err != nil {
			return err
		}
		defer closing(&err, opened.Close)
		e.store, packs = opened, opened
		if db, has := opened.(clocked); has && !o.DryRun {
			offset, err := db.Offset(ctx, time.Now)
			if err == nil && offset.Abs() > clockLimit {
				err = fmt.Errorf("this machine's clock is %s off the database server's: what ends for good ends by the right date; set it", offset.Round(time.Second))
			}
			if err != nil {
				return err
			}
		}
	}
	var zone *time.Location
	if e.keep, e.pack, zone, err = keeping(ctx, packs); err != nil {
		return err
	}
	if e.now.IsZero() {
		if e.now, err = where.now(); err != nil {
			return err
		}
	}
	if e.media, err = media.Open(where.path(backupMedia), maxUpload); err != nil {
		return err
	}
	defer closing(&err, e.media.Close)
	lapses, err := e.run(ctx)
	printLapses(report.Out, lapses, zone, o.DryRun)
	return err
}

// now is the time of the city's data: the world's, or where a demo's day stands.
func (w Where) now() (time.Time, error) {
	at, err := resumeDemo(w.Data, time.Time{})
	return demoClock(at, 1).Now(), err
}

// packReader reads the pack in force.
type packReader interface {
	ActivePack(ctx context.Context) (store.Pack, error)
	PackByHash(ctx context.Context, hash string) (store.Pack, error)
}

// keeping reads how long the pack in force keeps what, and in which zone the city lies.
func keeping(ctx context.Context, r packReader) (keep map[string]city.Keep, hash string, zone *time.Location, err error) {
	p, err := activePack(ctx, r)
	if err != nil {
		return nil, "", nil, err
	}
	return keepOf(p), p.Hash, p.City.Location, nil
}

// keepOf is how long a pack keeps what.
func keepOf(p *config.Pack) map[string]city.Keep {
	keep := make(map[string]city.Keep, len(p.Retention))
	for _, r := range p.Retention {
		keep[r.Class] = city.Keep{Days: r.Days, Basis: r.Basis}
	}
	return keep
}

// printLapses prints a table, and a last line for programs.
func printLapses(out io.Writer, lapses []lapse, zone *time.Location, dry bool) {
	last := make([]string, 0, len(lapses))
	for _, l := range lapses {
		held := ""
		if l.Held > 0 {
			held = fmt.Sprintf(", %d held", l.Held)
		}
		fmt.Fprintf(out, "%-10s  kept %5d days, so since %s: %d %s%s\n", l.Class, l.Days, l.Before.In(zone).Format("2006-01-02 15:04"), l.Ended,
			map[bool]string{true: "would end", false: "ended"}[dry], held)
		last = append(last, fmt.Sprintf("%s=%d", l.Class, l.Ended))
	}
	fmt.Fprintln(out, strings.Join(last, " "))
}

// lapse is what of one class of data has been kept long enough.
type lapse struct {
	Class       string
	Days        int
	Before      time.Time // what is older ends
	Ended, Held int64     // tickets, rows or attachments; Held are kept beyond their time
}

// endingStore is what ending needs of a store.
type endingStore interface {
	store.Retention
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
	Commit(ctx context.Context, changes ...store.Change) []error
}

// peeked is a store that is only read.
type peeked struct{ *tables.Tables }

// Commit refuses: nothing is ended where only reading was asked for.
func (peeked) Commit(_ context.Context, changes ...store.Change) []error {
	return slices.Repeat([]error{errors.New("the database is open to read only")}, len(changes))
}

// ending ends what has been kept long enough.
type ending struct {
	store  endingStore
	media  *media.Store
	keep   map[string]city.Keep
	pack   string
	now    time.Time
	random io.Reader
	dry    bool
}

// run goes over all classes in the order in which packs list them.
func (e *ending) run(ctx context.Context) (lapses []lapse, err error) {
	for _, class := range config.RetentionClasses {
		if k, ok := e.keep[class]; ok {
			lapses = append(lapses, lapse{Class: class, Days: k.Days, Before: e.now.AddDate(0, 0, -k.Days)})
		}
	}
	// Attachments first: the tickets that name them may end in this run.
	// What cannot be ended holds up nothing else.
	return lapses, errors.Join(e.attachments(ctx, lapses), e.tickets(ctx, lapses), e.sweeps(ctx, lapses))
}

func find(lapses []lapse, class string) *lapse {
	for i := range lapses {
		if lapses[i].Class == class {
			return &lapses[i]
		}
	}
	return &lapse{Class: class} // not in the pack: nothing is older than the beginning of time
}

// sweeps ends the classes that end by their own age.
func (e *ending) sweeps(ctx context.Context, lapses []lapse) (err error) {
	for _, class := range []string{store.DataRaw, store.DataRecording, store.DataAccessLog} {
		l := find(lapses, class)
		var failed error
		l.Ended, failed = e.store.Sweep(ctx, class, l.Before, e.dry)
		err = errors.Join(err, failed)
	}
	return err
}

// endChunk is how many tickets are ended in one go.
const endChunk = 200

// tickets ends the personal data of tickets, each by an event of its own.
func (e *ending) tickets(ctx context.Context, lapses []lapse) error {
	whole, events := find(lapses, ticket.DataTicket), find(lapses, ticket.DataEvent)
	latest := whole.Before
	if events.Before.After(latest) {
		latest = events.Before
	}
	var due []store.Kept
	var failed []error
	err := e.store.Kept(ctx, latest, func(k store.Kept) error {
		var open bool
		var err error
		if k.Ended, open, err = e.endOf(ctx, k); err != nil || open {
			failed = append(failed, err)
			return ctx.Err()
		}
		k.Left = slices.DeleteFunc(k.Left, func(class string) bool {
			l := find(lapses, class)
			lapsed := k.Ended.Before(l.Before)
			if lapsed && k.Held {
				l.Held++
			}
			return !lapsed || k.Held
		})
		if len(k.Left) == 0 {
			return nil
		}
		if due = append(due, k); len(due) < endChunk {
			return nil
		}
		failed = append(failed, e.expire(ctx, due, lapses))
		due = due[:0]
		return ctx.Err()
	})
	return errors.Join(append(failed, err, e.expire(ctx, due, lapses))...)
}

// endOf is when the work on a ticket ended: for a merged one, that on the ticket it shares. open is true while
// that goes on.
func (e *ending) endOf(ctx context.Context, k store.Kept) (at time.Time, open bool, err error) {
	if k.Lead.IsZero() {
		return k.Ended, false, nil
	}
	const most = 20 // of tickets merged one into the other
	for range most {
		lead, err := e.store.Ticket(ctx, k.Lead)
		switch {
		case err != nil:
			return at, true, fmt.Errorf("the ticket that %s was merged into: %w", k.ID, err)
		case lead.State != ticket.StateMerged:
			return cmp.Or(lead.ClosedAt, lead.UpdatedAt), lead.State.Open(), nil
		}
		k.Lead = lead.Incident
	}
	return at, true, fmt.Errorf("ticket %s is merged into one that is merged, more than %d times", k.ID, most)
}

// expire records on tickets that their personal data has ended, which ends it.
func (e *ending) expire(ctx context.Context, due []store.Kept, lapses []lapse) error {
	changes, classes := make([]store.Change, 0, len(due)), make([][]string, 0, len(due))
	var failed []error
	for _, k := range due {
		if e.dry {
			classes = append(classes, k.Left)
			continue
		}
		item, err := e.store.Ticket(ctx, k.ID)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		t := item.Ticket
		ev, err := t.Do(ticket.Command{
			Action: ticket.Expire, Actor: ticket.Actor{Kind: ticket.ActorSystem},
			Cause:   ticket.Cause{Pack: e.pack, Rule: "retention", Basis: e.keep[k.Left[0]].Basis},
			Details: ticket.Details{Fields: k.Left},
		}, e.now, e.random)
		if ticket.IsKind(err, ticket.Conflict) {
			continue // held or reopened since it was read
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		// Its clocks have long stopped: the deadline that was met or missed stays as it is.
		changes = append(changes, store.Change{Lane: store.Machines, Tickets: []store.TicketChange{
			{Expect: item.Version, Ticket: t, Events: []ticket.Event{ev}, Due: item.Due, Provisional: item.Provisional},
		}})
		classes = append(classes, k.Left)
	}
	if !e.dry {
		for n, err := range e.store.Commit(ctx, changes...) {
			if err == nil {
				continue
			}
			if classes[n] = nil; !ticket.IsKind(err, ticket.Conflict) { // in conflict: somebody works on it, so the next run looks again
				failed = append(failed, err)
			}
		}
	}
	for _, class := range slices.Concat(classes...) {
		find(lapses, class).Ended++
	}
	return errors.Join(append(failed, ctx.Err())...)
}

// attachments ends those that no ticket needs any more.
func (e *ending) attachments(ctx context.Context, lapses []lapse) error {
	l := find(lapses, store.DataMedia)
	old := map[string]bool{}
	if err := e.media.Each(l.Before, func(hash string) error { old[hash] = true; return nil }); err != nil || len(old) == 0 {
		return err
	}
	err := e.store.Attachments(ctx, l.Before, func(a store.Attached) error {
		if !slices.ContainsFunc(a.SHA256, func(hash string) bool { return old[hash] }) {
			return nil
		}
		if !a.Held && !a.Lead.IsZero() { // merged: as long as the work it shares
			if ended, open, err := e.endOf(ctx, a.Kept); err != nil || !open && ended.Before(l.Before) {
				return err
			}
		}
		for _, hash := range a.SHA256 {
			delete(old, hash)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for hash := range old {
		if !e.dry {
			gone, err := e.media.Remove(hash, l.Before)
			if err != nil {
				return err
			}
			if !gone {
				continue
			}
			if err := e.store.DropMedia(ctx, hash, l.Before); err != nil {
				return err
			}
		}
		l.Ended++
	}
	return ctx.Err()
}

// runRetention ends each night what has been kept long enough, when the operator has said at what hour.
func (a *App) runRetention(ctx context.Context) {
	hour := a.options.Retention
	if hour == "" {
		return
	}
	next := a.night
	a.every(ctx, a.clock.Pause(time.Minute), func() error {
		c, now := a.live.Get(), a.clock.Now()
		if now.Before(next) {
			return nil
		}
		next = nextNight(now, hour, c.Zone)
		e := ending{store: a.store, media: a.media, keep: c.Keep, pack: c.Hash, now: now, random: rand.Reader}
		lapses, err := e.run(ctx)
		for _, l := range lapses {
			if l.Ended > 0 || l.Held > 0 {
				a.log.InfoContext(ctx, "kept long enough", slog.String("class", l.Class), slog.Int("days", l.Days), slog.Int64("ended", l.Ended), slog.Int64("held", l.Held))
			}
		}
		return err
	})
}

// nextNight is the next time at which the clocks of a zone show an hour, "03:30".
func nextNight(now time.Time, hour string, zone *time.Location) time.Time {
	at, err := time.Parse("15:04", hour)
	if err != nil {
		panic(err) // validated with the options
	}
	day := now.In(zone)
	next := time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, zone)
	if !next.After(now) {
		next = time.Date(day.Year(), day.Month(), day.Day()+1, at.Hour(), at.Minute(), 0, 0, zone)
	}
	return next
}
