package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/app"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// The stock of a city: many open tickets whose deadlines lie far ahead, and some that are due when the bench says.
// Each of those has one step, told to two posts, so that steps can be counted.
const stockPolicies = `
- id: bench-far
  version: 1
  title: 远期
  clocks:
    sign: {limit: {amount: 60, unit: natural_days}}
    resolve: {limit: {amount: 60, unit: natural_days}}
- id: bench-near
  version: 1
  title: 近期
  clocks:
    sign:
      limit: {amount: 10, unit: minutes}
      ladder: [{id: yellow, level: yellow, to: [handler, deputy]}]
    resolve: {limit: {amount: 60, unit: natural_days}}
`

// aDay is how many numbers a day gives to the stock; there are six digits.
const aDay = 900_000

// startsWith is how many steps are left over for the gateway's start.
const startsWith = 300

// near is how long after its dispatch a ticket of bench-near has its step.
const near = 10 * time.Minute

// stock is what the ladder is measured on.
type stock struct {
	city    *config.Pack
	dir     string    // the city's
	morning time.Time // everything is told relative to it
	open    int       // tickets in all
	first   int       // due at morning + near, for steps a second
	minute  int       // due within the minute that begins at rush, beside intake
	rush    time.Time
	span    time.Duration // how long it lasts
	ring    *seal.Ring
}

// ladder measures the tracker on both engines: with all of a city's tickets open, how many complete steps it takes
// a second, what a look costs that finds nothing, how soon after a start it looks, and what a minute in which many
// steps fall due does to intake.
func (b *bench) ladder(ctx context.Context) error {
	s, err := b.newStock()
	if err != nil {
		return err
	}
	if err := b.ladderOf(ctx, "SQLite", s, nil); err != nil {
		return fmt.Errorf("SQLite: %w", err)
	}
	var server postgrestest.Server
	defer server.Stop()
	if err := b.ladderOf(ctx, "PostgreSQL", s, &server); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	return nil
}

func (b *bench) newStock() (*stock, error) {
	s := &stock{dir: filepath.Join(b.dir, "ladder-city"), open: b.open, first: either(b, 20_000, 2_000), minute: either(b, 10_000, 1_000), span: either(b, time.Minute, 15*time.Second)}
	if b.short {
		s.open = min(s.open, 10_000)
	}
	if _, err := benchPack(b.city, s.dir); err != nil {
		return nil, err
	}
	name := filepath.Join(s.dir, "policies.yaml")
	policies, err := os.ReadFile(name) //nolint:gosec // the copy just made
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, append(policies, stockPolicies...), 0o600); err != nil { //nolint:gosec // the copy just made
		return nil, err
	}
	if s.city, err = config.LoadDir(s.dir); err != nil {
		return nil, err
	}
	day := s.city.City.StormDay
	if day == nil {
		return nil, fmt.Errorf("pack %s has no storm_day for the measured gateway's clock to begin at", s.city.City.ID)
	}
	s.morning = day.At(s.city.City.Location)
	s.rush = s.morning.Add(time.Hour)
	return s, nil
}

// ladderOf measures one engine; server nil is SQLite.
func (b *bench) ladderOf(ctx context.Context, engine string, s *stock, server *postgrestest.Server) (err error) {
	data := filepath.Join(b.dir, "ladder-"+engine)
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(data) //nolint:errcheck // the run's folder goes too
	keys, err := seal.Generate(rand.Reader)
	if err != nil {
		return err
	}
	if err := seal.Save(filepath.Join(data, "keys.json"), keys); err != nil {
		return err
	}
	if s.ring, err = seal.New(keys); err != nil {
		return err
	}
	where := app.Where{Data: data}
	if server != nil {
		if where.Store, err = server.Make(ctx); err != nil {
			return err
		}
	}
	if err := b.onStore(ctx, engine, s, where); err != nil {
		return err
	}
	return b.rush(ctx, engine, s, where)
}

// openStock opens the store and the text index of a folder.
func openStock(ctx context.Context, s *stock, where app.Where) (st store.Store, index interface {
	Follow(ctx context.Context, r search.Reader) (int, error)
	Close() error
}, err error,
) {
	if where.Store != "" {
		if st, err = postgres.Open(ctx, postgres.Options{DSN: where.Store, Ring: s.ring}); err != nil {
			return nil, nil, err
		}
		index, err = search.OpenPostgres(ctx, where.Store, s.ring)
		return st, index, err
	}
	if st, err = sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(where.Data, "hotline.db"), Ring: s.ring}); err != nil {
		return nil, nil, err
	}
	index, err = search.Open(filepath.Join(where.Data, "search.db"), s.ring) //nolint:contextcheck // it is its own
	return st, index, err
}

// onStore fills the store and measures the tracker over it, in this process.
func (b *bench) onStore(ctx context.Context, engine string, s *stock, where app.Where) (err error) {
	st, index, err := openStock(ctx, s, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close(), st.Close()) }()
	began := time.Now()
	if err := s.fill(ctx, st); err != nil {
		return err
	}
	b.say("   %s: %d open tickets in %v", engine, s.open, time.Since(began).Round(time.Second))
	if where.Store != "" { // as the server's own housekeeper does within a minute after so much was written
		if err := analyse(ctx, where.Store); err != nil {
			return err
		}
	}
	for { // the measured gateway is to have nothing to catch up with
		if n, err := index.Follow(ctx, st); err != nil || n == 0 {
			if err != nil {
				return err
			}
			break
		}
	}
	b.say("   %s: indexed after %v", engine, time.Since(began).Round(time.Second))
	with := fmt.Sprintf("%s, %d open tickets: ", engine, s.open)
	idle, err := b.idleTick(ctx, s.tracker(st, 0), s.morning)
	if err != nil {
		return err
	}
	b.table.atMost(with+"a look when nothing is due", idle, 50e3, duration, "")
	now := s.morning.Add(near)
	plain, _, err := steps(ctx, s.tracker(st, 1), now, s.first/5)
	if err != nil {
		return err
	}
	used := spent(os.Getpid())
	batched, took, err := steps(ctx, s.tracker(st, 0), now, s.first)
	if err != nil {
		return err
	}
	used = spent(os.Getpid()) - used
	b.say("   %s: %.0f steps/s over %v, one by one %.0f/s", engine, batched, took.Round(time.Millisecond), plain)
	b.table.atLeast(with+"complete steps", batched, 2000, perSecond)
	b.table.show("  CPU of the tracker's process a step", duration(float64(used)/float64(s.first)))
	b.table.show("  ÷ one step in a transaction, one after the other", fmt.Sprintf("%s (%s)", ratio(batched/plain), perSecond(plain)))
	return nil
}

