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
	// recognised; 0 means 16. A gateway uses at most twice that and five, and four for its text index.
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
	// pingLimit bounds the look whether an idle connection still lives.
	pingLimit = 2 * time.Second
	// writeLimit bounds an administrative write.
	writeLimit = 30 * time.Second
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	*tables.Tables
	readers *pgxpool.Pool
	turns   *pgxpool.Pool // a request being recognised holds one until its commit
	batches *pgxpool.Pool // one connection, for the batch under way: nothing holds citizens up
	writers *pgxpool.Pool // administrative writes
	alone   *pgxpool.Pool // of a copy: one connection, whose lock keeps all others out
	writer  *writer
	texts   *texts
	horizon string // of events that may be read, as SQL
	keys    declared

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
	if o.Copying {
		if s.alone, err = connect(ctx, o.DSN, 1, writeLimit, lockAlways); err != nil {
			return nil, err
		}
	}
	s.keys.ids = []uint32{o.Ring.Current()}
	enter := lockShared                                            // who writes says so, on every connection it writes by
	enterBatches := func(ctx context.Context, c *pgx.Conn) error { // and which keys it seals with
		if enter != nil {
			if err := enter(ctx, c); err != nil {
				return err
			}
		}
		return s.keys.enter(ctx, c)
	}
	if o.Copying {
		enter = nil // it has the database for itself
	}
	for _, p := range []struct {
		pool  **pgxpool.Pool
		size  int
		limit time.Duration // of a statement
		enter func(context.Context, *pgx.Conn) error
	}{
		{&s.batches, 1, writeLimit, enterBatches},
		{&s.writers, 4, writeLimit, enter},
		{&s.readers, connections, readLimit, nil},
		{&s.turns, connections, turnLimit, nil},
	} {
		if *p.pool, err = connect(ctx, o.DSN, p.size, p.limit, p.enter); err != nil {
			return nil, err
		}
	}
	offset, err := s.prepare(ctx, o.DSN)
	if err != nil {
		return nil, err
	}
	s.horizon = fmt.Sprintf(` AND e.pos < ((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %d) << 20)`, offset)
	s.Tables = &tables.Tables{Ring: o.Ring, DB: database{s.readers, s.writers, s.texts, &s.closed}}
	s.writer = startWriter(s.batches, o, offset) //nolint:contextcheck // it lives as long as the store
	if err := s.CheckKeys(ctx); err != nil {
		return s, err
	}
	if err := s.Sealing(ctx, o.Ring.Current(), 0); err != nil || o.Copying {
		return s, err
	}
	return s, s.CheckWhole(ctx)
}

// connect makes a pool and tries it.
func connect(ctx context.Context, dsn string, size int, limit time.Duration, enter func(context.Context, *pgx.Conn) error) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: --store: %w; write postgres://user@host:5432/database", err)
	}
	c.MaxConns, c.PingTimeout = int32(min(size, math.MaxInt32)), pingLimit
	if enter != nil {
		c.AfterConnect = enter
		c.MinConns = 1 // kept, and its lock with it
	}
	// Every hot question has its index. Planned while a table was empty, it would read all of it until
	// the server next gathers statistics; so plans are not left to when that was.
	maps.Copy(c.ConnConfig.RuntimeParams, map[string]string{
		"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_generic_plan",
		// A machine that is gone without a word lets go of its locks within half a minute.
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"application_name": "hotline", "synchronous_commit": "on", "timezone": "UTC", "default_transaction_isolation": "read committed",
		"statement_timeout": strconv.FormatInt(limit.Milliseconds(), 10), "idle_in_transaction_session_timeout": "60000", "idle_session_timeout": "0",
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
		if errors.Is(err, errInUse) || errors.Is(err, errCopying) {
			return nil, err
		}
		return nil, unreachable(err)
	}
	return pool, nil
}

// prepare looks at the server and brings its tables up to date, one gateway at a time.
func (s *Store) prepare(ctx context.Context, dsn string) (offset int64, err error) {
	pool, err := connect(ctx, dsn, 3, 0, nil) // a migration takes what it takes
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	c, err := pool.Acquire(ctx)
	if err != nil {
		return 0, unreachable(err)
	}
	defer c.Release()
	if err := inspect(ctx, c.Conn()); err != nil {
		return 0, err
	}
	err = locked(ctx, c.Conn(), lockMigration, func() error {
		if err := migrate(ctx, pool); err != nil {
			return err
		}
		offset, err = positions(ctx, c.Conn())
		return err
	})
	return offset, err
}

// Why a database cannot be entered.
var (
	errInUse   = errors.New("postgres: a gateway or another verb has this database open: stop it first")
	errCopying = errors.New("postgres: a copy into or out of this database is under way: wait for its end")
)

// lockShared says on a connection that the database is in use: no copy begins while it lives.
func lockShared(ctx context.Context, c *pgx.Conn) error {
	return try(ctx, c, `SELECT pg_try_advisory_lock_shared($1, $2)`, errCopying)
}

// lockAlways keeps everybody who writes out for as long as the connection lives.
func lockAlways(ctx context.Context, c *pgx.Conn) error {
	return try(ctx, c, `SELECT pg_try_advisory_lock($1, $2)`, errInUse)
}

func try(ctx context.Context, c *pgx.Conn, text string, refusal error) error {
	var free bool
	if err := c.QueryRow(ctx, text, lockSpace, lockServing).Scan(&free); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if !free {
		return refusal
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
		ctx, cancel := context.WithTimeout(ctx, readLimit)
		defer cancel()
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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
		defer cancel()
		// A connection that cannot let go of its lock is closed: the server lets go of it then.
		if _, err := c.Exec(ctx, `SELECT pg_advisory_unlock($1)`, key); err != nil {
			_ = c.Conn().Close(ctx)
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

// ClaimPages implements [store.Pages].
func (s *Store) ClaimPages(ctx context.Context, kind string, now time.Time, lease time.Duration, limit int) ([]store.NoticePage, error) {
	return s.Tables.ClaimPages(ctx, ` FOR UPDATE SKIP LOCKED`, kind, now, lease, limit)
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
	if err := s.Ring.Behind(); err != nil {
		return ticket.Errorf(ticket.Unavailable, "store.keys", "%v", err)
	}
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
	for _, pool := range []*pgxpool.Pool{s.readers, s.turns, s.batches, s.writers, s.alone} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}
