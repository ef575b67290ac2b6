package tables

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// swept is a table of which a class ends: its personal part, or for a log the row itself.
type swept struct {
	table string
	old   string // the condition of age: ? is the time before which it ended, Unix milliseconds
	whole bool   // the row goes, not only its personal part
	held  string // the rows of held tickets, which stay
}

// heldTickets begins a question about the held ones. An index has just them.
const heldTickets = `FROM tickets h WHERE (h.flags & 16) <> 0`

// sweeps says what of the tables ends with each class. What waits for somebody stays: a delivery in
// quarantine, a notice on its way.
var sweeps = map[string][]swept{
	store.DataRaw: {
		{"deliveries", `x.received_at < ? AND x.state <> 'quarantined'`, false, ``}, // see heldDeliveries
		{"requests", `x.at < ?`, false, `coalesce(x.ticket, '') IN (SELECT h.id ` + heldTickets + `)`},
		{"outbox", `x.created < ? AND x.state NOT IN ('pending', 'waiting')`, false, `coalesce(x.ticket, '') IN (SELECT h.id ` + heldTickets + `)`},
	},
	store.DataRecording: {
		{"calls", `coalesce(x.ended_at, x.updated_at) < ? AND x.call_back <> 'due'`, false, `x.call_id IN (SELECT h.call_id ` + heldTickets + `)`},
	},
	store.DataAccessLog: {
		{"access_log", `x.at < ?`, true, `coalesce(x.ticket, '') IN (SELECT h.id ` + heldTickets + `)`},
		// Reasons that people gave; who did what when stays.
		{"alert_log", `x.at < ?`, false, `coalesce((SELECT a.ticket FROM alerts a WHERE a.id = x.alert), '') IN (SELECT h.id ` + heldTickets + `)`},
		{"duty_overrides", `x.to_at < ?`, false, `1 = 0`},
	},
}

// sweepPage is how many rows are looked at in one transaction: few, so that nobody waits for their locks.
const sweepPage = 1000

// Sweep implements [store.Retention].
func (s *Tables) Sweep(ctx context.Context, class string, before time.Time, dry bool) (n int64, err error) {
	for _, sw := range sweeps[class] {
		one, err := s.sweep(ctx, sw, before, dry)
		n += one
		if err != nil {
			return n, fmt.Errorf("store: end %s of %s: %w; what has ended stays so, run it again to go on", class, sw.table, err)
		}
	}
	return n, nil
}

func (s *Tables) sweep(ctx context.Context, sw swept, before time.Time, dry bool) (n int64, err error) {
	w := wholeNamed(sw.table)
	key := `x.` + strings.Join(w.names()[:w.keys], `, x.`)
	lapsed := ` FROM ` + sw.table + ` x WHERE ` + sw.old
	var held []any
	if sw.held == "" {
		if held, err = s.heldDeliveries(ctx); err != nil {
			return 0, err
		}
		lapsed += ` AND x.id NOT IN (` + marks(len(held)) + `)`
	} else {
		lapsed += ` AND NOT ` + sw.held
	}
	if !sw.whole {
		lapsed += ` AND x.sealed IS NOT NULL`
	}
	var after []any
	for {
		last, err := s.pageEnd(ctx, w, after)
		if err != nil || last == nil {
			return n, err
		}
		within, args := lapsed+` AND (`+key+`) <= (`+marks(w.keys)+`)`, slices.Concat([]any{before.UnixMilli()}, held, last)
		if after != nil {
			within, args = within+` AND (`+key+`) > (`+marks(w.keys)+`)`, append(args, after...)
		}
		page, err := s.endPage(ctx, sw, key, within, args, dry)
		if n += page; err != nil {
			return n, err
		}
		after = last
	}
}

// heldDeliveriesMost is how many deliveries of held tickets there may be: they are named one by one.
const heldDeliveriesMost = 20_000

// heldDeliveries lists what came for the held tickets: the delivery that made each, and those that were added to
// it, which only their requests know.
func (s *Tables) heldDeliveries(ctx context.Context) (ids []any, err error) {
	var none any = []byte{} // a list must not be empty, and no delivery has this id
	ids = append(ids, none)
	add := func(text string, args ...any) error {
		found, err := built(ctx, s.DB, "held deliveries", text, func(r Row) (any, error) {
			var id []byte
			err := r.Scan(&id)
			return id, err
		}, args...)
		if ids = append(ids, found...); err == nil && len(ids) > heldDeliveriesMost {
			err = fmt.Errorf("more than %d deliveries belong to held tickets: release those whose reason is over", heldDeliveriesMost)
		}
		return err
	}
	held, err := built(ctx, s.DB, "held tickets", `SELECT count(*) `+heldTickets, scanInt)
	if err != nil || held[0] == 0 {
		return ids, err
	}
	if err := add(`SELECT h.delivery ` + heldTickets + ` AND h.delivery IS NOT NULL`); err != nil {
		return nil, err
	}
	requests := wholeNamed("requests")
	for after := []any(nil); ; {
		last, err := s.pageEnd(ctx, requests, after)
		if err != nil || last == nil {
			return ids, err
		}
		within, args := `(x.channel, x.key) <= (?, ?)`, last
		if after != nil {
			within, args = within+` AND (x.channel, x.key) > (?, ?)`, slices.Concat(last, after)
		}
		if err := add(`SELECT x.delivery FROM requests x WHERE `+within+` AND x.delivery IS NOT NULL AND x.ticket IN (SELECT h.id `+heldTickets+`)`, args...); err != nil {
			return nil, err
		}
		after = last
	}
}

