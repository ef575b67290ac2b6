package tables

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

const pageColumns = `id, grp, seq, target, kind, state, count, attempts, next_at, created, done_at, error`

func scanPage(r Row) (p store.NoticePage, err error) {
	var next, created, done dbTime
	err = r.Scan(&p.ID, &p.Group, &p.Seq, &p.Target, &p.Kind, &p.State, &p.Count, &p.Attempts, &next, &created, &done, &p.Error)
	p.Next, p.Created, p.Done = next.Time, created.Time, done.Time
	return p, err
}

// waits is the condition of a notice that no page has taken yet, as its indexes have it.
const waits = `state = 'waiting' AND page = 0`

// NextGroup implements [store.Pages]: two looks along an index, however much waits.
func (s *Tables) NextGroup(ctx context.Context, kind string, now time.Time) (g store.Group, ok bool, err error) {
	keys, err := many(ctx, s.DB, "groups", `SELECT grp FROM outbox WHERE `+waits+` AND kind = ? AND next_at <= ? ORDER BY next_at, id LIMIT 1`,
		func(r Row) (key string, err error) { return key, r.Scan(&key) }, kind, now.UnixMilli())
	if err != nil || len(keys) == 0 {
		return g, false, err
	}
	last, err := many(ctx, s.DB, "pages", `SELECT seq, state, again_at FROM pages WHERE grp = ? ORDER BY seq DESC LIMIT 1`, func(r Row) (g store.Group, err error) {
		var state string
		var again dbTime
		err = r.Scan(&g.Last, &state, &again)
		g.Open, g.Again = state == string(store.NoticePending), again.Time
		return g, err
	}, keys[0])
	if err != nil {
		return g, false, err
	}
	if len(last) > 0 {
		g = last[0]
	}
	g.Key = keys[0]
	return g, true, nil
}

// Waiting implements [store.Pages].
func (s *Tables) Waiting(ctx context.Context, group string, limit int) ([]store.StoredNotice, error) {
	return many(ctx, s.DB, "notices", `SELECT `+noticeColumns+` FROM outbox WHERE `+waits+` AND grp = ? ORDER BY id LIMIT +?`,
		s.scanNotice, group, limit)
}

// HoldGroup implements [store.Pages].
func (s *Tables) HoldGroup(ctx context.Context, group string, until time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `UPDATE outbox SET next_at = ? WHERE `+waits+` AND grp = ? AND next_at < ?`, until.UnixMilli(), group, until.UnixMilli())
		return err
	})
}

// FormPage implements [store.Pages]. The number of the page within its group is a unique key: of two gateways
// that form the same page one waits for the other and then makes none, and every notice is in one page.
func (s *Tables) FormPage(ctx context.Context, p store.NewPage) (bool, error) {
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (bool, error) {
		at := p.At.UnixMilli()
		made, err := tx.Exec(ctx, `INSERT INTO pages (grp, seq, target, kind, state, count, attempts, next_at, again_at, created, error)
			VALUES (?, ?, ?, ?, 'pending', 0, 0, ?, ?, ?, '') ON CONFLICT DO NOTHING`, p.Group, p.Seq, p.Target, p.Kind, at, at, at)
		if err != nil || made == 0 {
			return false, err
		}
		var page int64
		if err := get(ctx, tx, `SELECT id FROM pages WHERE grp = ? AND seq = ?`, []any{p.Group, p.Seq}, func(r Row) error { return r.Scan(&page) }); err != nil {
			return false, err
		}
		for _, l := range p.Left {
			if err := leaveOut(ctx, tx, l, p.At); err != nil {
				return false, err
			}
		}
		told, err := tx.Exec(ctx, `UPDATE outbox SET page = ? WHERE `+waits+` AND grp = ? AND id <= ?`, page, p.Group, p.Through)
		if err != nil {
			return false, err
		}
		if told == 0 { // all were left out: there is nothing to tell, and no page
			_, err = tx.Exec(ctx, `DELETE FROM pages WHERE id = ?`, page)
			return false, err
		}
		_, err = tx.Exec(ctx, `UPDATE pages SET count = ? WHERE id = ?`, told, page)
		return true, err
	})
}

