package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
)

// database asks the readers and writes through the writers. It implements [tables.Database].
type database struct {
	readers, writers *pgxpool.Pool
	texts            *texts
	closed           *atomic.Bool
}

// Read implements [tables.Database]. The driver prepares and remembers texts by itself.
func (d database) Read(ctx context.Context, text string, constant bool, args []any, each func(tables.Row) error) error {
	// The server bounds the statement; this, a server that is gone without a word.
	ctx, cancel := context.WithTimeout(ctx, readLimit+time.Second)
	defer cancel()
	if constant {
		text = d.texts.numbered(text)
	} else {
		text = numbered(text)
	}
	rows, err := d.readers.Query(ctx, text, args...)
	return walk(rows, err, each)
}

func walk(rows pgx.Rows, err error, each func(tables.Row) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Write implements [tables.Database]. What has begun is carried out, whatever becomes of the caller.
func (d database) Write(ctx context.Context, do func(ctx context.Context, tx tables.Tx) error) error {
	return d.write(ctx, do, func(context.Context, pgx.Tx) error { return nil })
}

// Alone implements [tables.Database]: those who write what they have read take turns, at all gateways.
func (d database) Alone(ctx context.Context, do func(ctx context.Context, tx tables.Tx) error) error {
	return d.write(ctx, do, func(ctx context.Context, t pgx.Tx) error {
		if _, err := t.Exec(ctx, `SET LOCAL lock_timeout = '3s'`); err != nil {
			return err
		}
		_, err := t.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, lockSpace, lockAlone)
		return err
	})
}

func (d database) write(ctx context.Context, do func(ctx context.Context, tx tables.Tx) error, first func(context.Context, pgx.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.closed.Load() {
		return lanes.ErrClosed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	err := pgx.BeginFunc(ctx, d.writers, func(t pgx.Tx) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("postgres: an administrative write panicked: %v", p)
			}
		}()
		if err := first(ctx, t); err != nil {
			return err
		}
		return do(ctx, tx{t})
	})
	if isServer(err) {
		return unavailable(err)
	}
	return err
}

// Explain implements [tables.Database].
func (database) Explain(err error, what string) error { return readError(err, what) }

// IsUnique implements [tables.Database].
func (database) IsUnique(err error) bool { return sqlState(err) == uniqueViolation }

// tx is an administrative transaction under way.
type tx struct{ pgx pgx.Tx }

// Query implements [tables.Tx].
func (t tx) Query(ctx context.Context, text string, args []any, each func(tables.Row) error) error {
	rows, err := t.pgx.Query(ctx, numbered(text), args...)
	return walk(rows, err, each)
}

// Exec implements [tables.Tx].
func (t tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	tag, err := t.pgx.Exec(ctx, numbered(text), args...)
	return tag.RowsAffected(), err
}

// texts remembers what constant texts are in PostgreSQL's words.
type texts struct{ known sync.Map }

func (x *texts) numbered(text string) string {
	if known, ok := x.known.Load(text); ok {
		return known.(string) //nolint:forcetypeassert // only texts are stored
	}
	in := numbered(text)
	x.known.Store(text, in)
	return in
}

// numbered is a text with $1, $2 … for each ?. The plus by which a limit is hidden from SQLite's
// planner means nothing here, and its type could not be told.
func numbered(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.ReplaceAll(text, `LIMIT +?`, `LIMIT ?`), `?`) {
		if i > 0 {
			fmt.Fprintf(&b, "$%d", i)
		}
		b.WriteString(part)
	}
	return b.String()
}
