// Package app wires the gateway together and runs it: New builds every part and unwinds what it
// built when one fails, Run serves until told to stop, Stop ends the parts in reverse order. The
// verbs of the command line that need more than one room live here too.
//
// It holds no rules of the domain.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/adapters/all"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/duty/relay"
	"github.com/citizen-hotline/gateway/gateway"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/account"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/egress"
	"github.com/citizen-hotline/gateway/internal/live"
	"github.com/citizen-hotline/gateway/internal/media"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/internal/watch"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
)

// App is a gateway, built and ready to run.
type App struct {
	options  Options
	log      *slog.Logger
	clock    *Clock
	lend     lend
	live     *city.Live
	ring     *seal.Ring
	store    store.Store
	search   textIndex
	media    *media.Store
	hub      *live.Hub
	intake   *intake.Intake
	desk     *desk.Desk
	accounts *account.Accounts
	tracker  *tracker.Tracker
	relay    *relay.Relay
	outbox   *outbox.Worker
	watch    *watch.Watcher
	server   *gateway.Server
	metrics  *registry
	backlog  *backlog

	night time.Time // when what was kept long enough next ends; zero: never

	cleanups []cleanup
}

// cleanup is something to undo, by name, so that a hanging stop says where it hangs.
type cleanup struct {
	name string
	do   func() error
}

// maxUpload is the largest attachment, bytes.
const maxUpload = 20 << 20

// New builds a gateway. On an error everything built so far is taken down again.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	log, err := newLog(o)
	if err != nil {
		return nil, err
	}
	a := &App{options: o, log: log, clock: realClock(), hub: live.NewHub(), metrics: newRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.unwind())
		}
	}()
	if err := a.openData(ctx); err != nil {
		return nil, err
	}
	if err := a.openCity(ctx); err != nil {
		return nil, err
	}
	if err := a.openShadow(ctx); err != nil {
		return nil, err
	}
	if err := a.build(); err != nil {
		return nil, err
	}
	return a, a.intake.Warm(ctx)
}

// openData opens what the data folder keeps: keys, store, text index, attachments.
func (a *App) openData(ctx context.Context) error {
	o := a.options
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	ring, err := openKeys(o)
	if err != nil {
		return err
	}
	a.ring = ring
	if a.store, err = o.open(ctx, ring, lanes.NewMetrics(a.metrics).Observer()); err != nil {
		return err
	}
	a.onStop("store", a.store.Close)
	if err := a.syncClock(ctx); err != nil {
		return err
	}
	if a.search, err = o.index(ctx, ring); err != nil {
		return err
	}
	a.onStop("search", a.search.Close)
	if a.media, err = media.Open(o.path("media"), maxUpload); err != nil {
		return err
	}
	a.onStop("media", a.media.Close)
	return a.media.Clear(time.Now().Add(-time.Hour)) // an upload takes five minutes at most
}

// openKeys reads the city's keys; a demo makes its own the first time.
func openKeys(o Options) (*seal.Ring, error) {
	path := o.path("keys.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if !o.Demo {
			return nil, fmt.Errorf("%s is not there: run `hotline init --data %s` once to make keys and the first administrator", path, o.Data)
		}
		keys, err := seal.Generate(rand.Reader)
		if err != nil {
			return nil, err
		}
		if err := seal.Save(path, keys); err != nil {
			return nil, err
		}
	}
	return seal.Load(path)
}

// openCity sets the clock and brings the city's pack into force.
func (a *App) openCity(ctx context.Context) error {
	secrets := config.Secrets{Dir: a.options.Data, Getenv: a.options.Getenv, Demo: a.options.Demo}
	registry, err := adapters.NewRegistry(all.Specs()...)
	if err != nil {
		return err
	}
	a.lend = lend{registry: registry, secret: secrets.Resolve, log: a.log, now: func() time.Time { return a.clock.Now() }}
	a.lend.http = a.egress()
	if a.options.Demo {
		if err := a.startDemoClock(); err != nil {
			return err
		}
	}
	c, err := a.firstCity(ctx)
	if err != nil {
		return err
	}
	a.live = city.NewLive(c)
	return nil
}

// egress is the client for everything sent out; in a demo the sinks are on this machine.
func (a *App) egress() *http.Client {
	return egress.Client(10*time.Second, a.allowedHosts)
}

