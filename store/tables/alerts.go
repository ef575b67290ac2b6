package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func scanAlert(r Row) (store.Alert, error) {
	var (
		a         store.Alert
		id, about dbID
		at, acked dbTime
	)
	err := r.Scan(&id, &a.Key, &about, &a.Number, &a.Unit, &a.Region, &a.Level, &a.Post, &a.Text, &at, &a.AckedBy, &acked)
	a.ID, a.Ticket, a.At, a.AckedAt = id.ID, about.ID, at.Time, acked.Time
	return a, err
}

// Alerts implements [store.Reader]: newest first.
func (s *Tables) Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error) {
	var q query
	if f.Open {
		q.and(`acked_at IS NULL`)
	}
	q.among(`post`, f.Posts)
	q.among(`unit`, f.Units)
	return built(ctx, s.DB, "alerts", `SELECT id, key, ticket, number, unit, region, level, post, text, at, acked_by, acked_at FROM alerts`+
		q.where()+` ORDER BY pos DESC LIMIT +?`, scanAlert, append(q.args, pageLimit(f.Limit))...)
}

// AckAlert implements [store.Store].
func (s *Tables) AckAlert(ctx context.Context, id ticket.ID, by string, at time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE alerts SET acked_by = ?, acked_at = ? WHERE id = ? AND acked_at IS NULL`, by, ms(at), id[:])
		if err != nil || changed > 0 {
			return err
		}
		var first string
		err = get(ctx, tx, `SELECT acked_by FROM alerts WHERE id = ?`, []any{id[:]}, func(r Row) error { return r.Scan(&first) })
		if err != nil {
			return s.DB.Explain(err, "alert")
		}
		return ticket.Errorf(ticket.Conflict, "store.conflict.alert", "the alert has been acknowledged by %s", first)
	})
}

// AccessLog implements [store.Reader]: newest first; of all tickets when id is zero.
func (s *Tables) AccessLog(ctx context.Context, id ticket.ID, limit int) ([]store.Access, error) {
	var q query
	if !id.IsZero() {
		q.and(`ticket = ?`, id[:])
	}
	return built(ctx, s.DB, "access log", `SELECT at, ticket, what, actor, fields, sealed FROM access_log`+q.where()+` ORDER BY id DESC LIMIT +?`,
		func(r Row) (store.Access, error) {
			var (
				a                     store.Access
				at                    dbTime
				about                 dbID
				actor, fields, sealed []byte
			)
			if err := r.Scan(&at, &about, &a.What, &actor, &fields, &sealed); err != nil {
				return a, err
			}
			a.At, a.Ticket = at.Time, about.ID
			if err := json.Unmarshal(actor, &a.Actor); err != nil {
				return a, fmt.Errorf("store: actor of an access: %w", err)
			}
			if err := json.Unmarshal(fields, &a.Fields); err != nil {
				return a, fmt.Errorf("store: fields of an access: %w", err)
			}
			reason, err := s.open(sealed, placeAccess, about.ID[:])
			a.Reason = string(reason)
			return a, err
		}, append(q.args, pageLimit(limit))...)
}

// Counts implements [store.Reader].
func (s *Tables) Counts(ctx context.Context, now time.Time) (store.Counts, error) {
	return one(ctx, s.DB, "counts", `SELECT
		(SELECT count(*) FROM tickets),
		(SELECT count(*) FROM tickets WHERE open = 1),
		(SELECT count(*) FROM tickets WHERE state = 'triage'),
		(SELECT count(*) FROM tickets WHERE (flags & 896) <> 0 AND (flags & 128) <> 0),
		(SELECT count(*) FROM tickets WHERE (flags & 896) <> 0 AND (flags & 256) <> 0),
		(SELECT count(*) FROM tickets WHERE callback_at IS NOT NULL),
		(SELECT count(*) FROM tickets t WHERE `+overdue+`),
		(SELECT count(*) FROM tickets t WHERE `+overdue+` AND t.flags & 1024 <> 0),
		(SELECT count(*) FROM deliveries WHERE state = 'quarantined'),
		(SELECT count(*) FROM outbox WHERE state = 'pending') + (SELECT count(*) FROM outbox WHERE state = 'waiting' AND page = 0)
			+ (SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM pages WHERE state = 'pending'),
		(SELECT count(*) FROM outbox WHERE state = 'dead'),
		(SELECT count(*) FROM alerts WHERE acked_at IS NULL),
		(SELECT count(*) FROM calls WHERE call_back = 'due')`, func(r Row) (c store.Counts, err error) {
		err = r.Scan(&c.Tickets, &c.Open, &c.Triage, &c.Disputed, &c.Approvals, &c.Callbacks, &c.Overdue, &c.OverdueUnrated, &c.Quarantined, &c.NoticesPending, &c.NoticesDead, &c.AlertsOpen, &c.CallsDue)
		return c, err
	}, now.UnixMilli(), now.UnixMilli())
}
