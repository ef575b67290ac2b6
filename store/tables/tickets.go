package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const (
	itemColumns   = `t.id, t.due_at, t.flags, t.doc, t.sealed`
	selectItem    = `SELECT ` + itemColumns + ` FROM tickets t `
	newestOpenOne = ` AND t.open = 1 ORDER BY +t.registered_at DESC, +t.pos DESC LIMIT 1`
)

// keptItem is a row of tickets as it is stored, without the columns lists filter by.
type keptItem struct {
	id          dbID
	due, flags  int64
	doc, sealed []byte
}

func (k *keptItem) columns() []any { return []any{&k.id, &k.due, &k.flags, &k.doc, &k.sealed} }

func (s *Tables) item(k *keptItem) (it store.Item, _ error) {
	if err := json.Unmarshal(k.doc, &it.Ticket); err != nil {
		return it, fmt.Errorf("store: ticket %s: %w", k.id.ID, err)
	}
	if it.Provisional = k.flags&flagProvisional != 0; k.due != never {
		it.Due = time.UnixMilli(k.due).UTC()
	}
	return it, s.openJSON(&it.Private, k.sealed, placeTicket, k.id.ID[:])
}

func (s *Tables) scanItem(r Row) (store.Item, error) {
	var kept keptItem
	if err := r.Scan(kept.columns()...); err != nil {
		return store.Item{}, err
	}
	return s.item(&kept)
}

func (s *Tables) scanTicket(r Row) (ticket.Ticket, error) {
	it, err := s.scanItem(r)
	return it.Ticket, err
}

// Ticket implements [store.Reader].
func (s *Tables) Ticket(ctx context.Context, id ticket.ID) (store.Item, error) {
	return one(ctx, s.DB, "ticket", selectItem+`WHERE t.id = ?`, s.scanItem, id[:])
}

// TicketByNumber implements [store.Reader].
func (s *Tables) TicketByNumber(ctx context.Context, number string) (store.Item, error) {
	return one(ctx, s.DB, "ticket", selectItem+`WHERE t.number = ?`, s.scanItem, number)
}

// Thread implements [store.Reader].
func (s *Tables) Thread(ctx context.Context, channel, key string) (ticket.Ticket, error) {
	return one(ctx, s.DB, "ticket", selectItem+`WHERE t.channel = ? AND t.thread = ? AND t.thread <> ''`+newestOpenOne, s.scanTicket, channel, plain(key))
}

// Fold implements [store.Reader].
func (s *Tables) Fold(ctx context.Context, channel, key string) (ticket.Ticket, error) {
	return one(ctx, s.DB, "ticket", selectItem+`WHERE t.channel = ? AND t.fold_key = ? AND t.fold_key <> ''`+newestOpenOne, s.scanTicket, channel, plain(key))
}

// Sender implements [store.Reader].
func (s *Tables) Sender(ctx context.Context, who store.Sender, limit int) ([]ticket.Ticket, error) {
	q, known := s.AskSender(who, limit)
	if !known {
		return nil, nil
	}
	return many(ctx, s.DB, q.What, q.Text, q.Scan, q.Args...)
}

// AskSender asks for the open tickets of a sender; known is false for one who is nobody.
func (s *Tables) AskSender(who store.Sender, limit int) (q Question[ticket.Ticket], known bool) {
	phone, sender := s.Ring.Index("phone", who.Phone), s.senderIndex(who.Channel, who.ChannelID)
	return Question[ticket.Ticket]{"tickets of a sender", selectSender, []any{blob(phone), blob(sender), pageLimit(limit)}, s.scanTicket}, phone != nil || sender != nil
}

