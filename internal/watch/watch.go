// Package watch watches the watchers: whether deadlines are looked at in time, and whether notices leave. What
// it finds wrong it says on the console and through a destination of the pack, directly: the outbox may be what is
// stuck. While all is well it calls the address that an outside monitor expects to be called, so that somebody
// notices when nobody is left to say anything.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/internal/sender"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the watcher reads and writes.
type Store interface {
	store.Writer
	OldestDue(ctx context.Context, now time.Time) (time.Time, error)
	Undelivered(ctx context.Context, now time.Time) ([]store.Undelivered, error)
}

// Options are the parts of a watcher. All are required but Metrics.
type Options struct {
	Store   Store
	Live    *city.Live
	Random  io.Reader
	Log     *slog.Logger
	HTTP    *http.Client
	Secret  func(ref string) (string, error)
	Sender  func(d *paging.Destination) (sender.Sender, error)
	Wall    func() time.Time // the world's clock, for the heartbeat
	Tracker func() time.Time // when the tracker last ran well, by the city's clock; zero: not yet
	Outbox  func() time.Time // the same of the outbox
	Speed   float64          // how fast the city's clock runs beside the world's; 0 means 1
	Metrics *Metrics
}

// Watcher watches. It remembers what it has said; a gateway that starts anew says it again.
type Watcher struct {
	Options
	began   time.Time
	told    map[string]time.Time // by trouble: when it was last told
	raised  map[string]string    // by trouble: the key of the last alert that this gateway raised
	beat    time.Time            // the last heartbeat, by the world's clock
	tracker time.Time            // how far the two were at it
	outbox  time.Time
}

// New makes a Watcher.
func New(o Options) *Watcher {
	if o.Speed <= 0 {
		o.Speed = 1
	}
	return &Watcher{Options: o, told: map[string]time.Time{}, raised: map[string]string{}}
}

// leastLag is what even a healthy gateway needs, by the world's clock: loops rest a second between looks.
const leastLag = 10 * time.Second

// The troubles a watcher finds.
const (
	StoreAway   = "store"       // the store cannot be read
	TrackerLate = "tracker"     // deadlines are looked at late, or not at all
	Unsent      = "undelivered" // notices wait past their time
	OutboxStill = "outbox"      // the outbox does not run
)

var troubles = []string{StoreAway, TrackerLate, Unsent, OutboxStill}

// What a pack that says nothing gets.
const (
	defaultLag         = time.Minute
	defaultUndelivered = 10 * time.Minute
	defaultRepeat      = time.Hour
	defaultBeat        = time.Minute
)

