package outbox_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/ticket"
)

var (
	linyi  = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })
	noon   = time.Date(2026, 7, 13, 4, 0, 0, 0, time.UTC)
	secret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
)

// post is a post office: a worker on a real store, whose units are served by one local server.
type post struct {
	t      *testing.T
	store  *sqlite.Store
	city   *city.City
	worker *outbox.Worker
	now    time.Time

	mu       sync.Mutex
	status   int // what the units' server answers
	received []received
	media    map[string][]byte
}

type received struct {
	path, id string
	body     outbox.LadderNotice
}

// channel is a platform that takes replies and holds one picture.
type channel struct{ p *post }

func (channel) Normalize(adapters.Inbound) ([]ticket.Request, error) { return nil, nil }

func (c channel) Reply(_ context.Context, to ticket.ReplyHandle, m ticket.Message) (adapters.Receipt, error) {
	if c.p.status == http.StatusServiceUnavailable {
		return adapters.Receipt{}, errors.New("the platform is away")
	}
	c.p.received = append(c.p.received, received{path: to.Address, id: m.Text})
	return adapters.Receipt{ID: "1"}, nil
}

func (c channel) Fetch(_ context.Context, ref ticket.MediaRef) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("picture of " + ref.Ref)), nil
}

// Put keeps an attachment.
func (p *post) Put(r io.Reader) (ticket.MediaRef, error) {
	b, err := io.ReadAll(r)
	hash := ticket.Chain(ticket.Hash{}, b).String()
	p.media[hash] = b
	return ticket.MediaRef{SHA256: hash, Size: int64(len(b)), MIME: "image/jpeg", Fetched: true}, err
}

func open(t *testing.T) *post {
	t.Helper()
	p := &post{t: t, now: noon, status: http.StatusNoContent, media: map[string][]byte{}}
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := wh.Verify(body, r.Header); err != nil { // the standard's own library checks our signature
			t.Errorf("signature: %v", err)
		}
		var n outbox.LadderNotice
		if err := json.Unmarshal(body, &n); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.received = append(p.received, received{r.URL.Path, r.Header.Get("Webhook-Id"), n})
		w.WriteHeader(p.status)
	}))
	t.Cleanup(server.Close)
	p.city = cityWith(t, server.URL)
	p.city.Channels = map[string]*city.Channel{"wechat": {Channel: adapters.Channel{ID: "wechat"}, Adapter: channel{p}}}

	p.store = sqlitetest.Open(t)
	p.worker = outbox.New(outbox.Options{
		Store: p.store, Live: city.NewLive(p.city), Media: p, HTTP: server.Client(), Random: rand.Reader,
		Secret: func(adapters.SecretRef) (string, error) { return secret, nil }, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return p.now }, Wall: time.Now,
	})
	return p
}

