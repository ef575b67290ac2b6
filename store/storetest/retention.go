package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// longAgo is when what the retention tests end began.
var longAgo = Day.AddDate(-11, 0, 0)

// archive is a store with closed tickets of long ago: one kept by a hold, one reopened, two to end.
type archive struct {
	t                              testing.TB
	s                              store.Store
	m                              *Maker
	held, open, ended, new, merged ticket.Ticket
}

func newArchive(t testing.TB, s store.Store) *archive {
	t.Helper()
	a := &archive{t: t, s: s, m: NewMaker()}
	a.held = a.keep(longAgo, func(d *Draft) {
		d.Answer(longAgo).Do(longAgo, ticket.Command{Action: ticket.Hold, Cause: ticket.Cause{Reason: "reconsideration"}})
	})
	a.open = a.keep(longAgo, func(d *Draft) {})
	a.ended = a.keep(longAgo, func(d *Draft) { d.Answer(longAgo) })
	a.new = a.keep(Day, func(d *Draft) { d.Answer(Day) })
	a.merged = a.keep(longAgo, func(d *Draft) {
		d.Do(longAgo, ticket.Command{Action: ticket.Merge, Details: ticket.Details{Other: a.ended.ID}})
	})
	return a
}

// keep keeps a ticket with all that belongs to it: an attachment, a call, a line of the access log.
func (a *archive) keep(at time.Time, do func(*Draft)) ticket.Ticket {
	a.t.Helper()
	d := a.m.Ticket(a.t, at, func(r *ticket.Registration, p *ticket.Private) {
		r.CallID = "call-" + r.Key
		p.Media = []ticket.MediaRef{{SHA256: "sum-" + r.Key, Name: "路灯.jpg"}}
	})
	d.Dispatch(at, "s-371302001").Do(at, ticket.Command{Action: ticket.Triage, Cause: ticket.Cause{Reason: "no_owner"}})
	do(d)
	c := d.Change()
	c.Calls = []store.Call{{
		ID: a.m.ID(a.t, at), Channel: "phone", CallID: d.Ticket.CallID, State: "ended", RangAt: at, EndedAt: at,
		Private: store.CallPrivate{Caller: ticket.Party{Phone: "13953900001"}},
	}}
	c.Access = []store.Access{{At: at, What: "reveal", Ticket: d.Ticket.ID, Fields: []string{"phone"}, Reason: "核实"}}
	Must(a.t, a.s, c)
	return d.Ticket
}

// expire ends the personal data of a ticket as the nightly run does.
func (a *archive) expire(t ticket.Ticket, classes ...string) {
	a.t.Helper()
	item, err := a.s.Ticket(a.t.Context(), t.ID)
	if err != nil {
		a.t.Fatal(err)
	}
	d := a.m.Again(a.t, item.Ticket).Do(Day, ticket.Command{Action: ticket.Expire, Details: ticket.Details{Fields: classes}})
	part := d.Part()
	part.Due = item.Due
	Must(a.t, a.s, store.Change{Tickets: []store.TicketChange{part}})
}

// kept lists what is left of tickets from before Day.
func (a *archive) kept() (list []store.Kept) {
	a.t.Helper()
	err := a.s.Kept(a.t.Context(), Day, func(k store.Kept) error { list = append(list, k); return nil })
	if err != nil {
		a.t.Fatal(err)
	}
	return list
}

var retentionTests = map[string]func(*testing.T, func(*testing.T) store.Store){
	"personal data of tickets ends, histories stay": ending,
	"what is old ends, what is held stays":          sweeping,
	"many pages":                                    sweepingPages,
	"attachments":                                   attachments,
}

func ending(t *testing.T, open func(*testing.T) store.Store) {
	a, both := newArchive(t, open(t)), []string{ticket.DataTicket, ticket.DataEvent}
	held, merged := store.Kept{ID: a.held.ID, Ended: longAgo, Left: both, Held: true}, store.Kept{ID: a.merged.ID, Lead: a.ended.ID, Left: both}
	same(t, "what is left", []store.Kept{held, {ID: a.ended.ID, Ended: longAgo, Left: both}, merged}, a.kept())

	a.expire(a.ended, ticket.DataTicket)
	item, err := a.s.Ticket(t.Context(), a.ended.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "what the row says of people", ticket.Private{}, item.Private)
	for n, k := range []ticket.Ticket{a.ended, a.held} {
		if found, err := a.s.Tickets(t.Context(), store.Filter{Phone: k.Private.Appellant.Phone}); err != nil || len(found.Items) != n {
			t.Errorf("%d tickets are found by telephone, want %d; %v", len(found.Items), n, err)
		}
	}
	if item.Category != a.ended.Category || item.Due.IsZero() || !slices.Equal(item.Ended, []string{ticket.DataTicket}) {
		t.Errorf("more than personal data ended: %+v", item.Ticket)
	}
	same(t, "what is left", []string{ticket.DataEvent}, a.kept()[1].Left)
	if history := a.history(a.ended); history[0].Private == nil {
		t.Error("the events ended with the row")
	}

	a.expire(a.ended, ticket.DataEvent)
	same(t, "what is left", []store.Kept{held, merged}, a.kept())
	a.expire(a.merged, both...)
	same(t, "what is left", []store.Kept{held}, a.kept())
	for _, e := range a.history(a.ended) {
		if e.Private != nil || e.Salt != nil {
			t.Errorf("event %d still says %+v", e.Seq, e.Private)
		}
	}
	for _, other := range []ticket.Ticket{a.held, a.open, a.new} {
		if history := a.history(other); history[0].Private == nil {
			t.Errorf("the events of %s ended", other.Number)
		}
	}
}