// selectSender asks two indexes, one after the other: one condition with OR would read all tickets.
// The pluses hide columns from both planners: before the first statistics, PostgreSQL takes any index
// that could serve for as good as the right one, and would walk all open tickets, or all by their age.
// The plus of LIMIT +?, here and in every statement, keeps SQLite from planning by the value: it
// would prepare the statement anew at each call, at twice the cost of the look-up.
const selectSender = selectItem + `WHERE t.pos IN (
		SELECT pos FROM tickets WHERE phone_ix = ? AND phone_ix IS NOT NULL AND +open = 1 UNION
		SELECT pos FROM tickets WHERE sender_ix = ? AND sender_ix IS NOT NULL AND open = 1)
	ORDER BY +t.registered_at DESC, +t.pos DESC LIMIT +?`

// Recognised reads what is known before a request is taken, in one statement: to begin reading costs
// SQLite as much as either look-up.
func (s *Tables) Recognised(ctx context.Context, r store.Recognition) (known store.Recognised, err error) {
	request := s.AskRequest(r.Channel, r.Key)
	sender, _ := s.AskSender(r.Sender, r.Limit)
	err = s.DB.Read(ctx, selectRecognised, true, append(request.Args, sender.Args...), func(row Row) error { return s.scanRecognised(row, r, &known) })
	return known, s.DB.Explain(err, "request")
}

// selectRecognised has the columns of a request or, where it has none, those of a ticket.
const selectRecognised = `SELECT ` + requestColumns + `, NULL, 0, 0, NULL, NULL FROM requests r WHERE r.channel = ? AND r.key = ?
	UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, * FROM (` + selectSender + `) AS own`

func (s *Tables) scanRecognised(r Row, asked store.Recognition, known *store.Recognised) error {
	var (
		request keptRequest
		item    keptItem
	)
	if err := r.Scan(append(request.columns(), item.columns()...)...); err != nil {
		return err
	}
	if item.doc == nil {
		q, err := s.request(asked.Channel, asked.Key, &request)
		known.Request = &q
		return err
	}
	it, err := s.item(&item)
	known.Own = append(known.Own, it.Ticket)
	return err
}

// pageLimit keeps every list bounded: 50 when none is given, at most 1000.
func pageLimit(n int) int {
	switch {
	case n <= 0:
		return 50
	case n > 1000:
		return 1000
	}
	return n
}

// Due implements [store.Timers].
func (s *Tables) Due(ctx context.Context, now time.Time, limit int) ([]store.Timer, error) {
	return many(ctx, s.DB, "timers", `SELECT id, look_at FROM tickets WHERE look_at <= ? ORDER BY look_at, pos LIMIT +?`,
		func(r Row) (store.Timer, error) {
			var id dbID
			var at dbTime
			err := r.Scan(&id, &at)
			return store.Timer{Ticket: id.ID, At: at.Time}, err
		}, now.UnixMilli(), pageLimit(limit))
}

// OldestDue implements [store.Timers].
func (s *Tables) OldestDue(ctx context.Context, now time.Time) (time.Time, error) {
	return one(ctx, s.DB, "timers", `SELECT min(look_at) FROM tickets WHERE look_at <= ?`, func(r Row) (time.Time, error) {
		var at dbTime
		err := r.Scan(&at)
		return at.Time, err
	}, now.UnixMilli())
}

// Walk implements [store.Store].
func (s *Tables) Walk(ctx context.Context, after ticket.ID, each func(ticket.ID) error) error {
	type step struct {
		pos int64
		id  ticket.ID
	}
	pos := int64(0)
	if !after.IsZero() {
		var err error
		if pos, err = one(ctx, s.DB, "ticket", `SELECT pos FROM tickets WHERE id = ?`, scanInt, after[:]); err != nil {
			return err
		}
	}
	for {
		page, err := many(ctx, s.DB, "tickets", `SELECT pos, id FROM tickets WHERE pos > ? ORDER BY pos LIMIT 1000`, func(r Row) (step, error) {
			var st step
			var id dbID
			err := r.Scan(&st.pos, &id)
			st.id = id.ID
			return st, err
		}, pos)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, st := range page {
			if err := each(st.id); err != nil {
				return err
			}
			pos = st.pos
		}
	}
}