// allowedHosts are the hosts in private networks that may be sent to now.
func (a *App) allowedHosts() []string {
	if a.options.Demo {
		return []string{"127.0.0.1", "localhost"}
	}
	if a.live == nil {
		return nil
	}
	return a.live.Get().AllowHosts
}

// startDemoClock sets the clock to the storm day of the pack, or where the last run left it.
func (a *App) startDemoClock() error {
	if tell := a.options.Clock; tell != nil {
		a.clock = &Clock{start: tell(), wall: time.Now(), speed: a.options.Speed, told: tell}
		return nil
	}
	p, err := config.LoadDir(a.options.City, a.adapterNames()...)
	if err != nil {
		return err
	}
	if p.City.StormDay == nil {
		return fmt.Errorf("pack %s has no storm_day in city.yaml and so no demo", p.City.ID)
	}
	start, err := resumeDemo(a.options.Data, p.City.StormDay.At(p.City.Location))
	if err != nil {
		return err
	}
	a.clock = demoClock(start, a.options.Speed)
	return nil
}

// build makes the use cases, the loops and the server.
func (a *App) build() error {
	now := func() time.Time { return a.clock.Now() }
	a.outbox = outbox.New(outbox.Options{
		Store: a.store, Live: a.live, Media: a.media, HTTP: a.lend.http, Secret: a.lend.secret,
		Dial: egress.Dialer(a.allowedHosts), Random: rand.Reader, Log: a.log.With(slog.String("part", "outbox")), Now: now, Wall: time.Now, Speed: a.clock.speed,
		Every: time.Second, Metrics: outbox.NewMetrics(a.metrics),
	})
	committed := func(urgent bool) {
		a.outbox.Wake(urgent)
		a.hub.Publish()
	}
	a.desk = desk.New(desk.Options{
		Store: a.store, Index: a.search, Live: a.live, Now: now, Random: rand.Reader,
		Log: a.log.With(slog.String("part", "desk")), Committed: committed, Breakers: a.outbox.Destinations, Try: a.outbox.Try,
	})
	a.intake = intake.New(intake.Options{
		Store: a.store, Live: a.live, Now: now, Random: rand.Reader, Log: a.log.With(slog.String("part", "intake")),
		Desk: a.desk, Committed: committed, Metrics: intake.NewMetrics(a.metrics),
	})
	together := 0
	if a.options.shared() {
		together = 64 // nobody waits behind one writer
	}
	a.tracker = tracker.New(tracker.Options{
		Together: together,
		Store:    a.store, Live: a.live, Random: rand.Reader, Log: a.log.With(slog.String("part", "tracker")), Now: now,
		Every: a.clock.Pause(time.Second), Committed: committed, Metrics: tracker.NewMetrics(a.metrics),
		Sound: a.soundClock,
	})
	a.watch = watch.New(watch.Options{
		Store: a.store, Live: a.live, Random: rand.Reader, Log: a.log.With(slog.String("part", "watch")), HTTP: a.lend.http,
		Secret: func(ref string) (string, error) { return a.lend.secret(adapters.SecretRef(ref)) }, Sender: a.outbox.Sender,
		Wall: time.Now, Tracker: a.tracker.Ran, Outbox: a.outbox.Ran, Speed: a.clock.speed, Metrics: watch.NewMetrics(a.metrics),
	})
	a.relay = relay.New(relay.Options{
		Store: a.store, Live: a.live, Random: rand.Reader, Log: a.log.With(slog.String("part", "relay")), Now: now,
		Every: a.clock.Pause(time.Second), Tell: page, Committed: committed, Metrics: relay.NewMetrics(a.metrics),
	})
	a.accounts = account.New(account.Options{Store: a.store, Now: a.worldNow, Random: rand.Reader})

	a.backlog = newBacklog(func(ctx context.Context) (store.Counts, error) { return a.store.Counts(ctx, now()) })
	a.metrics.MustRegister(a.backlog)
	a.metrics.MustRegister(newCalendarDays(a.live.Get, now))

	var demo *gateway.DemoInfo
	if a.options.Demo {
		demo = &gateway.DemoInfo{Speed: a.clock.speed, StartedAt: a.clock.start}
	}
	var err error
	a.server, err = gateway.New(gateway.Options{
		Intake: a.intake, Desk: a.desk, Accounts: a.accounts, Media: a.media, Store: a.store,
		Live: a.live, Hub: a.hub, Log: a.log.With(slog.String("part", "gateway")), Metrics: a.metrics, PublicURL: a.options.PublicURL,
		TrustedProxies: a.options.TrustedProxies, Rollback: a.Rollback, Promote: a.Promote, Demo: demo, Now: now,
	})
	return err
}

