package watch_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
	"github.com/citizen-hotline/gateway/internal/watch"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

var (
	linyi = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })
	noon  = time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
)

// post is a watch over a real store: its second path is a fake, and an outside monitor is a local server.
type post struct {
	t               *testing.T
	store           *sqlite.Store
	watcher         *watch.Watcher
	options         watch.Options
	now             time.Time
	tracker, outbox time.Time
	said            []string // through the destination
	down            bool     // it is not reached
	beats           int
}

type through struct{ p *post }

func (s through) Send(_ context.Context, m *paging.Message) error {
	if s.p.down {
		return errors.New("no route")
	}
	s.p.said = append(s.p.said, m.Title())
	return nil
}

func open(t *testing.T) *post {
	t.Helper()
	pack, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	p := &post{t: t, store: sqlitetest.Open(t), now: noon, tracker: noon, outbox: noon}
	monitor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping/secret" {
			p.beats++
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(monitor.Close)
	c := &city.City{
		Title: "临沂市12345", Zone: pack.City.Location, Rules: pack.Ruleset, DutyUnit: pack.DutyUnit(),
		Notices: &paging.Plan{
			Destinations: []paging.Destination{{ID: "chat", Kind: paging.WeCom, Title: "值班群"}},
			Watch: paging.Watch{
				Through: "chat", Lag: time.Minute, Undelivered: 10 * time.Minute, Repeat: time.Hour,
				Heartbeat: &paging.Heartbeat{URL: "env:BEAT", Every: 30 * time.Second},
			},
		},
	}
	p.options = watch.Options{
		Store: p.store, Live: city.NewLive(c), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), HTTP: monitor.Client(),
		Secret:  func(string) (string, error) { return monitor.URL + "/ping/secret", nil },
		Sender:  func(*paging.Destination) (sender.Sender, error) { return through{p}, nil },
		Wall:    func() time.Time { return p.now },
		Tracker: func() time.Time { return p.tracker }, Outbox: func() time.Time { return p.outbox },
	}
	p.watcher = watch.New(p.options)
	return p
}

// Advance lets time pass, with tracker and outbox at work, and looks.
func (p *post) Advance(d time.Duration) error {
	p.t.Helper()
	p.now = p.now.Add(d)
	p.tracker, p.outbox = p.now, p.now
	return p.watcher.RunOnce(p.t.Context(), p.now)
}

func (p *post) heard(when string, want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.said, cmpopts.EquateEmpty()); diff != "" {
		p.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	p.said = nil
}

func (p *post) alerts() int {
	p.t.Helper()
	list, err := p.store.Alerts(p.t.Context(), store.AlertFilter{Limit: 100})
	if err != nil {
		p.t.Fatal(err)
	}
	return len(list)
}

func (p *post) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) notice(key string, due time.Time) {
	p.t.Helper()
	n := store.Notice{Key: key, Kind: "unit", Target: "b-zhujian", Body: []byte(`{}`), Due: due, Created: due}
	p.ok(p.store.Commit(p.t.Context(), store.Change{Outbox: []store.Notice{n}})[0])
}

func TestWhatCannotBeSentIsSaidOnceAnHourByTheSecondPath(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.notice("n1", noon)
	p.ok(p.Advance(9 * time.Minute))
	p.heard("within ten minutes")
	p.ok(p.Advance(2 * time.Minute))
	p.heard("after eleven", "【告警】1 条通知到时未能发出，最早的自 7月13日 12:00 起（unit b-zhujian 1 条）")
	if p.alerts() != 1 {
		t.Errorf("%d alerts on the console", p.alerts())
	}
	for range 30 {
		p.ok(p.Advance(time.Minute))
	}
	p.heard("in the half hour after that")
	for range 45 {
		p.ok(p.Advance(time.Minute))
	}
	if len(p.said) != 1 || p.alerts() != 2 {
		t.Errorf("an hour later: %v, %d alerts", p.said, p.alerts())
	}
}

