package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func codeOf(err error) string {
	if e, ok := errors.AsType[*ticket.Error](err); ok {
		return e.Code
	}
	return ""
}

var commitTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"what is committed is read back":               readBack,
	"what is not there is not found":               notThere,
	"duplicates refuse the whole change":           duplicates,
	"an outdated version is a conflict":            conflicts,
	"changes of one call stand each for itself":    independent,
	"one open ticket per folded alarm":             foldUnique,
	"two hundred callers at once":                  concurrent,
	"changes of one sender keep their order":       senderOrder,
	"a cancelled caller stops waiting only":        cancelled,
	"what waits at closing is still written":       closing,
	"a re-drive changes the delivery's state only": redriven,
	"chains hold through a ticket's life":          chains,
	"a lane that is not there":                     badChanges,
}

func readBack(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	d := m.Ticket(t, Day, func(r *ticket.Registration, _ *ticket.Private) { r.ThreadKey, r.FoldKey = "openid-1", "fold-1" }).
		Dispatch(Day, "住建局", "供电公司")
	c := d.Change()
	Must(t, s, c)

	want := store.Item{Ticket: d.Ticket, Due: c.Tickets[0].Due}
	item, err := s.Ticket(ctx, d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ticket by id", want, item)
	item, err = s.TicketByNumber(ctx, d.Ticket.Number)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ticket by number", want, item)
	events, err := s.History(ctx, d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "history", d.Events, events)
	if err := ticket.VerifyChain(events); err != nil {
		t.Error(err)
	}
	folded, err := ticket.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ticket folded from its history", d.Ticket, folded)
	r, err := s.Request(ctx, d.Ticket.Channel, d.Ticket.Key)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "request", c.Requests[0], r)
	for what, read := range map[string]func() (store.Delivery, error){
		"delivery":               func() (store.Delivery, error) { return s.Delivery(ctx, c.Delivery.ID) },
		"delivery of the ticket": func() (store.Delivery, error) { return s.TicketDelivery(ctx, d.Ticket.ID) },
	} {
		got, err := read()
		if err != nil {
			t.Fatal(err)
		}
		same(t, what, *c.Delivery, got)
	}
	for what, read := range map[string]func() (ticket.Ticket, error){
		"thread": func() (ticket.Ticket, error) { return s.Thread(ctx, "wechat", "openid-1") },
		"fold":   func() (ticket.Ticket, error) { return s.Fold(ctx, "wechat", "fold-1") },
	} {
		got, err := read()
		if err != nil {
			t.Fatal(err)
		}
		same(t, what, d.Ticket, got)
	}
	due, err := s.Due(ctx, Day.Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "timers", []store.Timer{{Ticket: d.Ticket.ID, At: Day.Add(time.Hour)}}, due)
	claimed, err := s.Claim(ctx, Day, time.Minute, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "claimed notice", []store.StoredNotice{{Notice: c.Outbox[0], ID: 1, State: store.NoticePending, Attempts: 1, Next: Day.Add(time.Minute)}}, claimed)
}

func notThere(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	id := m.ID(t, Day)
	errs := map[string]error{}
	_, errs["ticket"] = s.Ticket(ctx, id)
	_, errs["number"] = s.TicketByNumber(ctx, "LY2607130000011")
	_, errs["history"] = s.History(ctx, id)
	_, errs["request"] = s.Request(ctx, "wechat", "none")
	_, errs["delivery"] = s.Delivery(ctx, id)
	_, errs["delivery of a ticket"] = s.TicketDelivery(ctx, id)
	_, errs["thread"] = s.Thread(ctx, "wechat", "none")
	_, errs["empty thread"] = s.Thread(ctx, "wechat", "")
	_, errs["fold"] = s.Fold(ctx, "wechat", "")
	_, errs["call"] = s.Call(ctx, "phone", "none")
	_, errs["media"] = s.GetMedia(ctx, "00")
	_, errs["active pack"] = s.ActivePack(ctx)
	_, errs["pack"] = s.PackByHash(ctx, "00")
	_, errs["user"] = s.User(ctx, "nobody")
	_, errs["token"] = s.UserByToken(ctx, ticket.Hash{})
	_, errs["session"] = s.Session(ctx, ticket.Hash{1})
	errs["touched session"] = s.TouchSession(ctx, ticket.Hash{1}, Day)
	errs["withdrawn override"] = s.WithdrawOverride(ctx, id, "duty1", Day)
	errs["updated user"] = s.UpdateUser(ctx, "nobody", false, func(*store.User) error { return nil })
	for what, err := range errs {
		kind(t, what, err, ticket.NotFound, "")
	}
	if cursor, err := s.Cursor(ctx, "mail"); err != nil || cursor != "" {
		t.Errorf("cursor of a channel never polled: %q, %v", cursor, err)
	}
	if oldest, err := s.OldestDue(ctx, Day); err != nil || !oldest.IsZero() {
		t.Errorf("oldest timer of none: %v, %v", oldest, err)
	}
}

