package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// waiting checks the queues of the centre: who is in one leaves it with the event that answers.
func waiting(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	reason := ticket.Cause{Reason: "r"}
	first := ticket.Details{Assignment: 1}
	at := func(i int) time.Time { return Day.Add(time.Duration(i) * time.Minute) }
	begin := func(i int) *Draft { return m.Ticket(t, at(i)).Dispatch(at(i), "住建局", "供电公司") }
	disputed := begin(0).Do(at(1), ticket.Command{Action: ticket.Object, Cause: reason, Details: first})
	paused := begin(2).Do(at(3), ticket.Command{Action: ticket.Sign, Details: first}).Do(at(4), ticket.Command{Action: ticket.AskPause, Cause: reason, Details: first})
	extended := begin(5).Do(at(6), ticket.Command{Action: ticket.AskExtend, Cause: reason, Details: ticket.Details{Assignment: 1, Amount: 2, LimitUnit: "working_days"}})
	unreasonable := begin(7).Do(at(8), ticket.Command{Action: ticket.AskTerminate, Cause: reason})
	supervised := begin(9).Do(at(10), ticket.Command{Action: ticket.Supervise, Cause: reason, Details: ticket.Details{Until: at(600)}})
	plain := begin(11).Do(at(12), ticket.Command{Action: ticket.Supervise, Cause: reason})
	drafts := []*Draft{disputed, paused, extended, unreasonable, supervised, plain}
	for _, d := range drafts {
		Must(t, s, d.Change())
	}
	expect := func(q store.Queue, want ...*Draft) {
		t.Helper()
		page, err := s.Tickets(t.Context(), store.Filter{Queue: q, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var got, numbers []string
		for _, i := range page.Items {
			got = append(got, i.Number)
		}
		for _, d := range slices.Backward(want) { // newest first
			numbers = append(numbers, d.Ticket.Number)
		}
		same(t, "queue "+string(q), numbers, got)
	}
	expect(store.QueueArbitration, disputed)
	expect(store.QueueApproval, paused, extended, unreasonable)
	expect(store.QueueOrders, supervised)
	if c, err := s.Counts(t.Context(), Day); err != nil || c.Disputed != 1 || c.Approvals != 3 {
		t.Errorf("counts are %+v, %v", c, err)
	}

	answer := func(d *Draft, cmd ticket.Command) {
		t.Helper()
		again := m.Again(t, d.Ticket).Do(at(20), cmd)
		Must(t, s, store.Change{Tickets: []store.TicketChange{again.Part()}})
	}
	answer(disputed, ticket.Command{Action: ticket.Arbitrate, Cause: reason, Details: ticket.Details{Unit: "城管局"}})
	answer(paused, ticket.Command{Action: ticket.RefusePause, Cause: reason, Details: first})
	answer(extended, ticket.Command{Action: ticket.Return, Cause: reason, Details: first}) // nobody waits for it any more
	answer(unreasonable, ticket.Command{Action: ticket.RefuseTerminate, Cause: reason})
	answer(supervised, ticket.Command{Action: ticket.Reply, Details: ticket.Details{Order: supervised.Ticket.Orders[0].No}, Private: &ticket.Private{Note: "已派人"}})
	for _, q := range store.Queues {
		expect(q)
	}
}

// callbacks checks the list of those who are to be called, the soonest first, over several pages.
func callbacks(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	want := make([]string, 9)
	for i := range 12 {
		c := m.Ticket(t, Day).Change()
		if i < len(want) {
			c.Tickets[0].Callback = Day.Add(time.Duration(i*5%9) * time.Hour)
			want[i*5%9] = c.Tickets[0].Ticket.Number
		}
		Must(t, s, c)
	}
	var got []string
	f := store.Filter{Order: "callback", Limit: 4}
	for {
		page, err := s.Tickets(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			if at := Day.Add(time.Duration(len(got)) * time.Hour); !i.Callback.Equal(at) {
				t.Errorf("%s is to be called at %s, want %s", i.Number, i.Callback, at)
			}
			got = append(got, i.Number)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	same(t, "callbacks", want, got)
	if c, err := s.Counts(t.Context(), Day); err != nil || c.Callbacks != 9 {
		t.Errorf("counts are %+v, %v", c, err)
	}
}
