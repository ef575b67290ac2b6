package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var listTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"reports read what is compared":            reports,
	"registrations come oldest first":          registrations,
	"lists narrow by every part of the filter": filters,
	"pages hold while tickets arrive":          pagesHold,
	"senders are known by phone and by id":     senders,
	"who waits for the centre":                 waiting,
	"callbacks come soonest first":             callbacks,
	"timers come oldest first":                 timers,
	"tickets are read with their histories":    watched,
	"walk visits every ticket in order":        walk,
	"counts":                                   counts,
	"the feed misses nothing":                  feed,
}

// crowd commits 300 tickets that differ in every part a filter knows, and returns them as items,
// newest first.
func crowd(t *testing.T, s store.Store, m *Maker) []store.Item {
	t.Helper()
	var items []store.Item
	var changes []store.Change
	lead := ticket.ID{}
	for i := range 300 {
		at := Day.Add(time.Duration(i/2) * time.Minute) // pairs share an instant: ties are ordered all the same
		d := m.Ticket(t, at, func(r *ticket.Registration, p *ticket.Private) {
			r.Channel = []string{"wechat", "phone", "mqtt"}[i%3]
			r.Source = ticket.Sources[i%len(ticket.Sources)]
			r.Urgency = ticket.Urgencies[i%len(ticket.Urgencies)]
			r.Category = fmt.Sprintf("c%d", i%5)
			r.Region = fmt.Sprintf("3713020%02d", i%7)
			r.Confidential, r.Public, r.Historic = i%11 == 0, i%13 == 0, i%17 == 0
			p.Appellant.Phone = fmt.Sprintf("1380000%04d", i%20)
		})
		switch i % 6 {
		case 0:
			d.Triage(at)
		case 1:
			d.Answer(at)
		case 2:
			d.Dispatch(at, "住建局", "供电公司")
		case 3:
			d.Dispatch(at, "城管局")
		case 4:
			d.Dispatch(at, "住建局").Do(at, ticket.Command{Action: ticket.Return, Details: ticket.Details{Assignment: 1}, Cause: ticket.Cause{Reason: "not_ours"}})
		case 5:
			if lead.IsZero() {
				lead = d.Ticket.ID
			} else {
				d.Do(at, ticket.Command{Action: ticket.Merge, Cause: ticket.Cause{Reason: "same_incident"}, Details: ticket.Details{Other: lead}})
			}
		}
		c := d.Change()
		if c.Tickets[0].Due = at.Add(time.Duration(1000-i) * time.Hour); i%10 == 9 {
			c.Tickets[0].Due = time.Time{}
		}
		c.Tickets[0].Provisional, c.Tickets[0].Unrated = i%4 == 0, d.Ticket.Source == ticket.SourceMachine
		changes = append(changes, c)
		items = append(items, store.Item{Ticket: d.Ticket, Due: c.Tickets[0].Due, Provisional: i%4 == 0})
	}
	Must(t, s, changes...)
	slices.Reverse(items)
	return items
}

// among is a condition by hand: what the store must answer.
func among[T comparable](v T, list ...T) bool { return slices.Contains(list, v) }

