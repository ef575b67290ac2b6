package tables

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/store"
)

// noticeFacts are the columns of a notice without its words.
const noticeFacts = `id, key, ticket, kind, target, state, attempts, due_at, next_at, created, done_at, error, grp, page, why, repeat_at, is_over, silence`

const noticeColumns = noticeFacts + `, sealed`

func (s *Tables) scanNotice(r Row) (store.StoredNotice, error) {
	var (
		n                                store.StoredNotice
		about                            dbID
		due, next, created, done, repeat dbTime
		over                             int64
		sealed                           []byte
	)
	if err := r.Scan(&n.ID, &n.Key, &about, &n.Kind, &n.Target, &n.State, &n.Attempts, &due, &next, &created, &done, &n.Error,
		&n.Group, &n.Page, &n.Why, &repeat, &over, &n.Silence, &sealed); err != nil {
		return n, err
	}
	n.Ticket, n.Due, n.Next, n.Created, n.Done, n.Repeat = about.ID, due.Time, next.Time, created.Time, done.Time, repeat.Time
	n.Over, n.Withheld = over != 0, n.State == store.NoticeWithheld
	// A notice whose words cannot be read comes without them: one damaged row must not stop the rest.
	n.Body, _ = s.open(sealed, placeNotice, []byte(n.Key))
	return n, nil
}

// Claim leases notices as [store.Outbox] says. A lease is the next time the notice may be claimed: who
// dies with it loses it at its end. Attempts counts the one begun. locking is what the engine's SQL
// says so that two who claim at once do not wait for each other.
func (s *Tables) Claim(ctx context.Context, locking string, now time.Time, lease time.Duration, limit int, kinds ...string) ([]store.StoredNotice, error) {
	var q query
	q.and(`state = 'pending' AND next_at <= ?`, now.UnixMilli())
	q.among(`kind`, kinds)
	due, err := built(ctx, s.DB, "notices", `SELECT 1 FROM outbox`+q.where()+` LIMIT 1`, scanInt, q.args...)
	if err != nil || len(due) == 0 {
		return nil, err // an idle outbox costs the writer nothing
	}
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) ([]store.StoredNotice, error) {
		args := slices.Concat(q.args, []any{pageLimit(limit), now.Add(lease).UnixMilli()})
		// Materialized: asked once, whatever the planner thinks of it.
		text := `WITH due AS MATERIALIZED (SELECT id FROM outbox` + q.where() + ` ORDER BY next_at, id LIMIT +?` + locking + `)
			UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE id IN (SELECT id FROM due) RETURNING ` + noticeColumns
		list, err := gather(s.scanNotice, func(each func(Row) error) error { return tx.Query(ctx, text, args, each) })
		slices.SortFunc(list, func(a, b store.StoredNotice) int { return cmp.Compare(a.ID, b.ID) })
		return list, err
	})
}

// Renew implements [store.Outbox]. Who has lost its lease meanwhile takes nothing from who has it now:
// a lease that is longer stays.
func (s *Tables) Renew(ctx context.Context, ids []int64, until time.Time) error {
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, `UPDATE outbox SET next_at = ? WHERE id = ? AND state = 'pending' AND next_at < ?`, until.UnixMilli(), id, until.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Settle implements [store.Outbox]. A result of a notice that is no longer pending changes nothing.
func (s *Tables) Settle(ctx context.Context, results []store.NoticeResult) error {
	if len(results) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		for _, r := range results {
			var err error
			if r.State == store.NoticePending {
				_, err = tx.Exec(ctx, `UPDATE outbox SET next_at = ?, error = ? WHERE id = ? AND state = 'pending'`, r.Next.UnixMilli(), r.Error, r.ID)
			} else {
				_, err = tx.Exec(ctx, `UPDATE outbox SET state = ?, done_at = ?, error = ? WHERE id = ? AND state = 'pending'`, string(r.State), ms(r.At), r.Error, r.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Notices implements [store.Outbox].
func (s *Tables) Notices(ctx context.Context, state store.NoticeState, cursor int64, limit int) ([]store.StoredNotice, error) {
	if cursor <= 0 {
		cursor = 1 << 62
	}
	return many(ctx, s.DB, "notices", `SELECT `+noticeFacts+`, NULL
		FROM outbox WHERE state = ? AND id < ? ORDER BY id DESC LIMIT +?`, s.scanNotice, string(state), cursor, pageLimit(limit))
}

// Redrive implements [store.Outbox].
func (s *Tables) Redrive(ctx context.Context, ids []int64, now time.Time) (int, error) {
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (int, error) {
		n := 0
		for _, id := range ids {
			changed, err := tx.Exec(ctx, `UPDATE outbox SET state = CASE WHEN grp = '' THEN 'pending' ELSE 'waiting' END,
				page = 0, attempts = 0, next_at = ?, done_at = NULL, error = '' WHERE id = ? AND state = 'dead'`, now.UnixMilli(), id)
			if err != nil {
				return 0, err
			}
			n += int(changed)
		}
		return n, nil
	})
}