func or(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

// RunOnce looks once, says what is wrong and has not been said for a while, and gives the heartbeat when all
// goes on. It returns what could not be said.
func (w *Watcher) RunOnce(ctx context.Context, now time.Time) error {
	if w.began.IsZero() {
		w.began = now
	}
	c := w.Live.Get()
	var plan paging.Watch
	if c.Notices != nil {
		plan = c.Notices.Watch
	}
	found := w.look(ctx, c, plan, now)
	var failed []error
	for _, what := range troubles {
		words, wrong := found[what]
		w.Metrics.trouble(what, wrong)
		if !wrong {
			delete(w.told, what)
			continue
		}
		if last, said := w.told[what]; said && now.Sub(last).Abs() < or(plan.Repeat, defaultRepeat) {
			continue
		}
		if err := w.tell(ctx, c, plan, what, words, now); err != nil {
			failed = append(failed, err)
			continue // said again at the next look
		}
		w.told[what] = now
	}
	if len(found) == 0 {
		failed = append(failed, w.heartbeat(ctx, plan.Heartbeat))
	}
	return errors.Join(failed...)
}

// look says what is wrong, in words.
func (w *Watcher) look(ctx context.Context, c *city.City, plan paging.Watch, now time.Time) map[string]string {
	found := map[string]string{}
	lag := max(or(plan.Lag, defaultLag), time.Duration(w.Speed*float64(leastLag)))
	oldest, err := w.Store.OldestDue(ctx, now)
	late, unsentErr := w.Store.Undelivered(ctx, now)
	if err = errors.Join(err, unsentErr); err != nil {
		found[StoreAway] = "数据库无法读取，时限和通知都可能停下"
		w.Log.ErrorContext(ctx, "the watch cannot read the store", slog.Any("error", err))
		return found
	}
	w.Metrics.found(oldest, late, now)
	stamp := func(t time.Time) string { return t.In(c.Zone).Format("1月2日 15:04") }
	if ran := latest(w.Tracker(), w.began); now.Sub(ran) > lag {
		found[TrackerLate] = fmt.Sprintf("时限检查自 %s 起没有运行", stamp(ran))
	} else if !oldest.IsZero() && now.Sub(oldest) > lag {
		found[TrackerLate] = fmt.Sprintf("时限检查已晚 %s：应在 %s 检查的工单还没有检查", span(now.Sub(oldest)), stamp(oldest))
	}
	if ran := latest(w.Outbox(), w.began); now.Sub(ran) > lag {
		found[OutboxStill] = fmt.Sprintf("通知发送自 %s 起没有运行", stamp(ran))
	}
	limit := or(plan.Undelivered, defaultUndelivered)
	late = slices.DeleteFunc(late, func(u store.Undelivered) bool { return now.Sub(u.Oldest) <= limit })
	if len(late) > 0 {
		slices.SortFunc(late, func(a, b store.Undelivered) int { return a.Oldest.Compare(b.Oldest) })
		var n int64
		var where []string
		for _, u := range late {
			n += u.Count
			where = append(where, fmt.Sprintf("%s %s %d 条", u.Kind, u.Target, u.Count))
		}
		more := ""
		if len(where) > 3 {
			where, more = where[:3], "等"
		}
		found[Unsent] = fmt.Sprintf("%d 条通知到时未能发出，最早的自 %s 起（%s%s）", n, stamp(late[0].Oldest), strings.Join(where, "、"), more)
	}
	return found
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func span(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d 分钟", int(d.Minutes()))
	}
	return fmt.Sprintf("%d 小时", int(d.Hours()))
}

// tell raises an alert for the officers on duty and sends it through the destination of the watch. Of several
// gateways that find the same only one says it: the alert's key is unique. A store that takes no alert keeps nobody
// from sending.
func (w *Watcher) tell(ctx context.Context, c *city.City, plan paging.Watch, what, words string, now time.Time) error {
	round := now.Truncate(or(plan.Repeat, defaultRepeat))
	key := fmt.Sprintf("watch/%s/%d", what, round.Unix())
	alerts, err := w.alerts(c, key, words, now)
	if err != nil {
		return err
	}
	kept := w.Store.Commit(ctx, store.Change{Lane: store.Machines, Alerts: alerts})[0]
	if ticket.IsKind(kept, ticket.Duplicate) {
		if w.raised[what] != key {
			return nil // another gateway says it
		}
		kept = nil // raised at an earlier look; only the sending failed
	}
	w.raised[what] = key
	if kept != nil {
		w.Log.ErrorContext(ctx, "the watch cannot raise an alert", slog.String("trouble", what), slog.Any("error", kept))
	}
	w.Log.WarnContext(ctx, "the watch found trouble", slog.String("trouble", what))
	d, ok := c.Notices.Destination(plan.Through)
	if !ok {
		return kept
	}
	s, err := w.Sender(d)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	m := &paging.Message{
		ID: "wch_" + ticket.Chain(ticket.Hash{}, []byte(key)).String()[:32], At: now, Since: now, City: c.Title, Destination: d.ID,
		Levels: []string{paging.LevelAlarm}, Count: 1, Zone: c.Zone, Lasts: 2 * or(plan.Repeat, defaultRepeat),
		Items: []paging.Item{{Level: paging.LevelAlarm, Text: words, Why: "watch/" + what}}, Why: []string{"watch/" + what},
	}
	if err := s.Send(ctx, m); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}

// alerts are those of the officers on duty.
func (w *Watcher) alerts(c *city.City, key, words string, now time.Time) ([]store.Alert, error) {
	var list []store.Alert
	duty, _ := c.Rules.Unit(c.DutyUnit)
	for _, p := range duty.Posts {
		if p.Role != "duty" {
			continue
		}
		id, err := ticket.NewID(now, w.Random)
		if err != nil {
			return nil, err
		}
		list = append(list, store.Alert{ID: id, Key: key + "/" + p.ID, Unit: c.DutyUnit, Level: paging.LevelAlarm, Post: p.ID, Text: words, At: now})
	}
	return list, nil
}

// heartbeat calls the address that an outside monitor expects, when tracker and outbox have both run since the
// last time. When one of them stands still the call stays away, and the monitor speaks up.
func (w *Watcher) heartbeat(ctx context.Context, h *paging.Heartbeat) error {
	tracker, outbox := w.Tracker(), w.Outbox()
	// Another time, not a later one: a clock that was set back stops nobody.
	if h == nil || tracker.Equal(w.tracker) || outbox.Equal(w.outbox) || w.Wall().Sub(w.beat).Abs() < or(h.Every, defaultBeat) {
		return nil
	}
	address := h.URL
	if strings.HasPrefix(address, "env:") || strings.HasPrefix(address, "file:") {
		var err error
		if address, err = w.Secret(address); err != nil {
			return fmt.Errorf("watch: address of the heartbeat: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("watch: the address of the heartbeat cannot be read; mend watch.heartbeat.url")
	}
	w.beat = w.Wall()
	resp, err := w.HTTP.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
		if err = resp.Body.Close(); resp.StatusCode/100 != 2 {
			err = fmt.Errorf("it answered %d", resp.StatusCode)
		}
	} else {
		err = errors.New("it did not answer") // the address may hold a secret
	}
	w.Metrics.beat(err == nil)
	if err != nil {
		return fmt.Errorf("watch: heartbeat: %w", err)
	}
	w.tracker, w.outbox = tracker, outbox
	return nil
}
