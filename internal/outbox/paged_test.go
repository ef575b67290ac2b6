package outbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// room is a duty room that is paged: destinations on one local server, and alerts raised as the tracker raises them.
type room struct {
	*post
	pages []paged
	down  bool // the server answers 500
	n     int  // tickets so far
}

// paged is a page as it arrived.
type paged struct {
	To       string `json:"destination"`
	ID       string `json:"id"`
	Title    string `json:"title"`
	Count    int    `json:"count"`
	Standing int    `json:"standing"`
	Repeated bool   `json:"repeated"`
	Items    []struct {
		Number string `json:"number"`
	} `json:"items"`
	Why []string `json:"why"`
}

const (
	chengguan = "b-chengguan"
	zhujian   = "b-zhujian"
	wait      = 30 * time.Second
	interval  = 5 * time.Minute
)

// openRoom is a room with a group chat for red cards and worse, which is quiet at night, and a board for everything.
func openRoom(t *testing.T) *room {
	t.Helper()
	r := &room{post: open(t)}
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if err := wh.VerifyIgnoringTimestamp(body, req.Header); err != nil {
			t.Errorf("signature: %v", err)
		}
		var p paged
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pages = append(r.pages, p)
		if r.down {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	dest := func(id string) paging.Destination {
		return paging.Destination{ID: id, Kind: paging.Webhook, Title: id, URL: server.URL + "/" + id, Secret: "env:PAGES", Rate: 6000}
	}
	by := []string{paging.ByUnit, paging.ByLevel}
	quiet := paging.Quiet{From: 22 * 60, To: 7 * 60}
	r.city.Notices = &paging.Plan{
		Destinations: []paging.Destination{dest("chat"), dest("board")},
		Routes: []paging.Route{
			{ID: "red", Levels: []string{"red", "supervise"}, To: []string{"chat"}, GroupBy: by, Wait: wait, Interval: interval, Repeat: 4 * time.Hour, Quiet: quiet, Loud: []string{"supervise"}},
			{ID: "board", Levels: []string{"yellow"}, To: []string{"board"}, GroupBy: by, Wait: wait, Interval: interval},
		},
	}
	return r
}

// Raised registers a ticket of a unit and raises an alert about its resolve clock, with its pages, in one commit.
func (r *room) Raised(unit, level string, urgency ticket.Urgency, more ...func(*ticket.Registration, *outbox.Cause)) ticket.ID {
	r.t.Helper()
	r.n++
	id, err := ticket.NewID(r.now, zeros{})
	if err != nil {
		r.t.Fatal(err)
	}
	id[15], id[14] = byte(r.n), byte(r.n>>8)
	why := outbox.Cause{Rule: "general@1/resolve/" + level, Unit: unit, Clock: "resolve", Step: level, Due: r.now}
	reg := &ticket.Registration{
		Number: ticket.FormatNumber("LY", r.now, r.n), Channel: "wechat", Key: strconv.Itoa(r.n), Kind: ticket.KindCase, Source: ticket.SourceCitizen,
		Type: ticket.TypeHelp, Urgency: urgency, Policy: r.city.PolicyKey("", r.now), ReceivedAt: r.now,
	}
	for _, m := range more {
		m(reg, &why)
	}
	t, first, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Details: ticket.Details{Registration: reg}, Private: &ticket.Private{Title: "积水", Text: "请联系13900001111"},
	}, r.now, zeros{})
	if err != nil {
		r.t.Fatal(err)
	}
	second, err := t.Do(ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: unit}}, r.now, zeros{})
	if err != nil {
		r.t.Fatal(err)
	}
	var alerts []store.Alert
	for _, post := range []string{unit + ".handler", unit + ".head"} { // one step, two posts
		a := store.Alert{Key: fmt.Sprintf("%s/2/%s", id, post), Ticket: id, Number: t.Number, Unit: unit, Level: level, Post: post, Text: "超期", At: r.now}
		a.ID = id
		a.ID[0] = byte(len(alerts) + 1)
		alerts = append(alerts, a)
	}
	why.Key = id.String() + "/2"
	pages, err := outbox.Pages(r.city, &t, alerts, why)
	if err != nil {
		r.t.Fatal(err)
	}
	change := store.Change{
		Tickets: []store.TicketChange{r.city.Change(0, t, []ticket.Event{first, second}, r.now)}, Alerts: alerts, Outbox: pages,
	}
	if err := r.store.Commit(r.t.Context(), change)[0]; err != nil {
		r.t.Fatal(err)
	}
	return id
}

