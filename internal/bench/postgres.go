package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/tables"
)

// postgres measures the other engine on a private server that shares the cores: what its writer does
// beside a plain one, the full path beside the same on SQLite, three gateways beside one, and what
// a ticket takes on both disks.
func (b *bench) postgres(ctx context.Context) error {
	var server postgrestest.Server
	defer server.Stop()
	if err := b.groupedInPostgres(ctx, &server); err != nil {
		return err
	}
	if err := b.replicas(ctx, &server); err != nil {
		return err
	}
	return b.disk(ctx, &server)
}

// groupedInPostgres compares batches with the plain way: a transaction of its own for each ticket, each
// statement a round trip, from a pool of connections.
func (b *bench) groupedInPostgres(ctx context.Context, server *postgrestest.Server) error {
	var ratios, shared, plain []float64
	var size float64
	for range either(b, 5, 1) {
		changes, err := makeChanges(either(b, 6000, 2000))
		if err != nil {
			return err
		}
		g, batch, err := b.together(ctx, server, changes)
		if err != nil {
			return err
		}
		p, err := b.plainly(ctx, server, changes[:len(changes)/2])
		if err != nil {
			return err
		}
		b.say("   PostgreSQL: grouped %.0f/s, plainly %.0f/s", g, p)
		ratios, shared, plain, size = append(ratios, g/p), append(shared, g), append(plain, p), batch
	}
	b.table.show(fmt.Sprintf("PostgreSQL alone, %d callers: grouped · one ticket in separate round trips", writers),
		fmt.Sprintf("%s (%.0f a batch) · %s", perSecond(median(shared)), size, perSecond(median(plain))))
	b.table.atLeast("PostgreSQL: grouped ÷ one ticket in separate round trips", median(ratios), 3, ratio)
	return nil
}

