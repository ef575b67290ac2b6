package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func scanPack(r Row) (p store.Pack, err error) {
	var at dbTime
	err = r.Scan(&p.Hash, &p.Author, &p.Note, &at, &p.Archive)
	p.At = at.Time
	return p, err
}

// PublishPack implements [store.Packs]. The pack that is active already stays as it is.
func (s *Tables) PublishPack(ctx context.Context, p store.Pack) error {
	return s.DB.Alone(ctx, func(ctx context.Context, tx Tx) error {
		var active string
		err := get(ctx, tx, `SELECT hash FROM pack_activations ORDER BY id DESC LIMIT 1`, nil, func(r Row) error { return r.Scan(&active) })
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		if active == p.Hash {
			return nil
		}
		if _, err := tx.Exec(ctx, `INSERT INTO packs (hash, author, note, at, archive) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			p.Hash, p.Author, p.Note, ms(p.At), p.Archive); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO pack_activations (hash, author, note, at) VALUES (?, ?, ?, ?)`, p.Hash, p.Author, p.Note, ms(p.At))
		return err
	})
}

// ActivePack implements [store.Packs].
func (s *Tables) ActivePack(ctx context.Context) (store.Pack, error) {
	return one(ctx, s.DB, "pack", `SELECT a.hash, a.author, a.note, a.at, p.archive FROM pack_activations a JOIN packs p ON p.hash = a.hash
		ORDER BY a.id DESC LIMIT 1`, scanPack)
}

// PackByHash implements [store.Packs]: as it was first published.
func (s *Tables) PackByHash(ctx context.Context, hash string) (store.Pack, error) {
	return one(ctx, s.DB, "pack", `SELECT hash, author, note, at, archive FROM packs WHERE hash = ?`, scanPack, hash)
}

// PackHistory implements [store.Packs].
func (s *Tables) PackHistory(ctx context.Context, limit int) ([]store.Pack, error) {
	return many(ctx, s.DB, "packs", `SELECT hash, author, note, at, NULL FROM pack_activations ORDER BY id DESC LIMIT +?`, scanPack, pageLimit(limit))
}

// OpenUnits implements [store.Packs]. It walks from unit to unit and stops at each one's first
// open ticket, newest first.
func (s *Tables) OpenUnits(ctx context.Context) ([]string, error) {
	return many(ctx, s.DB, "units", `WITH RECURSIVE u (unit) AS (
			SELECT min(unit) FROM ticket_units
			UNION ALL SELECT (SELECT min(unit) FROM ticket_units WHERE unit > u.unit) FROM u WHERE u.unit IS NOT NULL)
		SELECT unit FROM u WHERE unit IS NOT NULL AND EXISTS (SELECT 1 FROM ticket_units x WHERE x.unit = u.unit AND
			(SELECT t.open FROM tickets t WHERE t.id = x.ticket) = 1 ORDER BY x.ticket DESC) ORDER BY unit`,
		func(r Row) (unit string, err error) {
			err = r.Scan(&unit)
			return unit, err
		})
}

// TakeNumbers implements [store.Numbers]. A day's sequence begins at 1.
func (s *Tables) TakeNumbers(ctx context.Context, day string, n int) (int, error) {
	if n < 1 {
		return 0, ticket.Errorf(ticket.Invalid, "store.numbers", "cannot reserve %d numbers", n)
	}
	return ask(ctx, s.DB.Write, func(ctx context.Context, tx Tx) (first int, err error) {
		err = get(ctx, tx, `INSERT INTO numbers (day, next) VALUES (?, 1 + ?)
			ON CONFLICT (day) DO UPDATE SET next = numbers.next + ? RETURNING next - ?`, []any{day, n, n, n}, func(r Row) error { return r.Scan(&first) })
		return first, err
	})
}

// PutMedia implements [store.Media]. What is known of the same content is kept, and when
// it last came.
func (s *Tables) PutMedia(ctx context.Context, m ticket.MediaRef, at time.Time) error {
	if m.SHA256 == "" {
		return ticket.Errorf(ticket.Invalid, "store.media", "an attachment is kept by the hash of its content; it has none")
	}
	doc, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("store: media %s: %w", m.SHA256, err)
	}
	sealed, err := s.Ring.Seal(doc, place(placeMedia, []byte(m.SHA256)))
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO media (sha256, at, sealed) VALUES (?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET at = excluded.at`, m.SHA256, ms(at), sealed)
		return err
	})
}

// GetMedia implements [store.Media].
func (s *Tables) GetMedia(ctx context.Context, sha256 string) (ticket.MediaRef, error) {
	return one(ctx, s.DB, "media", `SELECT sealed FROM media WHERE sha256 = ?`, func(r Row) (m ticket.MediaRef, err error) {
		var sealed []byte
		if err = r.Scan(&sealed); err != nil {
			return m, err
		}
		return m, s.openJSON(&m, sealed, placeMedia, []byte(sha256))
	}, sha256)
}