// duplicates: each key that must be unique refuses the whole change, also inside one batch.
func duplicates(t *testing.T, open func(*testing.T) store.Store) {
	for code, spoil := range map[string]func(first, second *store.Change){
		"store.duplicate.request":  func(first, second *store.Change) { second.Requests[0].Key = first.Requests[0].Key },
		"store.duplicate.notice":   func(first, second *store.Change) { second.Outbox[0].Key = first.Outbox[0].Key },
		"store.duplicate.alert":    func(first, second *store.Change) { second.Alerts[0].Key = first.Alerts[0].Key },
		"store.duplicate.delivery": func(first, second *store.Change) { second.Delivery.ID = first.Delivery.ID },
		"store.duplicate.number":   func(first, second *store.Change) { second.Tickets[0].Ticket.Number = first.Tickets[0].Ticket.Number },
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/together=%v", code, together), func(t *testing.T) {
				t.Parallel()
				s, m := open(t), NewMaker()
				make1 := func() store.Change {
					c := m.Ticket(t, Day).Dispatch(Day, "住建局").Change()
					c.Alerts = []store.Alert{{ID: m.ID(t, Day), Key: "a:" + c.Requests[0].Key, Ticket: c.Tickets[0].Ticket.ID, Level: "red", Post: "duty", At: Day}}
					return c
				}
				first, second := make1(), make1()
				spoil(&first, &second)
				var errs []error
				if together {
					errs = s.Commit(t.Context(), first, second)
				} else {
					Must(t, s, first)
					errs = append([]error{nil}, s.Commit(t.Context(), second)...)
				}
				if errs[0] != nil {
					t.Fatalf("the first was refused: %v", errs[0])
				}
				kind(t, "the second", errs[1], ticket.Duplicate, code)
				assertAbsent(t, s, &second, &first)
				// After the refusal the store goes on.
				Must(t, s, make1())
			})
		}
	}
}