func makeChanges(n int) ([]store.Change, error) {
	changes := make([]store.Change, n)
	for i := range changes {
		var err error
		if changes[i], err = change(i); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// together is tickets a second through the store's writer, and tickets a batch.
func (b *bench) together(ctx context.Context, server *postgrestest.Server, changes []store.Change) (rate, size float64, err error) {
	var batches atomic.Int64
	s, _, err := b.openPostgres(ctx, server, lanes.Observer{Batch: func(int, time.Duration, error) { batches.Add(1) }})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	began := time.Now()
	if err := commitAll(ctx, s, changes); err != nil {
		return 0, 0, err
	}
	n := float64(len(changes))
	return n / time.Since(began).Seconds(), n / float64(batches.Load()), nil
}

func (b *bench) openPostgres(ctx context.Context, server *postgrestest.Server, observer lanes.Observer) (*postgres.Store, string, error) {
	dsn, err := server.Make(ctx)
	if err != nil {
		return nil, "", err
	}
	ring, err := newRing()
	if err != nil {
		return nil, "", err
	}
	s, err := postgres.Open(ctx, postgres.Options{DSN: dsn, Ring: ring, Observer: observer})
	return s, dsn, err
}

func newRing() (*seal.Ring, error) {
	keys, err := seal.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	return seal.New(keys)
}

// plainTexts write the rows of a change one by one, with values in the encoder's order.
var plainTexts = map[tables.Statement]string{
	tables.InsertRequest: `INSERT INTO requests (channel, key, hash, delivery, ticket, at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
	tables.InsertTicket: `INSERT INTO tickets (id, number, version, state, open, channel, source, category, region, unit, urgency, flags,
		registered_at, due_at, look_at, incident, phone_ix, sender_ix, thread, fold_key, call_id, doc, sealed, delivery)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
	tables.AddUnit:        `INSERT INTO ticket_units (unit, ticket) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
	tables.InsertEvent:    `INSERT INTO events (pos, ticket, seq, hash, doc, sealed) VALUES (nextval('plain_pos'), $1, $2, $3, $4, $5)`,
	tables.InsertDelivery: `INSERT INTO deliveries (id, channel, received_at, state, code, sealed) VALUES ($1, $2, $3, $4, $5, $6)`,
	tables.InsertNotice:   `INSERT INTO outbox (key, ticket, kind, target, due_at, next_at, created, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
}

// plainly is tickets a second the plain way.
func (b *bench) plainly(ctx context.Context, server *postgrestest.Server, changes []store.Change) (rate float64, err error) {
	s, dsn, err := b.openPostgres(ctx, server, lanes.Observer{}) // makes the tables
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	pool, err := pgxpool.New(ctx, dsn+"?pool_max_conns="+strconv.Itoa(writers))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE SEQUENCE plain_pos`); err != nil {
		return 0, err
	}
	var next atomic.Int64
	var all sync.WaitGroup
	failures := make([]error, writers)
	began := time.Now()
	for w := range writers {
		all.Go(func() {
			for failures[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(changes) {
					return
				}
				steps, err := s.Encode(&changes[i])
				if err != nil {
					failures[w] = err
					return
				}
				failures[w] = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					for n := range steps {
						if _, err := tx.Exec(ctx, plainTexts[steps[n].Statement], steps[n].Args...); err != nil {
							return err
						}
					}
					return nil
				})
			}
		})
	}
	all.Wait()
	return float64(len(changes)) / time.Since(began).Seconds(), errors.Join(failures...)
}

// replicas compares the full durable path on SQLite, on PostgreSQL and through three gateways. Rounds
// alternate, so that a machine that slows down slows all of them.
func (b *bench) replicas(ctx context.Context, server *postgrestest.Server) error {
	p, err := benchPack(b.city, filepath.Join(b.dir, "replica-city"))
	if err != nil {
		return err
	}
	c, err := newComplaints(p)
	if err != nil {
		return err
	}
	var file, one, three, engines, several, whole []float64
	for round := range either(b, 3, 1) {
		f, _, err := b.throughput(ctx, nil, c, 1, round)
		if err != nil {
			return fmt.Errorf("path on SQLite: %w", err)
		}
		o, oneIndexed, err := b.throughput(ctx, server, c, 1, round)
		if err != nil {
			return fmt.Errorf("path on PostgreSQL: %w", err)
		}
		t, threeIndexed, err := b.throughput(ctx, server, c, 3, round)
		if err != nil {
			return fmt.Errorf("path of three gateways: %w", err)
		}
		b.say("   full path: SQLite %.0f/s, PostgreSQL %.0f/s, three gateways %.0f/s; until all is found: %.0f/s, %.0f/s", f, o, t, oneIndexed, threeIndexed)
		file, one, three = append(file, f), append(one, o), append(three, t)
		engines, several, whole = append(engines, o/f), append(several, t/o), append(whole, threeIndexed/oneIndexed)
	}
	b.table.show("64 connections, full path: SQLite · PostgreSQL · three gateways over it",
		fmt.Sprintf("%s · %s · %s", perSecond(median(file)), perSecond(median(one)), perSecond(median(three))))
	b.table.atLeast("full path on PostgreSQL ÷ on SQLite, server on the same cores", median(engines), 0.6, ratio)
	b.table.atLeast("three gateways ÷ one, on the same cores", median(several), 0.8, ratio)
	b.table.show("the same, until every ticket is also found by its words", ratio(median(whole)))
	return nil
}

// throughput is tickets a second through gateways that begin with nothing: those answered, and with a
// server those also in the text index, which falls behind while all cores are busy.
func (b *bench) throughput(ctx context.Context, server *postgrestest.Server, c *complaints, gateways, round int) (rate, indexed float64, err error) {
	const connections = 63 // of three gateways each gets as many
	dsn := ""
	if server != nil {
		if dsn, err = server.Make(ctx); err != nil {
			return 0, 0, err
		}
	}
	var posts []sender
	var keys []byte
	for i := range gateways {
		data, err := os.MkdirTemp(b.dir, "replica-")
		if err != nil {
			return 0, 0, err
		}
		defer os.RemoveAll(data) //nolint:errcheck // the run's folder goes too
		if i > 0 {               // the city's keys are the same everywhere
			if err := os.WriteFile(filepath.Join(data, "keys.json"), keys, 0o600); err != nil { //nolint:gosec // the run's own folder
				return 0, 0, err
			}
		}
		s, err := start(ctx, "gateway", "-city", filepath.Join(b.dir, "replica-city"), "-data", data, "-store", dsn)
		if err != nil {
			return 0, 0, err
		}
		defer s.kill()
		if keys, err = os.ReadFile(filepath.Join(data, "keys.json")); err != nil { //nolint:gosec // the run's own folder
			return 0, 0, err
		}
		cl := newClient(standard, s.address, connections/gateways, c, ticketed)
		defer cl.close()
		posts = append(posts, cl.post)
	}
	first := (round*10 + gateways) * 1_000_000
	began := time.Now()
	rate, _, err = closedLoop(ctx, connections, 2*time.Second, either(b, 8*time.Second, 2*time.Second), first, func(n int) error { return posts[n%len(posts)](n) })
	if err != nil || dsn == "" {
		return rate, 0, err
	}
	tickets, err := untilIndexed(ctx, dsn)
	return rate, float64(tickets) / time.Since(began).Seconds(), err
}

// untilIndexed waits until the text index has every ticket, and counts them.
func untilIndexed(ctx context.Context, dsn string) (tickets int, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx) //nolint:errcheck // only read
	for {
		var whole bool
		err := conn.QueryRow(ctx, `SELECT (SELECT max(pos) FROM events) <= (SELECT position FROM search_state)`).Scan(&whole)
		if err == nil && whole {
			err = conn.QueryRow(ctx, `SELECT count(*) FROM tickets`).Scan(&tickets)
		}
		if err != nil || whole {
			return tickets, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// disk shows what a ticket takes: all real rows and their indexes, and the text index.
func (b *bench) disk(ctx context.Context, server *postgrestest.Server) (err error) {
	changes, err := makeChanges(either(b, 20_000, 5000))
	if err != nil {
		return err
	}
	dsn, err := server.Make(ctx)
	if err != nil {
		return err
	}
	ring, err := newRing()
	if err != nil {
		return err
	}
	s, err := postgres.Open(ctx, postgres.Options{DSN: dsn, Ring: ring})
	if err != nil {
		return err
	}
	table, err := search.OpenPostgres(ctx, dsn, ring)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	rows, words, err := inServer(ctx, dsn, filled(ctx, s, table, changes))
	if err := errors.Join(err, table.Close(), s.Close()); err != nil {
		return err
	}

	dir := filepath.Join(b.dir, "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	file, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, "bench.db"), Ring: ring})
	if err != nil {
		return err
	}
	index, err := search.Open(filepath.Join(dir, "search.db"), ring) //nolint:contextcheck // it is its own
	if err != nil {
		return errors.Join(err, file.Close()) //nolint:contextcheck // closing is not to be cancelled
	}
	if err := errors.Join(filled(ctx, file, index, changes), index.Close(), file.Close()); err != nil { //nolint:contextcheck // closing is not to be cancelled
		return err
	}
	n := float64(len(changes))
	size := func(name string) float64 {
		info, e := os.Stat(filepath.Join(dir, name))
		if e != nil {
			err = e
			return 0
		}
		return float64(info.Size()) / n
	}
	b.table.show("bytes on disk for a ticket of 300 characters: SQLite · PostgreSQL", fmt.Sprintf("%.0f · %.0f", size("bench.db"), float64(rows)/n))
	b.table.show("bytes of the text index for it: SQLite · PostgreSQL", fmt.Sprintf("%.0f · %.0f", size("search.db"), float64(words)/n))
	return err
}

// filled commits the changes and has the index follow them to the end.
func filled(ctx context.Context, s store.Store, index interface {
	Follow(ctx context.Context, r search.Reader) (int, error)
}, changes []store.Change,
) error {
	if err := commitAll(ctx, s, changes); err != nil {
		return err
	}
	for {
		if n, err := index.Follow(ctx, s); err != nil || n == 0 {
			return err
		}
	}
}

// inServer is what the tables of tickets and those of the text index take, bytes.
func inServer(ctx context.Context, dsn string, err error) (rows, words int64, _ error) {
	if err != nil {
		return 0, 0, err
	}
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close(ctx)                               //nolint:errcheck // nothing is written
	if _, err := c.Exec(ctx, `VACUUM`); err != nil { // what waits to be put into the index is put there
		return 0, 0, err
	}
	err = c.QueryRow(ctx, `SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relname NOT LIKE 'search%'), sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'search%')
		FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`).Scan(&rows, &words)
	return rows, words, err
}
