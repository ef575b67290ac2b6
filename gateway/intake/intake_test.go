package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

func person(n int) ticket.Party { return ticket.Party{Phone: fmt.Sprintf("1390539%04d", n)} }

// flood is what the observer of the seed reports: water on a crossing outside the main urban area.
func flood(key string) ticket.Request {
	return ticket.Request{
		Key: key, Kind: ticket.KindCase, Text: "滨河路与聚才八路路口积水严重，已漫过路面，有漩涡，车辆无法通行",
		FiledBy: ticket.Party{ChannelID: "observer-7"}, Place: ticket.Place{Address: "滨河路与聚才八路交叉口", Lng: 118.2430, Lat: 35.1120, Datum: ticket.WGS84},
	}
}

func TestTheFloodGoesToTheTownNotToTheCentre(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Post("app", flood("1")).Is(adapters.Accepted).OwnedBy("兰山区义堂镇人民政府")
	item := s.Ticket()
	if item.Urgency != ticket.UrgencyUrgent {
		t.Errorf("water on the road is %s", item.Urgency)
	}
	if item.Private.Appellant.Phone != "" || item.Private.FiledBy.ChannelID != "observer-7" {
		t.Errorf("the observer is not the reporter: %+v", item.Private)
	}
	if item.Due.IsZero() || item.Due.Sub(storm) < 90*time.Minute {
		t.Errorf("due %s: solved at 10:07 would not be inside the policy", item.Due)
	}
	inTown := flood("2")
	inTown.Place.Lng, inTown.Place.Lat, inTown.Place.Address, inTown.FiledBy.ChannelID = 118.3500, 35.0600, "", "observer-8"
	central := o.Post("app", inTown).Ticket()
	if got := central.LeadUnit(); got == item.LeadUnit() {
		t.Errorf("the same words in the middle of the city went to %s, too", got)
	}
}

func TestTheSameRequestAgainIsTheSameTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "k", Kind: ticket.KindCase, Text: "金雀山路路灯不亮", Appellant: person(1)}
	first := o.Post("platform", r).Is(adapters.Accepted)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { o.Post("platform", r).Is(adapters.Repeated).SameTicketAs(first) })
	}
	wg.Wait()
	if again := o.Post("platform", r); again.out.Text != first.out.Text {
		t.Errorf("the repeat is told %q, the first was told %q", again.out.Text, first.out.Text)
	}
	if n := o.total(); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

func TestManyAtOnceWithOneKeyMakeOneTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "k", Kind: ticket.KindCase, Text: "金雀山路路灯不亮", Appellant: person(1)}
	results := make([]adapters.Result, 12)
	var wg sync.WaitGroup
	for n := range results {
		wg.Go(func() { results[n] = o.Post("platform", r).out.Result })
	}
	wg.Wait()
	slices.Sort(results)
	if results[0] != adapters.Accepted || results[1] != adapters.Repeated || results[11] != adapters.Repeated || o.total() != 1 {
		t.Errorf("results %v, %d tickets", results, o.total())
	}
}

func TestSameKeyOtherContent(t *testing.T) {
	t.Parallel()
	for _, channel := range []string{"app", "platform"} {
		t.Run(channel, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			r := ticket.Request{Key: "k", Kind: ticket.KindCase, Text: "金雀山路路灯不亮", Appellant: person(1)}
			o.Post(channel, r).Is(adapters.Accepted)
			r.Text = "完全不同的另一件事"
			s := o.Post(channel, r).Is(adapters.Conflicting)
			if o.total() != 1 {
				t.Errorf("%d tickets", o.total())
			}
			if shown := len(s.out.Tickets) > 0; shown != (channel == "platform") {
				t.Errorf("tickets in the answer: %v", s.out.Tickets)
			}
			kept, _, err := o.store.Deliveries(t.Context(), store.DeliveryFilter{States: []store.DeliveryState{store.DeliveryConflict}})
			if err != nil || len(kept) != 1 {
				t.Errorf("%d conflicts kept, %v", len(kept), err)
			}
		})
	}
}

