package desk_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/sla/tracker"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// outside is the world beyond the gateway. In an exercise nobody there hears anything.
type outside struct{ heard []string }

func (o *outside) RoundTrip(r *http.Request) (*http.Response, error) {
	o.heard = append(o.heard, r.URL.String())
	return nil, errors.New("the outside was called")
}

// reachable is the plain channel with a way to answer.
type reachable struct {
	plain
	o *outside
}

func (r reachable) Reply(_ context.Context, to ticket.ReplyHandle, _ ticket.Message) (adapters.Receipt, error) {
	r.o.heard = append(r.o.heard, "reply to "+to.Address)
	return adapters.Receipt{}, nil
}

// exercise is an office whose app is a training channel, with every way out there is: systems of units, answers
// to citizens, pages to a group chat, mails.
func exercise(t *testing.T) (*office, *outside, *outbox.Worker, *tracker.Tracker) {
	t.Helper()
	o, out := open(t), &outside{}
	c := o.live.Get()
	c.Channels["app"].Training = true
	c.Channels["app"].Adapter = reachable{o: out}
	c.Notices = &paging.Plan{
		Destinations: []paging.Destination{{ID: "chat", Kind: paging.WeCom, Title: "群", Token: "env:CHAT"}},
		Routes:       []paging.Route{{ID: "all", To: []string{"chat"}}},
	}
	worker := outbox.New(outbox.Options{
		Store: o.store, Live: o.live, HTTP: &http.Client{Transport: out}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Secret: func(adapters.SecretRef) (string, error) { return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", nil },
		Now:    func() time.Time { return o.now }, Wall: func() time.Time { return o.now },
	})
	watcher := tracker.New(tracker.Options{Store: o.store, Live: o.live, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	return o, out, worker, watcher
}

func (o *office) inState(state store.NoticeState) []store.StoredNotice {
	o.t.Helper()
	list, err := o.store.Notices(o.t.Context(), state, 0, 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

// Every way in which the gateway tells somebody something, taken with training tickets: everything is on record,
// nothing leaves.
func TestAnExerciseLeavesTheGatewayByNoPath(t *testing.T) {
	t.Parallel()
	o, out, worker, watcher := exercise(t)
	drowning := o.Report(ticket.Request{
		Key: "e-1", Text: "演习：沂河里有人落水，快救人", Place: ticket.Place{Address: "兰山区沂河路"}, Reply: &ticket.ReplyHandle{Address: "openid-1"},
	})
	water := o.Report(flood("e-2"))
	lost := o.Report(ticket.Request{Key: "e-3", Text: "有人要跳楼，不知道在哪里", Urgency: ticket.UrgencyEmergency}) // perhaps nobody's
	o.now = o.now.Add(time.Hour)
	water.Does(officer, ticket.Urge, noting("请加快"))
	water.Does(officer, ticket.Supervise, reason("overdue"))
	second := o.Report(ticket.Request{Key: "e-4", Text: "外地亲戚的社保怎么转到青岛去", Reply: &ticket.ReplyHandle{Address: "openid-4"}})
	water.Does(allocator, ticket.AddUnit, to("b-chengguan"))
	for range 40 { // every rung of every ladder
		o.now = o.now.Add(24 * time.Hour)
		for range 5 {
			if _, err := watcher.RunOnce(t.Context(), o.now); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := worker.RunOnce(t.Context(), o.now); err != nil {
			t.Fatal(err)
		}
	}
	water.Does(yitang, ticket.Sign, share(1))
	water.Finish(yitang, "已抽排")
	second.Does(allocator, ticket.Decline, reason("outside_city"))
	if _, err := worker.RunOnce(t.Context(), o.now); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, n := range o.inState(store.NoticeWithheld) {
		kinds[n.Kind]++
	}
	for _, kind := range []string{outbox.KindEmergency, outbox.KindCitizen, outbox.KindLadder, outbox.KindPage, outbox.KindUrgentPage} {
		if kinds[kind] == 0 {
			t.Errorf("no %s notice is on record: the path was not taken, and this test proves nothing of it (%v)", kind, kinds)
		}
	}
	for _, state := range []store.NoticeState{store.NoticePending, store.NoticeWaiting, store.NoticeDelivered, store.NoticeDead} {
		if list := o.inState(state); len(list) > 0 {
			t.Errorf("%d notices of an exercise are %s, the first a %s", len(list), state, list[0].Kind)
		}
	}
	if len(out.heard) > 0 {
		t.Errorf("the outside heard %v", out.heard)
	}

	view := drowning.By(officer)
	if !view.Training || !strings.HasPrefix(view.Title, "【演练】") || !strings.HasPrefix(lost.By(officer).Title, "【演练】") {
		t.Errorf("the ticket is shown as %q, training %v", view.Title, view.Training)
	}
	alerts, err := o.store.Alerts(t.Context(), store.AlertFilter{Limit: 1000})
	if err != nil || len(alerts) == 0 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	for _, a := range alerts {
		if !strings.HasPrefix(a.Text, "【演练】") {
			t.Errorf("an alert of an exercise says %q", a.Text)
		}
	}
}

// A notice that was made past the rule, by an older gateway or by a mistake, meets it again where it is delivered.
func TestANoticeOfAnExerciseIsRefusedWhereItIsDelivered(t *testing.T) {
	t.Parallel()
	o, out, worker, _ := exercise(t)
	m := o.Report(flood("e-1"))
	item, err := o.store.TicketByNumber(t.Context(), m.Number)
	if err != nil {
		t.Fatal(err)
	}
	var list []store.Notice
	for kind, target := range map[string]string{
		outbox.KindUnit: "e-110", outbox.KindEmergency: "e-110", outbox.KindLadder: "e-110", outbox.KindCitizen: "app", outbox.KindPage: "chat", outbox.KindUrgentPage: "chat",
	} {
		n := store.Notice{Key: kind, Ticket: item.ID, Kind: kind, Target: target, Body: []byte(`{"to":{"address":"openid"},"level":"red"}`), Due: o.now, Created: o.now}
		if kind == outbox.KindPage || kind == outbox.KindUrgentPage {
			n.Group = kind
		}
		list = append(list, n)
	}
	if err := o.store.Commit(t.Context(), store.Change{Outbox: list})[0]; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o.now = o.now.Add(time.Hour)
		if _, err := worker.RunOnce(t.Context(), o.now); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.heard) > 0 {
		t.Errorf("the outside heard %v", out.heard)
	}
	if dead := o.inState(store.NoticeDead); len(dead) != 4 || !strings.Contains(dead[0].Error, "training") {
		t.Errorf("refused one by one: %+v", dead)
	}
	if n := len(o.inState(store.NoticeDelivered)) + len(o.inState(store.NoticePending)) + len(o.inState(store.NoticeWaiting)); n > 0 {
		t.Errorf("%d count as delivered or wait", n)
	}
}

func TestExercisesAndRealMattersStayApart(t *testing.T) {
	t.Parallel()
	o, _, _, _ := exercise(t)
	drill := o.Report(flood("e-1"))
	c := o.live.Get()
	real := *c.Channels["app"]
	real.Training = false
	channels := map[string]*city.Channel{"app": &real}
	live := *c
	live.Channels = channels
	o.live.Set(&live)
	matter := o.Report(flood("r-1")) // the same citizen, words and place
	if matter.Number == drill.Number {
		t.Fatal("a real matter disappeared in an exercise")
	}
	if matter.By(officer).Training {
		t.Error("a real matter counts as an exercise")
	}
	item, err := o.store.TicketByNumber(t.Context(), drill.Number)
	if err != nil {
		t.Fatal(err)
	}
	matter.Refused("ticket.merge.training", allocator, ticket.Merge, func(cmd *ticket.Command) { cmd.Details.Other = item.ID })
}
