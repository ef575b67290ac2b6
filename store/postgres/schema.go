package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Keys of advisory locks: the gateway's own half of the space, then what the lock is for.
const (
	lockSpace     = 0x686f746c // "hotl"
	lockMigration = 1
	lockAlone     = 2
	lockServing   = 3
)

// minVersion is the oldest server that is tried, as it numbers itself.
const minVersion = 150000

// inspect refuses a server on which an acknowledged ticket would not be safe, or would not work.
func inspect(ctx context.Context, c *pgx.Conn) error {
	var version int
	var encoding, fsync, pages string
	var standby bool
	err := c.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('fsync'),
		current_setting('full_page_writes'), pg_is_in_recovery()`).Scan(&version, &encoding, &fsync, &pages, &standby)
	switch {
	case err != nil:
		return fmt.Errorf("postgres: look at the server: %w", err)
	case version < minVersion:
		return fmt.Errorf("postgres: the server is version %d.%d; 15 or newer is needed", version/10000, version%10000)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: the database is encoded in %s; make one with ENCODING 'UTF8'", encoding)
	case standby:
		return errors.New("postgres: the server is a standby and takes no writes; name the primary, or add target_session_attrs=read-write to --store")
	case fsync != "on" || pages != "on":
		return errors.New("postgres: fsync or full_page_writes is off: what is acknowledged could be lost; turn both on")
	}
	return nil
}

// migrate brings the schema to the version of this program, one gateway at a time. A newer schema is
// refused: an older program would write rows the newer could not read.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("postgres: migrations: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close() //nolint:errcheck // the pool stays; there is nothing to lose
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("postgres: migrations: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("postgres: read the schema version: %w", rights(err))
	}
	if current > target {
		return fmt.Errorf("postgres: the database has schema %d, this program knows up to %d: it was opened by a newer version; start that one, or restore a backup made before", current, target)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("postgres: migrate the schema from %d to %d: %w", current, target, rights(err))
	}
	return nil
}

// rights adds the remedy when the role may not do something.
func rights(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return fmt.Errorf("%w; let the role make tables in its schema: GRANT CREATE, USAGE ON SCHEMA public TO …", err)
	}
	return err
}

// locked runs do while this gateway alone holds an advisory lock. It asks for the lock again and again:
// who waits for one inside a statement would keep an index from being built without holding up writers.
func locked(ctx context.Context, c *pgx.Conn, key int, do func() error) (err error) {
	for free := false; !free; {
		if err := c.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockSpace, key).Scan(&free); err != nil {
			return fmt.Errorf("postgres: wait for another gateway: %w", err)
		}
		if free {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("postgres: wait for another gateway: %w", ctx.Err())
		}
	}
	defer func() {
		_, e := c.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1, $2)`, lockSpace, key)
		err = errors.Join(err, e)
	}()
	return do()
}

// positions makes sure that new events come after all there are. Their positions are made of the
// number of the writing transaction; a database restored into another server finds its numbers
// lower than those its events were written with, and adds what is missing.
func positions(ctx context.Context, c *pgx.Conn) (offset int64, err error) {
	const text = `SELECT coalesce((SELECT convert_from(value, 'UTF8')::bigint FROM meta WHERE key = 'xid_offset'), 0),
		coalesce((SELECT max(pos) >> 20 FROM events), 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint`
	var newest, next int64
	if err := c.QueryRow(ctx, text).Scan(&offset, &newest, &next); err != nil {
		return 0, fmt.Errorf("postgres: read the position of events: %w", err)
	}
	if newest < next+offset {
		return offset, nil
	}
	offset = newest + 1 - next
	_, err = c.Exec(ctx, `INSERT INTO meta (key, value) VALUES ('xid_offset', convert_to($1::text, 'UTF8'))
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, strconv.FormatInt(offset, 10))
	if err != nil {
		return 0, fmt.Errorf("postgres: move the position of events: %w", err)
	}
	return offset, nil
}
