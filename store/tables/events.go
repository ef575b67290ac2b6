package tables

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const (
	eventColumns = `e.pos, e.ticket, e.seq, e.hash, e.doc, e.sealed,
	(SELECT p.hash FROM events p WHERE p.ticket = e.ticket AND p.seq = e.seq - 1)`
	selectEvent = `SELECT ` + eventColumns + ` FROM events e `
)

// keptEvent is a row of events as it is stored, with the hash of the one before.
type keptEvent struct {
	pos         int64
	id          dbID
	seq         int64
	hash, prev  dbHash
	doc, sealed []byte
}

func (k *keptEvent) columns() []any {
	return []any{&k.pos, &k.id, &k.seq, &k.hash, &k.doc, &k.sealed, &k.prev}
}

func (s *Tables) scanEvent(r Row) (store.FeedItem, error) {
	var kept keptEvent
	if err := r.Scan(kept.columns()...); err != nil {
		return store.FeedItem{}, err
	}
	return s.event(&kept)
}

func (s *Tables) event(k *keptEvent) (store.FeedItem, error) {
	item := store.FeedItem{Position: k.pos, Ticket: k.id.ID}
	e := &item.Event
	if err := json.Unmarshal(k.doc, e); err != nil {
		return item, fmt.Errorf("store: event %d of %s: %w", k.seq, k.id.ID, err)
	}
	e.Hash, e.Prev = k.hash.Hash, k.prev.Hash
	plain, err := s.open(k.sealed, placeEvent, eventPlace(k.id.ID, k.seq))
	if err != nil || len(plain) == 0 {
		return item, err
	}
	salt := int(plain[0])
	if len(plain) < 1+salt {
		return item, fmt.Errorf("store: the personal part of event %d of %s is cut", k.seq, k.id.ID)
	}
	e.Salt, e.Private = plain[1:1+salt:1+salt], new(ticket.Private)
	if err := json.Unmarshal(plain[1+salt:], e.Private); err != nil {
		return item, fmt.Errorf("store: the personal part of event %d of %s: %w", k.seq, k.id.ID, err)
	}
	return item, nil
}

// chained reads events that come by ticket and sequence: each brings the hash of the one before.
type chained struct {
	s    *Tables
	last keptEvent
}

// scan reads an event without its predecessor's hash, which the row before had.
func (c *chained) scan(r Row) (store.FeedItem, error) {
	var kept keptEvent
	columns := kept.columns()
	if err := r.Scan(columns[:len(columns)-1]...); err != nil {
		return store.FeedItem{}, err
	}
	if kept.id == c.last.id && kept.seq == c.last.seq+1 {
		kept.prev = c.last.hash
	}
	c.last = kept
	return c.s.event(&kept)
}

// History implements [store.Reader]. A ticket that is not there is NotFound.
func (s *Tables) History(ctx context.Context, id ticket.ID) ([]ticket.Event, error) {
	events, err := many(ctx, s.DB, "history", selectEvent+`WHERE e.ticket = ? ORDER BY e.seq`, func(r Row) (ticket.Event, error) {
		item, err := s.scanEvent(r)
		return item.Event, err
	}, id[:])
	if err == nil && len(events) == 0 {
		return nil, ticket.Errorf(ticket.NotFound, "store.missing.ticket", "there is no ticket %s", id)
	}
	return events, err
}

// Feed lists events as [store.Reader] says. horizon is what the engine's SQL adds where events may
// become visible behind later ones.
func (s *Tables) Feed(ctx context.Context, horizon string, after int64, limit int) ([]store.FeedItem, error) {
	return many(ctx, s.DB, "events", selectEvent+`WHERE e.pos > ?`+horizon+` ORDER BY e.pos LIMIT +?`, s.scanEvent, after, pageLimit(limit))
}

// FeedRegistered lists the first events of tickets as [store.Reader] says.
func (s *Tables) FeedRegistered(ctx context.Context, horizon string, after int64, limit int) ([]store.FeedItem, error) {
	return many(ctx, s.DB, "events", `SELECT e.pos, e.ticket FROM events e WHERE e.pos > ? AND e.seq = 1`+horizon+` ORDER BY e.pos LIMIT +?`,
		func(r Row) (item store.FeedItem, err error) {
			var id dbID
			err = r.Scan(&item.Position, &id)
			item.Ticket = id.ID
			return item, err
		}, after, pageLimit(limit))
}

// FeedEnd is the position of the last event before the horizon.
func (s *Tables) FeedEnd(ctx context.Context, horizon string) (int64, error) {
	return one(ctx, s.DB, "events", `SELECT coalesce(max(e.pos), 0) FROM events e WHERE e.pos > 0`+horizon, scanInt)
}