// assertAbsent makes sure that nothing of a refused change was kept. Parts it shares with the
// change that was kept are left out.
func assertAbsent(t *testing.T, s store.Store, c, kept *store.Change) {
	t.Helper()
	ctx, tk := t.Context(), &c.Tickets[0].Ticket
	_, err := s.Ticket(ctx, tk.ID)
	kind(t, "the refused ticket", err, ticket.NotFound, "")
	_, err = s.History(ctx, tk.ID)
	kind(t, "the refused history", err, ticket.NotFound, "")
	if c.Requests[0].Key != kept.Requests[0].Key {
		_, err = s.Request(ctx, c.Requests[0].Channel, c.Requests[0].Key)
		kind(t, "the refused request", err, ticket.NotFound, "")
	}
	if c.Delivery.ID != kept.Delivery.ID {
		_, err = s.Delivery(ctx, c.Delivery.ID)
		kind(t, "the refused delivery", err, ticket.NotFound, "")
	}
	notices, err := s.Notices(ctx, store.NoticePending, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := s.Alerts(ctx, store.AlertFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(notices) != 1 || len(alerts) != 1 {
		t.Errorf("%d notices and %d alerts are kept, want those of the first change", len(notices), len(alerts))
	}
	page, err := s.Tickets(ctx, store.Filter{Units: []string{"住建局"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 1 {
		t.Errorf("the unit has %d tickets, want 1", len(page.Items))
	}
}

func conflicts(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	d := m.Ticket(t, Day).Dispatch(Day, "住建局")
	Must(t, s, d.Change())
	mine := m.Again(t, d.Ticket).Do(Day, ticket.Command{Action: ticket.Urge})
	yours := m.Again(t, d.Ticket).Do(Day, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "已电话联系"}})
	Must(t, s, store.Change{Tickets: []store.TicketChange{mine.Part()}})
	err := s.Commit(t.Context(), store.Change{Tickets: []store.TicketChange{yours.Part()}, Cursor: &store.Cursor{Channel: "c", Value: "1"}})[0]
	kind(t, "the later one", err, ticket.Conflict, "store.conflict.version")
	if cursor, _ := s.Cursor(t.Context(), "c"); cursor != "" {
		t.Error("a part of the refused change was kept")
	}
	err = s.Commit(t.Context(), store.Change{Tickets: []store.TicketChange{d.Part()}})[0]
	kind(t, "the same new ticket again", err, ticket.Conflict, "store.conflict.version")
	// Read again, decide again, commit.
	item, err := s.Ticket(t.Context(), d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	again := m.Again(t, item.Ticket).Do(Day, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "已电话联系"}})
	Must(t, s, store.Change{Tickets: []store.TicketChange{again.Part()}})

	call := store.Call{ID: m.ID(t, Day), Channel: "phone", CallID: "c1", State: "ringing", RangAt: Day}
	Must(t, s, store.Change{Calls: []store.Call{call}})
	err = s.Commit(t.Context(), store.Change{Calls: []store.Call{call}})[0]
	kind(t, "the same new call again", err, ticket.Conflict, "store.conflict.call")
	call.Version = 7
	err = s.Commit(t.Context(), store.Change{Calls: []store.Call{call}})[0]
	kind(t, "a call of another version", err, ticket.Conflict, "store.conflict.call")
}

func independent(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	a, b, c := m.Ticket(t, Day).Change(), m.Ticket(t, Day).Change(), m.Ticket(t, Day).Change()
	b.Tickets[0].Expect, b.Tickets[0].Ticket.Version = 4, 5 // of a ticket that is not there
	errs := s.Commit(t.Context(), a, b, c)
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("the good changes were refused: %v, %v", errs[0], errs[2])
	}
	kind(t, "the bad change", errs[1], ticket.Conflict, "store.conflict.version")
	if _, err := s.Request(t.Context(), b.Requests[0].Channel, b.Requests[0].Key); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("the request of the bad change: %v", err)
	}
}

func foldUnique(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	alarm := func() *Draft {
		return m.Ticket(t, Day, func(r *ticket.Registration, _ *ticket.Private) {
			r.Channel, r.FoldKey, r.Kind, r.Source = "mqtt", "manhole-17:level", ticket.KindAlarm, ticket.SourceMachine
		})
	}
	first := alarm()
	Must(t, s, first.Change())
	kind(t, "a second open one", s.Commit(t.Context(), alarm().Change())[0], ticket.Duplicate, "store.duplicate.fold")
	closed := m.Again(t, first.Ticket).Answer(Day)
	Must(t, s, store.Change{Tickets: []store.TicketChange{closed.Part()}})
	_, err := s.Fold(t.Context(), "mqtt", "manhole-17:level")
	kind(t, "the fold of a closed ticket", err, ticket.NotFound, "")
	second := alarm()
	Must(t, s, second.Change())
	reopened := m.Again(t, closed.Ticket).Do(Day, ticket.Command{Action: ticket.Reopen, Cause: ticket.Cause{Reason: "again"}})
	kind(t, "reopening the first", s.Commit(t.Context(), store.Change{Tickets: []store.TicketChange{reopened.Part()}})[0], ticket.Duplicate, "store.duplicate.fold")
	other := alarm()
	other.Ticket.Channel = "camera"
	Must(t, s, other.Change())
	got, err := s.Fold(t.Context(), "mqtt", "manhole-17:level")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the folding ticket", second.Ticket, got)
}

