package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
)

// withClock is a database with a clock of its own, which the machine's is so far ahead of.
type withClock struct {
	store.Store
	ahead time.Duration
}

func (s *withClock) Offset(context.Context, func() time.Time) (time.Duration, error) {
	return s.ahead, nil
}

// withoutClock is a database without one.
type withoutClock struct{ store.Store }

// machine is a gateway on a machine whose clocks the test sets.
func machine(st store.Store) (a *App, set func(wall, counted time.Duration), log *bytes.Buffer) {
	log = &bytes.Buffer{}
	shows := reading{wall: time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)}
	c := &Clock{speed: 1, look: func() reading { return shows }}
	c.settle()
	return &App{clock: c, store: st, log: slog.New(slog.NewTextHandler(log, nil))}, func(wall, counted time.Duration) {
		shows.wall, shows.counted = shows.wall.Add(wall), shows.counted+counted
	}, log
}

// A clock that runs a day ahead of the database's judges nobody; once it is set right, it does again.
func TestAClockADayAheadJudgesNobody(t *testing.T) {
	t.Parallel()
	db := &withClock{}
	a, set, _ := machine(db)
	for range 3 { // a minute passes by both
		set(time.Minute, time.Minute)
		if err := a.soundClock(t.Context()); err != nil {
			t.Fatalf("an ordinary minute: %v", err)
		}
	}
	set(24*time.Hour, time.Second)
	db.ahead = 24 * time.Hour
	for range 2 {
		err := a.soundClock(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the clock jumped by 23h59m59s") || !strings.Contains(err.Error(), "set both by NTP") {
			t.Errorf("a day ahead: %v", err)
		}
	}
	set(-24*time.Hour, time.Second)
	db.ahead = 0
	if err := a.soundClock(t.Context()); err != nil {
		t.Errorf("set right again: %v", err)
	}
}

// A clock that had been wrong and was set right agrees with the database's: it is believed.
func TestAClockThatWasSetRight(t *testing.T) {
	t.Parallel()
	a, set, log := machine(&withClock{})
	set(-time.Hour, time.Second)
	if err := a.soundClock(t.Context()); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if jump := a.clock.jumped(); jump != 0 {
		t.Errorf("it is still %s off what it was", jump)
	}
}

// With a file there is no second clock: what was set is believed, and said loudly once.
func TestAJumpWithoutASecondClockIsSaid(t *testing.T) {
	t.Parallel()
	a, set, log := machine(withoutClock{})
	set(24*time.Hour, time.Second)
	for range 3 {
		if err := a.soundClock(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(log.String(), "this machine's clock was set"); n != 1 || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("said %d times:\n%s", n, log)
	}
}