func filters(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	items := crowd(t, s, m)
	now := Day.Add(800 * time.Hour)
	lead := items[len(items)-6].ID
	for name, tt := range map[string]struct {
		filter store.Filter
		want   func(*store.Item) bool
	}{
		"none":       {store.Filter{}, func(*store.Item) bool { return true }},
		"triage":     {store.Filter{States: []ticket.State{ticket.StateTriage}}, func(i *store.Item) bool { return i.State == ticket.StateTriage }},
		"open":       {store.Filter{States: []ticket.State{ticket.StateTriage, ticket.StateDispatched}}, func(i *store.Item) bool { return among(i.State, ticket.StateTriage, ticket.StateDispatched) }},
		"mixed":      {store.Filter{States: []ticket.State{ticket.StateClosed, ticket.StateMerged}}, func(i *store.Item) bool { return among(i.State, ticket.StateClosed, ticket.StateMerged) }},
		"unit":       {store.Filter{Units: []string{"住建局"}}, func(i *store.Item) bool { return i.Involves("住建局") }},
		"units":      {store.Filter{Units: []string{"供电公司", "城管局"}}, func(i *store.Item) bool { return i.Involves("供电公司") || i.Involves("城管局") }},
		"region":     {store.Filter{Regions: []string{"371302003", "371302004"}}, func(i *store.Item) bool { return among(i.Region, "371302003", "371302004") }},
		"category":   {store.Filter{Categories: []string{"c3"}}, func(i *store.Item) bool { return i.Category == "c3" }},
		"channel":    {store.Filter{Channels: []string{"phone", "mqtt"}}, func(i *store.Item) bool { return i.Channel != "wechat" }},
		"source":     {store.Filter{Sources: []ticket.SourceClass{ticket.SourceMachine}}, func(i *store.Item) bool { return i.Source == ticket.SourceMachine }},
		"urgency":    {store.Filter{Urgency: []ticket.Urgency{ticket.UrgencyEmergency}}, func(i *store.Item) bool { return i.Urgency == ticket.UrgencyEmergency }},
		"incident":   {store.Filter{Incident: lead}, func(i *store.Item) bool { return i.Incident == lead }},
		"due before": {store.Filter{DueBefore: now}, func(i *store.Item) bool { return !i.Due.IsZero() && i.Due.Before(now) }},
		"period": {store.Filter{From: Day.Add(10 * time.Minute), To: Day.Add(20 * time.Minute)}, func(i *store.Item) bool {
			return !i.RegisteredAt.Before(Day.Add(10*time.Minute)) && i.RegisteredAt.Before(Day.Add(20*time.Minute))
		}},
		"overdue": {store.Filter{Overdue: true, Now: now}, func(i *store.Item) bool {
			return !i.Due.IsZero() && !i.Due.After(now) && i.State.Open() && i.State != ticket.StateResolved
		}},
		"phone":            {store.Filter{Phone: "13800000007"}, func(i *store.Item) bool { return i.Private.Appellant.Phone == "13800000007" }},
		"part phone":       {store.Filter{Phone: "1380000000"}, func(*store.Item) bool { return false }},
		"ids":              {store.Filter{IDs: []ticket.ID{items[4].ID, items[9].ID, {}}}, func(i *store.Item) bool { return among(i.ID, items[4].ID, items[9].ID) }},
		"no ids":           {store.Filter{IDs: []ticket.ID{}}, func(*store.Item) bool { return false }},
		"public":           {store.Filter{Public: true}, func(i *store.Item) bool { return i.Public }},
		"confidential":     {store.Filter{HideConfidential: true}, func(i *store.Item) bool { return !i.Confidential }},
		"own confidential": {store.Filter{Units: []string{"城管局"}}, func(i *store.Item) bool { return i.Involves("城管局") }},
		"unit, hidden":     {store.Filter{HideConfidential: true, Units: []string{"城管局"}}, func(i *store.Item) bool { return i.Involves("城管局") && !i.Confidential }},
		"provisional":      {store.Filter{Provisional: true}, func(i *store.Item) bool { return i.Provisional }},
		"historic":         {store.Filter{HideHistoric: true}, func(i *store.Item) bool { return !i.Historic }},
		"rated":            {store.Filter{HideUnrated: true}, func(i *store.Item) bool { return i.Source != ticket.SourceMachine }},
		"together": {store.Filter{Units: []string{"住建局"}, Regions: []string{"371302002"}, Channels: []string{"mqtt"}, HideHistoric: true}, func(i *store.Item) bool {
			return i.Involves("住建局") && i.Region == "371302002" && i.Channel == "mqtt" && !i.Historic
		}},
	} {
		for _, order := range []string{"registered", "due"} {
			var want []string
			for i := range items {
				if tt.want(&items[i]) {
					want = append(want, items[i].Number)
				}
			}
			if name != "part phone" && name != "no ids" && len(want) == 0 {
				t.Fatalf("%s: the crowd has no such ticket: the case shows nothing", name)
			}
			if order == "due" {
				want = byDue(items, want)
			}
			f := tt.filter
			f.Order, f.Limit = order, 7
			var got []string
			for {
				page, err := s.Tickets(t.Context(), f)
				if err != nil {
					t.Fatalf("%s by %s: %v", name, order, err)
				}
				for _, i := range page.Items {
					got = append(got, i.Number)
				}
				if f.Cursor = page.Next; f.Cursor == "" {
					break
				}
				if len(page.Items) != f.Limit {
					t.Fatalf("%s by %s: a page of %d that is not the last", name, order, len(page.Items))
				}
			}
			same(t, name+" by "+order, want, got)
		}
	}
	page, err := s.Tickets(t.Context(), store.Filter{Limit: 5000})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "whole items", items, page.Items)
	if page, _ := s.Tickets(t.Context(), store.Filter{}); len(page.Items) != 50 {
		t.Errorf("without a limit a page has %d, want 50", len(page.Items))
	}
	_, err = s.Tickets(t.Context(), store.Filter{Cursor: "nonsense"})
	kind(t, "a cursor made up", err, ticket.Invalid, "store.cursor")
	_, err = s.Tickets(t.Context(), store.Filter{Order: "title"})
	kind(t, "an order there is not", err, ticket.Invalid, "store.order")
}

