package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func codeOf(err error) string {
	var e *ticket.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

var commitTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"what is committed is read back": readBack,
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