func TestSeveralGatewaysSayItOnce(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.notice("n1", noon.Add(-time.Hour))
	other := watch.New(p.options)
	p.ok(p.Advance(time.Minute))
	p.ok(other.RunOnce(t.Context(), p.now))
	if len(p.said) != 1 || p.alerts() != 1 {
		t.Errorf("said %v, %d alerts", p.said, p.alerts())
	}
}

func TestATrackerThatStandsStillIsSaidAndTheHeartbeatStops(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.ok(p.Advance(time.Minute))
	p.ok(p.Advance(time.Minute))
	if p.beats != 2 {
		t.Fatalf("%d heartbeats while all is well", p.beats)
	}
	stands := p.tracker
	for range 3 {
		p.now = p.now.Add(40 * time.Second)
		p.outbox = p.now
		p.ok(p.watcher.RunOnce(t.Context(), p.now))
	}
	p.heard("when the tracker stands still", "【告警】时限检查自 7月13日 12:02 起没有运行")
	if p.beats != 2 || !p.tracker.Equal(stands) {
		t.Errorf("%d heartbeats: the monitor hears that all is well", p.beats)
	}
	p.ok(p.Advance(time.Minute))
	if p.beats != 3 {
		t.Errorf("%d heartbeats after it runs again", p.beats)
	}
	// A second time within the hour stays quiet on the console's key, and is no new alert.
	if p.alerts() != 1 {
		t.Errorf("%d alerts", p.alerts())
	}
}

// A clock set back an hour keeps the monitor waiting no longer than its patience, and what is wrong is said.
func TestAClockSetBackStopsNoHeartbeat(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.ok(p.Advance(time.Minute))
	p.ok(p.Advance(-time.Hour))
	p.ok(p.Advance(time.Minute))
	if p.beats != 3 {
		t.Errorf("%d heartbeats, want one each minute", p.beats)
	}
	p.notice("n1", p.now.Add(-time.Hour))
	p.ok(p.Advance(time.Minute))
	p.ok(p.Advance(-2 * time.Hour))
	p.notice("n2", p.now.Add(-time.Hour))
	p.ok(p.Advance(time.Minute))
	if len(p.said) != 2 {
		t.Errorf("said %v", p.said)
	}
}

func TestAHeartbeatComesNoOftenerThanAsked(t *testing.T) {
	t.Parallel()
	p := open(t)
	for range 12 {
		p.ok(p.Advance(10 * time.Second))
	}
	if p.beats != 4 {
		t.Errorf("%d heartbeats in two minutes, want one each half", p.beats)
	}
}

// away is a store that is gone.
type away struct{ watch.Store }

var errAway = errors.New("disk I/O error")

func (away) OldestDue(context.Context, time.Time) (time.Time, error) { return time.Time{}, errAway }
func (away) Commit(context.Context, ...store.Change) []error {
	return []error{ticket.Errorf(ticket.Unavailable, "store.full", "disk")}
}

func TestAStoreThatIsGoneIsSaidAllTheSame(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.options.Store = away{p.store}
	p.watcher = watch.New(p.options)
	p.ok(p.Advance(time.Minute))
	p.ok(p.Advance(time.Minute))
	p.heard("without a store", "【告警】数据库无法读取，时限和通知都可能停下")
	if p.beats != 0 {
		t.Error("the monitor hears that all is well")
	}
}

// Whether the second path works or not, the alert is on the console; what was not said is said as soon as it can be.
func TestASecondPathThatFailsLeavesTheConsole(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.notice("n1", noon.Add(-time.Hour))
	p.down = true
	if err := p.Advance(time.Minute); err == nil || !strings.Contains(err.Error(), "no route") {
		t.Errorf("error %v", err)
	}
	p.down = false
	p.ok(p.Advance(time.Minute))
	if len(p.said) != 1 || p.alerts() != 1 {
		t.Errorf("said %v, %d alerts", p.said, p.alerts())
	}
}
