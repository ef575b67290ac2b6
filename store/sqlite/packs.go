package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func scanPack(r row) (p store.Pack, err error) {
	var at dbTime
	err = r.Scan(&p.Hash, &p.Author, &p.Note, &at, &p.Archive)
	p.At = at.Time
	return p, err
}

// PublishPack implements [store.Packs]. The pack that is active already stays as it is.
func (s *Store) PublishPack(ctx context.Context, p store.Pack) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		var active string
		err := tx.QueryRowContext(ctx, `SELECT hash FROM pack_activations ORDER BY id DESC LIMIT 1`).Scan(&active)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if active == p.Hash {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO packs (hash, author, note, at, archive) VALUES (?, ?, ?, ?, ?)`,
			p.Hash, p.Author, p.Note, ms(p.At), p.Archive); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO pack_activations (hash, author, note, at) VALUES (?, ?, ?, ?)`, p.Hash, p.Author, p.Note, ms(p.At))
		return err
	})
}

// ActivePack implements [store.Packs].
func (s *Store) ActivePack(ctx context.Context) (store.Pack, error) {
	return one(ctx, s, "pack", `SELECT a.hash, a.author, a.note, a.at, p.archive FROM pack_activations a JOIN packs p ON p.hash = a.hash
		ORDER BY a.id DESC LIMIT 1`, scanPack)
}

// PackByHash implements [store.Packs]: as it was first published.
func (s *Store) PackByHash(ctx context.Context, hash string) (store.Pack, error) {
	return one(ctx, s, "pack", `SELECT hash, author, note, at, archive FROM packs WHERE hash = ?`, scanPack, hash)
}

// PackHistory implements [store.Packs].
func (s *Store) PackHistory(ctx context.Context, limit int) ([]store.Pack, error) {
	return many(ctx, s, "packs", `SELECT hash, author, note, at, NULL FROM pack_activations ORDER BY id DESC LIMIT +?`, scanPack, pageLimit(limit))
}

// OpenUnits implements [store.Packs]. It walks from unit to unit and stops at each one's first
// open ticket, newest first.
func (s *Store) OpenUnits(ctx context.Context) ([]string, error) {
	return many(ctx, s, "units", `WITH RECURSIVE u (unit) AS (
			SELECT min(unit) FROM ticket_units
			UNION ALL SELECT (SELECT min(unit) FROM ticket_units WHERE unit > u.unit) FROM u WHERE u.unit IS NOT NULL)
		SELECT unit FROM u WHERE unit IS NOT NULL AND EXISTS (SELECT 1 FROM ticket_units x CROSS JOIN tickets t ON t.id = x.ticket
			WHERE x.unit = u.unit AND t.open = 1 ORDER BY x.ticket DESC) ORDER BY unit`,
		func(r row) (unit string, err error) {
			err = r.Scan(&unit)
			return unit, err
		})
}

// TakeNumbers implements [store.Numbers]. A day's sequence begins at 1.
func (s *Store) TakeNumbers(ctx context.Context, day string, n int) (int, error) {
	if n < 1 {
		return 0, ticket.Errorf(ticket.Invalid, "store.numbers", "cannot reserve %d numbers", n)
	}
	return ask(ctx, s, func(ctx context.Context, tx *sql.Conn) (first int, err error) {
		err = tx.QueryRowContext(ctx, `INSERT INTO numbers (day, next) VALUES (?, 1 + ?)
			ON CONFLICT (day) DO UPDATE SET next = next + ? RETURNING next - ?`, day, n, n, n).Scan(&first)
		return first, err
	})
}

// PutMedia implements [store.Media]. What is known of the same content is kept.
func (s *Store) PutMedia(ctx context.Context, m ticket.MediaRef, at time.Time) error {
	if m.SHA256 == "" {
		return ticket.Errorf(ticket.Invalid, "store.media", "an attachment is kept by the hash of its content; it has none")
	}
	doc, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("sqlite: media %s: %w", m.SHA256, err)
	}
	sealed, err := s.ring.Seal(doc, place(placeMedia, []byte(m.SHA256)))
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *sql.Conn) error {
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO media (sha256, at, sealed) VALUES (?, ?, ?)`, m.SHA256, ms(at), sealed)
		return err
	})
}

// GetMedia implements [store.Media].
func (s *Store) GetMedia(ctx context.Context, sha256 string) (ticket.MediaRef, error) {
	return one(ctx, s, "media", `SELECT sealed FROM media WHERE sha256 = ?`, func(r row) (m ticket.MediaRef, err error) {
		var sealed []byte
		if err = r.Scan(&sealed); err != nil {
			return m, err
		}
		return m, s.openJSON(&m, sealed, placeMedia, []byte(sha256))
	}, sha256)
}