func concurrent(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	const callers = 200
	drafts := make([]*Draft, callers)
	for i := range drafts {
		drafts[i] = m.Ticket(t, Day).Dispatch(Day, "住建局")
	}
	var done sync.WaitGroup
	for i, d := range drafts {
		change := d.Change()
		change.Lane = store.Lane(i % 2)
		done.Go(func() {
			if err := s.Commit(t.Context(), change)[0]; err != nil {
				t.Errorf("ticket %s: %v", d.Ticket.Number, err)
				return
			}
			if _, err := s.TicketByNumber(t.Context(), d.Ticket.Number); err != nil {
				t.Errorf("ticket %s was acknowledged and cannot be read: %v", d.Ticket.Number, err)
			}
		})
	}
	done.Wait()
	counts, err := s.Counts(t.Context(), Day)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", store.Counts{Tickets: callers, Open: callers, NoticesPending: callers}, counts)
	if items := fed(t, s, 2*callers, 1000); len(items) != 2*callers {
		t.Fatalf("the feed has %d events, want %d", len(items), 2*callers)
	}
}

// senderOrder: what one sender sends in one call is written in that order, each seeing the one before.
func senderOrder(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	first := m.Ticket(t, Day)
	chain := []store.Change{first.Change()}
	tk := first.Ticket
	for i := range 20 {
		d := m.Again(t, tk).Do(Day, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: strconv.Itoa(i)}})
		chain = append(chain, store.Change{Sender: chain[0].Sender, Tickets: []store.TicketChange{d.Part()}})
		tk = d.Ticket
	}
	Must(t, s, chain...)
	events, err := s.History(t.Context(), tk.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 21 {
		t.Fatalf("%d events, want 21", len(events))
	}
	if err := ticket.VerifyChain(events); err != nil {
		t.Error(err)
	}
}

func cancelled(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	never := m.Ticket(t, Day).Change()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(gone, never)[0]; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left before: %v", err)
	}
	// Callers who leave at any moment: what the store holds afterwards is whole all the same.
	var done sync.WaitGroup
	drafts := make([]*Draft, 60)
	errs := make([]error, len(drafts))
	for i := range drafts {
		drafts[i] = m.Ticket(t, Day).Dispatch(Day, "住建局")
		change := drafts[i].Change()
		ctx, cancel := context.WithCancel(t.Context())
		done.Go(func() { errs[i] = s.Commit(ctx, change)[0] })
		go cancel()
	}
	done.Wait()
	Must(t, s, m.Ticket(t, Day).Change()) // whatever waited has been written now
	for i, d := range drafts {
		item, err := s.Ticket(t.Context(), d.Ticket.ID)
		switch {
		case err == nil:
			events, err := s.History(t.Context(), d.Ticket.ID)
			if err != nil || len(events) != 2 || item.Version != 2 {
				t.Errorf("ticket %d is kept in part: version %d, %d events, %v", i, item.Version, len(events), err)
			}
		case errs[i] == nil:
			t.Errorf("ticket %d was acknowledged and is not there: %v", i, err)
		}
	}
}

