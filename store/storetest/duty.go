package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var dutyTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"an alert's life is kept with its history":    alertLife,
	"an alert climbs once":                        alertClimbs,
	"alerts are narrowed and counted":             alertLists,
	"overrides of a post never overlap":           overrides,
	"of many who arrange the same shift, one may": overrideRace,
	"a swap is kept whole or not at all":          swaps,
	"tickets are counted as they are listed":      ticketCounts,
}

// acknowledged is the change by which somebody acknowledges an alert.
func acknowledged(a store.Alert, by string, at time.Time) store.AlertChange {
	c := changed(a, store.AlertEntry{At: at, By: by, What: store.AlertAcknowledged})
	c.Alert.AckedBy, c.Alert.AckedAt, c.Alert.Look = by, at, time.Time{}
	return c
}

func changed(a store.Alert, e store.AlertEntry) store.AlertChange {
	e.Alert, e.Post = a.ID, a.Post
	c := store.AlertChange{Was: a, Alert: a, Entry: e}
	c.Alert.Version++
	return c
}

// raise keeps new alerts and gives them as the store has them.
func raise(t *testing.T, s store.Store, list ...store.Alert) []store.Alert {
	t.Helper()
	Must(t, s, store.Change{Alerts: list})
	for i := range list {
		list[i].Version = 1
		if list[i].Look.IsZero() {
			list[i].Look = list[i].At
		}
	}
	return list
}

func alertsOf(t *testing.T, s store.Store, f store.AlertFilter) []store.Alert {
	t.Helper()
	got, err := s.Alerts(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func alertLife(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	a := raise(t, s, store.Alert{ID: m.ID(t, Day), Key: "k", Unit: "住建局", Level: "yellow", Post: "zj.handler", Text: "黄牌", At: Day})[0]
	delivered := changed(a, store.AlertEntry{At: Day, What: store.AlertDelivered, Person: "甲"})
	delivered.Alert.DeliveredTo, delivered.Alert.DeliveredAt, delivered.Alert.Look = "甲", Day, Day.Add(time.Hour)
	snoozed := changed(delivered.Alert, store.AlertEntry{At: Day.Add(time.Minute), By: "duty1", What: store.AlertPutOff, Until: Day.Add(time.Hour), Reason: "与张工13900001111约好十点"})
	snoozed.Alert.SnoozedAt, snoozed.Alert.SnoozedUntil = Day.Add(time.Minute), Day.Add(time.Hour)
	handed := changed(snoozed.Alert, store.AlertEntry{At: Day.Add(2 * time.Minute), By: "duty1", What: store.AlertHandedOver, Person: "李", Reason: "在外处置"})
	handed.Alert.Post, handed.Alert.Unit, handed.Alert.Person, handed.Alert.SnoozedUntil = "zj.head", "住建局二处", "李", time.Time{}
	handed.Entry.Post = "zj.head"
	done := acknowledged(handed.Alert, "李", Day.Add(3*time.Minute))
	done.Alert.DoneBy, done.Alert.DoneAt, done.Entry.What = "李", Day.Add(3*time.Minute), store.AlertFinished
	var want []store.AlertEntry
	for _, c := range []store.AlertChange{delivered, snoozed, handed, done} {
		Must(t, s, store.Change{AlertChanges: []store.AlertChange{c}})
		same(t, string(c.Entry.What), []store.Alert{c.Alert}, alertsOf(t, s, store.AlertFilter{}))
		want = append(want, c.Entry)
	}
	log, err := s.AlertLog(ctx, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "history", want, log)
	kind(t, "a change made from what was", s.Commit(ctx, store.Change{AlertChanges: []store.AlertChange{snoozed}})[0], ticket.Conflict, "store.conflict.alert")
	made := done
	made.Alert.Version += 7
	kind(t, "a version left out", s.Commit(ctx, store.Change{AlertChanges: []store.AlertChange{made}})[0], ticket.Internal, "store.change.alert")
	if log, err := s.AlertLog(ctx, a.ID); err != nil || len(log) != 4 {
		t.Errorf("refused changes left %d lines, %v", len(log), err)
	}

	// Why somebody did something ends with the access log; that they did stays.
	if n, err := s.Sweep(ctx, store.DataAccessLog, Day.Add(90*time.Second), false); err != nil || n != 1 {
		t.Errorf("%d reasons have ended, %v; want that of the snooze", n, err)
	}
	want[1].Reason = ""
	if log, err = s.AlertLog(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	same(t, "history without its oldest reason", want, log)
}

// Several relays see the same alert fall due: one of them lets it climb, and the alert above is there once.
func alertClimbs(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	a := raise(t, s, store.Alert{ID: m.ID(t, Day), Key: "k", Level: "red", Post: "zj.handler", At: Day})[0]
	later := Day.Add(15 * time.Minute)
	climb := func() store.Change {
		c := changed(a, store.AlertEntry{At: later, What: store.AlertClimbed})
		c.Alert.Rung, c.Alert.Look = 1, time.Time{}
		return store.Change{AlertChanges: []store.AlertChange{c}, Alerts: []store.Alert{{
			ID: m.ID(t, later), Key: "k/climb/1", Level: "red", Post: "zj.head", At: later, Root: a.ID,
		}}}
	}
	errs := make([]error, 6)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.Commit(ctx, climb())[0] })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !ticket.IsKind(err, ticket.Conflict) && !ticket.IsKind(err, ticket.Duplicate):
			t.Errorf("a watch that came second: %v", err)
		}
	}
	family := alertsOf(t, s, store.AlertFilter{Family: a.ID})
	if won != 1 || len(family) != 2 {
		t.Errorf("%d relays let it climb, and there are %d alerts; want 1 and 2", won, len(family))
	}
	if log, err := s.AlertLog(ctx, a.ID); err != nil || len(log) != 1 {
		t.Errorf("%d lines of history, %v", len(log), err)
	}
	// Two of the same batch are no more than two of two gateways.
	a = family[1]
	both := s.Commit(ctx, store.Change{AlertChanges: []store.AlertChange{acknowledged(a, "一", later)}}, store.Change{AlertChanges: []store.AlertChange{acknowledged(a, "二", later)}})
	if (both[0] == nil) == (both[1] == nil) {
		t.Errorf("of two who acknowledge together: %v and %v", both[0], both[1])
	}
}