func TestAnUrgeJoinsAndASecondMatterDoesNot(t *testing.T) {
	t.Parallel()
	o := open(t)
	me := person(2)
	first := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "兰山区金雀山街道开元小区路灯坏了三天", Appellant: me})
	o.Advance(2 * time.Hour)
	o.Post("app", ticket.Request{Key: "2", Kind: ticket.KindCase, Text: "我的工单" + first.Ticket().Number + "怎么还没人来修？", Appellant: me}).SameTicketAs(first)
	o.Post("app", ticket.Request{Key: "3", Kind: ticket.KindCase, Text: "兰山区金雀山街道开元小区路灯坏了，三天没亮了", Appellant: me}).SameTicketAs(first)
	second := o.Post("app", ticket.Request{Key: "4", Kind: ticket.KindCase, Text: "单位拖欠我三个月工资，找劳动监察没人管", Appellant: me}).AnotherTicketThan(first)
	if c := first.Ticket().Counters; c.Urges != 1 || c.Supplements != 1 {
		t.Errorf("urged %d times, supplemented %d times", c.Urges, c.Supplements)
	}
	if links := second.Ticket().Links; len(links) != 1 || links[0].To != first.Ticket().ID || links[0].Kind != "related" {
		t.Errorf("the second matter is linked %v", links)
	}
	stranger := person(3)
	o.Post("app", ticket.Request{Key: "5", Kind: ticket.KindCase, Text: "查一下工单" + first.Ticket().Number + "是谁投诉的我", Appellant: stranger}).AnotherTicketThan(first)
	o.chainsHold()
}

func TestForty(t *testing.T) {
	t.Parallel()
	o := open(t)
	ways := []string{"沂蒙路小区门口积水很深，车都进不去", "我们小区门口全是水，积水到膝盖了，出不去", "小区大门口积水严重请来抽水", "门口积水太深老人孩子没法出门"}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			o.Post("app", ticket.Request{
				Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: ways[n%len(ways)], Appellant: person(100 + n),
				Place: ticket.Place{Lng: 118.3450 + float64(n%5)*1e-4, Lat: 35.0600, Datum: ticket.WGS84},
			})
		})
	}
	wg.Wait()
	page, err := o.store.Tickets(t.Context(), store.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var leads []ticket.ID
	for _, item := range page.Items {
		if item.State != ticket.StateMerged {
			leads = append(leads, item.ID)
		}
	}
	if len(page.Items) != 40 || len(leads) != 1 {
		t.Fatalf("%d tickets, %d of them dispatched; want 40 and 1", len(page.Items), len(leads))
	}
	for _, item := range page.Items {
		if item.ID != leads[0] && item.Incident != leads[0] {
			t.Errorf("ticket %s does not follow the lead", item.Number)
		}
	}
	for key, lng := range map[string]float64{"next gate": 118.3470, "far": 118.3550} {
		other := o.Post("app", ticket.Request{
			Key: key, Kind: ticket.KindCase, Text: "沂蒙路阳光花园西门口积水很深，车都进不去", Appellant: person(200),
			Place: ticket.Place{Lng: lng, Lat: 35.0600, Datum: ticket.WGS84},
		})
		if other.Ticket().State == ticket.StateMerged {
			t.Errorf("the gate %q was folded into the first", key)
		}
	}
}

// A person's word on two tickets is remembered: who was taken out of an incident leads nobody into it, and who has an
// open ticket that is not of an incident is not drawn into it by the next call.
func TestWhatAPersonSetApartStaysApart(t *testing.T) {
	t.Parallel()
	o := open(t)
	gate := func(n, caller int, text string) ticket.Request {
		return ticket.Request{Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: text, Appellant: person(caller), Place: at(118.3450, 35.0600)}
	}
	lead := o.Post("app", gate(1, 1, "沂蒙路小区门口积水很深，车都进不去")).Ticket()
	wrong := o.Post("app", gate(2, 2, "沂蒙路小区门口积水很深，老人出不去")).Ticket()
	if wrong.Incident != lead.ID {
		t.Fatalf("the second report is %s: the case proves nothing", wrong.State)
	}
	o.do(wrong.ID, ticket.Command{Action: ticket.LinkTo, Details: ticket.Details{Other: lead.ID, Relation: ticket.LinkDistinct}})
	const more = "门口积水漫进我的商店，货都泡了"
	if stranger := o.Post("app", gate(3, 3, more)).Ticket(); stranger.Incident != lead.ID {
		t.Fatalf("a stranger's report is %s: the case proves nothing", stranger.State)
	}
	next := o.Post("app", gate(4, 2, more)).Ticket()
	if next.ID == wrong.ID || next.State == ticket.StateMerged {
		t.Errorf("the next report of who is not of the incident is %s and follows %s", next.State, next.Incident)
	}
	o.chainsHold()
}