// Did takes a step on a ticket.
func (r *room) Did(id ticket.ID, cmd ticket.Command) {
	r.t.Helper()
	item, err := r.store.Ticket(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	history, err := r.store.History(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	t := item.Ticket
	e, err := t.Do(cmd, r.now, zeros{})
	if err != nil {
		r.t.Fatal(err)
	}
	change := store.Change{Tickets: []store.TicketChange{r.city.Change(item.Version, t, append(history, e), r.now)}}
	if err := r.store.Commit(r.t.Context(), change)[0]; err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) Answered(id ticket.ID) {
	r.Did(id, ticket.Command{Action: ticket.Sign, Details: ticket.Details{Assignment: 1}})
	r.Did(id, ticket.Command{Action: ticket.Resolve, Details: ticket.Details{Assignment: 1}, Private: &ticket.Private{PublicReply: "已办"}})
}

// arrived are the pages since the last time, each as destination, title and count.
func (r *room) arrived() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []string{}
	for _, p := range r.pages {
		list = append(list, fmt.Sprintf("%s: %s", p.To, p.Title))
	}
	r.pages = nil
	slices.Sort(list) // pages of one run go side by side
	return list
}

func (r *room) expect(when string, want ...string) {
	r.t.Helper()
	got := r.arrived()
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), got, cmpopts.EquateEmpty()); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

const normal = ticket.UrgencyNormal

func TestAStormPagesOnceAndEveryStepIsOnRecord(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	for range 47 {
		r.Raised(chengguan, "red", normal)
		r.now = r.now.Add(100 * time.Millisecond)
	}
	r.Raised(zhujian, "red", normal)
	r.Raised(chengguan, "remind", normal) // no route takes it
	r.Advance(20 * time.Second)
	r.expect("before the group's wait is over")
	r.now = r.now.Add(wait)
	r.Advance(0)
	name := r.city.UnitTitle
	r.mu.Lock()
	first := r.pages[slices.IndexFunc(r.pages, func(p paged) bool { return p.Count > 1 })]
	r.mu.Unlock()
	r.expect("after it", "chat: 【红牌】"+name(chengguan)+" 47 件", "chat: 【红牌】"+name(zhujian)+" 1 件")
	if len(first.Items) != paging.Listed || first.Count != 47 || first.Why[0] != "general@1/resolve/red" {
		t.Errorf("the page: %+v", first)
	}
	alerts, err := r.store.Alerts(t.Context(), store.AlertFilter{Limit: 1000})
	if err != nil || len(alerts) != 98 { // two posts each
		t.Errorf("%d alerts on the console, %v", len(alerts), err)
	}
	if n := r.stands(store.NoticeDelivered); n != 48 {
		t.Errorf("%d notices count as told, want 48", n)
	}

	for range 3 {
		r.Raised(chengguan, "red", normal)
	}
	r.Advance(wait)
	r.expect("within the group's interval")
	r.Advance(interval)
	r.expect("after the interval", "chat: 【红牌】"+name(chengguan)+" 3 件（另有 47 件此前已通知、仍未处置）")
	r.Advance(interval)
	r.expect("when nothing is new")
}

// mortal is the store of a worker that is killed at some moment: before it notes what came of a page.
type mortal struct {
	outbox.Store
	killed func() bool
}

