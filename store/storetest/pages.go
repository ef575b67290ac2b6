package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var pageTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"a group's pages":                       groupLife,
	"what a page leaves out":                leftOut,
	"a page is formed once":                 formRace,
	"a page's failures":                     pageFailures,
	"what still stands is told again":       standing,
	"a withheld notice never leaves":        withheld,
	"the rate of a destination":             rates,
	"silences and what they held back":      silences,
	"what is undelivered, by kind and goal": undelivered,
	"whether an alert was acknowledged":     alertAcked,
}

const kindPage = "page"

func pendingPage(key, group string, due time.Time) store.Notice {
	return store.Notice{
		Key: key, Kind: kindPage, Target: "ops", Group: group, Why: "general@1/resolve/red", Body: []byte(`{"number":"LY1"}`), Due: due, Created: Day,
	}
}

func put(t *testing.T, s store.Store, list ...store.Notice) {
	t.Helper()
	Must(t, s, store.Change{Outbox: list})
}

func nextGroup(t *testing.T, s store.Store, now time.Time) (store.Group, bool) {
	t.Helper()
	g, ok, err := s.NextGroup(t.Context(), kindPage, now)
	if err != nil {
		t.Fatal(err)
	}
	return g, ok
}

// formed makes the next page of a group of everything that waits in it.
func formed(t *testing.T, s store.Store, g store.Group, now time.Time, left ...store.LeftOut) bool {
	t.Helper()
	list, err := s.Waiting(t.Context(), g.Key, 1000)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d wait in %s, %v", len(list), g.Key, err)
	}
	ok, err := s.FormPage(t.Context(), store.NewPage{
		Group: g.Key, Target: "ops", Kind: kindPage, Seq: g.Last + 1, Through: list[len(list)-1].ID, At: now, Left: left,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func claimPages(t *testing.T, s store.Store, now time.Time) []store.NoticePage {
	t.Helper()
	list, err := s.ClaimPages(t.Context(), kindPage, now, time.Minute, 10)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func settle(t *testing.T, s store.Store, r store.PageResult) {
	t.Helper()
	if err := s.SettlePage(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func inState(t *testing.T, s store.Store, state store.NoticeState) []string {
	t.Helper()
	list, err := s.Notices(t.Context(), state, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, n := range slices.Backward(list) {
		keys = append(keys, n.Key)
	}
	return keys
}

func groupLife(t *testing.T, open func(*testing.T) store.Store) {
	s, due := open(t), Day.Add(30*time.Second)
	put(t, s, pendingPage("a1", "r/ops/u1/red/", due), pendingPage("b1", "r/ops/u2/red/", due.Add(time.Second)), pendingPage("a2", "r/ops/u1/red/", due.Add(20*time.Second)))
	if got := claim(t, s, Day.AddDate(1, 0, 0)); len(got) != 0 {
		t.Fatalf("notices that wait for a page were claimed one by one: %+v", got)
	}
	if _, ok := nextGroup(t, s, Day); ok {
		t.Fatal("a group was due before its first notice")
	}
	g, ok := nextGroup(t, s, due)
	same(t, "the group that is due", store.Group{Key: "r/ops/u1/red/"}, g)
	if !ok || !formed(t, s, g, due) {
		t.Fatal("no page was formed")
	}
	pages := claimPages(t, s, due)
	same(t, "the page", []store.NoticePage{{
		ID: pages[0].ID, Group: g.Key, Seq: 1, Target: "ops", Kind: kindPage, State: store.NoticePending, Count: 2, Attempts: 1,
		Next: due.Add(time.Minute), Created: due,
	}}, pages)
	list, before, err := s.PageNotices(t.Context(), pages[0], 10)
	if err != nil || len(list) != 2 || list[1].Key != "a2" || before != 0 || list[0].Why != "general@1/resolve/red" || string(list[0].Body) != `{"number":"LY1"}` {
		t.Fatalf("in the page: %+v, %d before it, %v", list, before, err)
	}
	// While it is under way the group has no other page; who died with it loses it.
	put(t, s, pendingPage("a3", g.Key, due))
	if g, _ = nextGroup(t, s, due); !g.Open || g.Last != 1 {
		t.Errorf("the group says %+v", g)
	}
	if err := s.HoldGroup(t.Context(), g.Key, due.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if g, ok = nextGroup(t, s, due.Add(time.Minute)); !ok || g.Key != "r/ops/u2/red/" {
		t.Errorf("after it was held the next group is %+v", g)
	}
	if got := claimPages(t, s, due.Add(59*time.Second)); len(got) != 0 {
		t.Fatalf("a leased page was claimed: %+v", got)
	}
	if err := s.RenewPages(t.Context(), []int64{pages[0].ID}, due.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := claimPages(t, s, due.Add(time.Minute)); len(got) != 0 {
		t.Fatalf("a renewed page was claimed: %+v", got)
	}
	if again := claimPages(t, s, due.Add(2*time.Minute)); len(again) != 1 || again[0].Attempts != 2 || again[0].Count != 2 {
		t.Fatalf("after the lease: %+v", again)
	}
	settle(t, s, store.PageResult{ID: pages[0].ID, State: store.NoticeDelivered, At: due, Again: due.Add(5 * time.Minute)})
	settle(t, s, store.PageResult{ID: pages[0].ID, State: store.NoticeDead, At: due}) // a late word of who had it before
	same(t, "delivered", []string{"a1", "a2"}, inState(t, s, store.NoticeDelivered))
	if g, _, err = s.NextGroup(t.Context(), "other", due.Add(2*time.Hour)); err != nil || g.Key != "" {
		t.Errorf("a group of another kind: %+v", g)
	}
	if err := s.HoldGroup(t.Context(), "r/ops/u2/red/", Day.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	g, _ = nextGroup(t, s, due.Add(2*time.Hour))
	same(t, "the group afterwards", store.Group{Key: "r/ops/u1/red/", Last: 1, Again: due.Add(5 * time.Minute)}, g)
}

func leftOut(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	put(t, s, pendingPage("n1", "g", Day), pendingPage("n2", "g", Day), pendingPage("n3", "g", Day))
	list, err := s.Waiting(t.Context(), "g", 10)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d wait, %v", len(list), err)
	}
	g, _ := nextGroup(t, s, Day)
	left := []store.LeftOut{
		{ID: list[0].ID, State: store.NoticeDropped, Error: "已办结"},
		{ID: list[1].ID, State: store.NoticeSilenced, Silence: 7, Until: Day.Add(time.Hour)},
	}
	if !formed(t, s, g, Day, left...) {
		t.Fatal("no page of the third")
	}
	if got := claimPages(t, s, Day); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("the page: %+v", got)
	}
	same(t, "dropped", []string{"n1"}, inState(t, s, store.NoticeDropped))
	same(t, "silenced", []string{"n2"}, inState(t, s, store.NoticeSilenced))

	put(t, s, pendingPage("n4", "h", Day))
	four, err := s.Waiting(t.Context(), "h", 10)
	if err != nil {
		t.Fatal(err)
	}
	if formed(t, s, store.Group{Key: "h"}, Day, store.LeftOut{ID: four[0].ID, State: store.NoticeDropped}) {
		t.Error("a page of nothing was formed")
	}
	if _, ok := nextGroup(t, s, Day.Add(time.Hour)); ok {
		t.Error("what was left out is due again")
	}
	if pages, err := s.PageList(t.Context(), store.NoticePending, 0, 10); err != nil || len(pages) != 1 {
		t.Errorf("pending pages: %+v, %v", pages, err)
	}
}

// formRace: gateways that form pages of the same groups at once tell every notice in exactly one page.
func formRace(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	const groups, each = 6, 15
	for n := range each {
		var list []store.Notice
		for g := range groups {
			list = append(list, pendingPage(fmt.Sprintf("n%d-%d", g, n), fmt.Sprintf("g%d", g), Day))
		}
		put(t, s, list...)
	}
	var mu sync.Mutex
	made := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				g, ok, err := s.NextGroup(t.Context(), kindPage, Day)
				if err != nil {
					t.Error(err)
				}
				if !ok {
					return
				}
				list, err := s.Waiting(t.Context(), g.Key, 1000)
				if err != nil {
					t.Error(err)
				}
				if len(list) == 0 {
					continue
				}
				formed, err := s.FormPage(t.Context(), store.NewPage{
					Group: g.Key, Target: "ops", Kind: kindPage, Seq: g.Last + 1, Through: list[len(list)-1].ID, At: Day,
				})
				if err != nil {
					t.Error(err)
				}
				if formed {
					mu.Lock()
					made[g.Key]++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	total := 0
	for _, p := range claimPages(t, s, Day) {
		total += p.Count
		if p.Count != each || made[p.Group] != 1 {
			t.Errorf("group %s: %d pages, this one of %d notices", p.Group, made[p.Group], p.Count)
		}
	}
	if total != groups*each {
		t.Errorf("%d of %d notices are in pages", total, groups*each)
	}
}

func pageFailures(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	put(t, s, pendingPage("n1", "g", Day))
	g, _ := nextGroup(t, s, Day)
	formed(t, s, g, Day)
	p := claimPages(t, s, Day)[0]
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticePending, Next: Day.Add(time.Minute), Error: "busy", At: Day})
	if got := claimPages(t, s, Day.Add(59*time.Second)); len(got) != 0 {
		t.Fatal("claimed before its next try")
	}
	if got := claimPages(t, s, Day.Add(time.Minute)); len(got) != 1 || got[0].Attempts != 2 || got[0].Error != "busy" {
		t.Fatalf("the next try: %+v", got)
	}
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticePending, Next: Day.Add(2 * time.Minute), Uncounted: true, At: Day})
	if got := claimPages(t, s, Day.Add(2*time.Minute)); len(got) != 1 || got[0].Attempts != 2 {
		t.Fatalf("a try that was none counts: %+v", got)
	}
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticeDead, Error: "refused", At: Day, Again: Day})
	dead, err := s.Notices(t.Context(), store.NoticeDead, 0, 10)
	if err != nil || len(dead) != 1 || dead[0].Error != "refused" || dead[0].Page != p.ID {
		t.Fatalf("the dead: %+v, %v", dead, err)
	}
	if n, err := s.Redrive(t.Context(), []int64{dead[0].ID}, Day.Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("%d driven again, %v", n, err)
	}
	g, ok := nextGroup(t, s, Day.Add(time.Hour))
	if !ok || g.Last != 1 || g.Open {
		t.Fatalf("a notice driven again waits in %+v", g)
	}
	formed(t, s, g, Day.Add(time.Hour))
	if got := claimPages(t, s, Day.Add(time.Hour)); len(got) != 1 || got[0].Seq != 2 {
		t.Errorf("its page: %+v", got)
	}
}

func standing(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	put(t, s, pendingPage("n1", "g", Day), pendingPage("n2", "g", Day), pendingPage("n3", "g", Day))
	g, _ := nextGroup(t, s, Day)
	formed(t, s, g, Day)
	p, at := claimPages(t, s, Day)[0], Day.Add(4*time.Hour)
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticeDelivered, At: Day, Again: Day.Add(time.Minute), Repeat: at})
	if list, err := s.Repeats(t.Context(), at.Add(-time.Second), 10); err != nil || len(list) != 0 {
		t.Fatalf("looked at too early: %+v, %v", list, err)
	}
	list, err := s.Repeats(t.Context(), at, 10)
	if err != nil || len(list) != 3 || !list[0].Repeat.Equal(at) {
		t.Fatalf("to look at: %+v, %v", list, err)
	}
	looks := []store.Standing{
		{ID: list[0].ID, Was: at, Tell: true, Due: at.Add(30 * time.Second)},
		{ID: list[1].ID, Was: at}, // over, and nobody is told
	}
	for range 2 { // two gateways looked; the second changes nothing
		if err := s.SettleStanding(t.Context(), looks); err != nil {
			t.Fatal(err)
		}
	}
	again, err := s.Waiting(t.Context(), "g", 10)
	if err != nil || len(again) != 1 || again[0].Key != "n1" || again[0].Done.IsZero() {
		t.Fatalf("waiting again: %+v, %v", again, err)
	}
	formed(t, s, store.Group{Key: "g", Last: 1}, at.Add(30*time.Second))
	p = claimPages(t, s, at.Add(30*time.Second))[0]
	if _, before, err := s.PageNotices(t.Context(), p, 10); err != nil || before != 1 {
		t.Errorf("%d of the group stand besides, want n3 alone; %v", before, err)
	}
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticeDelivered, At: at, Again: at, Repeat: at.Add(time.Hour)})
	// Its reason is over and that is told: it is told for the last time.
	list, err = s.Repeats(t.Context(), at.Add(time.Hour), 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("to look at: %+v, %v", list, err)
	}
	for _, n := range list {
		if err := s.SettleStanding(t.Context(), []store.Standing{{ID: n.ID, Was: n.Repeat, Tell: true, Over: true, Due: n.Repeat}}); err != nil {
			t.Fatal(err)
		}
	}
	formed(t, s, store.Group{Key: "g", Last: 2}, at.Add(time.Hour))
	p = claimPages(t, s, at.Add(time.Hour))[0]
	if list, before, err := s.PageNotices(t.Context(), p, 10); err != nil || before != 0 || len(list) != 2 || !list[0].Over {
		t.Errorf("the last page: %+v, %d besides, %v", list, before, err)
	}
	settle(t, s, store.PageResult{ID: p.ID, State: store.NoticeDelivered, At: at, Again: at, Repeat: at.Add(2 * time.Hour)})
	if list, err := s.Repeats(t.Context(), at.AddDate(1, 0, 0), 10); err != nil || len(list) != 0 {
		t.Errorf("what is over is looked at again: %+v, %v", list, err)
	}
}