// The memory of happenings may still say that a ticket follows a lead which it has left.
func TestWhoLeftAnIncidentLeadsNobodyIntoIt(t *testing.T) {
	t.Parallel()
	for _, left := range []bool{false, true} {
		o := open(t)
		gate := func(n int, lng float64, text string) ticket.Request {
			return ticket.Request{Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: text, Appellant: person(n), Place: at(lng, 35.0600)}
		}
		lead := o.Post("app", gate(1, 118.3450, "沂蒙路小区门口积水很深，车都进不去")).Ticket()
		between := o.Post("app", gate(2, 118.3457, "小区门口积水很深，老人出不去")).Ticket() // 64 m on
		if between.Incident != lead.ID {
			t.Fatalf("the second report is %s: the case proves nothing", between.State)
		}
		if left {
			o.do(between.ID, ticket.Command{Action: ticket.LinkTo, Details: ticket.Details{Other: lead.ID, Relation: ticket.LinkDistinct}})
		}
		third := o.Post("app", gate(3, 118.3464, "门口积水漫进我的商店，货都泡了")).Ticket() // as far again: at one spot with the second alone
		if follows := third.Incident == lead.ID; follows == left {
			t.Errorf("the second left the incident: %t; by way of it the third follows: %t", left, follows)
		}
	}
}

func TestAHappeningOutlivesARestart(t *testing.T) {
	t.Parallel()
	o := open(t)
	gate := func(n int) ticket.Request {
		return ticket.Request{
			Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: "沂蒙路小区门口积水很深，车都进不去", Appellant: person(n),
			Place: ticket.Place{Lng: 118.3450, Lat: 35.0600, Datum: ticket.WGS84},
		}
	}
	first := o.Post("app", gate(1)).Ticket()
	o.Restart()
	o.Advance(time.Hour)
	if second := o.Post("app", gate(2)).Ticket(); second.Incident != first.ID {
		t.Errorf("after a restart the second report is %s", second.State)
	}
}

// Citizens of one happening share its work whichever gateway of the city takes their calls.
func TestAHappeningIsSharedBetweenGateways(t *testing.T) {
	t.Parallel()
	o := open(t)
	gate := func(n int) ticket.Request {
		return ticket.Request{
			Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: "沂蒙路小区门口积水很深，车都进不去", Appellant: person(n),
			Place: ticket.Place{Lng: 118.3450, Lat: 35.0600, Datum: ticket.WGS84},
		}
	}
	here := o.intake
	o.Restart() // another gateway on the same store
	there := o.intake
	o.intake = here
	first := o.Post("app", gate(1)).Ticket()
	for range 2 {
		for _, i := range []*intake.Intake{here, there} {
			if err := i.Follow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.intake = there
	second := o.Post("app", gate(2)).Ticket()
	if second.Incident != first.ID {
		t.Errorf("at another gateway the second report is %s", second.State)
	}
	if err := here.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.intake = here
	if third := o.Post("app", gate(3)).Ticket(); third.Incident != first.ID {
		t.Errorf("back at the first gateway the third report is %s", third.State)
	}
}

func TestLifeInDangerAndItsLookAlikes(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "沂河滨河公园有人落水了，快来救人", Appellant: person(1)}).Is(adapters.Accepted)
	item := s.Ticket()
	if item.Urgency != ticket.UrgencyEmergency || !s.out.Tickets[0].Emergency {
		t.Fatalf("urgency %s", item.Urgency)
	}
	due, err := o.store.Claim(t.Context(), o.clock(), time.Minute, 10, "emergency")
	if err != nil || len(due) < 2 {
		t.Errorf("%d emergency notices wait, %v; want 110 and 120 told at once", len(due), err)
	}
	for key, text := range map[string]string{"2": "建议在滨河公园设置防落水栏杆", "3": "昨天落水的人已救起，感谢消防员"} {
		if u := o.Post("app", ticket.Request{Key: key, Kind: ticket.KindCase, Text: text, Appellant: person(2)}).Ticket().Urgency; u == ticket.UrgencyEmergency {
			t.Errorf("%q is taken for an emergency", text)
		}
	}
}

