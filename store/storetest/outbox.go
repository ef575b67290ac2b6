package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var outboxTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"a notice's life":                        noticeLife,
	"claims name their kinds":                claimKinds,
	"leases are renewed":                     leases,
	"two claimers never get the same notice": claimRace,
	"alerts are acknowledged once":           alerts,
	"calls and their tickets":                calls,
	"deliveries are listed newest first":     deliveries,
	"the access log":                         accessLog,
	"cursors move with what was read":        cursors,
}

func notice(key string, due time.Time) store.Notice {
	return store.Notice{Key: key, Kind: "citizen", Target: "wechat", Body: []byte(`{"text":"您的诉求已受理"}`), Due: due, Created: Day}
}

func claim(t *testing.T, s store.Store, now time.Time, kinds ...string) []store.StoredNotice {
	t.Helper()
	got, err := s.Claim(t.Context(), now, time.Minute, 10, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func noticeLife(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	n := notice("n1", Day.Add(time.Hour))
	Must(t, s, store.Change{Outbox: []store.Notice{n}})
	if got := claim(t, s, Day); len(got) != 0 {
		t.Fatalf("a notice was claimed before it was due: %v", got)
	}
	now := Day.Add(time.Hour)
	first := claim(t, s, now)
	same(t, "claimed", []store.StoredNotice{{Notice: n, ID: first[0].ID, State: store.NoticePending, Attempts: 1, Next: now.Add(time.Minute)}}, first)
	if got := claim(t, s, now.Add(59*time.Second)); len(got) != 0 {
		t.Fatalf("a leased notice was claimed: %v", got)
	}
	// Who claimed it died: the lease ends, another takes it.
	now = now.Add(time.Minute)
	if got := claim(t, s, now); len(got) != 1 || got[0].Attempts != 2 {
		t.Fatalf("after the lease: %+v", got)
	}
	settle := func(r store.NoticeResult) {
		t.Helper()
		r.ID = first[0].ID
		if err := s.Settle(ctx, []store.NoticeResult{r}); err != nil {
			t.Fatal(err)
		}
	}
	settle(store.NoticeResult{State: store.NoticePending, Next: now.Add(time.Hour), Error: "busy", At: now})
	if got := claim(t, s, now.Add(59*time.Minute)); len(got) != 0 {
		t.Fatalf("claimed before its next try: %v", got)
	}
	now = now.Add(time.Hour)
	if got := claim(t, s, now); len(got) != 1 || got[0].Error != "busy" || got[0].Attempts != 3 {
		t.Fatalf("the next try: %+v", got)
	}
	settle(store.NoticeResult{State: store.NoticeDead, Error: "refused", At: now})
	if got := claim(t, s, now.AddDate(1, 0, 0)); len(got) != 0 {
		t.Fatalf("a dead notice was claimed: %v", got)
	}
	dead, err := s.Notices(ctx, store.NoticeDead, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	bare := n
	bare.Body = nil
	same(t, "the dead", []store.StoredNotice{{Notice: bare, ID: first[0].ID, State: store.NoticeDead, Attempts: 3, Next: dead[0].Next, Error: "refused", Done: now}}, dead)
	again, err := s.Redrive(ctx, []int64{first[0].ID, first[0].ID, 999}, now)
	if err != nil || again != 1 {
		t.Fatalf("%d driven again, %v; want 1", again, err)
	}
	if got := claim(t, s, now); len(got) != 1 || got[0].Attempts != 1 || string(got[0].Body) != string(n.Body) {
		t.Fatalf("driven again: %+v", got)
	}
	settle(store.NoticeResult{State: store.NoticeDelivered, At: now})
	settle(store.NoticeResult{State: store.NoticePending, Next: now, At: now}) // a late word of an earlier claimer
	if got := claim(t, s, now.AddDate(1, 0, 0)); len(got) != 0 {
		t.Fatalf("a delivered notice was claimed: %v", got)
	}
	if again, err := s.Redrive(ctx, []int64{first[0].ID}, now); err != nil || again != 0 {
		t.Errorf("a delivered notice was driven again: %d, %v", again, err)
	}
	delivered, err := s.Notices(ctx, store.NoticeDelivered, 0, 10)
	if err != nil || len(delivered) != 1 || !delivered[0].Done.Equal(now) {
		t.Errorf("delivered: %+v, %v", delivered, err)
	}
	if err := s.Settle(ctx, nil); err != nil {
		t.Errorf("settling nothing: %v", err)
	}
}

// leases: who works on a notice keeps it; who dies loses it at the lease's end.
func leases(t *testing.T, open func(*testing.T) store.Store) {
	s, ctx := open(t), t.Context()
	Must(t, s, store.Change{Outbox: []store.Notice{notice("n", Day)}})
	got, err := s.Claim(ctx, Day, 8*time.Second, 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("claimed %d, %v", len(got), err)
	}
	ids := []int64{got[0].ID}
	renew := func(until time.Duration) {
		t.Helper()
		if err := s.Renew(ctx, ids, Day.Add(until)); err != nil {
			t.Fatal(err)
		}
	}
	renew(16 * time.Second)
	renew(12 * time.Second) // a late renewal shortens nothing
	if got := claim(t, s, Day.Add(15*time.Second)); len(got) != 0 {
		t.Fatal("a renewed lease was taken over")
	}
	if got := claim(t, s, Day.Add(16*time.Second)); len(got) != 1 || got[0].Attempts != 2 {
		t.Fatalf("a lease that has ended: %+v", got)
	}
	if err := s.Settle(ctx, []store.NoticeResult{{ID: ids[0], State: store.NoticeDelivered, At: Day}}); err != nil {
		t.Fatal(err)
	}
	renew(time.Hour)
	if got := claim(t, s, Day.Add(2*time.Hour)); len(got) != 0 {
		t.Fatal("a delivered notice came back by a renewal")
	}
}

func claimKinds(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	var all []store.Notice
	for i := range 30 {
		n := notice(fmt.Sprintf("n%d", i), Day)
		if i == 29 {
			n.Kind = "emergency"
		}
		all = append(all, n)
	}
	Must(t, s, store.Change{Outbox: all})
	if got := claim(t, s, Day, "emergency", "duty"); len(got) != 1 || got[0].Key != "n29" {
		t.Errorf("claimed by kind: %+v", got)
	}
	got := claim(t, s, Day)
	for i := range got {
		if want := fmt.Sprintf("n%d", i); got[i].Key != want {
			t.Errorf("claim %d is %s, want the oldest first: %s", i, got[i].Key, want)
		}
	}
	page, err := s.Notices(t.Context(), store.NoticePending, got[5].ID, 3)
	if err != nil || len(page) != 3 || page[0].ID != got[4].ID {
		t.Errorf("notices before a cursor: %+v, %v", page, err)
	}
}

func claimRace(t *testing.T, open func(*testing.T) store.Store) {
	s := open(t)
	for i := range 100 {
		Must(t, s, store.Change{Outbox: []store.Notice{notice(fmt.Sprintf("n%d", i), Day)}})
	}
	var mu sync.Mutex
	var done sync.WaitGroup
	seen := map[int64]int{}
	for range 8 {
		done.Go(func() {
			for {
				got, err := s.Claim(t.Context(), Day, time.Minute, 7)
				if err != nil {
					t.Error(err)
				}
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, n := range got {
					seen[n.ID]++
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if len(seen) != 100 {
		t.Errorf("%d notices were claimed, want 100", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("notice %d was claimed %d times", id, n)
		}
	}
}

func alerts(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	a := store.Alert{
		ID: m.ID(t, Day), Key: "t1:resolve:red", Number: "LY2607130000011", Unit: "住建局", Region: "371302", Level: "red",
		Post: "duty", Text: "办结时限已过", At: Day,
	}
	b := store.Alert{ID: m.ID(t, Day), Key: "t2:sign:yellow", Unit: "城管局", Level: "yellow", Post: "head", At: Day}
	Must(t, s, store.Change{Alerts: []store.Alert{a, b}})
	a.Version, a.Look, b.Version, b.Look = 1, Day, 1, Day // it is new: the relay looks at it at once
	list := func(f store.AlertFilter) []store.Alert {
		t.Helper()
		got, err := s.Alerts(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	same(t, "open", []store.Alert{b, a}, list(store.AlertFilter{Open: true}))
	same(t, "of a post", []store.Alert{a}, list(store.AlertFilter{Posts: []string{"duty", "other"}}))
	same(t, "of a unit", []store.Alert{b}, list(store.AlertFilter{Units: []string{"城管局"}}))
	same(t, "the newest", []store.Alert{b}, list(store.AlertFilter{Limit: 1}))
	first, second := acknowledged(a, "duty1", Day.Add(time.Minute)), acknowledged(a, "duty2", Day.Add(time.Hour))
	Must(t, s, store.Change{AlertChanges: []store.AlertChange{first}})
	kind(t, "acknowledged again", s.Commit(ctx, store.Change{AlertChanges: []store.AlertChange{second}})[0], ticket.Conflict, "store.conflict.alert")
	a = first.Alert
	same(t, "open after one was acknowledged", []store.Alert{b}, list(store.AlertFilter{Open: true}))
	same(t, "all", []store.Alert{b, a}, list(store.AlertFilter{}))
}

func calls(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	c := store.Call{
		ID: m.ID(t, Day), Channel: "phone", CallID: "c-1", Line: "12345", State: "ringing", RangAt: Day, UpdatedAt: Day,
		Private: store.CallPrivate{Caller: ticket.Party{Phone: "13900001111"}},
	}
	missed := store.Call{ID: m.ID(t, Day), Channel: "phone", CallID: "c-2", State: "missed", CallBack: "due", RangAt: Day}
	Must(t, s, store.Change{Calls: []store.Call{c, missed}})
	c.Version, missed.Version = 1, 1
	get := func(id string) store.Call {
		t.Helper()
		got, err := s.Call(ctx, "phone", id)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	same(t, "a new call", c, get("c-1"))
	c.State, c.Agent, c.AnsweredAt, c.EndedAt, c.Seconds = "ended", "agent7", Day.Add(9*time.Second), Day.Add(99*time.Second), 90
	c.Private.Transcript = "路灯不亮"
	d := m.Ticket(t, Day, func(r *ticket.Registration, _ *ticket.Private) { r.Channel, r.CallID = "agent", "c-1" })
	change := d.Change()
	change.Calls = []store.Call{c}
	Must(t, s, change)
	c.Version, c.Tickets = 2, []ticket.ID{d.Ticket.ID}
	same(t, "the call with its ticket", c, get("c-1"))
	list := func(f store.CallFilter) ([]store.Call, string) {
		t.Helper()
		got, next, err := s.Calls(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		return got, next
	}
	got, _ := list(store.CallFilter{CallBackDue: true})
	same(t, "owed a call back", []store.Call{missed}, got)
	got, _ = list(store.CallFilter{Ticket: d.Ticket.ID})
	same(t, "of a ticket", []store.Call{c}, got)
	got, next := list(store.CallFilter{Limit: 1})
	same(t, "the newest", []store.Call{missed}, got)
	got, next = list(store.CallFilter{Limit: 1, Cursor: next})
	same(t, "the next", []store.Call{c}, got)
	if next != "" {
		t.Errorf("the last page goes on at %q", next)
	}
}

func deliveries(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	var all []store.Delivery
	for i := range 9 {
		d := store.Delivery{
			ID: m.ID(t, Day), Channel: []string{"wechat", "mail"}[i%2], ReceivedAt: Day.Add(time.Duration(i) * time.Minute),
			State: store.DeliveryTaken, Raw: []byte("raw"),
		}
		if i%3 == 0 {
			d.State, d.Code = store.DeliveryQuarantined, "delivery.unreadable"
		}
		Must(t, s, store.Change{Delivery: &d})
		d.Raw = nil
		all = append([]store.Delivery{d}, all...)
	}
	for name, tt := range map[string]struct {
		filter store.DeliveryFilter
		want   func(store.Delivery) bool
	}{
		"all":         {store.DeliveryFilter{}, func(store.Delivery) bool { return true }},
		"quarantined": {store.DeliveryFilter{States: []store.DeliveryState{store.DeliveryQuarantined}}, func(d store.Delivery) bool { return d.State == store.DeliveryQuarantined }},
		"two states": {store.DeliveryFilter{States: []store.DeliveryState{store.DeliveryIgnored, store.DeliveryTaken}}, func(d store.Delivery) bool {
			return d.State == store.DeliveryTaken
		}},
		"channel": {store.DeliveryFilter{Channel: "mail"}, func(d store.Delivery) bool { return d.Channel == "mail" }},
		"period": {store.DeliveryFilter{From: Day.Add(2 * time.Minute), To: Day.Add(5 * time.Minute)}, func(d store.Delivery) bool {
			return !d.ReceivedAt.Before(Day.Add(2*time.Minute)) && d.ReceivedAt.Before(Day.Add(5*time.Minute))
		}},
	} {
		var want, got []store.Delivery
		for _, d := range all {
			if tt.want(d) {
				want = append(want, d)
			}
		}
		f := tt.filter
		f.Limit = 2
		for {
			page, next, err := s.Deliveries(ctx, f)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, page...)
			if f.Cursor = next; next == "" {
				break
			}
		}
		same(t, name, want, got)
	}
	_, _, err := s.Deliveries(ctx, store.DeliveryFilter{Cursor: "?"})
	kind(t, "a cursor made up", err, ticket.Invalid, "store.cursor")
}

func accessLog(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	one, two := m.ID(t, Day), m.ID(t, Day)
	var want []store.Access
	for i, id := range []ticket.ID{one, two, one} {
		a := store.Access{
			At: Day.Add(time.Duration(i) * time.Second), Actor: ticket.Actor{Kind: ticket.ActorUser, ID: "desk1"}, What: "reveal",
			Ticket: id, Fields: []string{"phone"}, Reason: "回访核实",
		}
		Must(t, s, store.Change{Access: []store.Access{a}})
		if id == one {
			want = append([]store.Access{a}, want...)
		}
	}
	got, err := s.AccessLog(ctx, one, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "of a ticket", want, got)
	if got, err = s.AccessLog(ctx, ticket.ID{}, 2); err != nil || len(got) != 2 || got[1].Ticket != two {
		t.Errorf("of all: %+v, %v", got, err)
	}
}

func cursors(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	read := func() string {
		t.Helper()
		v, err := s.Cursor(ctx, "mail")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, v := range []string{"uid:7", "uid:9"} {
		c := m.Ticket(t, Day).Change()
		c.Cursor = &store.Cursor{Channel: "mail", Value: v, At: Day}
		Must(t, s, c)
		if got := read(); got != v {
			t.Errorf("cursor %q, want %q", got, v)
		}
		again := m.Ticket(t, Day).Change()
		again.Requests[0].Key, again.Cursor = c.Requests[0].Key, &store.Cursor{Channel: "mail", Value: "uid:99"}
		kind(t, "a repeat", s.Commit(ctx, again)[0], ticket.Duplicate, "")
		if got := read(); got != v {
			t.Errorf("a refused change moved the cursor to %q", got)
		}
	}
}