// byDue orders the numbers by deadline, soonest first, none last; ties by registration.
func byDue(items []store.Item, numbers []string) []string {
	var chosen []store.Item
	for _, item := range slices.Backward(items) { // oldest first
		if slices.Contains(numbers, item.Number) {
			chosen = append(chosen, item)
		}
	}
	slices.SortStableFunc(chosen, func(a, b store.Item) int {
		switch {
		case a.Due.IsZero() && b.Due.IsZero():
			return 0
		case a.Due.IsZero():
			return 1
		case b.Due.IsZero():
			return -1
		}
		return a.Due.Compare(b.Due)
	})
	var list []string
	for i := range chosen {
		list = append(list, chosen[i].Number)
	}
	return list
}

func pagesHold(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	for range 20 {
		Must(t, s, m.Ticket(t, Day).Change())
	}
	seen := map[string]bool{}
	f := store.Filter{Limit: 3}
	for {
		page, err := s.Tickets(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			if seen[i.Number] {
				t.Errorf("%s is listed twice", i.Number)
			}
			seen[i.Number] = true
		}
		Must(t, s, m.Ticket(t, Day).Change()) // arrives before the first page
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d tickets listed, want the 20 that were there", len(seen))
	}
}

func senders(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	from := func(channel, phone, id, filer string) *Draft {
		return m.Ticket(t, Day, func(r *ticket.Registration, p *ticket.Private) {
			r.Channel, p.Appellant.Phone, p.Appellant.ChannelID, p.FiledBy.ChannelID = channel, phone, id, filer
		})
	}
	byPhone, both, byID := from("phone", "13900001111", "", ""), from("wechat", "13900001111", "o1", ""), from("wechat", "", "o1", "")
	elsewhere, ended, filed := from("douyin", "", "o1", ""), from("wechat", "13900001111", "o1", "").Answer(Day), from("grid", "", "", "staff7")
	for _, d := range []*Draft{byPhone, both, byID, elsewhere, ended, filed} {
		Must(t, s, d.Change())
	}
	for name, tt := range map[string]struct {
		who   store.Sender
		limit int
		want  []*Draft
	}{
		"phone":      {store.Sender{Phone: "13900001111"}, 10, []*Draft{both, byPhone}},
		"id":         {store.Sender{Channel: "wechat", ChannelID: "o1"}, 10, []*Draft{byID, both}},
		"either":     {store.Sender{Phone: "13900001111", Channel: "wechat", ChannelID: "o1"}, 10, []*Draft{byID, both, byPhone}},
		"other app":  {store.Sender{Channel: "douyin", ChannelID: "o1"}, 10, []*Draft{elsewhere}},
		"filed by":   {store.Sender{Channel: "grid", ChannelID: "staff7"}, 10, []*Draft{filed}},
		"limit":      {store.Sender{Phone: "13900001111", Channel: "wechat", ChannelID: "o1"}, 1, []*Draft{byID}},
		"nobody":     {store.Sender{Phone: "13900002222"}, 10, nil},
		"no sender":  {store.Sender{Channel: "wechat"}, 10, nil},
		"part of it": {store.Sender{Phone: "139000011"}, 10, nil},
	} {
		got, err := s.Sender(ctx, tt.who, tt.limit)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want []ticket.Ticket
		for _, d := range tt.want {
			want = append(want, d.Ticket)
		}
		same(t, name, want, got)

		for key, taken := range map[string]bool{byID.Ticket.Key: true, "new": false} {
			known, release, err := s.Recognise(ctx, store.Recognition{Turn: name, Channel: "wechat", Key: key, Sender: tt.who, Limit: tt.limit})
			if err != nil {
				t.Fatalf("%s, key %s: %v", name, key, err)
			}
			release()
			same(t, name+", recognised", want, known.Own)
			var request *store.Request
			if taken {
				r, err := s.Request(ctx, "wechat", key)
				if err != nil {
					t.Fatal(err)
				}
				request = &r
			}
			same(t, name+", request "+key, request, known.Request)
		}
	}
}

