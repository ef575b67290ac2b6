package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// Options say where the data is and how much may wait.
type Options struct {
	DSN  string     // postgres://user:password@host:port/database, or key=value pairs; password better in PGPASSFILE
	Ring *seal.Ring // seals personal data; losing it is losing them

	// QueueLen is how many changes may wait in each lane before Commit answers Unavailable; 0
	// means 4096.
	QueueLen int
	// BatchMax is how many changes share one transaction at most; 0 means 128.
	BatchMax int
	// Connections bounds each of the two pools, that of readers and that of requests being
	// recognised; 0 means 16. A gateway uses at most twice that and five.
	Connections int
	Observer    lanes.Observer
	// Copying opens the database for a copy: nobody else may have it open, and a copy that was broken
	// off is no reason to refuse.
	Copying bool
}

const (
	defaultQueueLen    = 4096
	defaultBatchMax    = 128
	defaultConnections = 16

	// readLimit bounds every read: a long one keeps dead rows from being cleared away.
	readLimit = 2 * time.Second
	// turnLimit is how long a request waits for another of the same sender at another gateway.
	turnLimit = 5 * time.Second
	// writeLimit bounds an administrative write.
	writeLimit = 30 * time.Second
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	*tables.Tables
	readers *pgxpool.Pool
	turns   *pgxpool.Pool // a request being recognised holds one until its commit
	writers *pgxpool.Pool // the batch under way, and administrative writes
	writer  *writer
	texts   *texts
	horizon string        // of events that may be read, as SQL
	serving *pgxpool.Conn // holds the lock by which a copy knows that the database is in use

	closed atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open opens the database, making or migrating its tables. It refuses a server that could lose what
// it has acknowledged, a schema written by a newer version, and data sealed with other keys.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	if o.Ring == nil {
		return nil, errors.New("postgres: no keys: personal data cannot be kept unsealed")
	}
	s := &Store{texts: &texts{}}
	defer func() {
		if err != nil {
			_ = s.shut()
		}
	}()
	connections := o.Connections
	if connections <= 0 {
		connections = defaultConnections
	}
	for _, p := range []struct {
		pool  **pgxpool.Pool
		size  int
		limit time.Duration // of a statement
	}{{&s.writers, 5, writeLimit}, {&s.readers, connections, readLimit}, {&s.turns, connections, turnLimit}} {
		if *p.pool, err = connect(ctx, o.DSN, p.size, p.limit); err != nil {
			return nil, err
		}
	}
	if err := s.enter(ctx, o.Copying); err != nil {
		return nil, err
	}
	offset, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	s.horizon = fmt.Sprintf(` AND e.pos < ((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %d) << 20)`, offset)
	s.Tables = &tables.Tables{Ring: o.Ring, DB: database{s.readers, s.writers, s.texts, &s.closed}}
	s.writer = startWriter(s.writers, o, offset) //nolint:contextcheck // it lives as long as the store
	if err := s.CheckKeys(ctx); err != nil || o.Copying {
		return s, err
	}
	return s, s.CheckWhole(ctx)
}

// connect makes a pool and tries it.
func connect(ctx context.Context, dsn string, size int, limit time.Duration) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: --store: %w; write postgres://user@host:5432/database", err)
	}
	c.MaxConns = int32(min(size, math.MaxInt32))
	// Every hot question has its index. Planned while a table was empty, it would read all of it until
	// the server next gathers statistics; so plans are not left to when that was.
	maps.Copy(c.ConnConfig.RuntimeParams, map[string]string{
		"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_generic_plan",
		"application_name": "hotline", "synchronous_commit": "on", "timezone": "UTC", "default_transaction_isolation": "read committed",
		"statement_timeout": strconv.FormatInt(limit.Milliseconds(), 10), "idle_in_transaction_session_timeout": "60000",
	})
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("postgres: --store: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, unreachable(err)
	}
	return pool, nil
}

// prepare looks at the server and brings its tables up to date, one gateway at a time.
func (s *Store) prepare(ctx context.Context) (offset int64, err error) {
	c, err := s.writers.Acquire(ctx)
	if err != nil {
		return 0, unreachable(err)
	}
	defer c.Release()
	if err := inspect(ctx, c.Conn()); err != nil {
		return 0, err
	}
	if _, err := c.Exec(ctx, `SET statement_timeout = 0`); err != nil { // a migration takes what it takes
		return 0, fmt.Errorf("postgres: %w", err)
	}
	err = locked(ctx, c.Conn(), lockMigration, func() error {
		if err := migrate(ctx, s.writers); err != nil {
			return err
		}
		offset, err = positions(ctx, c.Conn())
		return err
	})
	_, reset := c.Exec(context.WithoutCancel(ctx), `RESET statement_timeout`)
	return offset, errors.Join(err, reset)
}

// enter takes the lock that says the database is in use: shared by all who serve, alone for a copy.
func (s *Store) enter(ctx context.Context, alone bool) (err error) {
	if s.serving, err = s.writers.Acquire(ctx); err != nil {
		return unreachable(err)
	}
	text, remedy := `SELECT pg_try_advisory_lock_shared($1, $2)`, "a copy into or out of this database is under way: wait for its end"
	if alone {
		text, remedy = `SELECT pg_try_advisory_lock($1, $2)`, "a gateway or another verb has this database open: stop it first"
	}
	var free bool
	if err := s.serving.QueryRow(ctx, text, lockSpace, lockServing).Scan(&free); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if !free {
		return errors.New("postgres: " + remedy)
	}
	return nil
}