// history reads a chain that must hold.
func (a *archive) history(t ticket.Ticket) []ticket.Event {
	a.t.Helper()
	history, err := a.s.History(a.t.Context(), t.ID)
	if err == nil {
		err = ticket.VerifyChain(history)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return history
}

func sweeping(t *testing.T, open func(*testing.T) store.Store) {
	a, ctx := newArchive(t, open(t)), t.Context()
	before := longAgo.Add(time.Hour)
	quarantined := store.Delivery{ID: a.m.ID(t, longAgo), Channel: "wechat", ReceivedAt: longAgo, State: store.DeliveryQuarantined, Raw: []byte("unread")}
	Must(t, a.s, store.Change{Delivery: &quarantined})
	// What the citizen of the held ticket said later came in a delivery of its own, which only its request knows.
	later := store.Delivery{ID: a.m.ID(t, longAgo), Channel: "wechat", ReceivedAt: longAgo, State: store.DeliveryTaken, Raw: []byte("said later")}
	Must(t, a.s, store.Change{Delivery: &later, Requests: []store.Request{
		{Channel: "wechat", Key: "later", Delivery: later.ID, Ticket: a.held.ID, Outcome: []byte("{}"), At: longAgo},
	}})
	// Four of the five are from before; of those one is held. No notice is out, so none ends.
	for class, want := range map[string]int64{store.DataRaw: 6, store.DataRecording: 3, store.DataAccessLog: 3, "unknown": 0} {
		for _, round := range []struct {
			dry  bool
			want int64
		}{{true, want}, {false, want}, {false, 0}, {true, 0}} {
			n, err := a.s.Sweep(ctx, class, before, round.dry)
			if err != nil || n != round.want {
				t.Errorf("%s, dry %t: %d ended, want %d; %v", class, round.dry, n, round.want, err)
			}
		}
	}
	for _, k := range []struct {
		name string
		of   ticket.Ticket
		left bool
	}{{"held", a.held, true}, {"open", a.open, false}, {"ended", a.ended, false}, {"new", a.new, true}} {
		d, err := a.s.TicketDelivery(ctx, k.of.ID)
		if err != nil || (d.Raw != nil) != k.left {
			t.Errorf("%s: delivery left %t, %v", k.name, d.Raw != nil, err)
		}
		r, err := a.s.Request(ctx, k.of.Channel, k.of.Key)
		if err != nil || (r.Outcome != nil) != k.left {
			t.Errorf("%s: answer left %t, %v", k.name, r.Outcome != nil, err)
		}
		call, err := a.s.Call(ctx, "phone", k.of.CallID)
		if err != nil || (call.Private.Caller.Phone != "") != k.left {
			t.Errorf("%s: call left %+v, %v", k.name, call.Private, err)
		}
		log, err := a.s.AccessLog(ctx, k.of.ID, 10)
		if err != nil || (len(log) == 1) != k.left {
			t.Errorf("%s: %d lines of the access log, %v", k.name, len(log), err)
		}
	}
	for what, id := range map[string]ticket.ID{"what waits in quarantine": quarantined.ID, "what was said later on a held ticket": later.ID} {
		if d, err := a.s.Delivery(ctx, id); err != nil || d.Raw == nil {
			t.Errorf("%s has ended: %v", what, err)
		}
	}
}

// A class that fills many pages ends whole, and only as far as it is old enough.
func sweepingPages(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	const all, old = 2500, 2100
	changes := make([]store.Change, 0, all)
	for i := range all {
		at := longAgo
		if i >= old {
			at = Day
		}
		changes = append(changes, store.Change{
			Delivery: &store.Delivery{ID: m.ID(t, at), Channel: "wechat", ReceivedAt: at, State: store.DeliveryTaken, Raw: []byte("x")},
			Requests: []store.Request{{Channel: fmt.Sprintf("c%d", i%7), Key: fmt.Sprintf("k%d", i), Outcome: []byte("y"), At: at}},
		})
	}
	Must(t, s, changes...)
	for _, want := range []int64{2 * old, 0} {
		if n, err := s.Sweep(context.Background(), store.DataRaw, Day, false); err != nil || n != want {
			t.Errorf("%d ended, want %d; %v", n, want, err)
		}
	}
}

func attachments(t *testing.T, open func(*testing.T) store.Store) {
	a, ctx := newArchive(t, open(t)), t.Context()
	var needed []string
	err := a.s.Attachments(ctx, Day, func(a store.Attached) error { needed = append(needed, a.SHA256...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	same(t, "attachments still needed", []string{"sum-" + a.held.Key, "sum-" + a.open.Key, "sum-" + a.new.Key, "sum-" + a.merged.Key}, needed)

	ref := ticket.MediaRef{SHA256: "ab12", Name: "路灯.jpg"}
	for _, at := range []time.Time{longAgo, Day} { // the same content came again: it is not old
		if err := a.s.PutMedia(ctx, ref, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.s.DropMedia(ctx, "ab12", Day); err != nil {
		t.Fatal(err)
	}
	if _, err := a.s.GetMedia(ctx, "ab12"); err != nil {
		t.Errorf("an attachment that came again was forgotten: %v", err)
	}
	if err := a.s.DropMedia(ctx, "ab12", Day.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = a.s.GetMedia(ctx, "ab12")
	kind(t, "forgotten", err, ticket.NotFound, "")
}
