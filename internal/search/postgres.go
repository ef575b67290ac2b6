package search

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Postgres is the text index of a city whose tickets are in PostgreSQL: a table beside theirs, with an
// inverted index over the same keyed hashes of neighbouring characters. All gateways of the city
// search it; one at a time fills it. It is safe for concurrent use.
type Postgres struct {
	keys Keys
	pool *pgxpool.Pool

	filling sync.Mutex    // of what follows
	turn    *pgxpool.Conn // holds lockFilling; nil while another gateway fills

	mu    sync.Mutex // of what follows
	known memo[int64]
}

// The advisory locks: "hots", under which the tables are made, and "hotf", which the gateway that fills the
// index holds for as long as it lives, so that several do not do more of it than one would.
const (
	lockIndex   = 0x686f7473
	lockFilling = 0x686f7466
)

// postgresSchema makes the tables. The position is a row, so that who fills the index can lock it.
const postgresSchema = `
CREATE TABLE IF NOT EXISTS search_state (one BOOLEAN PRIMARY KEY CHECK (one), version BIGINT NOT NULL, keys BYTEA NOT NULL, position BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS search_docs (ticket BYTEA PRIMARY KEY, terms BIGINT[] NOT NULL);
CREATE INDEX IF NOT EXISTS search_terms ON search_docs USING gin (terms);`

// OpenPostgres opens the index, making its tables when they are not there. One of another version or
// made with other keys is emptied: Follow fills it from the store.
func OpenPostgres(ctx context.Context, dsn string, keys Keys) (_ *Postgres, err error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("search: --store: %w", err)
	}
	c.MaxConns = 4
	c.ConnConfig.RuntimeParams["application_name"] = "hotline search"
	// A machine that is gone without a word lets go of its turn within half a minute.
	maps.Copy(c.ConnConfig.RuntimeParams, map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"})
	// What a power cut takes from the index is read from the store again, with the position before it.
	c.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	x := &Postgres{keys: keys, known: memo[int64]{}}
	if x.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return nil, fmt.Errorf("search: open: %w", err)
	}
	defer func() {
		if err != nil {
			x.pool.Close()
		}
	}()
	err = pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lockIndex); err != nil {
			return err
		}
		// Only when they are not there: to make an index, even one that is there, waits for who fills the
		// table, who may be waiting for the state's row.
		var made bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass('search_terms') IS NOT NULL`).Scan(&made); err != nil {
			return err
		}
		if !made {
			if _, err := tx.Exec(ctx, postgresSchema); err != nil {
				return err
			}
		}
		probe := keys.Index("bigram", "\x00")
		tag, err := tx.Exec(ctx, `INSERT INTO search_state (one, version, keys, position) VALUES (true, $1, $2, 0)
			ON CONFLICT (one) DO UPDATE SET version = excluded.version, keys = excluded.keys, position = 0
			WHERE search_state.version <> excluded.version OR search_state.keys <> excluded.keys`, version, probe)
		if err == nil && tag.RowsAffected() > 0 {
			_, err = tx.Exec(ctx, `TRUNCATE search_docs`)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: make the index: %w", err)
	}
	return x, nil
}

// Close lets go of the connections, and of the turn to fill.
func (x *Postgres) Close() error {
	x.filling.Lock()
	defer x.filling.Unlock()
	err := x.endTurn()
	x.pool.Close()
	return err
}

// takeTurn reports whether it is here that the index is filled.
func (x *Postgres) takeTurn(ctx context.Context) (bool, error) {
	if x.turn != nil {
		return true, nil
	}
	c, err := x.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("search: %w", err)
	}
	var free bool
	if err := c.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, lockFilling).Scan(&free); err != nil || !free {
		c.Release()
		if err != nil {
			err = fmt.Errorf("search: turn to fill the index: %w", err)
		}
		return false, err
	}
	x.turn = c
	return true, nil
}

// endTurn closes the connection that holds the turn: another gateway takes it then.
func (x *Postgres) endTurn() error {
	if x.turn == nil {
		return nil
	}
	err := x.turn.Hijack().PgConn().Conn().Close() // the socket: nothing more is said on it, and nothing waited for
	x.turn = nil
	if err != nil {
		return fmt.Errorf("search: end the turn to fill: %w", err)
	}
	return nil
}

// Follow is [Index.Follow]. While another gateway fills the index there is nothing to do here; when that
// one is gone, this one goes on.
func (x *Postgres) Follow(ctx context.Context, r Reader) (n int, err error) {
	x.filling.Lock()
	defer x.filling.Unlock()
	if mine, err := x.takeTurn(ctx); err != nil || !mine {
		return 0, err
	}
	n, err = x.fill(ctx, r)
	if err != nil {
		_ = x.endTurn() // the connection may be what is wrong
	}
	return n, err
}

// fill reads one page of events and indexes the text they bring.
func (x *Postgres) fill(ctx context.Context, r Reader) (n int, err error) {
	err = pgx.BeginFunc(ctx, x.turn, func(tx pgx.Tx) error {
		var after int64
		err := tx.QueryRow(ctx, `SELECT position FROM search_state FOR UPDATE SKIP LOCKED`).Scan(&after)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("search: position: %w", err)
		}
		items, err := r.Feed(ctx, after, FollowMost)
		if err != nil || len(items) == 0 {
			return err
		}
		docs, err := collect(ctx, r, items)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for _, d := range docs {
			b.Queue(`INSERT INTO search_docs (ticket, terms) VALUES ($1, $2) ON CONFLICT (ticket) DO UPDATE SET terms = excluded.terms`,
				d.Ticket[:], x.terms(text.Bigrams(d.Text)))
		}
		b.Queue(`UPDATE search_state SET position = $1`, items[len(items)-1].Position)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("search: index: %w", err)
		}
		n = len(items)
		return nil
	})
	return n, err
}

// Rebuild empties the index; the following calls of Follow fill it again.
func (x *Postgres) Rebuild(ctx context.Context) error {
	return pgx.BeginFunc(ctx, x.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE search_state SET position = 0`); err != nil {
			return fmt.Errorf("search: empty the index: %w", err)
		}
		if _, err := tx.Exec(ctx, `TRUNCATE search_docs`); err != nil {
			return fmt.Errorf("search: empty the index: %w", err)
		}
		return nil
	})
}

