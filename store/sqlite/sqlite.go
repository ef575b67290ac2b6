package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
)

// Options say where the data is and how much may wait.
type Options struct {
	Path string     // the database file; its folder must exist
	Ring *seal.Ring // seals personal data; losing it is losing them

	// QueueLen is how many changes may wait in each lane before Commit answers Unavailable; 0
	// means 4096.
	QueueLen int
	// BatchMax is how many changes share one transaction at most; 0 means 128.
	BatchMax int
	// Readers is the size of the readers' pool; 0 means 6.
	Readers  int
	Observer lanes.Observer

	// Copying opens a database into which a copy was broken off, to go on with it.
	Copying bool

	foldEvery, foldLimit int // checkpointEvery and logLimit for tests; 0 means those
}

const (
	defaultQueueLen = 4096
	defaultBatchMax = 128
	defaultReaders  = 6

	// readLimit bounds every read: a long read transaction keeps the log from being folded back
	// into the database.
	readLimit = 2 * time.Second
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	*tables.Tables
	lock    *fileLock
	writer  *writer
	writeDB *sql.DB
	readers *readers
	check   *checkpointer

	closing sync.Once
	closed  error
}

var _ store.Store = (*Store)(nil)

// ErrHeld means that the database is open elsewhere.
var ErrHeld = errors.New("another hotline process has this database open")

// Open opens the database, making or migrating it. It refuses a file that another process has
// open, one written by a newer version, and one sealed with other keys.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if o.Ring == nil {
		return nil, errors.New("sqlite: no keys: personal data cannot be kept unsealed")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: path %q: %w", o.Path, err)
	}
	s := &Store{}
	defer func() { //nolint:contextcheck // what was opened is let go of whether or not ctx has ended
		if err != nil {
			_ = s.shut()
		}
	}()
	if s.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	if err = touch(path); err != nil {
		return nil, err
	}
	if s.writeDB, err = openPool(dsn(path, writePragmas), 1); err != nil {
		return nil, err
	}
	if err = migrate(ctx, s.writeDB); err != nil {
		return nil, err
	}
	db, err := openPool(dsn(path, readPragmas), orInt(o.Readers, defaultReaders))
	if err != nil {
		return nil, err
	}
	s.readers = &readers{db: db}
	if s.check, err = startCheckpointer(path, o); err != nil { //nolint:contextcheck // it lives as long as the store
		return nil, err
	}
	if s.writer, err = startWriter(ctx, s.writeDB, o, s.check); err != nil {
		return nil, err
	}
	s.Tables = &tables.Tables{Ring: o.Ring, DB: database{s.readers, s.writer, readLimit}}
	if err := s.CheckKeys(ctx); err != nil || o.Copying {
		return s, err
	}
	return s, s.CheckWhole(ctx)
}

// Recognise implements [store.Reader]. Only one process has the file, so the turns that its callers
// take are enough.
func (s *Store) Recognise(ctx context.Context, r store.Recognition) (store.Recognised, func(), error) {
	known, err := s.Recognised(ctx, r)
	return known, func() {}, err
}

// Feed implements [store.Reader]. There is one writer: events become visible in the order of their
// positions.
func (s *Store) Feed(ctx context.Context, after int64, limit int) ([]store.FeedItem, error) {
	return s.Tables.Feed(ctx, "", after, limit)
}

// FeedRegistered implements [store.Reader].
func (s *Store) FeedRegistered(ctx context.Context, after int64, limit int) ([]store.FeedItem, error) {
	return s.Tables.FeedRegistered(ctx, "", after, limit)
}

// FeedEnd implements [store.Reader].
func (s *Store) FeedEnd(ctx context.Context) (int64, error) { return s.Tables.FeedEnd(ctx, "") }

// CopyFrom makes this empty database a copy of another, or goes on with it; see [tables.Copy].
func (s *Store) CopyFrom(ctx context.Context, from *tables.Tables, source string, copied func(table string, rows int)) error {
	c := tables.Copy{From: from, To: s.Tables, Source: source, Copied: copied}
	return c.Run(ctx)
}

// Rows are the tables, to be copied from, for as long as it takes. Nobody else writes: one process has
// the file.
func (s *Store) Rows(context.Context) (*tables.Tables, func(), error) {
	return &tables.Tables{Ring: s.Ring, DB: database{s.readers, s.writer, 0}}, func() {}, nil
}

// Claim implements [store.Outbox]. There is one writer: nobody else claims meanwhile.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int, kinds ...string) ([]store.StoredNotice, error) {
	return s.Tables.Claim(ctx, "", now, lease, limit, kinds...)
}

// ClaimPages implements [store.Pages].
func (s *Store) ClaimPages(ctx context.Context, kind string, now time.Time, lease time.Duration, limit int) ([]store.NoticePage, error) {
	return s.Tables.ClaimPages(ctx, "", kind, now, lease, limit)
}

// touch makes a new database readable by its owner only; SQLite gives the log the same mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's setting
	if err != nil {
		return fmt.Errorf("sqlite: %w; the data folder must exist and be writable", err)
	}
	return f.Close()
}

// writePragmas are those of the writer. The log is folded back by the checkpointer, never inside
// a commit; the page cache is bounded (KiB when negative).
var writePragmas = []string{
	"busy_timeout(5000)", "page_size(4096)", "journal_mode(WAL)", "synchronous(FULL)",
	"foreign_keys(1)", "wal_autocheckpoint(0)", "cache_size(-16384)", "temp_store(MEMORY)",
}

var readPragmas = []string{"busy_timeout(5000)", "cache_size(-4096)", "temp_store(MEMORY)", "query_only(1)"}

// dsn names the database for the driver, which runs the pragmas in their order on each connection.
func dsn(path string, pragmas []string) string {
	name := &url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	query := []string{"_txlock=immediate", "_defensive=1"}
	for _, p := range pragmas {
		query = append(query, "_pragma="+url.QueryEscape(p))
	}
	return name.String() + "?" + strings.Join(query, "&")
}

func openPool(name string, size int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// Close writes what still waits, folds the log into the database and lets go of the files.
// Changes offered later are refused as Unavailable.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.shut() })
	return s.closed
}

func (s *Store) shut() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.check != nil {
		errs = append(errs, s.check.stop())
	}
	if s.writeDB != nil {
		errs = append(errs, s.writeDB.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

func orInt(v, fallback int) int {
	if v > 0 {
		return v
	}
	return fallback
}
