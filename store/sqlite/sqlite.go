package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
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
	Observer Observer
}

// Observer is told what the writer does. Every part may be nil. The calls come from the writer's
// goroutine: they must return at once.
type Observer struct {
	Now   func() time.Time // the clock batches are timed by; nil: they are not timed
	Batch func(size int, took time.Duration, err error)
	Queue func(lane store.Lane, waiting int) // what is left waiting when a batch has been taken
}

const (
	defaultQueueLen = 4096
	defaultBatchMax = 128
	defaultReaders  = 6

	// readLimit bounds every read: a long read transaction keeps the log from being folded back
	// into the database.
	readLimit = 2 * time.Second
	// retryAfter is what a caller is told to wait when nothing could be written.
	retryAfter = 5 * time.Second
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	ring    *seal.Ring
	lock    *fileLock
	writer  *writer
	writeDB *sql.DB
	readers *readers
	check   *checkpointer

	closing sync.Once
	closed  error
}

var _ store.Store = (*Store)(nil)

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
	s := &Store{ring: o.Ring}
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
	if err = s.checkKeys(ctx); err != nil {
		return nil, err
	}
	db, err := openPool(dsn(path, readPragmas), orInt(o.Readers, defaultReaders))
	if err != nil {
		return nil, err
	}
	s.readers = &readers{db: db}
	if s.check, err = startCheckpointer(path); err != nil { //nolint:contextcheck // it lives as long as the store
		return nil, err
	}
	s.writer, err = startWriter(ctx, s.writeDB, o, s.check)
	return s, err
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

// keyProbe is sealed into every new database, so that a foreign key file is noticed at once.
const keyProbe = "hotline"

// checkKeys makes sure that the ring is the one the data was sealed with.
func (s *Store) checkKeys(ctx context.Context) error {
	var sealed, index []byte
	err := s.writeDB.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'keys'), (SELECT value FROM meta WHERE key = 'index')`).Scan(&sealed, &index)
	if err != nil {
		return fmt.Errorf("sqlite: read the key probe: %w", err)
	}
	want := s.ring.Index("meta", keyProbe)
	if sealed == nil {
		if sealed, err = s.ring.Seal([]byte(keyProbe), []byte("meta/keys")); err != nil {
			return err
		}
		_, err = s.writeDB.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('keys', ?), ('index', ?)`, sealed, want)
		if err != nil {
			return fmt.Errorf("sqlite: write the key probe: %w", err)
		}
		return nil
	}
	if _, err := s.ring.Open(sealed, []byte("meta/keys")); err != nil && !errors.Is(err, seal.ErrKey) {
		return fmt.Errorf("sqlite: the key file does not belong to this database; start with the one it was made with: %w", err)
	}
	if string(index) != string(want) {
		return errors.New("sqlite: the index key is not the one this database was made with: searches by phone would find nothing; start with the old key file")
	}
	return nil
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

// laneName is the name of a lane in metrics.
func laneName(l store.Lane) string {
	switch l {
	case store.Citizens:
		return "citizens"
	case store.Machines:
		return "machines"
	}
	return strconv.Itoa(int(l))
}