// terms are the numbers kept of bigrams: the same 48 bits as in the file, see token.
func (x *Postgres) terms(bigrams []string) []int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	terms := make([]int64, len(bigrams))
	for i, b := range bigrams {
		terms[i] = x.known.of(b, x.term)
	}
	return terms
}

func (x *Postgres) term(bigram string) int64 {
	var wide [8]byte
	copy(wide[2:], x.keys.Index("bigram", bigram)[:6])
	return int64(binary.BigEndian.Uint64(wide[:]))
}

// findTime is how long a search may take.
const findTime = 2 * time.Second

// Find is [Index.Find]. Ids grow with time, so the newest tickets are those with the highest.
func (x *Postgres) Find(ctx context.Context, query string, limit int) ([]ticket.ID, error) {
	pairs := pairsOf(query)
	if len(pairs) == 0 {
		return nil, errShort()
	}
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	rows, err := x.pool.Query(ctx, `SELECT ticket FROM search_docs WHERE terms @> $1 ORDER BY ticket DESC LIMIT $2`, x.terms(pairs), findLimit(limit))
	if err != nil {
		return nil, fmt.Errorf("search: find: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id ticket.ID, err error) {
		var b []byte
		err = row.Scan(&b)
		copy(id[:], b)
		return id, err
	})
	if err != nil {
		return nil, fmt.Errorf("search: find: %w", err)
	}
	return found, nil
}
