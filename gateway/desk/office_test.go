package desk_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// storm is the morning the tests play on: 08:37 in Linyi on a Monday.
var storm = time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC)

// office is a desk on a real store and the Linyi pack, with one plain channel whose bodies are
// requests as JSON.
type office struct {
	t     *testing.T
	store *sqlite.Store
	index *search.Index
	live  *city.Live
	desk  *desk.Desk
	in    *intake.Intake
	now   time.Time
}

// plain reads a body that is a list of requests.
type plain struct{}

func (plain) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	var requests []ticket.Request
	return requests, json.Unmarshal(in.Body, &requests)
}

var linyi = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })

func open(t *testing.T) *office {
	t.Helper()
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := &office{t: t, now: storm}
	if o.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "hotline.db"), Ring: ring}); err != nil {
		t.Fatal(err)
	}
	if o.index, err = search.Open(filepath.Join(dir, "search.db"), ring); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.index.Close(), o.store.Close()); err != nil {
			t.Error(err)
		}
	})
	c := &city.City{
		ID: "linyi", Title: p.City.Title, Hash: p.Hash, Prefix: p.City.Prefix, Zone: p.City.Location, Rules: p.Ruleset, Classifier: p.Classifier, Policies: p.PolicySet, AreaCode: p.City.AreaCode,
		Bounds: p.City.Bounds.Box(), DefaultPolicy: p.City.DefaultPolicy, DutyUnit: p.DutyUnit(), Roster: p.Roster, AlertRules: p.AlertRules, Say: p.Text, Reasons: map[string]city.Reason{},
		Channels: map[string]*city.Channel{"app": {
			Channel: adapters.Channel{ID: "app", Title: "客户端", Source: ticket.SourceCitizen, Zone: p.City.Location},
			Spec:    adapters.Spec{Name: "plain", OwnsKeys: true}, Adapter: plain{},
		}},
	}
	for _, r := range p.Reasons {
		c.Reasons[r.Code] = city.Reason{Code: r.Code, Title: r.Title, Basis: r.Basis, Advice: r.Advice, For: r.For, Evidence: r.Evidence}
	}
	o.live = city.NewLive(c)
	clock, log := func() time.Time { return o.now }, slog.New(slog.DiscardHandler)
	o.desk = desk.New(desk.Options{Store: o.store, Index: o.index, Live: o.live, Now: clock, Random: rand.Reader, Log: log})
	o.in = intake.New(intake.Options{Store: o.store, Live: o.live, Now: clock, Random: rand.Reader, Log: log, Desk: o.desk})
	return o
}

func (o *office) Advance(d time.Duration) { o.now = o.now.Add(d) }

// The people of the office.
var (
	agent     = desk.Viewer{Login: "agent", Roles: []string{"agent"}}
	allocator = desk.Viewer{Login: "desk", Roles: []string{"desk"}}
	officer   = desk.Viewer{Login: "duty", Roles: []string{"duty"}, Posts: []string{"centre.duty"}}
	caller    = desk.Viewer{Login: "callback", Roles: []string{"callback"}}
	yitang    = desk.Viewer{Login: "yitang", Roles: []string{"unit_handler"}, Unit: "s-371302105"}
	district  = desk.Viewer{Login: "lanshan", Roles: []string{"unit_head"}, Unit: "d-371302"}
	nobody    = desk.Viewer{}
)

// matter is one ticket as the tests tell its story.
type matter struct {
	o      *office
	Number string
	Code   string
}

// Report hands a request to the channel and expects a ticket.
func (o *office) Report(r ticket.Request) *matter {
	o.t.Helper()
	if r.Kind == "" {
		r.Kind = ticket.KindCase
	}
	body, err := json.Marshal([]ticket.Request{r})
	if err != nil {
		o.t.Fatal(err)
	}
	out := o.in.Take(o.t.Context(), adapters.Inbound{Channel: "app", Method: "POST", Path: "/", Body: body, RemoteIP: netip.MustParseAddr("127.0.0.1"), ReceivedAt: o.now}).Outcome
	if out.Result != adapters.Accepted || len(out.Tickets) == 0 {
		o.t.Fatalf("the report is %s (%s)", out.Result, out.Code)
	}
	return &matter{o, out.Tickets[0].Number, out.Tickets[0].Code}
}