func withheld(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	one, two := notice("n1", Day), pendingPage("n2", "g", Day)
	one.Withheld, two.Withheld = true, true
	put(t, s, one, two)
	if got := claim(t, s, Day.AddDate(1, 0, 0)); len(got) != 0 {
		t.Errorf("claimed: %+v", got)
	}
	if g, ok := nextGroup(t, s, Day.AddDate(1, 0, 0)); ok {
		t.Errorf("due: %+v", g)
	}
	same(t, "on record", []string{"n1", "n2"}, inState(t, s, store.NoticeWithheld))
	list, err := s.Notices(t.Context(), store.NoticeWithheld, 0, 10)
	if err != nil || !list[0].Withheld {
		t.Fatalf("listed: %+v, %v", list, err)
	}
	if n, err := s.Redrive(t.Context(), []int64{list[0].ID, list[1].ID}, Day); err != nil || n != 0 {
		t.Errorf("%d were driven, %v", n, err)
	}
}

// rates: of all who ask together none gets more than the rate within any minute.
func rates(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	var mu sync.Mutex
	var taken []time.Time
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for second := range 180 {
				now := Day.Add(time.Duration(second) * time.Second)
				at, ok, err := s.TakeTurn(t.Context(), "ops", 20, now, false)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					mu.Lock()
					taken = append(taken, now)
					mu.Unlock()
				} else if !at.After(now) {
					t.Errorf("refused at %s, and again free at %s", now, at)
				}
			}
		})
	}
	all.Wait()
	for _, from := range taken {
		n := 0
		for _, at := range taken {
			if !at.Before(from) && at.Before(from.Add(time.Minute)) {
				n++
			}
		}
		if n > 20 {
			t.Fatalf("%d messages within a minute of %s", n, from)
		}
	}
	if len(taken) < 40 {
		t.Errorf("%d messages in three minutes: the rate is not used", len(taken))
	}
	if _, ok, err := s.TakeTurn(t.Context(), "ops", 1, Day.Add(179*time.Second), true); err != nil || !ok {
		t.Errorf("an emergency was refused: %v", err)
	}
	if _, ok, _ := s.TakeTurn(t.Context(), "other", 1, Day, false); !ok {
		t.Error("another destination waits for this one")
	}
	turn := func(what string, now time.Time, force, want bool) {
		t.Helper()
		if _, ok, err := s.TakeTurn(t.Context(), "ahead", 20, now, force); err != nil || ok != want {
			t.Errorf("%s: %v, %v; want %v", what, ok, err, want)
		}
	}
	turn("by a clock a day ahead", Day.AddDate(0, 0, 1), false, true)
	turn("by the right one again", Day, false, true)
	turn("by one set back an hour", Day.Add(-time.Hour), false, true)
	for range 100 {
		turn("an emergency of many", Day.Add(-time.Hour), true, true)
	}
	turn("right after them", Day.Add(-time.Hour), false, false)
	turn("two minutes later", Day.Add(-58*time.Minute), false, true)
}

