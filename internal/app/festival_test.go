package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/demo"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

var update = flag.Bool("update", false, "write the golden files anew")

// festival is a gateway whose clock and loops a test moves by hand, from one thing that falls due to the next, so
// that everything falls on its minute. It is also where its pages go: the duty room's chat and the supervision's system.
type festival struct {
	*App
	t   *testing.T
	now atomic.Int64 // Unix ms
	mu  sync.Mutex
	got []sentPage // pages that were sent
}

// sentPage is a page as its receiver reads it.
type sentPage struct {
	at        time.Time
	to, title string
}

// RoundTrip takes a page in.
func (f *festival) RoundTrip(r *http.Request) (*http.Response, error) {
	var body struct {
		Title    string
		Markdown struct{ Title string }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, sentPage{f.clock.Now(), path.Base(r.URL.Path), cmp.Or(body.Title, body.Markdown.Title)})
	answer := io.NopCloser(strings.NewReader(`{"errcode":0}`))
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: answer, Request: r}, nil
}

// spend lets time pass until a moment, and everything happens when it falls due.
func (f *festival) spend(ctx context.Context, until time.Time) error {
	for {
		at, err := f.next(ctx, until)
		if err != nil {
			return err
		}
		f.now.Store(max(f.now.Load(), at.UnixMilli()))
		now := f.clock.Now()
		if _, err := f.tracker.RunOnce(ctx, now); err != nil {
			return err
		}
		if _, err := f.relay.RunOnce(ctx, now); err != nil {
			return err
		}
		if _, err := f.outbox.RunOnce(ctx, now, outbox.KindUrgentPage, outbox.KindPage); err != nil {
			return err
		}
		if next, err := f.next(ctx, until); err != nil || !now.Before(until) && next.Equal(until) {
			return err
		}
	}
}

// next is the next moment at which something is due, until at the latest.
func (f *festival) next(ctx context.Context, until time.Time) (time.Time, error) {
	timers, err := f.store.Due(ctx, until, 1)
	if err != nil {
		return until, err
	}
	for _, t := range timers {
		until = soonest(until, t.At)
	}
	alerts, err := f.store.Alerts(ctx, store.AlertFilter{Look: until, Limit: 1})
	if err != nil {
		return until, err
	}
	for _, a := range alerts {
		until = soonest(until, a.Look)
	}
	for _, kind := range []string{outbox.KindUrgentPage, outbox.KindPage} {
		group, waits, err := f.store.NextGroup(ctx, kind, until)
		if err != nil {
			return until, err
		}
		if waits {
			list, err := f.store.Waiting(ctx, group.Key, 1)
			if err != nil || len(list) == 0 {
				return until, err
			}
			until = soonest(until, list[0].Next)
		}
	}
	again, err := f.store.Repeats(ctx, until, 1)
	if err != nil {
		return until, err
	}
	for _, n := range again {
		until = soonest(until, n.Repeat)
	}
	pages, err := f.store.PageList(ctx, store.NoticePending, 0, 100)
	for _, p := range pages {
		until = soonest(until, p.Next)
	}
	return until, err
}

func soonest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// takeAll lets the officer on shift acknowledge what waits, as at the end of a shift.
func (f *festival) takeAll(ctx context.Context) {
	f.t.Helper()
	open, err := f.store.Alerts(ctx, store.AlertFilter{Open: true, Limit: 1000})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, a := range open {
		err := f.desk.Ack(ctx, desk.Viewer{Login: "duty", Roles: []string{"duty"}}, a.ID)
		if err != nil && !ticket.IsKind(err, ticket.Conflict) { // one that climbed is acknowledged with its root
			f.t.Fatal(err)
		}
	}
}

// The storm day, sent on the last Friday before the Spring Festival of 2026, and then no unit works and the
// officers on duty take their alerts at the end of each shift: each card
// and each notice comes at its minute, over the holidays (15 to 23 February) and the two make-up Saturdays
// (14 and 28 February). The golden file is for people to read; -update writes it anew.
func TestTheStormBeforeTheSpringFestival(t *testing.T) {
	t.Parallel()
	f := &festival{t: t}
	zone := time.FixedZone("CST", 8*3600)
	f.now.Store(time.Date(2026, 2, 13, 8, 30, 0, 0, zone).UnixMilli())
	o := options(t, linyi)
	o.Out, o.Speed, o.Clock = io.Discard, 1, func() time.Time { return time.UnixMilli(f.now.Load()) }
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Listen = ln.Addr().String()
	f.App = start(t, o)
	f.outbox.HTTP, f.outbox.Wall = &http.Client{Transport: f}, f.clock.Now
	served := make(chan error, 1)
	go func() { served <- f.server.Listen(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(f.server.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})

	f.Greet(t.Context())
	var out bytes.Buffer
	err = SendDemo(t.Context(), linyi, demo.Options{To: "http://" + o.Listen, Out: &out, Run: 1, Until: f.spend})
	if err != nil && !errors.Is(err, demo.ErrDiffers) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	for shift := time.Date(2026, 2, 13, 20, 0, 0, 0, zone); shift.Before(time.Date(2026, 3, 10, 0, 0, 0, 0, zone)); shift = shift.Add(12 * time.Hour) {
		if err := f.spend(t.Context(), shift); err != nil {
			t.Fatal(err)
		}
		f.takeAll(t.Context())
	}
	got := f.chronicle()
	const golden = "testdata/festival.golden"
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("the weeks are not as in %s (write it anew with -update and read the change):\n%s", golden, d)
	}
}

