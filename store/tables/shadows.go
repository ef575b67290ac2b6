package tables

import (
	"context"
	"errors"
	"strings"

	"github.com/citizen-hotline/gateway/store"
)

const selectShadow = `SELECT s.id, s.hash, s.author, s.at, s.pos FROM shadows s ORDER BY s.id DESC LIMIT 1`

func scanShadow(r Row) (s store.Shadow, err error) {
	var at dbTime
	err = r.Scan(&s.ID, &s.Hash, &s.Author, &at, &s.Position)
	s.At = at.Time
	return s, err
}

// Shadow implements [store.Shadows].
func (s *Tables) Shadow(ctx context.Context) (store.Shadow, error) {
	return one(ctx, s.DB, "shadow", selectShadow, scanShadow)
}

// StartShadow implements [store.Shadows].
func (s *Tables) StartShadow(ctx context.Context, p store.Pack, after int64) (store.Shadow, error) {
	return ask(ctx, s.DB.Alone, func(ctx context.Context, tx Tx) (found store.Shadow, err error) {
		read := func(r Row) (err error) {
			found, err = scanShadow(r)
			return err
		}
		if err := get(ctx, tx, selectShadow, nil, read); err == nil && found.Hash == p.Hash || err != nil && !errors.Is(err, ErrNone) {
			return found, err
		}
		if err := dropShadows(ctx, tx); err != nil {
			return found, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO packs (hash, author, note, at, archive) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			p.Hash, p.Author, p.Note, ms(p.At), p.Archive); err != nil {
			return found, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO shadows (hash, author, at, pos) VALUES (?, ?, ?, ?)`, p.Hash, p.Author, ms(p.At), after); err != nil {
			return found, err
		}
		return found, get(ctx, tx, selectShadow, nil, read)
	})
}

// EndShadow implements [store.Shadows].
func (s *Tables) EndShadow(ctx context.Context) error { return s.DB.Alone(ctx, dropShadows) }

func dropShadows(ctx context.Context, tx Tx) error {
	for _, text := range []string{`DELETE FROM shadow_decisions`, `DELETE FROM shadows`} {
		if _, err := tx.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// PutShadowed implements [store.Shadows].
func (s *Tables) PutShadowed(ctx context.Context, shadow int64, decisions []store.Shadowed) error {
	if len(decisions) == 0 {
		return nil
	}
	var args []any
	for i := range decisions {
		d := &decisions[i]
		args = append(args, shadow, d.Ticket[:], d.Number, d.Was, d.Would, d.Rule)
	}
	rows := strings.TrimSuffix(strings.Repeat(`(`+marks(6)+`), `, len(decisions)), `, `)
	return s.DB.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO shadow_decisions (shadow, ticket, number, was, would, rule) VALUES `+rows+` ON CONFLICT DO NOTHING`, args...)
		return err
	})
}

// Shadowed implements [store.Shadows].
func (s *Tables) Shadowed(ctx context.Context, shadow int64) (r store.ShadowReport, err error) {
	counts, err := many(ctx, s.DB, "shadow", `SELECT d.was, d.would, count(*), max(d.number) FROM shadow_decisions d WHERE d.shadow = ?
		GROUP BY d.was, d.would ORDER BY count(*) DESC, d.was, d.would`, func(r Row) (f store.ShadowFlow, err error) {
		err = r.Scan(&f.Was, &f.Would, &f.Count, &f.Example)
		return f, err
	}, shadow)
	for _, f := range counts {
		if r.Decided += f.Count; f.Was != f.Would {
			r.Moved += f.Count
			r.Flows = append(r.Flows, f)
		}
	}
	return r, err
}
