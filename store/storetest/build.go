package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Day is the instant around which the suite's tickets live: 2026-07-13 08:30 in China.
var Day = time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)

// Maker makes valid tickets: each gets its own number, key and citizen unless told otherwise. It
// is safe for concurrent use.
type Maker struct {
	sequence atomic.Int64
	random   io.Reader
}

// NewMaker makes a Maker.
func NewMaker() *Maker { return &Maker{random: rand.Reader} }

// Draft is a ticket in the making, with the events that led to it.
type Draft struct {
	t      testing.TB
	random io.Reader
	Ticket ticket.Ticket
	Events []ticket.Event
	Expect int64 // version before
}

// ID makes a fresh id.
func (m *Maker) ID(t testing.TB, at time.Time) ticket.ID {
	t.Helper()
	id, err := ticket.NewID(at, m.random)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Ticket registers a new ticket at an instant; alter may change what is registered first.
func (m *Maker) Ticket(t testing.TB, at time.Time, alter ...func(*ticket.Registration, *ticket.Private)) *Draft {
	t.Helper()
	n := m.sequence.Add(1)
	reg := ticket.Registration{
		Number: ticket.FormatNumber("LY", at, int(n)), Channel: "wechat", Key: fmt.Sprintf("msg-%d", n), Kind: ticket.KindCase,
		Source: ticket.SourceCitizen, Type: ticket.TypeHelp, Urgency: ticket.UrgencyNormal, Category: "城市管理/市政/路灯",
		Region: "371302001", Policy: "general@1", ReceivedAt: at, Facts: map[string]string{"hour": "8"},
	}
	private := ticket.Private{
		Title: "路灯不亮", Text: fmt.Sprintf("沂蒙路与金雀山路交叉口第%d盏路灯不亮，晚上走路看不见。", n),
		Appellant: ticket.Party{Name: "王秀兰", Phone: fmt.Sprintf("139%08d", n), ChannelID: fmt.Sprintf("openid-%d", n)},
		Place:     ticket.Place{Address: "沂蒙路与金雀山路交叉口", Lng: 118.3564, Lat: 35.1041, Datum: ticket.GCJ02},
		TrackCode: "7KQ4MZ",
	}
	for _, f := range alter {
		f(&reg, &private)
	}
	tk, e, err := ticket.New(m.ID(t, at), ticket.Command{
		Action: ticket.Register, Actor: ticket.Actor{Kind: ticket.ActorChannel, ID: reg.Channel},
		Details: ticket.Details{Registration: &reg, Decision: &ticket.Decision{Pack: "p1"}}, Private: &private,
	}, at, m.random)
	if err != nil {
		t.Fatal(err)
	}
	return &Draft{t: t, random: m.random, Ticket: tk, Events: []ticket.Event{e}}
}

// Again continues a ticket that is in the store.
func (m *Maker) Again(t testing.TB, tk ticket.Ticket) *Draft {
	return &Draft{t: t, random: m.random, Ticket: tk, Expect: tk.Version}
}

// Do carries out a command on the draft.
func (d *Draft) Do(at time.Time, cmd ticket.Command) *Draft {
	d.t.Helper()
	if cmd.Actor.Kind == "" {
		cmd.Actor = ticket.Actor{Kind: ticket.ActorUser, ID: "desk1"}
	}
	e, err := d.Ticket.Do(cmd, at, d.random)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Events = append(d.Events, e)
	return d
}

// Dispatch gives the draft to a lead unit and assisting ones.
func (d *Draft) Dispatch(at time.Time, unit string, assist ...string) *Draft {
	d.t.Helper()
	return d.Do(at, ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: unit, Units: assist}})
}

// Triage sends the draft to the duty desk.
func (d *Draft) Triage(at time.Time) *Draft {
	d.t.Helper()
	return d.Do(at, ticket.Command{Action: ticket.Triage, Cause: ticket.Cause{Reason: "no_owner"}})
}

// Answer closes the draft at once.
func (d *Draft) Answer(at time.Time) *Draft {
	d.t.Helper()
	return d.Do(at, ticket.Command{Action: ticket.Answer, Private: &ticket.Private{PublicReply: "已当场答复。"}})
}

// Part is the draft as part of a change.
func (d *Draft) Part() store.TicketChange {
	return store.TicketChange{Expect: d.Expect, Ticket: d.Ticket, Events: d.Events}
}

// Change is everything intake writes for a new ticket: its delivery, its request, the ticket and
// a notice to the unit.
func (d *Draft) Change() store.Change {
	t := &d.Ticket
	id, err := ticket.NewID(t.RegisteredAt, d.random)
	if err != nil {
		d.t.Fatal(err)
	}
	raw := fmt.Sprintf("{\"MsgId\":%q,\"Content\":%q,\"FromUserName\":%q}", t.Key, t.Private.Text, t.Private.Appellant.ChannelID)
	c := store.Change{
		Sender:   "p:" + t.Private.Appellant.Phone,
		Delivery: &store.Delivery{ID: id, Channel: t.Channel, ReceivedAt: t.ReceivedAt, State: store.DeliveryTaken, Raw: []byte(raw)},
		Requests: []store.Request{{
			Channel: t.Channel, Key: t.Key, Hash: ticket.Chain(ticket.Hash{}, []byte(raw)), Delivery: id, Ticket: t.ID,
			Outcome: []byte(`{"result":"accepted","tickets":["` + t.Number + `"]}`), At: t.RegisteredAt,
		}},
		Tickets: []store.TicketChange{d.Part()},
	}
	c.Tickets[0].Due, c.Tickets[0].Look = t.RegisteredAt.AddDate(0, 0, 5), t.RegisteredAt.Add(time.Hour)
	if unit := t.LeadUnit(); unit != "" {
		c.Outbox = []store.Notice{{
			Key: "dispatch:" + t.ID.String() + ":1", Ticket: t.ID, Kind: "unit", Target: unit,
			Body: []byte(`{"title":"新工单","text":"` + t.Number + ` ` + t.Private.Title + `"}`), Due: t.RegisteredAt, Created: t.RegisteredAt,
		}}
	}
	return c
}

// Must commits changes and fails the test when one is refused.
func Must(t testing.TB, s store.Writer, changes ...store.Change) {
	t.Helper()
	for i, err := range s.Commit(context.Background(), changes...) {
		if err != nil {
			t.Fatalf("change %d was refused: %v", i, err)
		}
	}
}
