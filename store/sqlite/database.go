package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/store/tables"
)

// readers is the pool of connections that cannot write. Statements of constant text are prepared
// once per connection.
type readers struct {
	db       *sql.DB
	prepared sync.Map // text → *sql.Stmt
}

func (r *readers) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if st, ok := r.prepared.Load(text); ok {
		return st.(*sql.Stmt), nil //nolint:forcetypeassert // only statements are stored
	}
	st, err := r.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if other, loaded := r.prepared.LoadOrStore(text, st); loaded {
		_ = st.Close()         //nolint:sqlclosecheck // another goroutine was first; its statement stays
		st = other.(*sql.Stmt) //nolint:forcetypeassert // only statements are stored
	}
	return st, nil
}

func (r *readers) close() error {
	var errs []error
	r.prepared.Range(func(_, st any) bool {
		errs = append(errs, st.(*sql.Stmt).Close()) //nolint:forcetypeassert // only statements are stored
		return true
	})
	return errors.Join(append(errs, r.db.Close())...)
}

// database asks the readers and writes through the writer. It implements [tables.Database].
type database struct {
	readers *readers
	writer  *writer
	limit   time.Duration // of a read; 0: none
}

// Read implements [tables.Database].
func (d database) Read(ctx context.Context, text string, constant bool, args []any, each func(tables.Row) error) error {
	if d.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.limit)
		defer cancel()
	}
	if !constant {
		rows, err := d.readers.db.QueryContext(ctx, text, args...)
		return walk(rows, err, each)
	}
	st, err := d.readers.statement(ctx, text) //nolint:sqlclosecheck // kept for the next read; closed with the pool
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	return walk(rows, err, each)
}

func walk(rows *sql.Rows, err error, each func(tables.Row) error) error {
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Write implements [tables.Database]: in the writer's goroutine, in a transaction of its own.
func (d database) Write(ctx context.Context, do func(ctx context.Context, tx tables.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	err := d.writer.queue.PushTask(func() { //nolint:contextcheck // a caller that leaves never stops the write
		done <- d.writer.task(func(ctx context.Context) error { return do(ctx, tx{d.writer.conn}) })
	})
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Alone implements [tables.Database]: there is one writer.
func (d database) Alone(ctx context.Context, do func(ctx context.Context, tx tables.Tx) error) error {
	return d.Write(ctx, do)
}

// Explain implements [tables.Database].
func (database) Explain(err error, what string) error { return readError(err, what) }

// IsUnique implements [tables.Database].
func (database) IsUnique(err error) bool { return isUnique(err) }

// tx is the writer's connection during an administrative task.
type tx struct{ conn *sql.Conn }

// Query implements [tables.Tx].
func (t tx) Query(ctx context.Context, text string, args []any, each func(tables.Row) error) error {
	rows, err := t.conn.QueryContext(ctx, text, args...)
	return walk(rows, err, each)
}

// Exec implements [tables.Tx].
func (t tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := t.conn.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