func (m mortal) SettlePage(ctx context.Context, r store.PageResult) error {
	if m.killed() {
		return errKilled
	}
	return m.Store.SettlePage(ctx, r)
}

func TestKilledWorkersTellEachGroupUnderOneID(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	units := []string{chengguan, zhujian, "b-jiaojing"}
	for n := range 60 {
		r.Raised(units[n%3], "red", normal)
	}
	r.now = r.now.Add(wait)
	deaths := 0
	for life := range 4 { // four gateways at once; whoever dies is replaced after its lease
		var all sync.WaitGroup
		for hand := range 4 {
			w := *r.worker
			w.Store = mortal{r.store, func() bool {
				r.mu.Lock()
				defer r.mu.Unlock()
				if life < 3 && (hand+life)%2 == 0 {
					deaths++
					return true
				}
				return false
			}}
			all.Go(func() { _, _ = w.RunOnce(r.t.Context(), r.now, outbox.KindPage) })
		}
		all.Wait()
		r.now = r.now.Add(9 * time.Second)
	}
	r.Advance(time.Minute)
	ids := map[string]int{}
	for _, p := range r.pages {
		ids[p.ID] = p.Count
	}
	if len(ids) != 3 {
		t.Errorf("three groups were told under %d ids: %v", len(ids), ids)
	}
	for id, n := range ids {
		if n != 20 {
			t.Errorf("page %s tells of %d tickets, want 20", id, n)
		}
	}
	delivered, err := r.store.PageList(t.Context(), store.NoticeDelivered, 0, 10)
	if err != nil || len(delivered) != 3 {
		t.Errorf("%d pages on record, want 3; %v", len(delivered), err)
	}
	if r.stands(store.NoticeDelivered) != 60 {
		t.Errorf("%d notices on record, want 60", r.stands(store.NoticeDelivered))
	}
	t.Logf("%d deaths, %d messages outside", deaths, len(r.pages))
}