func timers(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	var want []store.Timer
	for i := range 5 {
		c := m.Ticket(t, Day).Change()
		c.Tickets[0].Look = Day.Add(time.Duration(5-i) * time.Minute)
		Must(t, s, c)
		want = append([]store.Timer{{Ticket: c.Tickets[0].Ticket.ID, At: c.Tickets[0].Look}}, want...)
	}
	got, err := s.Due(ctx, Day.Add(3*time.Minute), 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "due now", want[:3], got)
	if got, err = s.Due(ctx, Day.Add(time.Hour), 2); err != nil {
		t.Fatal(err)
	}
	same(t, "the two oldest", want[:2], got)
	if oldest, err := s.OldestDue(ctx, Day.Add(time.Hour)); err != nil || !oldest.Equal(want[0].At) {
		t.Errorf("oldest %v, %v; want %v", oldest, err, want[0].At)
	}
	if oldest, err := s.OldestDue(ctx, Day); err != nil || !oldest.IsZero() {
		t.Errorf("oldest before any is due: %v, %v", oldest, err)
	}
}

func walk(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	var want []ticket.ID
	for range 30 {
		c := m.Ticket(t, Day).Change()
		Must(t, s, c)
		want = append(want, c.Tickets[0].Ticket.ID)
	}
	var got []ticket.ID
	each := func(id ticket.ID) error { got = append(got, id); return nil }
	if err := s.Walk(ctx, ticket.ID{}, each); err != nil {
		t.Fatal(err)
	}
	same(t, "all", want, got)
	got = nil
	if err := s.Walk(ctx, want[9], each); err != nil {
		t.Fatal(err)
	}
	same(t, "after the tenth", want[10:], got)
	stop := fmt.Errorf("enough")
	if err := s.Walk(ctx, ticket.ID{}, func(ticket.ID) error { return stop }); err != stop { //nolint:errorlint // the very value
		t.Errorf("the walk ended with %v", err)
	}
}

func counts(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	late := m.Ticket(t, Day).Dispatch(Day, "住建局").Change()
	late.Tickets[0].Due = Day.Add(-time.Hour)
	alarm := m.Ticket(t, Day).Dispatch(Day, "环卫处").Change()
	alarm.Tickets[0].Due, alarm.Tickets[0].Unrated = Day.Add(-time.Hour), true
	done := m.Ticket(t, Day).Answer(Day).Change()
	done.Tickets[0].Due = Day.Add(-time.Hour)
	Must(t, s, late, alarm, done, m.Ticket(t, Day).Triage(Day).Change(),
		store.Change{Delivery: &store.Delivery{ID: m.ID(t, Day), Channel: "x", ReceivedAt: Day, State: store.DeliveryQuarantined}},
		store.Change{Alerts: []store.Alert{{ID: m.ID(t, Day), Key: "a", Level: "red", Post: "duty", At: Day}}},
		store.Change{Calls: []store.Call{{ID: m.ID(t, Day), Channel: "phone", CallID: "1", State: "missed", CallBack: "due"}}})
	got, err := s.Counts(ctx, Day)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", store.Counts{Tickets: 4, Open: 3, Triage: 1, Overdue: 2, OverdueUnrated: 1, Quarantined: 1, NoticesPending: 2, AlertsOpen: 1, CallsDue: 1}, got)
}

