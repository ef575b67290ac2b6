package relay_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/duty"
	"github.com/citizen-hotline/gateway/duty/relay"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/postgres"
	"github.com/citizen-hotline/gateway/store/postgres/postgrestest"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

var (
	server postgrestest.Server
	linyi  = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })
	// monday is 08:37 of an ordinary Monday in Linyi.
	monday = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)
)

func TestMain(m *testing.M) { server.Main(m) }

// room is a duty room: a real store, the city's rosters, and a relay told the time.
type room struct {
	t     *testing.T
	store store.Store
	live  *city.Live
	relay *relay.Relay
	told  *[]string
	mu    *sync.Mutex
	now   time.Time
}

func open(t *testing.T) *room { return openOn(t, sqlitetest.Open(t)) }

func openOn(t *testing.T, s store.Store) *room {
	t.Helper()
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, store: s, now: monday, told: new([]string), mu: new(sync.Mutex), live: city.NewLive(&city.City{
		Hash: p.Hash, Zone: p.City.Location, Rules: p.Ruleset, DutyUnit: p.DutyUnit(), Say: p.Text, Roster: p.Roster, AlertRules: p.AlertRules,
	})}
	r.relay = r.another(r.store)
	return r
}

// another makes one more relay, over the same data.
func (r *room) another(s relay.Store) *relay.Relay {
	return relay.New(relay.Options{
		Store: s, Live: r.live, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Batch: 16,
		Tell: func(_ *city.City, told relay.Told) ([]store.Notice, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			*r.told = append(*r.told, fmt.Sprintf("%s %s %s", told.Why, told.Alert.Post, told.Who))
			return []store.Notice{{Key: fmt.Sprintf("duty/%s/%d", told.Alert.ID, told.Alert.Version), Kind: "duty", Target: told.Alert.Post, Body: []byte("{}"), Created: r.now}}, nil
		},
	})
}

// Raise keeps an alert as the tracker would.
func (r *room) Raise(key, unit, level, post string) store.Alert {
	r.t.Helper()
	a := store.Alert{ID: r.id(), Key: key, Unit: unit, Level: level, Post: post, Text: "【" + level + "】" + key, At: r.now}
	storetest.Must(r.t, r.store, store.Change{Alerts: []store.Alert{a}})
	return a
}

func (r *room) id() ticket.ID {
	r.t.Helper()
	id, err := ticket.NewID(r.now, rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// Advance lets time pass minute by minute and the relay do what is due.
func (r *room) Advance(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); ; r.now = r.now.Add(min(time.Minute, end.Sub(r.now))) {
		for {
			done, err := r.relay.RunOnce(r.t.Context(), r.now)
			if err != nil {
				r.t.Fatal(err)
			}
			if done.Changed == 0 && done.Raised == 0 {
				break
			}
		}
		if !r.now.Before(end) {
			return
		}
	}
}

// lines tells the alerts, oldest first: key, post and state.
func (r *room) lines(f store.AlertFilter) []string {
	r.t.Helper()
	f.Limit = 1000
	list, err := r.store.Alerts(r.t.Context(), f)
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Reverse(list)
	var lines []string
	for i := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s", list[i].Key, list[i].Post, list[i].State()))
	}
	return lines
}

func (r *room) wants(what string, want []string, f store.AlertFilter) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.lines(f)); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// change writes what a person did to an alert.
func (r *room) change(id ticket.ID, what store.AlertAction, alter func(*store.Alert)) {
	r.t.Helper()
	list, err := r.store.Alerts(r.t.Context(), store.AlertFilter{IDs: []ticket.ID{id}})
	if err != nil || len(list) != 1 {
		r.t.Fatalf("%d alerts, %v", len(list), err)
	}
	next := list[0]
	next.Version++
	alter(&next)
	storetest.Must(r.t, r.store, store.Change{AlertChanges: []store.AlertChange{{Was: list[0], Alert: next, Entry: store.AlertEntry{At: r.now, By: "duty", What: what, Post: next.Post}}}})
}

func (r *room) ack(id ticket.ID) {
	r.change(id, store.AlertAcknowledged, func(a *store.Alert) { a.AckedBy, a.AckedAt, a.Look = "duty", r.now, time.Time{} })
}

func (r *room) history(id ticket.ID) []string {
	r.t.Helper()
	log, err := r.store.AlertLog(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	var lines []string
	for _, e := range log {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.At.In(r.live.Get().Zone).Format("15:04"), e.What, e.Post, e.Person)))
	}
	return lines
}