// cityWith is Linyi with every emergency unit and the town of 义堂镇 reached at url.
func cityWith(t *testing.T, url string) *city.City {
	t.Helper()
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	units := append([]routing.Unit(nil), p.Units...)
	for n := range units {
		units[n].Notify = nil
		if units[n].Kind == "emergency" || units[n].ID == "s-371302105" {
			units[n].Notify = &routing.Notify{URL: url + "/" + units[n].ID, Secret: "env:UNIT"}
		}
	}
	rules, err := routing.Compile(routing.City{
		Hash: p.Hash, Zone: p.City.Location, Units: units, Categories: p.Categories, Regions: p.Regions,
		Areas: p.Areas, Catalogue: p.Catalogue, Rules: p.Rules, DefaultPolicy: p.City.DefaultPolicy, Workday: p.Calendar.IsWorkday,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &city.City{Hash: p.Hash, Prefix: "LY", Zone: p.City.Location, Rules: rules, Policies: p.PolicySet, DefaultPolicy: p.City.DefaultPolicy, Say: p.Text}
}

// Dispatched registers a ticket, gives it to a unit and writes the notices made of the dispatch.
func (p *post) Dispatched(n int, urgency ticket.Urgency, unit string, more ...func(*ticket.Ticket, ticket.Event) store.Notice) ticket.ID {
	p.t.Helper()
	id, err := ticket.NewID(p.now, rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	t, first, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Details: ticket.Details{Registration: &ticket.Registration{
			Number: ticket.FormatNumber("LY", p.now, n), Channel: "wechat", Key: strconv.Itoa(n), Kind: ticket.KindCase, Source: ticket.SourceCitizen,
			Type: ticket.TypeHelp, Urgency: urgency, Policy: p.city.PolicyKey("", p.now), ReceivedAt: p.now,
		}},
		Private: &ticket.Private{Title: "有人落水", Text: "请联系13900001111"},
	}, p.now, rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	second, err := t.Do(ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: unit}}, p.now, rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	notice, err := outbox.ForUnit(unit, p.city.UnitTitle(unit), &t, second)
	if err != nil {
		p.t.Fatal(err)
	}
	change := store.Change{Tickets: []store.TicketChange{p.city.Change(0, t, []ticket.Event{first, second}, p.now)}, Outbox: []store.Notice{notice}}
	for _, m := range more {
		change.Outbox = append(change.Outbox, m(&t, second))
	}
	if err := p.store.Commit(p.t.Context(), change)[0]; err != nil {
		p.t.Fatal(err)
	}
	return id
}

// Advance lets time pass and delivers what is due then.
func (p *post) Advance(d time.Duration, kinds ...string) int {
	p.t.Helper()
	p.now = p.now.Add(d)
	n, err := p.worker.RunOnce(p.t.Context(), p.now, kinds...)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

func (p *post) stands(state store.NoticeState) int {
	p.t.Helper()
	list, err := p.store.Notices(p.t.Context(), state, 0, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return len(list)
}

func TestAUnitIsToldOnceSignedAndWithoutIdentity(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.Dispatched(1, ticket.UrgencyNormal, "s-371302105")
	if n := p.Advance(0); n != 1 || len(p.received) != 1 {
		t.Fatalf("%d tried, %d arrived", n, len(p.received))
	}
	if text := p.received[0].body.Text; strings.Contains(text, "13900001111") {
		t.Errorf("the notice carries the citizen's number: %s", text)
	}
	if p.Advance(time.Hour) != 0 || p.stands(store.NoticeDelivered) != 1 {
		t.Error("a delivered notice was tried again")
	}
}

func TestAnAwayUnitIsTriedAgainAndGivenUpAtLast(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.Dispatched(1, ticket.UrgencyNormal, "s-371302105")
	p.status = http.StatusInternalServerError
	p.Advance(0)
	if p.Advance(5*time.Second) != 0 {
		t.Error("tried again before its wait was over")
	}
	for range 15 {
		p.Advance(25 * time.Hour)
	}
	if p.stands(store.NoticeDead) != 1 || p.stands(store.NoticePending) != 0 {
		t.Fatalf("%d dead, %d pending", p.stands(store.NoticeDead), p.stands(store.NoticePending))
	}
	for _, r := range p.received[1:] {
		if r.id != p.received[0].id {
			t.Error("a retry came under another id: the unit cannot tell it from a new notice")
		}
	}
	dead, err := p.store.Notices(t.Context(), store.NoticeDead, 0, 10)
	if err != nil || !strings.Contains(dead[0].Error, "500") {
		t.Errorf("the list does not say why: %+v, %v", dead, err)
	}
	p.status = http.StatusOK
	if n, err := p.store.Redrive(t.Context(), []int64{dead[0].ID}, p.now); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if p.Advance(time.Second) != 1 || p.stands(store.NoticeDelivered) != 1 {
		t.Error("a notice driven again did not arrive")
	}
}

func TestGoneIsFinal(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.Dispatched(1, ticket.UrgencyNormal, "s-371302105")
	p.status = http.StatusGone
	p.Advance(0)
	if p.stands(store.NoticeDead) != 1 {
		t.Error("410 was not taken as final")
	}
}

func TestAnEmergencyTakenOverIsSigned(t *testing.T) {
	t.Parallel()
	p := open(t)
	for n := range 20 {
		p.Dispatched(n+10, ticket.UrgencyNormal, "s-371302105")
	}
	id := p.Dispatched(1, ticket.UrgencyEmergency, "e-110")
	if p.Advance(0, outbox.KindEmergency) != 1 || p.received[0].path != "/e-110" {
		t.Fatalf("received %+v", p.received)
	}
	item, err := p.store.Ticket(t.Context(), id)
	if err != nil || item.Assignments[0].State != ticket.Signed {
		t.Errorf("110 took it over, the assignment is %v, %v", item.Assignments, err)
	}
}

func TestAUnitWithoutASystemReadsTheConsole(t *testing.T) {
	t.Parallel()
	p := open(t)
	p.Dispatched(1, ticket.UrgencyNormal, "b-chengguan")
	p.Advance(0)
	if p.stands(store.NoticeDelivered) != 1 || len(p.received) != 0 {
		t.Error("nothing was to be sent")
	}
}

func TestTheCitizenIsAnsweredAndThePictureComesHome(t *testing.T) {
	t.Parallel()
	p := open(t)
	about := func(kind string, body any) func(*ticket.Ticket, ticket.Event) store.Notice {
		return func(tk *ticket.Ticket, e ticket.Event) store.Notice {
			n, err := outbox.About(kind, "wechat", tk, e, body)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	closed := p.now.Add(-time.Minute).UnixMilli()
	id := p.Dispatched(1, ticket.UrgencyNormal, "b-chengguan",
		about(outbox.KindCitizen, outbox.CitizenNotice{To: ticket.ReplyHandle{Address: "openid"}, Message: ticket.Message{Text: "已办结"}}),
		about(outbox.KindMedia, ticket.MediaRef{Ref: "media-1", Role: "photo"}))
	p.Dispatched(2, ticket.UrgencyNormal, "b-chengguan",
		about(outbox.KindCitizen, outbox.CitizenNotice{To: ticket.ReplyHandle{Address: "late", Until: closed}, Message: ticket.Message{Text: "太晚"}}))
	p.Advance(0)
	if len(p.received) != 1 || p.received[0].path != "openid" || p.received[0].id != "已办结" {
		t.Errorf("answers %+v", p.received)
	}
	if p.stands(store.NoticeDead) != 1 {
		t.Error("an answer past the platform's window is not listed")
	}
	item, err := p.store.Ticket(t.Context(), id)
	if err != nil || len(item.Private.Media) != 1 || item.Private.Media[0].SHA256 == "" || len(p.media) != 1 {
		t.Errorf("attachments %+v, %v", item.Private.Media, err)
	}
}