func analyse(ctx context.Context, dsn string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, `VACUUM ANALYZE`)
	return errors.Join(err, c.Close(ctx))
}

// tracker is the gateway's, over a store.
func (s *stock) tracker(st store.Store, batch int) *tracker.Tracker {
	p, together := s.city, 0
	if _, ok := st.(*postgres.Store); ok {
		together = 64 // as the gateway does
	}
	return tracker.New(tracker.Options{
		Together: together, Store: st, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Batch: batch,
		Live: city.NewLive(&city.City{
			Hash: p.Hash, Prefix: "LY", Zone: p.City.Location, Rules: p.Ruleset, Policies: p.PolicySet,
			DefaultPolicy: p.City.DefaultPolicy, DutyUnit: p.DutyUnit(), Say: p.Text,
		}),
	})
}

// idleTick is the median time of a look that finds nothing, ns.
func (b *bench) idleTick(ctx context.Context, t *tracker.Tracker, now time.Time) (float64, error) {
	times := make([]float64, either(b, 2000, 200))
	for i := range times {
		began := time.Now()
		r, err := t.RunOnce(ctx, now)
		if err != nil || r.Tickets > 0 {
			return 0, fmt.Errorf("%d tickets are due before their time: %w", r.Tickets, err)
		}
		times[i] = float64(time.Since(began))
	}
	return median(times), nil
}

// steps takes so many steps and returns how many that is a second.
func steps(ctx context.Context, t *tracker.Tracker, now time.Time, want int) (rate float64, took time.Duration, err error) {
	began, done := time.Now(), 0
	for done < want {
		r, err := t.RunOnce(ctx, now)
		if err != nil {
			return 0, 0, err
		}
		if r.Steps == 0 {
			return 0, 0, fmt.Errorf("only %d of %d steps were due", done, want)
		}
		done += r.Steps
	}
	took = time.Since(began)
	return float64(done) / took.Seconds(), took, nil
}

// fill registers the tickets through the store's writer, many at a time.
func (s *stock) fill(ctx context.Context, st store.Store) error {
	const batch = 500
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan int)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) + 2 {
		all.Go(func() {
			for from := range batches {
				changes := make([]store.Change, 0, batch)
				for i := from; i < min(from+batch, s.open); i++ {
					c, err := s.change(i)
					if err != nil {
						cancel(err)
						return
					}
					changes = append(changes, c)
				}
				if err := errors.Join(st.Commit(ctx, changes...)...); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for from := 0; from < s.open && ctx.Err() == nil; from += batch {
		select {
		case batches <- from:
		case <-ctx.Done():
		}
	}
	close(batches)
	all.Wait()
	return context.Cause(ctx)
}

// change registers ticket i: first those due at once, then those of the rush, then the many, spread over a month.
func (s *stock) change(i int) (store.Change, error) {
	const month = 30 * 24 * time.Hour
	policy, at := "bench-far@1", s.morning.Add(-time.Duration(i)*(month/time.Duration(s.open))-time.Hour)
	first := s.first + s.first/5 + startsWith
	switch {
	case i < first:
		policy, at = "bench-near@1", s.morning
	case i < first+s.minute:
		policy, at = "bench-near@1", s.rush.Add(-near+time.Duration(i-first)*s.span/time.Duration(s.minute))
	}
	id, err := ticket.NewID(at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	key := fmt.Sprintf("stock-%d", i)
	t, registered, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Actor: ticket.Actor{Kind: ticket.ActorCitizen, ID: channel},
		Details: ticket.Details{Registration: &ticket.Registration{
			Number: ticket.FormatNumber("LY", at.AddDate(-1, 0, -i/aDay), i%aDay+1), Channel: channel, Key: key, Kind: ticket.KindCase, Source: ticket.SourceMachine,
			Type: ticket.TypeComplaint, Urgency: ticket.UrgencyNormal, Category: "01.03.02", Region: "371302001", Policy: policy, ReceivedAt: at,
		}, Decision: &ticket.Decision{Pack: s.city.Hash}},
		Private: &ticket.Private{Title: "路灯不亮", Text: "书院社区十二号楼前路灯不亮", Appellant: ticket.Party{Name: "王秀兰", Phone: fmt.Sprintf("137%08d", i)}, TrackCode: "7KQ4MZ"},
	}, at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	dispatched, err := t.Do(ticket.Command{Action: ticket.Dispatch, Actor: ticket.Actor{Kind: ticket.ActorSystem, ID: "routing"}, Details: ticket.Details{Unit: "s-371302001"}}, at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	look := at.AddDate(0, 0, 60)
	if policy == "bench-near@1" {
		look = at.Add(near)
	}
	return store.Change{Tickets: []store.TicketChange{{Ticket: t, Events: []ticket.Event{registered, dispatched}, Due: at.AddDate(0, 0, 60), Look: look}}}, nil
}
