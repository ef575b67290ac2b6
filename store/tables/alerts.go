package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const alertColumns = `a.id, a.key, a.ticket, a.number, a.unit, a.region, a.level, a.post, a.text, a.at, a.acked_by, a.acked_at,
	a.holder, a.version, a.root, a.rung, a.person, a.delivered_to, a.delivered_at, a.snoozed_at, a.snoozed_until, a.done_by, a.done_at, a.look_at`

// alertHolder is the unit an alert is grouped by. Gateways of the version before write none.
const alertHolder = `coalesce(nullif(a.holder, ''), a.unit)`

func scanAlert(r Row) (store.Alert, error) {
	var (
		a                                                 store.Alert
		id, about, root                                   dbID
		at, acked, delivered, snoozed, until, done, looks dbTime
	)
	err := r.Scan(&id, &a.Key, &about, &a.Number, &a.Unit, &a.Region, &a.Level, &a.Post, &a.Text, &at, &a.AckedBy, &acked,
		&a.Holder, &a.Version, &root, &a.Rung, &a.Person, &a.DeliveredTo, &delivered, &snoozed, &until, &a.DoneBy, &done, &looks)
	a.ID, a.Ticket, a.Root, a.At, a.AckedAt = id.ID, about.ID, root.ID, at.Time, acked.Time
	a.DeliveredAt, a.SnoozedAt, a.SnoozedUntil, a.DoneAt, a.Look = delivered.Time, snoozed.Time, until.Time, done.Time, looks.Time
	return a, err
}

func narrowAlerts(f store.AlertFilter) query {
	var q query
	if f.Open {
		q.and(`a.acked_at IS NULL`)
	}
	if f.Unfinished {
		q.and(`a.done_at IS NULL`)
	}
	if f.Snoozed {
		q.and(`a.snoozed_until IS NOT NULL`)
	}
	if f.HandedOver {
		q.and(`a.person <> ''`)
	}
	switch {
	case f.Who != "" && len(f.Posts) > 0:
		q.and(`(a.person = ? OR a.person = '' AND a.post IN (`+marks(len(f.Posts))+`))`, append([]any{f.Who}, anys(f.Posts)...)...)
	case f.Who != "":
		q.and(`a.person = ?`, f.Who)
	default:
		q.among(`a.post`, f.Posts)
	}
	q.among(`a.unit`, f.Units)
	q.among(alertHolder, f.Holders)
	q.among(`a.level`, f.Levels)
	q.among(`a.region`, f.Regions)
	q.among(`a.key`, f.Keys)
	if len(f.IDs) > 0 {
		ids := make([]any, len(f.IDs))
		for i := range f.IDs {
			ids[i] = f.IDs[i][:]
		}
		q.and(`a.id IN (`+marks(len(ids))+`)`, ids...)
	}
	if !f.Family.IsZero() {
		q.and(`(a.id = ? OR a.root = ? AND a.root IS NOT NULL)`, f.Family[:], f.Family[:])
	}
	if !f.Look.IsZero() {
		q.and(`a.look_at <= ? AND a.look_at IS NOT NULL`, f.Look.UnixMilli())
	}
	if f.HideConfidential {
		q.and(`NOT EXISTS (SELECT 1 FROM tickets t WHERE t.id = a.ticket AND t.flags & 1 <> 0)`)
	}
	return q
}

// Alerts implements [store.Reader].
func (s *Tables) Alerts(ctx context.Context, f store.AlertFilter) ([]store.Alert, error) {
	q, order := narrowAlerts(f), ` ORDER BY a.pos DESC`
	if !f.Look.IsZero() {
		order = ` ORDER BY a.look_at, a.pos`
	}
	return built(ctx, s.DB, "alerts", `SELECT `+alertColumns+` FROM alerts a`+q.where()+order+` LIMIT +?`, scanAlert, append(q.args, pageLimit(f.Limit))...)
}

// AlertGroups implements [store.Duty].
func (s *Tables) AlertGroups(ctx context.Context, f store.AlertFilter) ([]store.AlertGroup, error) {
	q := narrowAlerts(f)
	return built(ctx, s.DB, "alerts", `SELECT `+alertHolder+`, a.level, count(*), count(a.snoozed_until), min(a.at), max(a.at) FROM alerts a`+q.where()+
		` GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2`, func(r Row) (g store.AlertGroup, err error) {
		var oldest, newest dbTime
		err = r.Scan(&g.Unit, &g.Level, &g.Count, &g.Snoozed, &oldest, &newest)
		g.Oldest, g.Newest = oldest.Time, newest.Time
		return g, err
	}, q.args...)
}

// AlertLog implements [store.Duty].
func (s *Tables) AlertLog(ctx context.Context, ids ...ticket.ID) ([]store.AlertEntry, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	return built(ctx, s.DB, "alert log", `SELECT alert, at, who, what, post, person, until_at, sealed FROM alert_log WHERE alert IN (`+marks(len(ids))+`) ORDER BY id`,
		func(r Row) (store.AlertEntry, error) {
			var (
				e         store.AlertEntry
				alert     dbID
				at, until dbTime
				sealed    []byte
			)
			if err := r.Scan(&alert, &at, &e.By, &e.What, &e.Post, &e.Person, &until, &sealed); err != nil {
				return e, err
			}
			e.Alert, e.At, e.Until = alert.ID, at.Time, until.Time
			reason, err := s.open(sealed, placeAlertLog, alert.ID[:])
			e.Reason = string(reason)
			return e, err
		}, args...)
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
		(SELECT count(*) FROM tickets WHERE callback_at IS NOT NULL AND open = 1),
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
