package tracker_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

var (
	linyi = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })
	// monday is 08:37 of an ordinary Monday in Linyi.
	monday = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)
)

// watch is a desk's deadline board: tickets on a real store, and a tracker told the time.
type watch struct {
	t       *testing.T
	store   *sqlite.Store
	writer  store.Writer
	city    *city.City
	tracker *tracker.Tracker
	now     time.Time
}

func open(t *testing.T) *watch {
	t.Helper()
	w := &watch{t: t, store: sqlitetest.Open(t), now: monday, city: linyiCity(t)}
	w.writer, w.tracker = w.store, w.another()
	return w
}

func linyiCity(t *testing.T) *city.City {
	t.Helper()
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	return &city.City{
		Hash: p.Hash, Prefix: "LY", Zone: p.City.Location, Rules: p.Ruleset,
		Policies: p.PolicySet, DefaultPolicy: p.City.DefaultPolicy, DutyUnit: p.DutyUnit(), Say: p.Text,
	}
}

// another makes one more tracker over the same store.
func (w *watch) another() *tracker.Tracker {
	return tracker.New(tracker.Options{Store: w.store, Live: city.NewLive(w.city), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Batch: 8})
}

// Dispatched registers a ticket under a policy and gives it to a unit.
func (w *watch) Dispatched(n int, policy, unit string, historic bool, received time.Time) ticket.ID {
	w.t.Helper()
	id, err := ticket.NewID(w.now, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	t, first, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Details: ticket.Details{Registration: &ticket.Registration{
			Number: ticket.FormatNumber("LY", w.now, n), Channel: "c", Key: strconv.Itoa(n), Kind: ticket.KindCase, Source: ticket.SourceCitizen,
			Type: ticket.TypeHelp, Urgency: ticket.UrgencyNormal, Policy: w.city.PolicyKey(policy, w.now), Historic: historic, ReceivedAt: received,
		}},
		Private: &ticket.Private{Title: "积水"},
	}, w.now, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	second, err := t.Do(ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: unit}}, w.now, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	change := w.city.Change(0, t, []ticket.Event{first, second}, w.now)
	if err := w.writer.Commit(w.t.Context(), store.Change{Tickets: []store.TicketChange{change}})[0]; err != nil {
		w.t.Fatal(err)
	}
	return id
}