func closing(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	changes := make([]store.Change, 100)
	for i := range changes {
		changes[i] = m.Ticket(t, Day).Change()
	}
	results := make(chan error, len(changes))
	for i := range changes {
		go func() { results <- s.Commit(context.Background(), changes[i])[0] }()
	}
	if err := <-results; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range len(changes) - 1 {
		// Every caller gets its answer: written, or refused because the store was closed.
		if err := <-results; err != nil && codeOf(err) != "store.closed" {
			t.Errorf("a change that waited: %v", err)
		}
	}
	kind(t, "a change after closing", s.Commit(context.Background(), changes[0])[0], ticket.Unavailable, "store.closed")
	kind(t, "an administrative write after closing", s.PutSession(context.Background(), store.Session{}), ticket.Unavailable, "store.closed")
	kind(t, "health after closing", s.Healthy(context.Background()), ticket.Unavailable, "store.closed")
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func redriven(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	d := store.Delivery{ID: m.ID(t, Day), Channel: "wechat", ReceivedAt: Day, State: store.DeliveryQuarantined, Code: "delivery.unreadable", Raw: []byte("<xml>")}
	Must(t, s, store.Change{Delivery: &d})
	again := store.Delivery{ID: d.ID, State: store.DeliveryRedriven, Replace: true}
	Must(t, s, store.Change{Delivery: &again})
	got, err := s.Delivery(ctx, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.State, d.Code = store.DeliveryRedriven, ""
	same(t, "the delivery driven again", d, got)
	again.ID = m.ID(t, Day)
	kind(t, "one that is not there", s.Commit(ctx, store.Change{Delivery: &again})[0], ticket.NotFound, "store.missing.delivery")
}

func chains(t *testing.T, open func(*testing.T) store.Store) {
	s, m, ctx := open(t), NewMaker(), t.Context()
	yes := true
	d := m.Ticket(t, Day).Dispatch(Day, "兰山区", "供电公司")
	Must(t, s, d.Change())
	on := ticket.Details{Assignment: 1}
	for i, cmd := range []ticket.Command{
		{Action: ticket.Sign, Details: on},
		{Action: ticket.SendOn, Details: ticket.Details{Assignment: 1, Unit: "银雀山街道"}},
		{Action: ticket.Supplement, Private: &ticket.Private{Text: "补充：共三盏", Media: []ticket.MediaRef{{SHA256: "ab", Size: 12}}}},
		{Action: ticket.Sign, Details: ticket.Details{Assignment: 3}},
		{Action: ticket.Resolve, Details: ticket.Details{Assignment: 3}, Private: &ticket.Private{PublicReply: "已修复。"}},
		{Action: ticket.Withdraw, Details: ticket.Details{Assignment: 2}, Cause: ticket.Cause{Reason: "not_needed"}},
		{Action: ticket.Resolve, Details: on, Private: &ticket.Private{PublicReply: "路灯已于今日修复。"}},
		{Action: ticket.CallBack, Details: ticket.Details{Reached: &yes, Solved: &yes, Satisfaction: ticket.Satisfied}},
		{Action: ticket.Close},
	} {
		item, err := s.Ticket(ctx, d.Ticket.ID)
		if err != nil {
			t.Fatal(err)
		}
		next := m.Again(t, item.Ticket).Do(Day.Add(time.Duration(i)*time.Hour), cmd)
		Must(t, s, store.Change{Tickets: []store.TicketChange{next.Part()}})
	}
	events, err := s.History(ctx, d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.VerifyChain(events); err != nil {
		t.Error(err)
	}
	folded, err := ticket.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	item, err := s.Ticket(ctx, d.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the row and the fold of the history", folded, item.Ticket)
	if item.State != ticket.StateClosed {
		t.Errorf("state %s, want closed", item.State)
	}
	if timers, _ := s.Due(ctx, Day.AddDate(1, 0, 0), 10); len(timers) != 0 {
		t.Errorf("a change without Look left timers: %v", timers)
	}
	for unit, want := range map[string]int{"兰山区": 1, "银雀山街道": 1, "供电公司": 0} {
		page, err := s.Tickets(ctx, store.Filter{Units: []string{unit}})
		if err != nil || len(page.Items) != want {
			t.Errorf("%s has %d tickets (%v), want %d", unit, len(page.Items), err, want)
		}
	}
}

func badChanges(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	c := m.Ticket(t, Day).Change()
	c.Lane = 9
	kind(t, "an unknown lane", s.Commit(t.Context(), c)[0], ticket.Invalid, "store.lane")
	c = m.Ticket(t, Day).Change()
	c.Tickets[0].Events = nil
	kind(t, "a ticket without its events", s.Commit(t.Context(), c)[0], ticket.Internal, "store.change.version")
	if errs := s.Commit(t.Context()); len(errs) != 0 {
		t.Errorf("no changes gave %v", errs)
	}
	Must(t, s, store.Change{})
}