// Offset is how far the clock now runs ahead of the database's, good to half a round trip. Gateways
// that share a database correct for it, so that they agree on what is late.
func (s *Store) Offset(ctx context.Context, now func() time.Time) (time.Duration, error) {
	best, offset := time.Duration(math.MaxInt64), time.Duration(0)
	for range 3 {
		before := now()
		var micros int64
		if err := s.readers.QueryRow(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`).Scan(&micros); err != nil {
			return 0, readError(err, "clock")
		}
		after := now()
		if trip := after.Sub(before); trip < best {
			best, offset = trip, before.Add(trip/2).Sub(time.UnixMicro(micros))
		}
	}
	return offset, nil
}

// Recognise implements [store.Reader]. The turn is an advisory lock of one connection, held until
// release; lock and look-ups are one round trip.
func (s *Store) Recognise(ctx context.Context, r store.Recognition) (known store.Recognised, release func(), err error) {
	c, err := s.turns.Acquire(ctx)
	if err != nil {
		return known, nil, unavailable(err)
	}
	key := turnKey(r.Turn)
	release = func() {
		// A connection that cannot let go of its lock is closed: the server lets go of it then.
		if _, err := c.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, key); err != nil {
			_ = c.Conn().Close(context.WithoutCancel(ctx))
		}
		c.Release()
	}
	request := s.AskRequest(r.Channel, r.Key)
	sender, somebody := s.AskSender(r.Sender, r.Limit)
	b := &pgx.Batch{}
	b.Queue(`SELECT pg_advisory_lock($1)`, key)
	b.Queue(s.texts.numbered(request.Text), request.Args...)
	if somebody {
		b.Queue(s.texts.numbered(sender.Text), sender.Args...)
	}
	results := c.SendBatch(ctx, b)
	defer func() {
		err = errors.Join(err, results.Close())
		if err != nil {
			release()
			release, err = nil, readError(err, "request")
		}
	}()
	if _, err := results.Exec(); err != nil {
		return known, release, err
	}
	err = each(results, func(row tables.Row) error {
		q, err := request.Scan(row)
		known.Request = &q
		return err
	})
	if err != nil || !somebody {
		return known, release, err
	}
	err = each(results, func(row tables.Row) error {
		t, err := sender.Scan(row)
		known.Own = append(known.Own, t)
		return err
	})
	return known, release, err
}

func each(results pgx.BatchResults, scan func(tables.Row) error) error {
	rows, err := results.Query()
	return walk(rows, err, scan)
}

// turnKey is the advisory lock of a turn. Two turns with one key wait for each other in vain; nothing
// else comes of it.
func turnKey(turn string) int64 {
	h := fnv.New64a()
	h.Write([]byte(turn))
	return int64(h.Sum64())
}

// Claim implements [store.Outbox]: what another gateway is claiming is passed over.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int, kinds ...string) ([]store.StoredNotice, error) {
	return s.Tables.Claim(ctx, ` FOR UPDATE SKIP LOCKED`, now, lease, limit, kinds...)
}

// Feed implements [store.Reader]: only events older than every transaction still under way, so that
// none is committed behind the last one read.
func (s *Store) Feed(ctx context.Context, after int64, limit int) ([]store.FeedItem, error) {
	return s.Tables.Feed(ctx, s.horizon, after, limit)
}

// FeedRegistered implements [store.Reader].
func (s *Store) FeedRegistered(ctx context.Context, after int64, limit int) ([]store.FeedItem, error) {
	return s.Tables.FeedRegistered(ctx, s.horizon, after, limit)
}

// FeedEnd implements [store.Reader].
func (s *Store) FeedEnd(ctx context.Context) (int64, error) { return s.Tables.FeedEnd(ctx, s.horizon) }

// Commit implements [store.Writer].
func (s *Store) Commit(ctx context.Context, changes ...store.Change) []error {
	return s.writer.queue.Commit(ctx, changes, func(c *store.Change) ([]tables.Step, []string, error) {
		steps, err := s.Encode(c)
		return steps, claims(c), err
	})
}

// claims are what no other change of a batch may touch, or the batch would fail and be written again
// one by one: the sender, the keys, the tickets.
func claims(c *store.Change) []string {
	list := make([]string, 0, 4)
	if c.Sender != "" {
		list = append(list, c.Sender)
	}
	for i := range c.Requests {
		list = append(list, "request\x00"+c.Requests[i].Channel+"\x00"+c.Requests[i].Key)
	}
	for i := range c.Tickets {
		list = append(list, "ticket\x00"+string(c.Tickets[i].Ticket.ID[:]))
	}
	for i := range c.Calls {
		list = append(list, "call\x00"+c.Calls[i].Channel+"\x00"+c.Calls[i].CallID)
	}
	if c.Cursor != nil {
		list = append(list, "cursor\x00"+c.Cursor.Channel)
	}
	return list
}

// Healthy implements [store.Store]: it writes a little.
func (s *Store) Healthy(ctx context.Context) error {
	err := s.DB.Write(ctx, func(ctx context.Context, tx tables.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO meta (key, value) VALUES ('probe', NULL) ON CONFLICT (key) DO UPDATE SET value = NULL`)
		return err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return ticket.Errorf(ticket.Unavailable, "store.slow", "the store did not take a trivial write in time").Because(err)
	}
	return err
}

// Close writes what still waits and lets go of the connections. Changes offered later are refused as
// Unavailable.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.shut()
}

func (s *Store) shut() error {
	if s.writer != nil {
		s.writer.stop()
	}
	if s.serving != nil {
		s.serving.Release() // closed with its pool, and the lock with it
	}
	for _, pool := range []*pgxpool.Pool{s.readers, s.turns, s.writers} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}
