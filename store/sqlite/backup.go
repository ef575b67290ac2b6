package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/tables"
)

// Snapshot writes the database as it stands at one instant into a new file, while a gateway, also
// one in another process, goes on writing. The new file is on disk when it returns.
func Snapshot(ctx context.Context, path, to string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("sqlite: path %q: %w", path, err)
	}
	if _, err := os.Stat(path); err != nil { // opening would make an empty one
		return fmt.Errorf("sqlite: %w", err)
	}
	db, err := openPool(dsn(path, []string{"busy_timeout(5000)", "cache_size(-4096)"})+"&mode=ro", 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := touch(to); err != nil { // readable by its owner only
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return fmt.Errorf("sqlite: copy the database: %w", errors.Join(err, os.Remove(to)))
	}
	f, err := os.Open(to) //nolint:gosec // just written
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sqlite: sync the copy: %w", err)
	}
	return nil
}

// Peek opens a database to read while a gateway, also one in another process, goes on writing. It cannot be
// written through.
func Peek(path string, ring *seal.Ring) (*tables.Tables, func() error, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("sqlite: path %q: %w", path, err)
	}
	if _, err := os.Stat(path); err != nil { // opening would make an empty one
		return nil, nil, fmt.Errorf("sqlite: %w", err)
	}
	db, err := openPool(dsn(path, []string{"busy_timeout(5000)", "query_only(1)"})+"&mode=ro", 1)
	if err != nil {
		return nil, nil, err
	}
	r := &readers{db: db}
	return &tables.Tables{Ring: ring, DB: database{readers: r}}, r.close, nil
}

// CountTickets counts the tickets of a file that nobody has open, and leaves it as it is.
func CountTickets(ctx context.Context, path string) (n int64, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, fmt.Errorf("sqlite: path %q: %w", path, err)
	}
	db, err := openPool(dsn(path, nil)+"&mode=ro&immutable=1", 1)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM tickets`).Scan(&n)
	return n, errors.Join(err, db.Close())
}
