package tables

import (
	"context"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const selectCall = `SELECT c.id, c.channel, c.call_id, c.version, c.line, c.agent, c.state, c.rang_at, c.answered_at, c.ended_at, c.seconds,
	c.call_back, c.updated_at, c.sealed, c.pos FROM calls c`

// heard is a call with its position in the list.
type heard struct {
	store.Call
	pos int64
}

func (s *Tables) scanCall(r Row) (heard, error) {
	var (
		c                              heard
		id                             dbID
		rang, answered, ended, updated dbTime
		sealed                         []byte
	)
	if err := r.Scan(&id, &c.Channel, &c.CallID, &c.Version, &c.Line, &c.Agent, &c.State, &rang, &answered, &ended, &c.Seconds,
		&c.CallBack, &updated, &sealed, &c.pos); err != nil {
		return c, err
	}
	c.ID, c.RangAt, c.AnsweredAt, c.EndedAt, c.UpdatedAt = id.ID, rang.Time, answered.Time, ended.Time, updated.Time
	return c, s.openJSON(&c.Private, sealed, placeCall, callPlace(c.Channel, c.CallID))
}

// Call implements [store.Reader].
func (s *Tables) Call(ctx context.Context, channel, callID string) (store.Call, error) {
	c, err := one(ctx, s.DB, "call", selectCall+` WHERE c.channel = ? AND c.call_id = ?`, s.scanCall, channel, plain(callID))
	if err != nil {
		return store.Call{}, err
	}
	c.Tickets, err = s.ticketsOfCall(ctx, callID)
	return c.Call, err
}

// ticketsOfCall finds tickets by the call they name: an agent's form comes by another channel
// than the exchange's.
func (s *Tables) ticketsOfCall(ctx context.Context, callID string) ([]ticket.ID, error) {
	return many(ctx, s.DB, "tickets of a call", `SELECT id FROM tickets WHERE call_id = ? AND call_id <> '' ORDER BY pos LIMIT 1000`, scanID, plain(callID))
}

func scanID(r Row) (ticket.ID, error) {
	var id dbID
	err := r.Scan(&id)
	return id.ID, err
}

// Calls implements [store.Reader].
func (s *Tables) Calls(ctx context.Context, f store.CallFilter) ([]store.Call, string, error) {
	var q query
	if f.CallBackDue {
		q.and(`c.call_back = 'due'`)
	}
	if !f.Ticket.IsZero() {
		q.and(`c.call_id <> '' AND c.call_id = (SELECT t.call_id FROM tickets t WHERE t.id = ?)`, f.Ticket[:])
	}
	if err := q.before(`c.pos`, f.Cursor); err != nil {
		return nil, "", err
	}
	limit := pageLimit(f.Limit)
	list, err := built(ctx, s.DB, "calls", selectCall+q.where()+` ORDER BY c.pos DESC LIMIT +?`, s.scanCall, append(q.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	page, next := cut(list, limit, func(c heard) string { return cursorOf(c.pos) })
	calls := make([]store.Call, len(page))
	for i := range page {
		calls[i] = page[i].Call
		if calls[i].Tickets, err = s.ticketsOfCall(ctx, calls[i].CallID); err != nil {
			return nil, "", err
		}
	}
	return calls, next, nil
}