func silences(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	v := store.Silence{Author: "duty1", Reason: "系统割接", Unit: "b-zhujian", Level: "yellow", Destination: "ops", Clock: "sign", Created: Day, Until: Day.Add(2 * time.Hour)}
	id, err := s.AddSilence(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	v.ID = id
	put(t, s, pendingPage("n1", "g", Day))
	list, err := s.Waiting(ctx, "g", 1)
	if err != nil {
		t.Fatal(err)
	}
	formed(t, s, store.Group{Key: "g"}, Day, store.LeftOut{ID: list[0].ID, State: store.NoticeSilenced, Silence: id, Until: v.Until})
	// All of the page was left out, so its transaction made nothing; the notice is on the silence's list all the same.
	v.Held = 1
	got, err := s.Silences(ctx, Day, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "in force", []store.Silence{v}, got)
	if got, err := s.Silences(ctx, v.Until, 10); err != nil || len(got) != 0 {
		t.Errorf("in force at its end: %+v, %v", got, err)
	}
	held, err := s.Silenced(ctx, id, 0, 10)
	if err != nil || len(held) != 1 || held[0].Key != "n1" || held[0].Silence != id {
		t.Fatalf("held back: %+v, %v", held, err)
	}
	if list, err := s.Repeats(ctx, Day.Add(time.Hour), 10); err != nil || len(list) != 0 {
		t.Errorf("looked at during the silence: %+v, %v", list, err)
	}
	if err := s.EndSilence(ctx, id, "duty2", Day.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Repeats(ctx, Day.Add(time.Hour), 10); err != nil || len(list) != 1 {
		t.Errorf("what an ended silence held back is not looked at again: %+v, %v", list, err)
	}
	kind(t, "ended twice", s.EndSilence(ctx, id, "duty2", Day.Add(time.Hour)), ticket.Conflict, "store.conflict.silence")
	kind(t, "unknown", s.EndSilence(ctx, 99, "duty2", Day), ticket.NotFound, "")
	v.EndedBy, v.EndedAt = "duty2", Day.Add(time.Hour)
	got, err = s.Silences(ctx, time.Time{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "all", []store.Silence{v}, got)
}

func undelivered(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	later := pendingPage("p9", "h", Day.Add(time.Hour))
	put(t, s, notice("c1", Day), notice("c2", Day.Add(time.Minute)), pendingPage("p1", "g", Day), pendingPage("p2", "g", Day.Add(time.Second)), later)
	got := func(now time.Time) []store.Undelivered {
		t.Helper()
		list, err := s.Undelivered(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	same(t, "at first", []store.Undelivered{{Kind: "citizen", Target: "wechat", Count: 1, Oldest: Day}, {Kind: kindPage, Target: "ops", Count: 1, Oldest: Day}}, got(Day))
	g, _ := nextGroup(t, s, Day)
	formed(t, s, g, Day.Add(2*time.Second))
	same(t, "as a page", []store.Undelivered{{Kind: "citizen", Target: "wechat", Count: 2, Oldest: Day}, {Kind: kindPage, Target: "ops", Count: 2, Oldest: Day.Add(2 * time.Second)}}, got(Day.Add(time.Minute)))
	counts, err := s.Counts(t.Context(), Day)
	if err != nil || counts.NoticesPending != 5 {
		t.Errorf("%d notices count as pending, want all 5; %v", counts.NoticesPending, err)
	}
}

func alertAcked(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	a := store.Alert{ID: m.ID(t, Day), Key: "t1/2/duty", Level: "red", Post: "duty", At: Day}
	Must(t, s, store.Change{Alerts: []store.Alert{a}})
	other := store.Alert{ID: m.ID(t, Day), Key: "t1/22/duty", Level: "red", Post: "duty", At: Day}
	Must(t, s, store.Change{Alerts: []store.Alert{other}})
	acked := func(key string) bool {
		t.Helper()
		yes, err := s.AlertAcked(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	before := acked(a.Key)
	kept, err := s.Alerts(t.Context(), store.AlertFilter{IDs: []ticket.ID{a.ID}, Limit: 1})
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	next := kept[0]
	next.Version, next.AckedBy, next.AckedAt = next.Version+1, "duty1", Day
	Must(t, s, store.Change{AlertChanges: []store.AlertChange{{
		Was: kept[0], Alert: next, Entry: store.AlertEntry{Alert: a.ID, At: Day, By: "duty1", What: store.AlertAcknowledged, Post: a.Post},
	}}})
	if diff := cmp.Diff([]bool{false, true, true, false, false}, []bool{before, acked(a.Key), acked("t1/2"), acked(other.Key), acked("t1/22")}); diff != "" {
		t.Error(diff)
	}
}