// card is what one line of the chronicle says, but for the tickets it stands for.
type card struct{ at, words, told string }

// chronicle writes down every card of every ticket, by day and minute: level, clock, holder, step, whom it was told
// to, and what the matters are about.
func (f *festival) chronicle() string {
	f.t.Helper()
	c, ctx := f.live.Get(), f.t.Context()
	posts := map[string][]string{} // ticket/seq → posts
	alerts, err := f.store.Alerts(ctx, store.AlertFilter{Limit: 100000})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, a := range alerts {
		if !a.Root.IsZero() {
			continue // it climbed: see below
		}
		key := strings.Join(strings.Split(a.Key, "/")[:2], "/")
		posts[key] = append(posts[key], a.Post)
	}
	cards := map[card][]string{}
	err = f.store.Walk(ctx, ticket.ID{}, func(id ticket.ID) error {
		item, err := f.store.Ticket(ctx, id)
		if err != nil {
			return err
		}
		history, err := f.store.History(ctx, id)
		for _, e := range history {
			if e.Action != ticket.Escalate {
				continue
			}
			if !e.At.Equal(e.Details.Due) {
				f.t.Errorf("%s: %s was due at %v and came at %v", item.Number, e.Cause.Rule, e.Details.Due, e.At)
			}
			told := posts[fmt.Sprintf("%s/%d", id, e.Seq)]
			slices.Sort(told)
			holder := "热线中心"
			if e.Details.Unit != "" {
				holder = c.UnitTitle(e.Details.Unit)
			} else if u := item.LeadUnit(); u != "" {
				holder = "整单（" + c.UnitTitle(u) + "）"
			}
			k := card{
				at: e.At.In(c.Zone).Format("2006-01-02 15:04"), told: strings.Join(told, "、"),
				words: fmt.Sprintf("%s·%s  %s  %s", desk.LevelTitle(e.Details.Level), tracker.ClockTitle(sla.ClockName(e.Details.Clock)), e.Cause.Rule, holder),
			}
			// Of forty who report one flood any may come first, so the matter is told by category and region.
			category, _ := c.Rules.Category(item.Category)
			region, _ := c.Rules.Region(item.Region)
			cards[k] = append(cards[k], strings.TrimSpace(cmp.Or(category.Name, "未分类")+"  "+region.Name))
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.climbs(cards)
	for _, p := range f.got {
		to, _ := c.Notices.Destination(p.to)
		k := card{at: p.at.In(c.Zone).Format("2006-01-02 15:04"), words: "通知", told: to.Title}
		cards[k] = append(cards[k], p.title)
	}
	keys := slices.SortedFunc(maps.Keys(cards), func(a, b card) int {
		return cmp.Or(strings.Compare(a.at, b.at), strings.Compare(a.words, b.words), strings.Compare(a.told, b.told))
	})
	var b strings.Builder
	day := ""
	for _, k := range keys {
		if k.at[:10] != day {
			day = k.at[:10]
			fmt.Fprintf(&b, "\n%s\n", f.dayTitle(day))
		}
		slices.Sort(cards[k])
		told := "→ " + k.told
		if k.told == "" {
			told = "（承办单位同一时限已通知）"
		}
		fmt.Fprintf(&b, "%s  %s  %s\n", k.at[11:], k.words, told)
		for _, title := range slices.Compact(slices.Clone(cards[k])) {
			n := 0
			for _, other := range cards[k] {
				if other == title {
					n++
				}
			}
			if n > 1 {
				title += fmt.Sprintf(" ×%d", n)
			}
			fmt.Fprintf(&b, "           %s\n", title)
		}
	}
	return strings.TrimLeft(b.String(), "\n")
}

// climbs adds what nobody acknowledged: from which post to which it went, by level and unit.
func (f *festival) climbs(cards map[card][]string) {
	f.t.Helper()
	c := f.live.Get()
	alerts, err := f.store.Alerts(f.t.Context(), store.AlertFilter{Limit: 100000})
	if err != nil {
		f.t.Fatal(err)
	}
	posts := map[ticket.ID]string{}
	for _, a := range alerts {
		posts[a.ID] = a.Post
	}
	for _, a := range alerts {
		if a.Root.IsZero() {
			continue
		}
		k := card{at: a.At.In(c.Zone).Format("2006-01-02 15:04"), words: fmt.Sprintf("无人确认·%s  %s", desk.LevelTitle(a.Level), posts[a.Root]), told: a.Post}
		cards[k] = append(cards[k], "告警")
	}
}

// dayTitle says what kind of day it was.
func (f *festival) dayTitle(day string) string {
	f.t.Helper()
	c := f.live.Get()
	at, err := time.ParseInLocation(time.DateOnly, day, c.Zone)
	if err != nil {
		f.t.Fatal(err)
	}
	words := strings.TrimSuffix(c.Calendar.Words(at), "00:00") + "  "
	listed, ok := c.Calendar.Listed(at)
	switch {
	case ok && listed.Off:
		return words + listed.Name + "放假"
	case ok:
		return words + listed.Name + "调休上班"
	case c.Calendar.IsWorkday(at):
		return words + "工作日"
	default:
		return words + "休息日"
	}
}