const (
	street = "s-371302105"
	head   = street + ".head"
	desk   = street + ".handler"
)

// A red alert nobody acknowledges goes to the head after 15 minutes, to the officer after 30, to supervision
// after 60, once each; then it waits for somebody to take it.
func TestAnAlertClimbs(t *testing.T) {
	t.Parallel()
	r := open(t)
	a := r.Raise("red", street, "red", desk)
	r.Advance(14 * time.Minute)
	r.wants("before the first rung", []string{"red " + desk + " open"}, store.AlertFilter{})
	r.Advance(3 * time.Hour)
	r.wants("after all rungs", []string{
		"red " + desk + " open", "red/climb/" + head + " " + head + " open", "red/climb/centre.duty centre.duty open", "red/climb/centre.supervision centre.supervision open",
	}, store.AlertFilter{})
	if diff := cmp.Diff([]string{
		"08:37 delivered " + desk, "08:52 climbed " + head, "09:07 climbed centre.duty", "09:37 climbed centre.supervision",
	}, r.history(a.ID)); diff != "" {
		t.Errorf("history: %s", diff)
	}
	if diff := cmp.Diff([]string{"raised " + desk + " ", "climbed " + head + " ", "climbed centre.duty 值班长二席", "climbed centre.supervision 督办三席"}, *r.told); diff != "" {
		t.Errorf("told: %s", diff)
	}
	above, err := r.store.Alerts(t.Context(), store.AlertFilter{Keys: []string{"red/climb/centre.duty"}})
	if err != nil || len(above) != 1 || !strings.Contains(above[0].Text, "30分钟无人确认") || above[0].Unit != "centre" {
		t.Errorf("above: %+v, %v", above, err)
	}
}

func TestAnAcknowledgedAlertClimbsNoFurther(t *testing.T) {
	t.Parallel()
	r := open(t)
	a := r.Raise("red", street, "red", desk)
	r.Advance(20 * time.Minute)
	r.ack(a.ID)
	r.Advance(3 * time.Hour)
	r.wants("in the end", []string{"red " + desk + " acked", "red/climb/" + head + " " + head + " open"}, store.AlertFilter{})
	b := r.Raise("mild", street, "remind", desk)
	r.Advance(24 * time.Hour)
	if h := r.history(b.ID); len(h) != 1 {
		t.Errorf("a reminder climbs: %v", h)
	}
}

// What was put off comes again at its minute, and only then begins to climb.
func TestASnoozeEnds(t *testing.T) {
	t.Parallel()
	r := open(t)
	a := r.Raise("red", street, "red", desk)
	r.Advance(5 * time.Minute)
	until := r.now.Add(30 * time.Minute)
	r.change(a.ID, store.AlertPutOff, func(a *store.Alert) { a.SnoozedAt, a.SnoozedUntil, a.Look = r.now, until, until })
	r.Advance(29 * time.Minute)
	r.wants("asleep", []string{"red " + desk + " snoozed"}, store.AlertFilter{})
	r.Advance(time.Minute)
	r.wants("awake", []string{"red " + desk + " open"}, store.AlertFilter{})
	r.Advance(16 * time.Minute)
	if diff := cmp.Diff([]string{"08:37 delivered " + desk, "08:42 put_off " + desk, "09:12 woke " + desk, "09:27 climbed " + head}, r.history(a.ID)); diff != "" {
		t.Error(diff)
	}
	if (*r.told)[1] != "woke "+desk+" " {
		t.Errorf("told %v", *r.told)
	}
}

// An alert that was handed to a person goes to that person, whoever holds the post.
func TestAHandedOverAlertIsDeliveredAnew(t *testing.T) {
	t.Parallel()
	r := open(t)
	a := r.Raise("red", "centre", "red", "centre.duty")
	r.Advance(time.Minute)
	r.change(a.ID, store.AlertHandedOver, func(a *store.Alert) { a.Person, a.DeliveredAt, a.Look = "督办一席", time.Time{}, r.now })
	r.Advance(time.Minute)
	if diff := cmp.Diff([]string{"raised centre.duty 值班长二席", "handed_over centre.duty 督办一席"}, *r.told); diff != "" {
		t.Error(diff)
	}
}