func alertLists(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	secret := m.Ticket(t, Day, func(r *ticket.Registration, _ *ticket.Private) { r.Confidential = true })
	Must(t, s, secret.Change())
	at := func(n int) time.Time { return Day.Add(time.Duration(n) * time.Minute) }
	list := raise(t, s,
		store.Alert{ID: m.ID(t, Day), Key: "1", Unit: "甲局", Level: "red", Post: "a", Region: "1", At: at(1)},
		store.Alert{ID: m.ID(t, Day), Key: "2", Unit: "甲局", Level: "red", Post: "a", Region: "2", At: at(2), Person: "王"},
		store.Alert{ID: m.ID(t, Day), Key: "3", Unit: "乙局", Level: "yellow", Post: "b", Region: "2", At: at(3), Person: "李"},
		store.Alert{ID: m.ID(t, Day), Key: "4", Unit: "乙局", Level: "red", Post: "b", Region: "1", At: at(4), Ticket: secret.Ticket.ID},
		store.Alert{ID: m.ID(t, Day), Key: "5", Unit: "乙局", Level: "red", Post: "b", Region: "3", At: at(5)},
	)
	Must(t, s, store.Change{AlertChanges: []store.AlertChange{acknowledged(list[4], "王", at(6))}})
	asleep := changed(list[0], store.AlertEntry{At: at(6), By: "王", What: store.AlertPutOff})
	asleep.Alert.SnoozedAt, asleep.Alert.SnoozedUntil, asleep.Alert.Look = at(6), at(60), at(60)
	Must(t, s, store.Change{AlertChanges: []store.AlertChange{asleep}})
	for name, tt := range map[string]struct {
		f    store.AlertFilter
		want string
	}{
		"open":                       {store.AlertFilter{Open: true}, "4321"},
		"not done":                   {store.AlertFilter{Unfinished: true}, "54321"},
		"asleep":                     {store.AlertFilter{Snoozed: true}, "1"},
		"handed to somebody":         {store.AlertFilter{HandedOver: true}, "32"},
		"of a region":                {store.AlertFilter{Regions: []string{"2", "3"}}, "532"},
		"of a level":                 {store.AlertFilter{Levels: []string{"yellow"}}, "3"},
		"by key":                     {store.AlertFilter{Keys: []string{"2", "4", "9"}}, "42"},
		"by id":                      {store.AlertFilter{IDs: []ticket.ID{list[2].ID}}, "3"},
		"mine: my post's and my own": {store.AlertFilter{Posts: []string{"a"}, Who: "李"}, "31"},
		"mine without a post":        {store.AlertFilter{Who: "王"}, "2"},
		"to look at":                 {store.AlertFilter{Look: at(3)}, "23"},
		"without confidential ones":  {store.AlertFilter{Open: true, HideConfidential: true}, "321"},
	} {
		var keys []string
		for _, a := range alertsOf(t, s, tt.f) {
			keys = append(keys, a.Key)
		}
		if got := strings.Join(keys, ""); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	groups, err := s.AlertGroups(ctx, store.AlertFilter{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "groups", []store.AlertGroup{
		{Unit: "甲局", Level: "red", Count: 2, Snoozed: 1, Oldest: at(1), Newest: at(2)},
		{Unit: "乙局", Level: "red", Count: 1, Oldest: at(4), Newest: at(4)},
		{Unit: "乙局", Level: "yellow", Count: 1, Oldest: at(3), Newest: at(3)},
	}, groups)
}

func override(id ticket.ID, post string, from, to time.Time, who string) store.Override {
	return store.Override{ID: id, Post: post, From: from, To: to, Who: who, Kind: "override", Reason: "家里有事", Author: "duty1", At: Day}
}

func overrides(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	hour := func(n int) time.Time { return Day.Add(time.Duration(n) * time.Hour) }
	first := override(m.ID(t, Day), "centre.duty", hour(8), hour(12), "王")
	behind := override(m.ID(t, Day), "centre.duty", hour(12), hour(14), "李")
	elsewhere := override(m.ID(t, Day), "centre.desk", hour(8), hour(12), "王")
	for _, o := range []store.Override{first, behind, elsewhere} {
		if err := s.AddOverrides(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range map[string]store.Override{
		"the same time":  override(m.ID(t, Day), "centre.duty", hour(8), hour(12), "张"),
		"within":         override(m.ID(t, Day), "centre.duty", hour(9), hour(10), "张"),
		"around":         override(m.ID(t, Day), "centre.duty", hour(1), hour(20), "张"),
		"the last hour":  override(m.ID(t, Day), "centre.duty", hour(13), hour(20), "张"),
		"the first hour": override(m.ID(t, Day), "centre.duty", hour(1), hour(9), "张"),
	} {
		kind(t, name, s.AddOverrides(ctx, o), ticket.Conflict, "store.conflict.override")
	}
	kind(t, "one good and one bad", s.AddOverrides(ctx, override(m.ID(t, Day), "centre.duty", hour(20), hour(21), "张"), first), ticket.Conflict, "")
	list := func(f store.OverrideFilter) []store.Override {
		t.Helper()
		got, err := s.Overrides(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	same(t, "all", []store.Override{elsewhere, first, behind}, list(store.OverrideFilter{}))
	same(t, "of a post", []store.Override{first, behind}, list(store.OverrideFilter{Posts: []string{"centre.duty"}}))
	same(t, "that touch a time", []store.Override{behind}, list(store.OverrideFilter{Posts: []string{"centre.duty"}, From: hour(12), To: hour(13)}))

	if err := s.WithdrawOverride(ctx, first.ID, "duty2", hour(1)); err != nil {
		t.Fatal(err)
	}
	kind(t, "withdrawn again", s.WithdrawOverride(ctx, first.ID, "duty3", hour(2)), ticket.Conflict, "store.conflict.override")
	kind(t, "one that is not there", s.WithdrawOverride(ctx, m.ID(t, Day), "duty3", hour(2)), ticket.NotFound, "")
	again := override(m.ID(t, Day), "centre.duty", hour(7), hour(11), "张")
	if err := s.AddOverrides(ctx, again); err != nil {
		t.Errorf("after the withdrawal the time is free: %v", err)
	}
	first.WithdrawnBy, first.WithdrawnAt = "duty2", hour(1)
	same(t, "with those withdrawn", []store.Override{again, first, behind}, list(store.OverrideFilter{Posts: []string{"centre.duty"}, Withdrawn: true}))
	if err := s.AddOverrides(ctx, override(m.ID(t, Day), "centre.duty", hour(22), hour(22), "张")); err == nil {
		t.Error("an override of no time at all was kept")
	}
}

func overrideRace(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		// Each overlaps every other by an hour at least, and none is the same as another.
		from := Day.Add(time.Duration(i) * time.Minute)
		o := override(m.ID(t, Day), "centre.duty", from, from.Add(2*time.Hour), fmt.Sprintf("席位%d", i))
		all.Go(func() { errs[i] = s.AddOverrides(ctx, o) })
	}
	all.Wait()
	kept := 0
	for _, err := range errs {
		if err == nil {
			kept++
		} else if !ticket.IsKind(err, ticket.Conflict) {
			t.Errorf("refused by %v", err)
		}
	}
	list, err := s.Overrides(ctx, store.OverrideFilter{})
	if err != nil || kept != 1 || len(list) != 1 {
		t.Errorf("%d were told it is kept, %d are, %v; want 1", kept, len(list), err)
	}
}

func swaps(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	swap := m.ID(t, Day)
	half := func(post string, from int, who string) store.Override {
		o := override(m.ID(t, Day), post, Day.Add(time.Duration(from)*time.Hour), Day.Add(time.Duration(from+8)*time.Hour), who)
		o.Kind, o.Swap = "swap", swap
		return o
	}
	one, other := half("centre.duty", 0, "李"), half("centre.duty", 24, "王")
	if err := s.AddOverrides(ctx, override(m.ID(t, Day), "centre.duty", other.From, other.To, "张")); err != nil {
		t.Fatal(err)
	}
	kind(t, "a swap whose second half is taken", s.AddOverrides(ctx, one, other), ticket.Conflict, "")
	if list, err := s.Overrides(ctx, store.OverrideFilter{}); err != nil || len(list) != 1 {
		t.Fatalf("half of a swap was kept: %v, %v", list, err)
	}
	other = half("centre.duty", 48, "王")
	if err := s.AddOverrides(ctx, one, other); err != nil {
		t.Fatal(err)
	}
	if err := s.WithdrawOverride(ctx, other.ID, "duty1", Day); err != nil {
		t.Fatal(err)
	}
	list, err := s.Overrides(ctx, store.OverrideFilter{})
	if err != nil || len(list) != 1 || list[0].Kind == "swap" {
		t.Errorf("after one half was withdrawn there are %v, %v", list, err)
	}
	kind(t, "the other half", s.WithdrawOverride(ctx, one.ID, "duty1", Day), ticket.Conflict, "")
}

func ticketCounts(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	for i := range 12 {
		at := Day.Add(time.Duration(i) * time.Minute)
		d := m.Ticket(t, at, func(r *ticket.Registration, _ *ticket.Private) {
			r.Region = fmt.Sprintf("37130%d", i%3)
			r.Confidential = i == 0
			if i == 1 {
				r.Source = ticket.SourceMachine
			}
		}).Dispatch(at, []string{"住建局", "城管局"}[i%2])
		c := d.Change()
		c.Tickets[0].Due = Day.Add(time.Duration(i) * time.Hour)
		Must(t, s, c)
	}
	for name, f := range map[string]store.Filter{
		"all":                {},
		"open":               {States: []ticket.State{ticket.StateDispatched}},
		"due in a time":      {States: []ticket.State{ticket.StateDispatched}, DueFrom: Day.Add(2 * time.Hour), DueBefore: Day.Add(5 * time.Hour), Order: "due"},
		"overdue":            {Overdue: true, Now: Day.Add(4 * time.Hour)},
		"of a unit":          {Units: []string{"城管局"}},
		"not confidential":   {HideConfidential: true},
		"due in no time":     {DueFrom: Day.Add(20 * time.Hour)},
		"of a unit, overdue": {Units: []string{"城管局"}, Overdue: true, Now: Day.Add(4 * time.Hour)},
	} {
		f.Limit = 100
		page, err := s.Tickets(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.CountTickets(ctx, f)
		if err != nil || n != int64(len(page.Items)) {
			t.Errorf("%s: counted %d, %v; listed %d", name, n, err, len(page.Items))
		}
	}
	if n, err := s.CountTickets(ctx, store.Filter{DueFrom: Day.Add(2 * time.Hour), DueBefore: Day.Add(5 * time.Hour)}); err != nil || n != 3 {
		t.Errorf("due in three hours: %d, %v", n, err)
	}
	exercise := m.Ticket(t, Day.Add(3*time.Minute), func(r *ticket.Registration, _ *ticket.Private) { r.Training, r.Key = true, "exercise" }).Change()
	exercise.Tickets[0].Unrated = true
	Must(t, s, exercise)
	tallies, err := s.Registered(ctx, Day, Day.Add(7*time.Minute)) // 0 is confidential, 1 a machine's, 7 and on are later
	if err != nil {
		t.Fatal(err)
	}
	const lamps = "城市管理/市政/路灯"
	if diff := cmp.Diff([]store.Tally{{Category: lamps, Region: "371300", Count: 2}, {Category: lamps, Region: "371301", Count: 1}, {Category: lamps, Region: "371302", Count: 2}}, tallies); diff != "" {
		t.Errorf("registered: %s", diff)
	}
}