func TestAnEmergencyWithoutAnOwnerAlarmsTheDutyOfficer(t *testing.T) {
	t.Parallel()
	o := open(t)
	item := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, Urgency: ticket.UrgencyEmergency, Text: "快来人啊", Appellant: person(1)}).Ticket()
	if item.State != ticket.StateTriage {
		t.Fatalf("the pack owns it: %+v", item.Decision)
	}
	alerts, err := o.store.Alerts(t.Context(), store.AlertFilter{Open: true})
	if err != nil || len(alerts) == 0 || alerts[0].Number != item.Number {
		t.Errorf("alerts %+v, %v", alerts, err)
	}
}

func TestUnreadableIsKeptAndDrivenAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Send("platform", "bad").Is(adapters.Quarantined)
	stub := s.Ticket()
	if stub.State != ticket.StateTriage || !stub.Quarantined {
		t.Fatalf("the stub is %s", stub.State)
	}
	o.Send("platform", "bad").Is(adapters.Repeated).SameTicketAs(s)
	o.Send("platform", "panic").Is(adapters.Quarantined)

	id, err := ticket.ParseID(s.out.Delivery)
	if err != nil {
		t.Fatal(err)
	}
	by := ticket.Actor{Kind: ticket.ActorUser, ID: "integrator"}
	if _, err := o.intake.Redrive(t.Context(), id, by); !ticket.IsKind(err, ticket.Invalid) {
		t.Fatalf("driven again unmended: %v", err)
	}
	o.Advance(3 * time.Hour)
	o.Mend()
	if _, err := o.intake.Redrive(t.Context(), id, by); err != nil {
		t.Fatal(err)
	}
	mended := s.OwnedBy("兰山区义堂镇人民政府").Ticket()
	if mended.Quarantined || !mended.ReceivedAt.Equal(storm) || mended.Number != stub.Number {
		t.Errorf("after the re-drive: quarantined %v, received %s, number %s", mended.Quarantined, mended.ReceivedAt, mended.Number)
	}
	if _, err := o.intake.Redrive(t.Context(), id, by); !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("driven again twice: %v", err)
	}
	o.chainsHold()
}

func TestWhoCanCorrectItselfIsTold(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Send("app", "wrong").Is(adapters.Rejected)
	if len(s.out.Errors) != 1 || s.out.Errors[0].Name != "text" || o.total() != 0 {
		t.Errorf("errors %v, %d tickets", s.out.Errors, o.total())
	}
	o.Send("platform", "wrong").Is(adapters.Quarantined)
	o.Send("platform", "[]").Is(adapters.Ignored)
	o.Send("nowhere", "[]").Is(adapters.Refused)
	o.Post("platform", ticket.Request{Key: "hi", Kind: ticket.KindMessage, Text: "在吗", ThreadKey: "t"}).Is(adapters.Ignored)
}

func TestMachinesFoldAndClear(t *testing.T) {
	t.Parallel()
	o := open(t)
	full := func(n int) ticket.Request {
		return ticket.Request{Key: strconv.Itoa(n), Kind: ticket.KindAlarm, FoldKey: "truck-9", Text: "环卫车 9 号满溢告警", Place: ticket.Place{Lng: 118.3500, Lat: 35.0600, Datum: ticket.WGS84}}
	}
	first := o.Post("sensor", full(0)).Is(adapters.Accepted)
	for n := 1; n < 100; n++ {
		o.Advance(6 * time.Second)
		o.Post("sensor", full(n)).SameTicketAs(first)
	}
	if c := first.Ticket().Counters.Repeats; c != 99 || o.total() != 1 {
		t.Errorf("%d repeats, %d tickets", c, o.total())
	}
	o.Post("sensor", ticket.Request{Key: "clear", Kind: ticket.KindClear, FoldKey: "truck-9"}).SameTicketAs(first)
	if s := first.Ticket().State; s != ticket.StateClosed {
		t.Errorf("after the device cleared it the ticket is %s", s)
	}
	o.Post("sensor", full(200)).Is(adapters.Accepted).AnotherTicketThan(first)
	o.Post("sensor", ticket.Request{Key: "c2", Kind: ticket.KindClear, FoldKey: "unknown"}).Is(adapters.Ignored)
	o.chainsHold()
}