// Handed gives a ticket's assignment to another unit, by withdrawing it and dispatching anew.
func (w *watch) Handed(id ticket.ID, unit string) {
	w.t.Helper()
	item, err := w.store.Ticket(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	history, err := w.store.History(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	t := item.Ticket
	for _, cmd := range []ticket.Command{
		{Action: ticket.Withdraw, Cause: ticket.Cause{Reason: "wrong_unit"}, Details: ticket.Details{Assignment: 1}},
		{Action: ticket.Dispatch, Details: ticket.Details{Unit: unit}},
	} {
		e, err := t.Do(cmd, w.now, rand.Reader)
		if err != nil {
			w.t.Fatal(err)
		}
		history = append(history, e)
	}
	if err := w.store.Commit(w.t.Context(), store.Change{Tickets: []store.TicketChange{w.city.Change(item.Version, t, history, w.now)}})[0]; err != nil {
		w.t.Fatal(err)
	}
}

// Advance lets time pass and the tracker work off what has fallen due.
func (w *watch) Advance(d time.Duration) *watch {
	w.t.Helper()
	w.now = w.now.Add(d)
	for {
		r, err := w.tracker.RunOnce(w.t.Context(), w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Steps == 0 && !r.More {
			return w
		}
	}
}

// steps counts the recorded steps of a ticket by clock and id.
func (w *watch) steps(id ticket.ID) map[string]int {
	w.t.Helper()
	history, err := w.store.History(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ticket.VerifyChain(history); err != nil {
		w.t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range history {
		if e.Action == ticket.Escalate {
			count[fmt.Sprintf("%s/%d/%s", e.Details.Clock, e.Details.Assignment, e.Details.Step)]++
		}
	}
	return count
}

// Escalated checks the highest level a ticket has reached.
func (w *watch) Escalated(id ticket.ID, level string) {
	w.t.Helper()
	item, err := w.store.Ticket(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if item.Level != level {
		w.t.Fatalf("the ticket has reached %q, want %q; steps %v", item.Level, level, w.steps(id))
	}
}

func (w *watch) pending() int {
	w.t.Helper()
	counts, err := w.store.Counts(w.t.Context(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return int(counts.NoticesPending)
}

func TestALadderIsClimbedStepByStep(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.Dispatched(1, "flood", "s-371302105", false, w.now)
	w.Advance(time.Minute).Escalated(id, "")
	w.Advance(3 * time.Hour)
	item, err := w.store.Ticket(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if item.Level == "" || item.Level == "remind" {
		t.Errorf("three hours after a flood nobody signed for, the level is %q; steps %v", item.Level, w.steps(id))
	}
	if w.pending() == 0 {
		t.Error("nobody was told")
	}
	alerts, err := w.store.Alerts(t.Context(), store.AlertFilter{Open: true})
	if err != nil || len(alerts) == 0 {
		t.Errorf("%d alerts on duty, %v", len(alerts), err)
	}
	before := w.steps(id)
	w.Advance(0)
	for step, n := range w.steps(id) {
		if n != 1 || before[step] != 1 {
			t.Errorf("step %s stands %d times", step, n)
		}
	}
}

func TestFourTrackersOverOneStoreFireEachStepOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ids []ticket.ID
	for n := range 40 {
		ids = append(ids, w.Dispatched(n+1, "flood", "s-371302105", false, w.now))
	}
	w.now = w.now.Add(48 * time.Hour)
	var wg sync.WaitGroup
	for range 4 {
		tr := w.another()
		wg.Go(func() {
			for range 60 {
				if r, err := tr.RunOnce(context.Background(), w.now); err != nil || r.Tickets == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	wg.Wait()
	w.Advance(0)
	want := w.steps(ids[0])
	if len(want) == 0 {
		t.Fatal("no step fired")
	}
	for _, id := range ids {
		for step, n := range w.steps(id) {
			if n != 1 || want[step] != 1 {
				t.Errorf("ticket %s: step %s stands %d times", id, step, n)
			}
		}
	}
}

func TestStepsBeforeAnImportAreRecordedAndTellNobody(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.Dispatched(1, "general", "s-371302105", true, time.Date(2018, 3, 5, 2, 0, 0, 0, time.UTC))
	w.Advance(time.Minute)
	if len(w.steps(id)) == 0 || w.pending() != 0 {
		t.Fatalf("steps %v, %d notices", w.steps(id), w.pending())
	}
	history, err := w.store.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range history {
		if e.Action == ticket.Escalate && !e.Details.Imported {
			t.Errorf("step %s of 2018 is not marked as before the import", e.Details.Step)
		}
	}
}

// torn is a store that cannot read some tickets.
type torn struct {
	*sqlite.Store
	ids map[ticket.ID]bool
}

func (s torn) Ticket(ctx context.Context, id ticket.ID) (store.Item, error) {
	if s.ids[id] {
		return store.Item{}, fmt.Errorf("ticket %s is damaged", id)
	}
	return s.Store.Ticket(ctx, id)
}

func (s torn) Watch(ctx context.Context, ids []ticket.ID) ([]store.Watched, error) {
	for _, id := range ids {
		if s.ids[id] {
			return nil, fmt.Errorf("ticket %s is damaged", id)
		}
	}
	return s.Store.Watch(ctx, ids)
}

func TestTicketsThatCannotBeReadDoNotHoldUpTheRest(t *testing.T) {
	t.Parallel()
	w := open(t)
	s := torn{w.store, map[ticket.ID]bool{}}
	for n := range 20 {
		s.ids[w.Dispatched(n+1, "flood", "s-371302105", false, w.now)] = true
	}
	w.now = w.now.Add(time.Second)
	good := w.Dispatched(21, "flood", "s-371302105", false, w.now)
	w.now = w.now.Add(3 * time.Hour)
	tr := tracker.New(tracker.Options{Store: s, Live: city.NewLive(w.city), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Batch: 8})
	for range 4 {
		if _, err := tr.RunOnce(t.Context(), w.now); err == nil {
			t.Error("nobody hears of the tickets that cannot be read")
		}
	}
	if len(w.steps(good)) == 0 {
		t.Error("the readable ticket was never looked at")
	}
}

func TestAPolicyThatIsGoneLeavesTheDeadline(t *testing.T) {
	t.Parallel()
	w := open(t)
	id := w.Dispatched(1, "flood", "s-371302105", false, w.now)
	item, err := w.store.Ticket(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	history, err := w.store.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"flood@99", "no-such@1"} {
		item.Policy = key
		if change := w.city.Change(item.Version, item.Ticket, history, w.now); change.Look.IsZero() || change.Due.IsZero() {
			t.Errorf("under %s the ticket is looked at %v and due %v", key, change.Look, change.Due)
		}
	}
}

func TestAnIdleLookFindsNothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.Dispatched(1, "general", "s-371302105", false, w.now)
	r, err := w.tracker.RunOnce(t.Context(), w.now)
	if err != nil || r != (tracker.Result{}) {
		t.Errorf("an idle run did %+v, %v", r, err)
	}
}

// The citizen's clock and the unit's run to the same deadline when the ticket is dispatched the day it came: both
// have their cards on record, and each post hears once. Given to another unit a day later, it hears of both.
func TestNobodyIsToldTwiceOfOneDeadline(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.Dispatched(1, "flood", "s-371302105", false, w.now)
	later := w.Dispatched(2, "flood", "s-371302105", false, w.now)
	w.now = w.now.Add(5 * time.Minute)
	w.Handed(later, "b-paishui")
	w.Advance(3 * time.Hour)
	alerts, err := w.store.Alerts(t.Context(), store.AlertFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	heard := map[string]int{} // number and post → red cards of the resolve clock
	for _, a := range alerts {
		if a.Level == "red" && strings.Contains(a.Text, sla.ClockResolve.Title()) {
			heard[a.Number[len(a.Number)-2:len(a.Number)-1]+" "+a.Post]++
		}
	}
	want := map[string]int{
		"1 centre.duty": 1, "1 s-371302105.handler": 1, "1 s-371302105.deputy": 1, "1 s-371302105.head": 1,
		"2 centre.duty": 2, "2 b-paishui.handler": 2, "2 b-paishui.deputy": 2, "2 b-paishui.head": 2,
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("red cards heard: %s", diff)
	}
}