func leaveOut(ctx context.Context, tx Tx, l store.LeftOut, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE outbox SET state = ?, silence = ?, repeat_at = ?, error = ?, done_at = coalesce(done_at, ?) WHERE id = ? AND `+waits,
		string(l.State), l.Silence, ms(l.Until), l.Error, at.UnixMilli(), l.ID)
	return err
}

// ClaimPages leases pages as Claim does notices.
func (s *Tables) ClaimPages(ctx context.Context, locking, kind string, now time.Time, lease time.Duration, limit int) ([]store.NoticePage, error) {
	const due = ` FROM pages WHERE state = 'pending' AND kind = ? AND next_at <= ?`
	some, err := many(ctx, s.DB, "pages", `SELECT 1`+due+` LIMIT 1`, scanInt, kind, now.UnixMilli())
	if err != nil || len(some) == 0 {
		return nil, err
	}
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) ([]store.NoticePage, error) {
		text := `WITH due AS MATERIALIZED (SELECT id` + due + ` ORDER BY next_at, id LIMIT +?` + locking + `)
			UPDATE pages SET attempts = attempts + 1, next_at = ? WHERE id IN (SELECT id FROM due) RETURNING ` + pageColumns
		args := []any{kind, now.UnixMilli(), pageLimit(limit), now.Add(lease).UnixMilli()}
		list, err := gather(scanPage, func(each func(Row) error) error { return tx.Query(ctx, text, args, each) })
		slices.SortFunc(list, func(a, b store.NoticePage) int { return cmp.Compare(a.ID, b.ID) })
		return list, err
	})
}

// RenewPages implements [store.Pages].
func (s *Tables) RenewPages(ctx context.Context, ids []int64, until time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, `UPDATE pages SET next_at = ? WHERE id = ? AND state = 'pending' AND next_at < ?`, until.UnixMilli(), id, until.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

// PageNotices implements [store.Pages].
func (s *Tables) PageNotices(ctx context.Context, p store.NoticePage, limit int) ([]store.StoredNotice, int, error) {
	list, err := many(ctx, s.DB, "notices", `SELECT `+noticeColumns+` FROM outbox WHERE page = ? AND page > 0 ORDER BY id LIMIT +?`, s.scanNotice, p.ID, limit)
	if err != nil {
		return nil, 0, err
	}
	standing, err := one(ctx, s.DB, "notices", `SELECT count(*) FROM outbox WHERE grp = ? AND repeat_at IS NOT NULL AND state = 'delivered'`, scanInt, p.Group)
	return list, int(standing), err
}

// SettlePage implements [store.Pages]. A result of a page that is no longer pending changes nothing.
func (s *Tables) SettlePage(ctx context.Context, r store.PageResult) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		if r.State == store.NoticePending {
			uncounted := 0
			if r.Uncounted {
				uncounted = 1
			}
			_, err := tx.Exec(ctx, `UPDATE pages SET next_at = ?, attempts = attempts - ?, error = ? WHERE id = ? AND state = 'pending'`,
				r.Next.UnixMilli(), uncounted, r.Error, r.ID)
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE pages SET state = ?, done_at = ?, error = ?, again_at = ? WHERE id = ? AND state = 'pending'`,
			string(r.State), ms(r.At), r.Error, r.Again.UnixMilli(), r.ID)
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE outbox SET state = ?, done_at = ?, error = ?, attempts = attempts + 1,
			repeat_at = CASE WHEN is_over = 1 THEN NULL ELSE CAST(? AS BIGINT) END WHERE page = ? AND page > 0 AND state = 'waiting'`,
			string(r.State), ms(r.At), r.Error, ms(r.Repeat), r.ID)
		return err
	})
}

// Repeats implements [store.Pages].
func (s *Tables) Repeats(ctx context.Context, now time.Time, limit int) ([]store.StoredNotice, error) {
	return many(ctx, s.DB, "notices", `SELECT `+noticeColumns+` FROM outbox WHERE repeat_at IS NOT NULL AND repeat_at <= ? ORDER BY repeat_at LIMIT +?`,
		s.scanNotice, now.UnixMilli(), limit)
}

// SettleStanding implements [store.Pages].
func (s *Tables) SettleStanding(ctx context.Context, list []store.Standing) error {
	if len(list) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		for _, l := range list {
			text, args := `UPDATE outbox SET repeat_at = NULL WHERE id = ? AND repeat_at = ?`, []any{l.ID, l.Was.UnixMilli()}
			if l.Tell {
				text = `UPDATE outbox SET state = 'waiting', page = 0, repeat_at = NULL, next_at = ?, is_over = ? WHERE id = ? AND repeat_at = ?
					AND state IN ('delivered', 'silenced')`
				args = append([]any{l.Due.UnixMilli(), truth(l.Over)}, args...)
			}
			if _, err := tx.Exec(ctx, text, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// PageList implements [store.Pages].
func (s *Tables) PageList(ctx context.Context, state store.NoticeState, cursor int64, limit int) ([]store.NoticePage, error) {
	if cursor <= 0 {
		cursor = 1 << 62
	}
	return many(ctx, s.DB, "pages", `SELECT `+pageColumns+` FROM pages WHERE state = ? AND id < ? ORDER BY id DESC LIMIT +?`,
		scanPage, string(state), cursor, pageLimit(limit))
}

// turnsMost is how far ahead turns are taken: a minute by the rate, and some more where clocks of gateways differ.
const turnsMost = 2 * time.Minute

// TakeTurn implements [store.Pages] by the generic cell rate algorithm: one update decides, whoever asks at the
// same moment. A quarter of the rate may come at once; within any minute there are never more than perMinute. Turns
// further ahead than turnsMost were taken by a clock that ran ahead: they count no more, or the destination would hear
// nothing until the right clock had caught up.
func (s *Tables) TakeTurn(ctx context.Context, destination string, perMinute int, now time.Time, force bool) (time.Time, bool, error) {
	burst := max(perMinute/4, 1)
	step := time.Minute / time.Duration(max(perMinute-burst, 1))
	slack := time.Duration(burst-1) * step
	at := now.UnixMilli()
	type turn struct {
		at time.Time
		ok bool
	}
	t, err := ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (turn, error) {
		if _, err := tx.Exec(ctx, `INSERT INTO destinations (id, next) VALUES (?, 0) ON CONFLICT DO NOTHING`, destination); err != nil {
			return turn{}, err
		}
		latest, far := now.Add(slack).UnixMilli(), now.Add(turnsMost).UnixMilli()
		if force {
			latest = far
		}
		last := far - step.Milliseconds() // turns that emergencies take reach no further
		n, err := tx.Exec(ctx, `UPDATE destinations SET next = CASE WHEN next < ? OR next > ? THEN ? WHEN next > ? THEN ? ELSE next END + ?
			WHERE id = ? AND (next <= ? OR next > ?)`, at, far, at, last, last, step.Milliseconds(), destination, latest, far)
		if err != nil || n > 0 {
			return turn{now, true}, err
		}
		var next int64
		err = get(ctx, tx, `SELECT next FROM destinations WHERE id = ?`, []any{destination}, func(r Row) error { return r.Scan(&next) })
		return turn{time.UnixMilli(next).Add(-slack).UTC(), false}, err
	})
	return t.at, t.ok, err
}

// Undelivered implements [store.Pages].
func (s *Tables) Undelivered(ctx context.Context, now time.Time) ([]store.Undelivered, error) {
	at := now.UnixMilli()
	scan := func(r Row) (u store.Undelivered, err error) {
		var oldest dbTime
		err = r.Scan(&u.Kind, &u.Target, &u.Count, &oldest)
		u.Oldest = oldest.Time
		return u, err
	}
	return many(ctx, s.DB, "undelivered notices", `
		SELECT kind, target, count(*), min(coalesce(due_at, created)) FROM outbox WHERE state = 'pending' AND coalesce(due_at, created) <= ? GROUP BY kind, target
		UNION ALL SELECT kind, target, count(*), min(next_at) FROM outbox WHERE `+waits+` AND next_at <= ? GROUP BY kind, target
		UNION ALL SELECT kind, target, CAST(sum(count) AS BIGINT), min(created) FROM pages WHERE state = 'pending' GROUP BY kind, target
		ORDER BY 1, 2`, scan, at, at)
}

// AlertAcked implements [store.Pages].
func (s *Tables) AlertAcked(ctx context.Context, key string) (bool, error) {
	key = plain(key)
	n, err := one(ctx, s.DB, "alerts", `SELECT count(*) FROM alerts WHERE (key = ? OR key > ? AND key < ?) AND acked_at IS NOT NULL`, scanInt,
		key, key+"/", key+"0") // 0 follows the slash
	return n > 0, err
}

const silenceColumns = `s.id, s.author, s.reason, s.unit, s.level, s.destination, s.clock, s.created, s.until, s.ended_by, s.ended_at`

func scanSilence(r Row) (s store.Silence, err error) {
	var created, until, ended dbTime
	var held int64
	err = r.Scan(&s.ID, &s.Author, &s.Reason, &s.Unit, &s.Level, &s.Destination, &s.Clock, &created, &until, &s.EndedBy, &ended, &held)
	s.Created, s.Until, s.EndedAt, s.Held = created.Time, until.Time, ended.Time, int(held)
	return s, err
}

// AddSilence implements [store.Pages].
func (s *Tables) AddSilence(ctx context.Context, v store.Silence) (int64, error) {
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (id int64, err error) {
		err = get(ctx, tx, `INSERT INTO silences (author, reason, unit, level, destination, clock, created, until, ended_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, '') RETURNING id`,
			[]any{plain(v.Author), plain(v.Reason), v.Unit, v.Level, v.Destination, v.Clock, v.Created.UnixMilli(), v.Until.UnixMilli()},
			func(r Row) error { return r.Scan(&id) })
		return id, err
	})
}

// EndSilence implements [store.Pages].
func (s *Tables) EndSilence(ctx context.Context, id int64, by string, at time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		n, err := tx.Exec(ctx, `UPDATE silences SET ended_by = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL AND until > ?`, plain(by), at.UnixMilli(), id, at.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			err := get(ctx, tx, `SELECT 1 FROM silences WHERE id = ?`, []any{id}, func(Row) error { return nil })
			if errors.Is(err, ErrNone) {
				return s.DB.Explain(err, "silence")
			}
			return cmp.Or(err, errSilenceEnded())
		}
		_, err = tx.Exec(ctx, `UPDATE outbox SET repeat_at = ? WHERE silence = ? AND silence > 0 AND state = 'silenced' AND repeat_at IS NOT NULL`, at.UnixMilli(), id)
		return err
	})
}

// Silences implements [store.Pages].
func (s *Tables) Silences(ctx context.Context, now time.Time, limit int) ([]store.Silence, error) {
	var q query
	if !now.IsZero() {
		q.and(`s.until > ? AND s.ended_at IS NULL`, now.UnixMilli())
	}
	return built(ctx, s.DB, "silences", `SELECT `+silenceColumns+`, (SELECT count(*) FROM outbox o WHERE o.silence = s.id AND o.silence > 0) FROM silences s`+
		q.where()+` ORDER BY s.id DESC LIMIT +?`, scanSilence, append(q.args, pageLimit(limit))...)
}

// Silenced implements [store.Pages].
func (s *Tables) Silenced(ctx context.Context, id, cursor int64, limit int) ([]store.StoredNotice, error) {
	var q query
	q.and(`silence > 0`)
	if id > 0 {
		q.and(`silence = ?`, id)
	}
	if cursor > 0 {
		q.and(`id < ?`, cursor)
	}
	text := strings.Join([]string{`SELECT `, noticeFacts, `, NULL FROM outbox`, q.where(), ` ORDER BY id DESC LIMIT +?`}, "")
	return built(ctx, s.DB, "notices", text, s.scanNotice, append(q.args, pageLimit(limit))...)
}

func errSilenceEnded() error {
	return ticket.Errorf(ticket.Conflict, "store.conflict.silence", "the silence has ended already")
}