func TestAnEmergencyGoesAtOnceAndByItself(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.now = time.Date(2026, 7, 13, 18, 0, 0, 0, time.UTC) // 02:00 in the city
	if _, err := r.store.AddSilence(t.Context(), store.Silence{Author: "duty1", Reason: "割接", Destination: "chat", Created: r.now, Until: r.now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r.Raised("e-110", "red", ticket.UrgencyEmergency)
	r.Raised("e-110", "red", ticket.UrgencyEmergency)
	r.Raised(chengguan, "red", normal)
	r.Advance(0, outbox.KindEmergency, outbox.KindUrgentPage)
	name := r.city.UnitTitle("e-110")
	r.expect("in the quiet hours, under a silence", "chat: 【突发】"+name+" 1 件", "chat: 【突发】"+name+" 1 件")
}

func TestQuietHoursHoldAndLetGoTogether(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	name := r.city.UnitTitle(chengguan)
	r.now = time.Date(2026, 7, 13, 13, 59, 0, 0, time.UTC) // 21:59 in the city
	r.Raised(chengguan, "red", normal)
	r.Advance(wait)
	r.expect("before the quiet hours", "chat: 【红牌】"+name+" 1 件")
	r.now = r.now.Add(time.Minute)
	r.Raised(chengguan, "red", normal)
	mended := r.Raised(chengguan, "red", normal)
	r.Advance(time.Hour)
	r.Raised(chengguan, "supervise", normal)
	r.Advance(wait)
	r.expect("at night only what is loud", "chat: 【督办】"+name+" 1 件")
	r.Answered(mended)
	r.now = time.Date(2026, 7, 13, 22, 59, 59, 0, time.UTC)
	r.Advance(0)
	r.expect("a second before seven")
	r.Advance(time.Second)
	// With the one that waited goes the one of the evening, whose four hours were over during the night.
	r.expect("at seven", "chat: 【红牌】"+name+" 2 件")
	r.Advance(time.Minute)
	r.expect("the loud one, four hours and more after it was told", "chat: 【督办】"+name+" 1 件仍未处置")
	if n := r.stands(store.NoticeDropped); n != 1 {
		t.Errorf("%d notices were dropped, want the one whose ticket was answered", n)
	}
	history, err := r.store.History(t.Context(), mended)
	if err != nil || len(history) != 4 {
		t.Errorf("its ticket has %d events, %v", len(history), err)
	}
}

// Acknowledged lets an officer take an alert.
func (r *room) Acknowledged(id ticket.ID) {
	r.t.Helper()
	kept, err := r.store.Alerts(r.t.Context(), store.AlertFilter{IDs: []ticket.ID{id}, Limit: 1})
	if err != nil || len(kept) != 1 {
		r.t.Fatal(kept, err)
	}
	next := kept[0]
	next.Version, next.AckedBy, next.AckedAt = next.Version+1, "duty1", r.now
	entry := store.AlertEntry{Alert: id, At: r.now, By: "duty1", What: store.AlertAcknowledged, Post: next.Post}
	if err := r.store.Commit(r.t.Context(), store.Change{AlertChanges: []store.AlertChange{{Was: kept[0], Alert: next, Entry: entry}}})[0]; err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatStillStandsIsToldAgainUntilSomebodyTakesIt(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.now = time.Date(2026, 7, 12, 23, 30, 0, 0, time.UTC) // 07:30 in the city
	name := r.city.UnitTitle(chengguan)
	one, two, three := r.Raised(chengguan, "red", normal), r.Raised(chengguan, "red", normal), r.Raised(chengguan, "red", normal)
	r.Advance(wait)
	r.expect("at first", "chat: 【红牌】"+name+" 3 件")
	r.Answered(two)
	r.Advance(4 * time.Hour)
	r.Advance(wait)
	r.expect("after four hours", "chat: 【红牌】"+name+" 2 件仍未处置")
	alert := one
	alert[0] = 1
	r.Acknowledged(alert)
	r.Advance(4 * time.Hour)
	r.Advance(wait)
	r.expect("after eight", "chat: 【红牌】"+name+" 1 件仍未处置")
	r.Answered(three)
	r.Advance(4 * time.Hour)
	r.Advance(wait)
	r.expect("when all is taken")
}

func TestASilenceHoldsPagesAndNothingOfTheLaw(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	name := r.city.UnitTitle(chengguan)
	until := r.now.Add(2 * time.Hour)
	id, err := r.store.AddSilence(t.Context(), store.Silence{Author: "duty1", Reason: "系统割接", Unit: chengguan, Level: "red", Created: r.now, Until: until})
	if err != nil {
		t.Fatal(err)
	}
	r.Raised(chengguan, "red", normal)
	r.Raised(zhujian, "red", normal)         // another unit
	r.Raised(chengguan, "supervise", normal) // worse than the silence allows
	r.Raised(chengguan, "red", normal, func(_ *ticket.Registration, c *outbox.Cause) { c.Statutory = true })
	r.Advance(wait)
	r.expect("under the silence", "chat: 【红牌】"+name+" 1 件", "chat: 【红牌】"+r.city.UnitTitle(zhujian)+" 1 件", "chat: 【督办】"+name+" 1 件")
	held, err := r.store.Silenced(t.Context(), id, 0, 10)
	if err != nil || len(held) != 1 {
		t.Fatalf("held back: %+v, %v", held, err)
	}
	if list, err := r.store.Silences(t.Context(), r.now, 10); err != nil || list[0].Held != 1 {
		t.Errorf("the silence says %+v, %v", list, err)
	}
	r.now = until
	r.Advance(0)
	r.Advance(wait)
	r.expect("when it ends", "chat: 【红牌】"+name+" 1 件（另有 1 件此前已通知、仍未处置）")
}