// endPage ends, or counts, what has lapsed of one page.
func (s *Tables) endPage(ctx context.Context, sw swept, key, within string, args []any, dry bool) (n int64, err error) {
	if dry {
		rows, err := built(ctx, s.DB, sw.table, `SELECT count(*)`+within, scanInt, args...)
		if err != nil {
			return 0, err
		}
		return rows[0], nil
	}
	plain := strings.ReplaceAll(key, `x.`, ``)
	text := `UPDATE ` + sw.table + ` SET sealed = NULL WHERE (` + plain + `) IN (SELECT ` + key + within + `)`
	if sw.whole {
		text = `DELETE FROM ` + sw.table + ` WHERE (` + plain + `) IN (SELECT ` + key + within + `)`
	}
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (int64, error) { return tx.Exec(ctx, text, args...) })
}

// pageEnd is the key of the last row of the page behind a key, nil behind the last row.
func (s *Tables) pageEnd(ctx context.Context, w whole, after []any) ([]any, error) {
	w = whole{name: w.name, keys: w.keys, columns: strings.Join(strings.Split(w.columns, ",")[:w.keys], ","), page: sweepPage}
	rows, err := w.read(ctx, s.DB, after)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[len(rows)-1], ctx.Err()
}

func wholeNamed(table string) whole {
	for _, w := range wholes {
		if w.name == table {
			return w
		}
	}
	panic("store: no table " + table) // the tables that are swept are named in this file
}

// Kept implements [store.Retention].
func (s *Tables) Kept(ctx context.Context, before time.Time, each func(store.Kept) error) error {
	return pages(ctx, s, `SELECT t.id, t.state, t.incident, t.flags, t.doc FROM tickets t
		WHERE t.registered_at < ? AND (t.open = 0 OR t.state = 'merged') AND (t.flags & 96) <> 96`,
		[]any{before.UnixMilli()}, scanKept, each)
}

func scanKept(r Row) (k store.Kept, err error) {
	var (
		id, lead dbID
		state    ticket.State
		flags    int64
		doc      []byte
	)
	if err := r.Scan(&id, &state, &lead, &flags, &doc); err != nil {
		return k, err
	}
	if state == ticket.StateMerged {
		k.Lead = lead.ID
	} else if k.Ended, err = endOf(doc); err != nil {
		return k, fmt.Errorf("store: ticket %s: %w", id.ID, err)
	}
	k.ID, k.Held = id.ID, flags&flagHeld != 0
	if flags&flagEndedTicket == 0 {
		k.Left = append(k.Left, ticket.DataTicket)
	}
	if flags&flagEndedEvents == 0 {
		k.Left = append(k.Left, ticket.DataEvent)
	}
	return k, nil
}

// Attachments implements [store.Retention].
func (s *Tables) Attachments(ctx context.Context, since time.Time, each func(store.Attached) error) error {
	return pages(ctx, s, `SELECT t.id, t.state, t.incident, t.open, t.flags, t.doc, t.sealed FROM tickets t WHERE t.sealed IS NOT NULL`, nil,
		func(r Row) (store.Attached, error) { return s.scanAttached(r, since) }, func(a store.Attached) error {
			if len(a.SHA256) == 0 {
				return nil
			}
			return each(a)
		})
}

func (s *Tables) scanAttached(r Row, since time.Time) (a store.Attached, err error) {
	var (
		id, lead    dbID
		state       ticket.State
		open, flags int64
		doc, sealed []byte
	)
	if err := r.Scan(&id, &state, &lead, &open, &flags, &doc, &sealed); err != nil {
		return a, err
	}
	if a.ID, a.Held = id.ID, flags&flagHeld != 0; state == ticket.StateMerged {
		a.Lead = lead.ID
	} else if open == 0 {
		if a.Ended, err = endOf(doc); err != nil {
			return a, fmt.Errorf("store: ticket %s: %w", id.ID, err)
		}
		if !a.Held && a.Ended.Before(since) {
			return a, nil
		}
	}
	var p struct {
		Media []ticket.MediaRef `json:"media"`
	}
	if err := s.openJSON(&p, sealed, placeTicket, id.ID[:]); err != nil {
		return a, err
	}
	for _, m := range p.Media {
		a.SHA256 = append(a.SHA256, m.SHA256)
	}
	return a, nil
}

// DropMedia implements [store.Retention].
func (s *Tables) DropMedia(ctx context.Context, sha256 string, before time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM media WHERE sha256 = ? AND at < ?`, sha256, before.UnixMilli())
		return err
	})
}

// pages asks a question about tickets page by page, and calls each when a page has been read: nothing is
// read for long.
func pages[T any](ctx context.Context, s *Tables, text string, args []any, scan func(Row) (T, error), each func(T) error) error {
	tickets, after := wholeNamed("tickets"), []any{int64(0)}
	for {
		last, err := s.pageEnd(ctx, tickets, after)
		if err != nil || last == nil {
			return err
		}
		page, err := many(ctx, s.DB, "tickets", text+` AND t.pos > ? AND t.pos <= ?`, scan, append(slices.Clip(args), after[0], last[0])...)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := each(row); err != nil {
				return err
			}
		}
		after = last
	}
}

// endOf is when the work on a ticket that is not open ended, from its document.
func endOf(doc []byte) (time.Time, error) {
	var t struct {
		ClosedAt  time.Time `json:"closed_at"`
		UpdatedAt time.Time `json:"updated_at"`
	}
	err := json.Unmarshal(doc, &t)
	return cmp.Or(t.ClosedAt, t.UpdatedAt), err
}