func TestCallsComeInAnyOrder(t *testing.T) {
	t.Parallel()
	o := open(t)
	fact := func(event ticket.CallEvent, kind ticket.Kind) ticket.Request {
		return ticket.Request{
			Key: "c1:" + string(event), Kind: kind, ThreadKey: "c1", Appellant: person(1),
			Call: &ticket.CallFact{CallID: "c1", Event: event, Line: "12345", At: o.clock()},
		}
	}
	o.Post("platform", fact(ticket.CallRecording, ticket.KindMedia)).Is(adapters.Accepted)
	o.Post("platform", fact(ticket.CallHangup, ticket.KindUpdate))
	o.Post("platform", fact(ticket.CallRing, ticket.KindUpdate))
	o.Post("platform", fact(ticket.CallAnswer, ticket.KindUpdate))
	call, err := o.store.Call(t.Context(), "platform", "c1")
	if err != nil || call.State != "ended" || call.RangAt.IsZero() || o.total() != 0 {
		t.Errorf("call %+v, %v, %d tickets", call, err, o.total())
	}
	missed := ticket.Request{Key: "c2:missed", Kind: ticket.KindUpdate, Appellant: person(2), Call: &ticket.CallFact{CallID: "c2", Event: ticket.CallMissed, At: o.clock()}}
	o.Post("platform", missed)
	due, _, err := o.store.Calls(t.Context(), store.CallFilter{CallBackDue: true})
	if err != nil || len(due) != 1 {
		t.Errorf("%d calls are owed a call back, %v", len(due), err)
	}
}

func TestTheStoredFactsExplainTheOwner(t *testing.T) {
	t.Parallel()
	o := open(t)
	item := o.Post("app", flood("1")).Ticket()
	f := intake.FactsOf(&item.Ticket)
	again := o.live.Get().Rules.Decide(&f, nil).Decision()
	if again.Unit != item.Decision.Unit || again.Urgency != item.Decision.Urgency || again.Origins["unit"] != item.Decision.Origins["unit"] {
		t.Errorf("decided %+v, explained %+v", item.Decision, again)
	}
}

func TestHistoricTicketsTellNobody(t *testing.T) {
	t.Parallel()
	o := open(t)
	old := ticket.Request{
		Key: "1", Kind: ticket.KindCase, Historic: true, HappenedAt: time.Date(2018, 5, 7, 2, 0, 0, 0, time.UTC),
		Text: "兰山区路灯不亮", Appellant: ticket.Party{ChannelID: "A0001"},
	}
	first := o.Post("app", old).Is(adapters.Accepted)
	old.Key = "2"
	second := o.Post("app", old).AnotherTicketThan(first)
	if l := second.Ticket().Links; len(l) != 1 || l[0].Kind != "repeat" {
		t.Errorf("the repeat is linked %v", l)
	}
	claimed, err := o.store.Claim(context.Background(), o.clock(), time.Minute, 10)
	if err != nil || len(claimed) != 0 {
		t.Errorf("%d notices wait, %v", len(claimed), err)
	}
	if n := first.Ticket().Number; n[2:8] != "180507" {
		t.Errorf("number %s does not carry the day it was received", n)
	}
}

func TestWithoutTheStoreNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	o := open(t)
	if err := o.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, channel := range []string{"app", "platform", "sensor", "110"} {
		s := o.Post(channel, ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "金雀山路路灯不亮", Appellant: person(1)}).Is(adapters.Unavailable)
		if s.out.RetryAfter <= 0 || len(s.out.Tickets) != 0 {
			t.Errorf("%s: retry after %s, tickets %v", channel, s.out.RetryAfter, s.out.Tickets)
		}
	}
	o.Send("platform", "bad").Is(adapters.Unavailable)
	o.Send("app", "wrong").Is(adapters.Unavailable)
}
