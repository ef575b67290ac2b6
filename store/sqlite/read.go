package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
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

// row is a row being read: both *sql.Row and *sql.Rows.
type row interface{ Scan(dest ...any) error }

// one reads a single row of a query whose text is constant. No row is NotFound.
func one[T any](ctx context.Context, s *Store, what, text string, scan func(row) (T, error), args ...any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	var none T
	st, err := s.readers.statement(ctx, text) //nolint:sqlclosecheck // kept for the next read; closed with the pool
	if err != nil {
		return none, readError(err, what)
	}
	v, err := scan(st.QueryRowContext(ctx, args...))
	if err != nil {
		return none, readError(err, what)
	}
	return v, nil
}

// many reads the rows of a query whose text is constant.
func many[T any](ctx context.Context, s *Store, what, text string, scan func(row) (T, error), args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	st, err := s.readers.statement(ctx, text) //nolint:sqlclosecheck // kept for the next read; closed with the pool
	if err != nil {
		return nil, readError(err, what)
	}
	rows, err := st.QueryContext(ctx, args...)
	return collect(rows, err, what, scan)
}

// built reads the rows of a query made for one filter.
func built[T any](ctx context.Context, s *Store, what, text string, scan func(row) (T, error), args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	rows, err := s.readers.db.QueryContext(ctx, text, args...)
	return collect(rows, err, what, scan)
}

func collect[T any](rows *sql.Rows, err error, what string, scan func(row) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, readError(err, what)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, readError(err, what)
		}
		list = append(list, v)
	}
	return list, readError(rows.Err(), what)
}

// scanInt reads a row of one number.
func scanInt(r row) (n int64, err error) {
	err = r.Scan(&n)
	return n, err
}

// dbTime reads a stored time: UTC, the zero time for NULL.
type dbTime struct{ time.Time }

// Scan implements [sql.Scanner].
func (t *dbTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		t.Time = time.Time{}
	case int64:
		t.Time = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("sqlite: a time is stored as a number, found %T", v)
	}
	return nil
}

// dbID reads a stored id: the zero id for NULL.
type dbID struct{ ticket.ID }

// Scan implements [sql.Scanner].
func (d *dbID) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		d.ID = ticket.ID{}
	case []byte:
		if len(v) != len(d.ID) {
			return fmt.Errorf("sqlite: an id has %d bytes, found %d", len(d.ID), len(v))
		}
		copy(d.ID[:], v)
	default:
		return fmt.Errorf("sqlite: an id is stored as bytes, found %T", v)
	}
	return nil
}

// dbHash reads a stored hash.
type dbHash struct{ ticket.Hash }

// Scan implements [sql.Scanner].
func (h *dbHash) Scan(v any) error {
	b, ok := v.([]byte)
	if v == nil {
		h.Hash = ticket.Hash{}
		return nil
	}
	if !ok || len(b) != len(h.Hash) {
		return fmt.Errorf("sqlite: a hash has %d bytes, found %T of %d", len(h.Hash), v, len(b))
	}
	copy(h.Hash[:], b)
	return nil
}