// worldNow is the time of the people at the keyboard: sessions and lock-outs run by it, also while
// a demo's clock runs ahead. Tests that tell the time tell this one, too.
func (a *App) worldNow() time.Time {
	if tell := a.options.Clock; tell != nil {
		return tell()
	}
	return time.Now().UTC()
}

// Run serves on ln until ctx ends, then stops in order: no new deliveries, those under way are
// finished, the loops end, the store closes. Everything acknowledged is on disk by then.
func (a *App) Run(ctx context.Context, ln net.Listener) error {
	if hour := a.options.Retention; hour != "" { // counted from the start, not from when its loop gets to run
		a.night = nextNight(a.clock.Now(), hour, a.live.Get().Zone)
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){a.tracker.Run, a.relay.Run, a.outbox.Run, a.runIndex, a.runPack, a.runDemoClock, a.runClock, a.runIncidents, a.watchKeys, a.runRetention, a.runShadow, a.runRecalendar, a.runCalendarWatch, a.runWatch, a.runBacklog} {
		loops.Go(func() { loop(work) })
	}
	served := make(chan error, 1)
	go func() { served <- a.server.Listen(ln) }()

	var err error
	select {
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err = a.server.Shutdown(end)
		cancel()
		err = errors.Join(err, <-served)
	case err = <-served:
	}
	stopWork()
	loops.Wait()
	return errors.Join(err, a.unwind())
}

// Close takes down a gateway that was never run.
func (a *App) Close() error { return a.unwind() }

// runIndex keeps the text index within two seconds of the store. It waits for a second's worth: the index
// pays for each transaction far more than for a ticket. When it has fallen behind, intake goes first: it
// rests three times as long as it works.
func (a *App) runIndex(ctx context.Context) {
	a.every(ctx, time.Second, func() error {
		for {
			began := time.Now()
			n, err := a.search.Follow(ctx, a.store)
			if err != nil || n < search.FollowMost {
				return err
			}
			if err := pause(ctx, min(3*time.Since(began), time.Second)); err != nil {
				return err
			}
		}
	})
}

// runPack follows the active pack of the store.
func (a *App) runPack(ctx context.Context) {
	a.every(ctx, 5*time.Second, func() error { return a.follow(ctx) })
}

// runWatch watches the watchers. Its own looks stay short: what is stuck must not hold it, too.
func (a *App) runWatch(ctx context.Context) {
	a.every(ctx, 5*time.Second, func() error {
		look, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		return a.watch.RunOnce(look, a.clock.Now())
	})
}

// runBacklog counts what waits for somebody.
func (a *App) runBacklog(ctx context.Context) {
	a.every(ctx, countEvery, func() error { return a.backlog.count(ctx) })
}

// runDemoClock notes how far a demo has come.
func (a *App) runDemoClock(ctx context.Context) {
	if !a.options.Demo {
		return
	}
	a.every(ctx, 2*time.Second, func() error { return saveDemo(a.options.Data, a.clock) })
}

// every does a job at intervals until ctx ends; an error is logged once until it changes.
func (a *App) every(ctx context.Context, pause time.Duration, job func() error) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	last := ""
	for {
		if err := job(); err == nil {
			last = ""
		} else if ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			a.log.ErrorContext(ctx, "background job failed", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (a *App) onStop(name string, do func() error) {
	a.cleanups = append(a.cleanups, cleanup{name, do})
}

// unwind undoes what New did, last first.
func (a *App) unwind() error {
	var errs []error
	for _, v := range slices.Backward(a.cleanups) {
		if err := v.do(); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", v.name, err))
		}
	}
	a.cleanups = nil
	return errors.Join(errs...)
}

// newLog makes the log. It never gets personal data: callers log ids, codes and counts.
func newLog(o Options) (*slog.Logger, error) {
	var level slog.Level
	if o.LogLevel != "" {
		if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
			return nil, fmt.Errorf("--log-level %q: one of debug, info, warn, error", o.LogLevel)
		}
	}
	if o.Log == nil {
		return slog.New(slog.DiscardHandler), nil
	}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(o.Log, &slog.HandlerOptions{Level: level})), nil
	}
	return slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: level})), nil
}
