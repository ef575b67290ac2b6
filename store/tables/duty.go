package tables

import (
	"context"
	"errors"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const overrideColumns = `o.id, o.post, o.from_at, o.to_at, o.who, o.kind, o.swap, o.author, o.at, o.withdrawn_by, o.withdrawn_at, o.sealed`

func (s *Tables) scanOverride(r Row) (store.Override, error) {
	var (
		o                       store.Override
		id, swap                dbID
		from, to, at, withdrawn dbTime
		sealed                  []byte
	)
	if err := r.Scan(&id, &o.Post, &from, &to, &o.Who, &o.Kind, &swap, &o.Author, &at, &o.WithdrawnBy, &withdrawn, &sealed); err != nil {
		return o, err
	}
	o.ID, o.Swap, o.From, o.To, o.At, o.WithdrawnAt = id.ID, swap.ID, from.Time, to.Time, at.Time, withdrawn.Time
	reason, err := s.open(sealed, placeOverride, id.ID[:])
	o.Reason = string(reason)
	return o, err
}

// Overrides implements [store.Duty].
func (s *Tables) Overrides(ctx context.Context, f store.OverrideFilter) ([]store.Override, error) {
	var q query
	if !f.Withdrawn {
		q.and(`o.withdrawn_at IS NULL`)
	}
	q.among(`o.post`, f.Posts)
	if !f.From.IsZero() {
		q.and(`o.to_at > ?`, f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q.and(`o.from_at < ?`, f.To.UnixMilli())
	}
	return built(ctx, s.DB, "overrides", `SELECT `+overrideColumns+` FROM duty_overrides o`+q.where()+` ORDER BY o.post, o.from_at, o.pos LIMIT +?`,
		s.scanOverride, append(q.args, pageLimit(f.Limit))...)
}

// AddOverrides implements [store.Duty]. Those who arrange take turns, so that whoever is refused hears who
// was first; the table itself refuses what overlaps.
func (s *Tables) AddOverrides(ctx context.Context, list ...store.Override) error {
	e := &encoder{s: s}
	sealed := make([]any, len(list))
	for i := range list {
		sealed[i] = e.seal([]byte(list[i].Reason), placeOverride, list[i].ID[:])
	}
	if e.err != nil {
		return e.err
	}
	return s.DB.Alone(ctx, func(ctx context.Context, tx Tx) error {
		for i := range list {
			o := &list[i]
			var author string
			err := get(ctx, tx, `SELECT author FROM duty_overrides WHERE post = ? AND withdrawn_at IS NULL AND from_at < ? AND to_at > ? LIMIT 1`,
				[]any{o.Post, o.To.UnixMilli(), o.From.UnixMilli()}, func(r Row) error { return r.Scan(&author) })
			if err == nil {
				return ticket.Errorf(ticket.Conflict, "store.conflict.override", "post %s is arranged for by %s at this time; withdraw that first", o.Post, author)
			}
			if !errors.Is(err, ErrNone) {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO duty_overrides (id, post, from_at, to_at, who, kind, swap, author, at, withdrawn_by, withdrawn_at, sealed)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', NULL, ?)`,
				o.ID[:], o.Post, o.From.UnixMilli(), o.To.UnixMilli(), plain(o.Who), o.Kind, id(o.Swap), o.Author, ms(o.At), sealed[i])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// WithdrawOverride implements [store.Duty].
func (s *Tables) WithdrawOverride(ctx context.Context, which ticket.ID, by string, at time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		n, err := tx.Exec(ctx, `UPDATE duty_overrides SET withdrawn_by = ?, withdrawn_at = ? WHERE withdrawn_at IS NULL
			AND (id = ? OR swap = (SELECT o.swap FROM duty_overrides o WHERE o.id = ?))`, by, ms(at), which[:], which[:])
		if err != nil || n > 0 {
			return err
		}
		var first string
		err = get(ctx, tx, `SELECT withdrawn_by FROM duty_overrides WHERE id = ?`, []any{which[:]}, func(r Row) error { return r.Scan(&first) })
		if err != nil {
			return s.DB.Explain(err, "override")
		}
		return ticket.Errorf(ticket.Conflict, "store.conflict.override", "the override has been withdrawn by %s", first)
	})
}

// CountTickets implements [store.Duty].
func (s *Tables) CountTickets(ctx context.Context, f store.Filter) (int64, error) {
	var q query
	s.narrow(&q, f)
	if err := s.narrowUnits(ctx, &q, f); err != nil {
		return 0, err
	}
	counts, err := built(ctx, s.DB, "tickets", `SELECT count(*) FROM tickets t`+q.where(), scanInt, q.args...)
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}

// Registered implements [store.Duty].
func (s *Tables) Registered(ctx context.Context, from, to time.Time) ([]store.Tally, error) {
	return many(ctx, s.DB, "tickets", `SELECT t.category, t.region, count(*) FROM tickets t
		WHERE t.registered_at >= ? AND t.registered_at < ? AND t.flags & 1029 = 0 AND t.source <> 'machine'
		GROUP BY t.category, t.region ORDER BY t.category, t.region`, func(r Row) (c store.Tally, err error) {
		err = r.Scan(&c.Category, &c.Region, &c.Count)
		return c, err
	}, from.UnixMilli(), to.UnixMilli())
}
