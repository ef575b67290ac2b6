package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// Where says where a city's data is: a folder, and the database when it is not a file in it.
type Where struct {
	Data  string // folder of keys, attachments and, without Store, the database
	Store string // address of a PostgreSQL database; empty: a file
	File  string // the file; empty: hotline.db in the folder

	copying bool // open it for a copy, and alone
}

// name says which database it is, without user and password.
func (w Where) name() string {
	if !w.shared() {
		return "sqlite:" + w.file()
	}
	u, err := url.Parse(w.Store)
	if err != nil || u.Host == "" {
		return "a server"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// shared reports whether several gateways may use the database.
func (w Where) shared() bool { return w.Store != "" }

// file is the path of the database file.
func (w Where) file() string { return cmp.Or(w.File, w.path("hotline.db")) }

// keys reads the city's keys.
func (w Where) keys() (*seal.Ring, error) { return seal.Load(w.path("keys.json")) }

// open opens the database.
func (w Where) open(ctx context.Context, ring *seal.Ring, observer lanes.Observer) (store.Store, error) {
	switch {
	case w.Store == "":
		return sqlite.Open(ctx, sqlite.Options{Path: w.file(), Ring: ring, Observer: observer, Copying: w.copying})
	case strings.HasPrefix(w.Store, "postgres://"), strings.HasPrefix(w.Store, "postgresql://"):
		return postgres.Open(ctx, postgres.Options{DSN: w.Store, Ring: ring, Observer: observer, Copying: w.copying})
	}
	return nil, errors.New("--store is no address of a database: write postgres://user@host:5432/database, or leave it out for a file in the data folder")
}

// textIndex finds tickets by their words.
type textIndex interface {
	Find(ctx context.Context, query string, limit int) ([]ticket.ID, error)
	Follow(ctx context.Context, r search.Reader) (int, error)
	Close() error
}

// index opens the text index: a file beside a file, a table beside tables.
func (w Where) index(ctx context.Context, ring *seal.Ring) (textIndex, error) {
	if w.shared() {
		return search.OpenPostgres(ctx, w.Store, ring)
	}
	return search.Open(w.path("search.db"), ring)
}

// clockLimit is how far the clocks of gateway and database may be apart: more is somebody's mistake,
// and deadlines would be judged by it.
const clockLimit = 5 * time.Minute

// clocked is a database that has a clock of its own.
type clocked interface {
	Offset(ctx context.Context, now func() time.Time) (time.Duration, error)
}

// syncClock makes the clock agree with the database's, so that all gateways of a city agree on what is
// late. At the start a clock that is far off is refused; later it is logged, and kept as it was.
func (a *App) syncClock(ctx context.Context) error {
	db, has := a.store.(clocked)
	if !has || !a.clock.real() {
		return nil
	}
	offset, err := db.Offset(ctx, time.Now)
	if err != nil {
		return err
	}
	if offset.Abs() > clockLimit {
		return fmt.Errorf("this machine's clock is %s off the database server's, more than %s: set both by NTP", offset.Round(time.Second), clockLimit)
	}
	if change := a.clock.correct(offset); change > time.Second {
		a.log.WarnContext(ctx, "clock corrected by the database's", slog.Duration("offset", offset))
	}
	return nil
}

// jumpLimit is how far a wall clock may be set at once before it is asked whether it is right. What keeps clocks in step
// sets them by less.
const jumpLimit = time.Minute

// soundClock says why deadlines must not be judged by this machine's clock now: it was set, and does not agree with the
// database's. Where there is no second clock to ask, a clock that was set is believed, and the log says so loudly: it
// may have been wrong before, or the machine asleep.
func (a *App) soundClock(ctx context.Context) error {
	if !a.clock.real() {
		return nil
	}
	jump := a.clock.jumped()
	if jump.Abs() <= jumpLimit {
		return nil
	}
	if _, has := a.store.(clocked); !has {
		a.log.ErrorContext(ctx, "this machine's clock was set, or the machine slept; deadlines follow the clock as it is now", slog.Duration("by", jump.Round(time.Second)))
		a.clock.settle()
		return nil
	}
	if err := a.syncClock(ctx); err != nil {
		return fmt.Errorf("the clock jumped by %s: %w", jump.Round(time.Second), err)
	}
	a.clock.settle()
	return nil
}

// runClock keeps the clock in step with the database's.
func (a *App) runClock(ctx context.Context) {
	if _, has := a.store.(clocked); has && a.clock.real() {
		a.every(ctx, time.Minute, func() error { return a.syncClock(ctx) })
	}
}

// keysEvery is how often the key file is looked at.
const keysEvery = 2 * time.Second

// runIncidents learns of what other gateways take.
func (a *App) runIncidents(ctx context.Context) {
	if a.options.shared() {
		a.every(ctx, 500*time.Millisecond, func() error { return a.intake.Follow(ctx) })
	}
}

// closing joins the error of a verb and that of closing what it used.
func closing(err *error, close func() error) { *err = errors.Join(*err, close()) }