// An alert that climbed, was taken and then handed to somebody who does not take it climbs anew; posts that have it
// before them still hear of it once.
func TestAHandedOverAlertClimbsAnew(t *testing.T) {
	t.Parallel()
	r := open(t)
	a := r.Raise("T/2/"+desk, street, "red", desk)
	r.Advance(16 * time.Minute)
	list, err := r.store.Alerts(t.Context(), store.AlertFilter{Family: a.ID, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		r.ack(list[i].ID)
	}
	r.now = r.now.Add(time.Minute)
	r.change(a.ID, store.AlertHandedOver, func(a *store.Alert) {
		a.Person, a.DeliveredAt, a.Look, a.Rung, a.AckedBy, a.AckedAt = "张三", time.Time{}, r.now, 0, "", time.Time{}
	})
	r.Advance(2 * time.Hour)
	head2 := fmt.Sprintf("T/2/climb/%s#%d", head, list[len(list)-1].Version+3)
	r.wants("two hours later", []string{
		"T/2/" + desk + " " + desk + " open", "T/2/climb/" + head + " " + head + " acked", head2 + " " + head + " open",
		"T/2/climb/centre.duty centre.duty open", "T/2/climb/centre.supervision centre.supervision open",
	}, store.AlertFilter{})
}

// An alert about a matter that has ended wakes and climbs for nobody.
func TestAnAlertOfAnEndedMatterIsDone(t *testing.T) {
	t.Parallel()
	r := open(t)
	d := storetest.NewMaker().Ticket(t, r.now).Answer(r.now)
	storetest.Must(t, r.store, d.Change())
	a := store.Alert{ID: r.id(), Key: "red", Ticket: d.Ticket.ID, Number: d.Ticket.Number, Unit: street, Level: "red", Post: desk, At: r.now}
	storetest.Must(t, r.store, store.Change{Alerts: []store.Alert{a}})
	r.Advance(time.Hour)
	r.wants("in the end", []string{"red " + desk + " done"}, store.AlertFilter{})
}

func (r *room) override(post, from, to, who string) store.Override {
	r.t.Helper()
	at := func(s string) time.Time {
		moment, err := time.ParseInLocation("2006-01-02 15:04", s, r.live.Get().Zone)
		if err != nil {
			r.t.Fatal(err)
		}
		return moment
	}
	o := store.Override{ID: r.id(), Post: post, From: at(from), To: at(to), Who: who, Kind: string(duty.KindCover), Author: "duty", At: r.now}
	if who == "" {
		o.Kind = string(duty.KindAbsent)
	}
	if err := r.store.AddOverrides(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
	return o
}

// A shift that nobody holds is alarmed a day ahead and when it begins, to the officer and to supervision, once
// each; what is meant for it meanwhile goes to the post that stands in.
func TestAnUnattendedShift(t *testing.T) {
	t.Parallel()
	r := open(t)
	waiting := r.Raise("before", "b-paishui", "remind", "b-paishui.handler")
	r.Advance(time.Minute)
	r.override("b-paishui.handler", "2026-07-14 20:00", "2026-07-15 08:00", "")
	r.Advance(11 * time.Hour) // to 19:38
	if n := len(r.lines(store.AlertFilter{Levels: []string{"alarm"}})); n != 0 {
		t.Fatalf("%d alarms more than a day ahead", n)
	}
	r.Advance(time.Hour)
	ahead := r.lines(store.AlertFilter{Levels: []string{"alarm"}})
	var posts []string
	for _, line := range ahead {
		if strings.Contains(line, "/ahead/") && !strings.Contains(line, "/climb/") { // alarms climb like all alerts
			posts = append(posts, strings.Fields(line)[1])
		}
	}
	if diff := cmp.Diff([]string{"b-paishui.head", "centre.duty", "centre.supervision"}, posts); diff != "" {
		t.Errorf("told ahead: %s", diff)
	}
	r.Advance(23*time.Hour + 25*time.Minute) // to 20:03 of the evening
	starts := 0
	for _, line := range r.lines(store.AlertFilter{Levels: []string{"alarm"}}) {
		if strings.Contains(line, "/start/") && !strings.Contains(line, "/climb/") {
			starts++
		}
	}
	if starts != len(posts) {
		t.Errorf("%d alarms at the beginning, want %d", starts, len(posts))
	}
	r.wants("what waited", []string{"before centre.duty open"}, store.AlertFilter{IDs: []ticket.ID{waiting.ID}})
	now := r.Raise("during", "b-paishui", "remind", "b-paishui.handler")
	r.Advance(time.Minute)
	r.wants("what comes meanwhile", []string{"during centre.duty open"}, store.AlertFilter{IDs: []ticket.ID{now.ID}})
	held := r.override("centre.callback", "2026-07-14 21:00", "2026-07-14 22:00", "")
	r.Advance(2 * time.Minute)
	about := func() (open int) {
		for _, line := range r.lines(store.AlertFilter{Unfinished: true}) {
			open += strings.Count(line, "unattended/centre.callback/")
		}
		return open
	}
	if about() == 0 {
		t.Error("nobody hears of the second one")
	}
	if err := r.store.WithdrawOverride(t.Context(), held.ID, "duty", r.now); err != nil {
		t.Fatal(err)
	}
	r.Advance(2 * time.Minute)
	if n := about(); n > 0 {
		t.Errorf("%d alarms about a shift that somebody holds again", n)
	}
	if h := r.history(now.ID); len(h) != 1 || !strings.Contains(h[0], "rerouted centre.duty 值班长") {
		t.Errorf("history: %v", h)
	}
}

// Several relays over one store, and some that die at every write: each alert climbs once per rung.
func TestSeveralRelays(t *testing.T) {
	t.Parallel()
	for name, openStore := range map[string]func(*testing.T) store.Store{
		"sqlite": func(t *testing.T) store.Store { return sqlitetest.Open(t) },
		"postgres": func(t *testing.T) store.Store {
			s, err := postgres.Open(t.Context(), postgres.Options{DSN: server.Database(t), Ring: storetest.Ring(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openOn(t, openStore(t))
			const many = 40
			for i := range many {
				r.Raise(fmt.Sprintf("a%02d", i), street, "red", desk)
			}
			relays := []*relay.Relay{r.relay, r.another(r.store), r.another(r.store), r.another(&dying{Store: r.store})}
			for _, at := range []time.Duration{0, 15 * time.Minute, 15*time.Minute + time.Second, 30 * time.Minute, 31 * time.Minute, 60 * time.Minute, 61 * time.Minute} {
				now := monday.Add(at)
				var all sync.WaitGroup
				for _, w := range relays {
					all.Go(func() {
						for range 8 {
							if _, err := w.RunOnce(t.Context(), now); err != nil && !errors.Is(err, errDied) {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
			}
			count := map[string]int{}
			for _, line := range r.lines(store.AlertFilter{}) {
				_, rung, _ := strings.Cut(strings.Fields(line)[0], "/")
				count[rung]++
			}
			if diff := cmp.Diff(map[string]int{"": many, "climb/s-371302105.head": many, "climb/centre.duty": many, "climb/centre.supervision": many}, count); diff != "" {
				t.Error(diff)
			}
			for _, line := range r.lines(store.AlertFilter{Keys: []string{"a00", "a17"}}) {
				list, err := r.store.Alerts(t.Context(), store.AlertFilter{Keys: []string{strings.Fields(line)[0]}})
				if err != nil || len(r.history(list[0].ID)) != 4 {
					t.Errorf("%s: %v, %v", line, r.history(list[0].ID), err)
				}
			}
			notices, err := r.store.Notices(t.Context(), store.NoticePending, 0, 1000)
			if err != nil || len(notices) != 4*many {
				t.Errorf("%d notices, %v; want one for each delivery", len(notices), err)
			}
		})
	}
}

var errDied = errors.New("the process died")

// dying is a store whose process dies after the commit, before it learns of it, every other time; and before
// it the other times.
type dying struct {
	store.Store
	n int
}

func (d *dying) Commit(ctx context.Context, changes ...store.Change) []error {
	d.n++
	if d.n%2 == 0 {
		d.Store.Commit(ctx, changes...)
	}
	return slices.Repeat([]error{errDied}, len(changes))
}

// Who was alerted of a step from the beginning is not alerted again because a colleague below sleeps, and who is
// alerted because two colleagues sleep hears of it once.
func TestNobodyIsToldTwice(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.Raise("step/7/"+desk, street, "red", desk)
	r.Raise("step/7/centre.duty", "centre", "red", "centre.duty")
	r.Advance(3 * time.Hour)
	var got []string
	for _, line := range r.lines(store.AlertFilter{}) {
		if key, _, _ := strings.Cut(line, " "); strings.Contains(key, "/climb/") {
			got = append(got, line)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"step/7/climb/centre.head centre.head open", "step/7/climb/centre.supervision centre.supervision open", "step/7/climb/" + head + " " + head + " open",
	}, got); diff != "" {
		t.Error(diff)
	}
}
