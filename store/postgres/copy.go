package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/citizen-hotline/gateway/store/tables"
)

// identities are the columns that number themselves, by table.
var identities = map[string]string{
	"deliveries": "pos", "tickets": "pos", "calls": "pos", "alerts": "pos", "outbox": "id", "pages": "id", "silences": "id", "access_log": "id", "pack_activations": "id",
	"shadows": "id", "alert_log": "id", "duty_overrides": "pos",
}

// CopyFrom makes this empty database a copy of another, or goes on with it; see [tables.Copy].
func (s *Store) CopyFrom(ctx context.Context, from *tables.Tables, source string, copied func(table string, rows int)) error {
	c := tables.Copy{From: from, To: s.Tables, Source: source, Overriding: ` OVERRIDING SYSTEM VALUE`, Copied: copied, Finish: continueNumbers}
	return c.Run(ctx)
}

// continueNumbers lets the columns that number themselves go on behind what was copied.
func continueNumbers(ctx context.Context, tx tables.Tx) error {
	for table, column := range identities {
		text := fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), coalesce(max(%[2]s), 1), max(%[2]s) IS NOT NULL) FROM %[1]s`, table, column)
		if _, err := tx.Exec(ctx, text); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
	}
	return nil
}

// Rows are the tables as they stand at one instant, to be copied from while others write. They end with
// the function returned.
func (s *Store) Rows(ctx context.Context) (*tables.Tables, func(), error) {
	c, err := s.readers.Acquire(ctx)
	if err != nil {
		return nil, nil, unavailable(err)
	}
	end := func() {
		_ = c.Conn().Close(context.WithoutCancel(ctx)) // it has settings of its own
		c.Release()
	}
	if _, err := c.Exec(ctx, `SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`); err != nil {
		end()
		return nil, nil, fmt.Errorf("postgres: %w", err)
	}
	t, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("postgres: %w", err)
	}
	return &tables.Tables{Ring: s.Ring, DB: instant{s.DB, tx{t}}}, end, nil
}

// instant is the database as one transaction sees it, for reading.
type instant struct {
	tables.Database
	tx tx
}

// Read implements [tables.Database].
func (i instant) Read(ctx context.Context, text string, _ bool, args []any, each func(tables.Row) error) error {
	return i.tx.Query(ctx, text, args, each)
}

// Write implements [tables.Database]: it refuses.
func (instant) Write(context.Context, func(context.Context, tables.Tx) error) error {
	return errors.New("postgres: what is copied from is not written to")
}

// Alone implements [tables.Database]: it refuses.
func (i instant) Alone(ctx context.Context, do func(context.Context, tables.Tx) error) error {
	return i.Write(ctx, do)
}