func feed(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	var want []ticket.Event
	for i := range 12 {
		d := m.Ticket(t, Day)
		c := d.Change()
		if i%3 == 0 { // a refused change leaves no event
			c.Requests = append(c.Requests, c.Requests[0])
			kind(t, "the spoiled change", s.Commit(ctx, c, m.Ticket(t, Day).Change())[0], ticket.Duplicate, "")
			continue
		}
		Must(t, s, c)
	}
	_ = s.Walk(ctx, ticket.ID{}, func(id ticket.ID) error {
		events, err := s.History(ctx, id)
		want = append(want, events...)
		return err
	})
	var got []ticket.Event
	after := int64(0)
	for _, i := range fed(t, s, len(want), 5) {
		if i.Position <= after {
			t.Errorf("position %d follows %d", i.Position, after)
		}
		if i.Ticket != i.Event.Ticket {
			t.Errorf("position %d names ticket %s, its event %s", i.Position, i.Ticket, i.Event.Ticket)
		}
		after = i.Position
		got = append(got, i.Event)
	}
	var first, registered []ticket.ID
	for _, e := range got {
		if e.Seq == 1 {
			first = append(first, e.Ticket)
		}
	}
	items, err := s.FeedRegistered(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		registered = append(registered, i.Ticket)
	}
	same(t, "tickets in the order they were registered", first, registered)
	if end, err := s.FeedEnd(ctx); err != nil || end != after {
		t.Errorf("the feed ends at %d, %v; its last event is at %d", end, err, after)
	}
	same(t, "events in order of their commit", want, got)
}

// fed reads the feed page by page until it has brought as many events as are wanted, and once more.
// An engine may hold events back while others than this test write to its server.
func fed(t *testing.T, s store.Reader, want, page int) (all []store.FeedItem) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for after, patience := int64(0), 2000; ; {
		items, err := s.Feed(t.Context(), after, page)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, items...)
		if len(items) > 0 {
			after = items[len(items)-1].Position
			continue
		}
		if patience--; len(all) >= want || patience == 0 {
			return all
		}
		<-look.C
	}
}

func reports(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	var ids []ticket.ID
	var want []store.Report
	keep := func(at time.Time, shown bool, alter func(*ticket.Registration, *ticket.Private), do func(*Draft)) {
		t.Helper()
		d := m.Ticket(t, at, alter)
		do(d)
		Must(t, s, d.Change())
		if ids = append(ids, d.Ticket.ID); shown {
			want = append(want, store.ReportOf(&d.Ticket))
		}
	}
	plainly, nothing := func(*ticket.Registration, *ticket.Private) {}, func(*Draft) {}
	keep(Day, true, plainly, nothing)
	keep(Day.Add(time.Second), true, plainly, func(d *Draft) { d.Dispatch(Day.Add(time.Second), "s-371302001") })
	keep(Day.Add(2*time.Second), true, plainly, func(d *Draft) {
		d.Do(Day.Add(2*time.Second), ticket.Command{Action: ticket.Merge, Details: ticket.Details{Other: ids[0]}})
	})
	keep(Day.Add(-time.Second), false, plainly, nothing) // before what is asked for
	keep(Day, false, func(r *ticket.Registration, _ *ticket.Private) { r.Source = ticket.SourceMachine }, nothing)
	keep(Day, false, func(r *ticket.Registration, _ *ticket.Private) { r.Historic = true }, nothing)
	keep(Day, false, func(r *ticket.Registration, _ *ticket.Private) { r.Confidential = true }, nothing)
	Must(t, s, m.Ticket(t, Day).Change()) // not asked for
	slices.Reverse(ids)
	got, err := s.Reports(t.Context(), ids, Day)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "reports", want, got)
	if got[0].Phone == "" || got[0].Text == "" || got[0].Place.Lng == 0 || got[0].ChannelID == "" || got[1].Unit == "" || got[2].Incident != want[0].Ticket {
		t.Errorf("what is compared is missing: %+v", got)
	}
	if none, err := s.Reports(t.Context(), nil, Day); err != nil || len(none) > 0 {
		t.Errorf("of no tickets there are %d reports, %v", len(none), err)
	}
}

func registrations(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	var want []ticket.Event
	for i := range 7 { // two at each instant
		d := m.Ticket(t, Day.Add(time.Duration(i/2)*time.Minute)).Dispatch(Day.Add(time.Hour), "s-371302001")
		Must(t, s, d.Change())
		if i > 1 {
			want = append(want, d.Events[0])
		}
	}
	var got []ticket.Event
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := s.Registrations(t.Context(), Day.Add(time.Minute), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
		if cursor = next; next == "" {
			if pages != 2 {
				t.Errorf("%d pages, want 3", pages+1)
			}
			break
		}
	}
	same(t, "first events", want, got)
	_, _, err := s.Registrations(t.Context(), Day, "nonsense", 2)
	kind(t, "a foreign cursor", err, ticket.Invalid, "store.cursor")
}
