package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/storetest"
)

// off is a database whose clock is so much behind this machine's.
type off struct {
	store.Store
	by time.Duration
}

func (o off) Offset(context.Context, func() time.Time) (time.Duration, error) { return o.by, nil }

// Gateways agree on what is late: a clock that is a little off is corrected, one far off is refused.
func TestTheClockFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{0, 3 * time.Second, -4 * time.Minute} {
		a := &App{clock: realClock(), store: off{by: by}, log: slog.New(slog.DiscardHandler)}
		if err := a.syncClock(t.Context()); err != nil {
			t.Fatalf("%s ahead: %v", by, err)
		}
		if d := time.Until(a.clock.Now()) + by; d.Abs() > time.Second {
			t.Errorf("%s ahead: the clock is %s from the database's", by, d)
		}
	}
	for _, by := range []time.Duration{6 * time.Minute, -time.Hour} {
		a := &App{clock: realClock(), store: off{by: by}, log: slog.New(slog.DiscardHandler)}
		if err := a.syncClock(t.Context()); err == nil || !strings.Contains(err.Error(), "NTP") {
			t.Errorf("%s ahead: %v", by, err)
		}
	}
}

// Whatever is wrong with an address, no password of it is told.
func TestAddressesKeepTheirPasswords(t *testing.T) {
	t.Parallel()
	ring := storetest.Ring(t)
	for _, address := range []string{"postgres://a:geheim@[x", "mysql://a:geheim@h/d", "postgres://a:geheim@127.0.0.1:1/d", "password=geheim host=h", "host=h password=geheim"} {
		w := Where{Data: t.TempDir(), Store: address}
		if _, err := w.open(t.Context(), ring, lanes.Observer{}); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", address, err)
		}
		if strings.Contains(w.name(), "geheim") {
			t.Errorf("%q is named %q", address, w.name())
		}
	}
}
