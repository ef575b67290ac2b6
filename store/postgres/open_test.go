package postgres

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// exec carries out statements in a test's own database, past the store.
func exec(t *testing.T, dsn string, texts ...string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // the statements' errors tell
	for _, text := range texts {
		if _, err := c.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// with changes a part of an address.
func with(t *testing.T, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

// Ten gateways that start at once over an empty database make its tables once, and all of them open.
func TestManyGatewaysStartAtOnce(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t), Connections: 1}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestWhatCannotBeOpenedSaysWhy(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	server.Exec(t, `CREATE ROLE poor LOGIN PASSWORD 'poor'`)
	latin := strings.TrimPrefix(mustURL(t, dsn).Path, "/") + "latin"
	server.Exec(t, `CREATE DATABASE `+latin+` TEMPLATE template0 ENCODING 'LATIN1'`)
	for name, tt := range map[string]struct {
		change func(*url.URL)
		want   string // what the operator must be told
	}{
		"no address":          {func(u *url.URL) { *u = url.URL{Scheme: "mysql", Host: "x"} }, "write postgres://"},
		"nobody listens":      {func(u *url.URL) { u.Host = "127.0.0.1:1" }, "see that the server runs"},
		"a wrong password":    {func(u *url.URL) { u.User = url.UserPassword("postgres", "guess-77") }, "check user and password"},
		"no such database":    {func(u *url.URL) { u.Path = "/nowhere" }, "createdb"},
		"no right to tables":  {func(u *url.URL) { u.User = url.UserPassword("poor", "poor") }, "GRANT CREATE"},
		"an encoding too few": {func(u *url.URL) { u.Path = "/" + latin }, "ENCODING 'UTF8'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Options{DSN: with(t, dsn, tt.change), Ring: storetest.Ring(t)})
			if err == nil {
				t.Fatal("it was opened", s.Close())
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "guess-77") {
				t.Errorf("the error is %q; it must say %q and no password", err, tt.want)
			}
		})
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A column that a copy leaves out would be lost by every backup and every move.
func TestCopiesHaveEveryColumn(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)})
	got := map[string][]string{}
	err := s.DB.Read(t.Context(), `SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'
		AND table_name NOT IN ('meta', 'goose_db_version') ORDER BY 1, column_name COLLATE "C"`, true, nil, func(r tables.Row) error {
		var table, column string
		err := r.Scan(&table, &column)
		got[table] = append(got[table], column)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := tables.Columns()
	for _, columns := range want {
		slices.Sort(columns)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns copied (-) and columns there are (+):\n%s", diff)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	openAt(t, o)
	exec(t, o.DSN, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a schema of a newer program: %v", err)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	openAt(t, o)
	o.Ring = storetest.Ring(t)
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Errorf("keys of another city: %v", err)
	}
	if _, err := Open(t.Context(), Options{DSN: o.DSN}); err == nil {
		t.Error("opened without keys")
	}
}

// A transaction that began first and is committed last is not skipped by readers that went on.
func TestReadersNeverSkipWhatIsCommittedLate(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	s, m := openAt(t, o), storetest.NewMaker()

	late, err := pgx.Connect(t.Context(), o.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close(context.Background()) //nolint:errcheck // the test's own
	tx, err := late.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A ticket as another gateway's slow transaction would write it: its events are there, unseen.
	slow := m.Ticket(t, storetest.Day)
	w := &writer{statements: statements(0)}
	steps, err := s.Encode(&store.Change{Tickets: []store.TicketChange{slow.Part()}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		st := &w.statements[steps[i].Statement]
		if _, err := tx.Exec(t.Context(), st.text, st.args(i, &steps[i])...); err != nil {
			t.Fatal(err)
		}
	}
	quick := m.Ticket(t, storetest.Day)
	storetest.Must(t, s, quick.Change())

	if items, err := s.Feed(t.Context(), 0, 10); err != nil || len(items) != 0 {
		t.Fatalf("the feed goes on past a transaction under way: %d events, %v", len(items), err)
	}
	if _, err := s.Ticket(t.Context(), quick.Ticket.ID); err != nil {
		t.Errorf("what is committed is not to be read: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seen []ticket.ID
	for patience := time.Now().Add(10 * time.Second); len(seen) < 2 && time.Now().Before(patience); {
		items, err := s.Feed(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		seen = nil
		for _, i := range items {
			seen = append(seen, i.Ticket)
		}
	}
	if len(seen) != 2 || seen[0] != slow.Ticket.ID || seen[1] != quick.Ticket.ID {
		t.Errorf("the feed lists %v, want %s, %s", seen, slow.Ticket.ID, quick.Ticket.ID)
	}
}

// A database that was restored into another server goes on behind its old events.
func TestPositionsGoOnInAnotherServer(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	m := storetest.NewMaker()
	s := openAt(t, o)
	storetest.Must(t, s, m.Ticket(t, storetest.Day).Change())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, o.DSN, `UPDATE events SET pos = pos + (1000000::bigint << 20)`) // of a server that has done much
	for range 2 {
		s := openAt(t, o)
		old := feed(t, s, 0)
		if len(old) == 0 {
			t.Fatal("the old events are not read")
		}
		before := old[len(old)-1].Position
		d := m.Ticket(t, storetest.Day)
		storetest.Must(t, s, d.Change())
		if items := feed(t, s, before); len(items) != 1 || items[0].Ticket != d.Ticket.ID {
			t.Errorf("after the restore the feed lists %d events", len(items))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// feed waits until the feed has something after a position.
func feed(t *testing.T, s *Store, after int64) []store.FeedItem {
	t.Helper()
	for patience := time.Now().Add(10 * time.Second); time.Now().Before(patience); {
		items, err := s.Feed(t.Context(), after, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) > 0 {
			return items
		}
	}
	return nil
}

// One sender's requests take turns, also at different gateways; others do not wait for them.
func TestRequestsOfOneSenderTakeTurns(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	here, there := openAt(t, o), openAt(t, o)
	first := store.Recognition{Turn: "p:13800000000", Channel: "form", Key: "1", Sender: store.Sender{Phone: "13800000000"}, Limit: 10}
	_, release, err := here.Recognise(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	other := first
	other.Turn = "p:13900000000"
	if _, done, err := there.Recognise(t.Context(), other); err != nil {
		t.Fatal(err)
	} else {
		done()
	}

	second := make(chan store.Recognised, 1)
	go func() {
		known, done, err := there.Recognise(context.Background(), first)
		if err != nil {
			t.Error(err)
		} else {
			done()
		}
		second <- known
	}()
	waiting := func() bool {
		var n int
		err := here.readers.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
		return err == nil && n == 1
	}
	for patience := time.Now().Add(4 * time.Second); !waiting() && time.Now().Before(patience); {
	}
	m := storetest.NewMaker()
	d := m.Ticket(t, storetest.Day, func(_ *ticket.Registration, p *ticket.Private) { p.Appellant.Phone = "13800000000" })
	storetest.Must(t, here, d.Change())
	select {
	case <-second:
		t.Fatal("two gateways recognised one sender's requests at once")
	default:
	}
	release()
	if known := <-second; len(known.Own) != 1 || known.Own[0].ID != d.Ticket.ID {
		t.Errorf("the second sees %d tickets of the sender, want the one the first made", len(known.Own))
	}
}

// A gateway that dies holding a turn does not keep it.
func TestTurnsEndWithTheirGateway(t *testing.T) {
	t.Parallel()
	o := Options{DSN: server.Database(t), Ring: storetest.Ring(t)}
	dead, alive := openAt(t, o), openAt(t, o)
	r := store.Recognition{Turn: "p:1", Channel: "form", Key: "1", Limit: 10}
	_, gone, err := dead.Recognise(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer gone() // the pool waits for its connection, dead or not
	exec(t, o.DSN, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	_, release, err := alive.Recognise(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// A server that could lose what it has acknowledged, or that takes no writes, is refused.
func TestUnsafeServersAreRefused(t *testing.T) {
	t.Parallel()
	var own postgrestest.Server
	t.Cleanup(own.Stop)
	dsn, ring := own.Database(t), storetest.Ring(t)
	refused := func(want string) {
		t.Helper()
		s, err := Open(t.Context(), Options{DSN: dsn, Ring: ring})
		if err == nil {
			t.Fatal("it was opened", s.Close())
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q; it must say %q", err, want)
		}
	}
	for _, setting := range []string{"fsync", "full_page_writes"} {
		own.Exec(t, `ALTER SYSTEM SET `+setting+` = off`)
		own.Halt(t)
		own.Resume(t)
		refused("turn both on")
		own.Exec(t, `ALTER SYSTEM RESET `+setting)
	}
	own.Halt(t)
	own.Resume(t)
	if err := openAt(t, Options{DSN: dsn, Ring: ring}).Close(); err != nil {
		t.Fatal(err)
	}
	own.Standby(t)
	refused("standby")
}

// While the server is gone nothing is acknowledged, and callers are told to come again; when it is back
// the gateway goes on by itself, with everything it had acknowledged.
func TestAServerThatWasGoneIsUsedAgain(t *testing.T) {
	t.Parallel()
	var own postgrestest.Server
	t.Cleanup(own.Stop)
	s, m := openAt(t, Options{DSN: own.Database(t), Ring: storetest.Ring(t)}), storetest.NewMaker()
	before := m.Ticket(t, storetest.Day)
	storetest.Must(t, s, before.Change())
	own.Halt(t)

	lost := m.Ticket(t, storetest.Day)
	var e *ticket.Error
	if err := s.Commit(t.Context(), lost.Change())[0]; !errors.As(err, &e) || e.Kind != ticket.Unavailable || e.RetryAfter <= 0 {
		t.Errorf("a commit without a server: %v", err)
	}
	if _, err := s.Ticket(t.Context(), before.Ticket.ID); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("a read without a server: %v", err)
	}
	if _, _, err := s.Recognise(t.Context(), store.Recognition{Turn: "a", Channel: "form", Key: "1"}); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("a request without a server: %v", err)
	}
	if err := s.Healthy(t.Context()); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("health without a server: %v", err)
	}

	own.Resume(t)
	healthy := false
	for patience := time.Now().Add(20 * time.Second); !healthy && time.Now().Before(patience); {
		healthy = s.Healthy(t.Context()) == nil
	}
	if !healthy {
		t.Fatal("the server is back, and the store is not")
	}
	var err error
	for patience := time.Now().Add(20 * time.Second); time.Now().Before(patience); {
		if err = s.Commit(t.Context(), lost.Change())[0]; err == nil {
			break
		}
	}
	if err != nil {
		t.Errorf("what was refused is refused again: %v", err)
	}
	for _, d := range []*storetest.Draft{before, lost} {
		if _, err := s.Ticket(t.Context(), d.Ticket.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestOffsetOfTheClock(t *testing.T) {
	t.Parallel()
	s := openAt(t, Options{DSN: server.Database(t), Ring: storetest.Ring(t)})
	for _, ahead := range []time.Duration{0, 7 * time.Minute, -time.Hour} {
		got, err := s.Offset(t.Context(), func() time.Time { return time.Now().Add(ahead) })
		if err != nil || (got-ahead).Abs() > time.Second {
			t.Errorf("a clock %v ahead: %v, %v", ahead, got, err)
		}
	}
}

func TestNumbered(t *testing.T) {
	t.Parallel()
	var x texts
	for range 2 {
		if got := x.numbered(`SELECT a FROM b WHERE c = ? AND d IN (?,?) LIMIT +?`); got != `SELECT a FROM b WHERE c = $1 AND d IN ($2,$3) LIMIT $4` {
			t.Error(got)
		}
	}
}