// flood is water at a crossing of Yitang.
func flood(key string) ticket.Request {
	return ticket.Request{
		Key: key, Text: "义堂镇滨河路与聚才八路路口积水，水深到膝盖，电话13800138000", Appellant: ticket.Party{Name: "王秀兰", Phone: "+8613800138000", IDNumber: "371302198001011234"},
		OtherParty: ticket.Party{Name: "李四"}, Place: ticket.Place{Address: "兰山区义堂镇滨河路88号3单元201", Lng: 118.2345678, Lat: 35.1234567, Datum: ticket.WGS84},
		Reply: &ticket.ReplyHandle{Address: "openid-" + key}, Public: true,
	}
}

// By is the ticket as a viewer sees it.
func (m *matter) By(v desk.Viewer) desk.View {
	m.o.t.Helper()
	view, err := m.o.desk.Ticket(m.o.t.Context(), v, m.Number)
	if err != nil {
		m.o.t.Fatalf("%s looks at %s: %v", v.Login, m.Number, err)
	}
	return view
}

// part of a command: what a story says besides the action.
type part func(*ticket.Command)

func reason(code string) part  { return func(c *ticket.Command) { c.Cause.Reason = code } }
func to(unit string) part      { return func(c *ticket.Command) { c.Details.Unit = unit } }
func share(no int) part        { return func(c *ticket.Command) { c.Details.Assignment = no } }
func saying(reply string) part { return func(c *ticket.Command) { private(c).PublicReply = reply } }
func noting(note string) part  { return func(c *ticket.Command) { private(c).Note = note } }
func by(n int, unit string) part {
	return func(c *ticket.Command) { c.Details.Amount, c.Details.LimitUnit = n, unit }
}

func private(c *ticket.Command) *ticket.Private {
	if c.Private == nil {
		c.Private = &ticket.Private{}
	}
	return c.Private
}

func (m *matter) try(v desk.Viewer, a ticket.Action, parts ...part) (desk.View, error) {
	cmd := ticket.Command{Action: a}
	for _, p := range parts {
		p(&cmd)
	}
	m.o.Advance(time.Minute)
	return m.o.desk.Act(m.o.t.Context(), v, m.Number, cmd, 0)
}

// Does takes an action that must be possible.
func (m *matter) Does(v desk.Viewer, a ticket.Action, parts ...part) desk.View {
	m.o.t.Helper()
	view, err := m.try(v, a, parts...)
	if err != nil {
		m.o.t.Fatalf("%s by %s: %v", a, v.Login, err)
	}
	return view
}

// Finish lets the lead, who has signed, answer, and after it every unit that assists.
func (m *matter) Finish(lead desk.Viewer, reply string) desk.View {
	m.o.t.Helper()
	view := m.Does(lead, ticket.Resolve, share(1), saying(reply))
	for _, a := range view.Assignments[1:] {
		helper := desk.Viewer{Login: a.Unit.ID, Roles: []string{"unit_handler"}, Unit: a.Unit.ID}
		m.Does(helper, ticket.Sign, share(a.No))
		view = m.Does(helper, ticket.Resolve, share(a.No), saying("已配合"))
	}
	return view
}

// Refused takes an action that must be refused with a code.
func (m *matter) Refused(code string, v desk.Viewer, a ticket.Action, parts ...part) {
	m.o.t.Helper()
	_, err := m.try(v, a, parts...)
	var e *ticket.Error
	if !errors.As(err, &e) || e.Code != code {
		m.o.t.Fatalf("%s by %s: got %v, want code %s", a, v.Login, err, code)
	}
}

// told lists what waits to be said, by kind and target.
func (o *office) told(kind string) []store.StoredNotice {
	o.t.Helper()
	list, err := o.store.Claim(o.t.Context(), o.now.Add(time.Hour), time.Minute, 1000, kind)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

// has checks that words stand in a text.
func has(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q: %s", what, w, text)
		}
	}
}

// hides checks that none of the words stands in what is shown.
func hides(t *testing.T, what string, shown any, words ...string) {
	t.Helper()
	b, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if strings.Contains(string(b), w) {
			t.Errorf("%s shows %q: %s", what, w, b)
		}
	}
}

// follow brings the text index up to date.
func (o *office) follow() {
	o.t.Helper()
	if _, err := o.index.Follow(context.Background(), o.store); err != nil {
		o.t.Fatal(err)
	}
}
