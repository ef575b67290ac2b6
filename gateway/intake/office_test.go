package intake_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// storm is the morning the tests play on.
var storm = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC) // 08:37 in Linyi

// office is a hotline office on a real store and the Linyi pack, with one plain channel of each
// source class whose bodies are requests as JSON.
type office struct {
	t      testing.TB
	store  *sqlite.Store
	intake *intake.Intake
	live   *city.Live

	mu  sync.Mutex
	now time.Time
}

// plain reads a body that is a list of requests. A body of "bad" cannot be read, "panic" panics,
// "wrong" can be corrected by its sender.
type plain struct{ mended *bool }

func (p plain) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	switch string(in.Body) {
	case "bad":
		if !*p.mended {
			return nil, errors.New("no field of this body is known")
		}
		return []ticket.Request{{Key: "mended", Kind: ticket.KindCase, Text: "义堂镇滨河路与聚才八路路口积水", Place: ticket.Place{Address: "义堂镇"}}}, nil
	case "panic":
		panic("boom")
	case "wrong":
		return nil, &ticket.Error{Kind: ticket.Invalid, Code: "form.text", Message: "诉求内容不能为空", Fields: []ticket.Field{{Name: "text", Message: "required"}}}
	}
	var requests []ticket.Request
	return requests, json.Unmarshal(in.Body, &requests)
}

var linyi = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })

func open(t testing.TB) *office {
	t.Helper()
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	mended := false
	channel := func(id string, source ticket.SourceClass, ownsKeys bool) *city.Channel {
		return &city.Channel{
			Channel: adapters.Channel{ID: id, Title: id, Source: source, Zone: p.City.Location},
			Spec:    adapters.Spec{Name: "plain", OwnsKeys: ownsKeys}, Adapter: plain{&mended},
		}
	}
	o := &office{t: t, store: sqlitetest.Open(t), now: storm}
	o.live = city.NewLive(&city.City{
		ID: "linyi", Hash: p.Hash, Prefix: p.City.Prefix, Zone: p.City.Location, Rules: p.Ruleset, Classifier: p.Classifier, Policies: p.PolicySet,
		Bounds:        p.City.Bounds.Box(),
		DefaultPolicy: p.City.DefaultPolicy, DutyUnit: p.DutyUnit(), Say: p.Text,
		Channels: map[string]*city.Channel{
			"app": channel("app", ticket.SourceCitizen, true), "platform": channel("platform", ticket.SourceCitizen, false),
			"sensor": channel("sensor", ticket.SourceMachine, false), "110": channel("110", ticket.SourceExchange, true),
		},
	})
	o.Restart()
	t.Cleanup(func() { mended = false })
	return o
}

// Restart begins intake anew on the same store.
func (o *office) Restart() {
	o.t.Helper()
	o.intake = intake.New(intake.Options{Store: o.store, Live: o.live, Now: o.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err := o.intake.Warm(context.Background()); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

// Advance lets time pass.
func (o *office) Advance(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// Mend repairs the channel's mapping: bodies of "bad" can be read from now on.
func (o *office) Mend() {
	for _, ch := range o.live.Get().Channels {
		*ch.Adapter.(plain).mended = true
	}
}

// said is what became of one delivery.
type said struct {
	o   *office
	out adapters.Outcome
}

// Send hands raw bytes to a channel.
func (o *office) Send(channel, body string) said {
	o.t.Helper()
	return said{o, o.intake.Take(context.Background(), adapters.Inbound{
		Channel: channel, Method: "POST", Path: "/", Body: []byte(body),
		RemoteIP: netip.MustParseAddr("127.0.0.1"), ReceivedAt: o.clock(),
	}).Outcome}
}

// Post hands requests to a channel.
func (o *office) Post(channel string, requests ...ticket.Request) said {
	o.t.Helper()
	body, err := json.Marshal(requests)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.Send(channel, string(body))
}

// Is checks the result.
func (s said) Is(want adapters.Result) said {
	s.o.t.Helper()
	if s.out.Result != want {
		s.o.t.Fatalf("the delivery is %s (%s), want %s", s.out.Result, s.out.Code, want)
	}
	return s
}

// Ticket reads the (first) ticket it made or joined.
func (s said) Ticket() store.Item {
	s.o.t.Helper()
	if len(s.out.Tickets) == 0 {
		s.o.t.Fatalf("the delivery (%s %s) has no ticket", s.out.Result, s.out.Code)
	}
	item, err := s.o.store.TicketByNumber(context.Background(), s.out.Tickets[0].Number)
	if err != nil {
		s.o.t.Fatal(err)
	}
	return item
}

// OwnedBy checks the title of the unit answerable.
func (s said) OwnedBy(unit string) said {
	s.o.t.Helper()
	item := s.Ticket()
	if got := s.o.live.Get().UnitTitle(item.LeadUnit()); got != unit {
		s.o.t.Fatalf("ticket %s (category %s, region %s, %s) is owned by %q, want %q; %+v", item.Number, item.Category, item.Region, item.State, got, unit, item.Decision)
	}
	return s
}

// SameTicketAs checks that both are about one ticket.
func (s said) SameTicketAs(other said) said {
	s.o.t.Helper()
	if a, b := s.Ticket().Number, other.Ticket().Number; a != b {
		s.o.t.Fatalf("tickets %s and %s, want one", a, b)
	}
	return s
}

// AnotherTicketThan checks that they are not.
func (s said) AnotherTicketThan(other said) said {
	s.o.t.Helper()
	if a, b := s.Ticket().Number, other.Ticket().Number; a == b {
		s.o.t.Fatalf("both are ticket %s, want two", a)
	}
	return s
}

// total counts all tickets.
func (o *office) total() int64 {
	o.t.Helper()
	counts, err := o.store.Counts(context.Background(), o.clock())
	if err != nil {
		o.t.Fatal(err)
	}
	return counts.Tickets
}

// chainsHold checks every ticket's events.
func (o *office) chainsHold() {
	o.t.Helper()
	err := o.store.Walk(context.Background(), ticket.ID{}, func(id ticket.ID) error {
		history, err := o.store.History(context.Background(), id)
		if err != nil {
			return err
		}
		return ticket.VerifyChain(history)
	})
	if err != nil {
		o.t.Fatal(err)
	}
}
