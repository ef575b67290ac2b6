package intake_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/intake"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// given is a channel whose adapter gives the same requests to every body.
type given []ticket.Request

func (g given) Normalize(adapters.Inbound) ([]ticket.Request, error) { return g, nil }

// Give makes a channel of an office that reads every delivery as the requests.
func (o *office) Give(id string, ownsKeys bool, requests ...ticket.Request) {
	o.t.Helper()
	o.live.Get().Channels[id] = &city.Channel{
		Channel: adapters.Channel{ID: id, Title: id, Source: ticket.SourceCitizen}, Spec: adapters.Spec{OwnsKeys: ownsKeys}, Adapter: given(requests),
	}
}

const drowning = "有人落水了，快来救人"

func at(lng, lat float64) ticket.Place { return ticket.Place{Lng: lng, Lat: lat, Datum: ticket.WGS84} }

func TestDangerToLifeIsNeverFoldedIntoAnEarlierMatter(t *testing.T) {
	t.Parallel()
	me := person(1)
	for name, again := range map[string]func(number string) ticket.Request{
		"like words": func(string) ticket.Request {
			return ticket.Request{Text: "沂河滨河公园护栏坏了，" + drowning}
		},
		"quoted number": func(n string) ticket.Request { return ticket.Request{Text: n + drowning} },
		"an update": func(n string) ticket.Request {
			return ticket.Request{Kind: ticket.KindUpdate, TicketNumber: n, Text: drowning}
		},
		"an urge": func(string) ticket.Request {
			return ticket.Request{Kind: ticket.KindMessage, ThreadKey: "me", Text: drowning + "，怎么还没人来"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			first := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, ThreadKey: "me", Text: "沂河滨河公园护栏坏了", Appellant: me})
			r := again(first.Ticket().Number)
			r.Key, r.Appellant = "2", me
			second := o.Post("app", r).Is(adapters.Accepted).AnotherTicketThan(first)
			if u := second.Ticket().Urgency; u != ticket.UrgencyEmergency {
				t.Fatalf("urgency %s", u)
			}
			r.Key = "3" // the emergency itself can be gone on about
			o.Post("app", r).SameTicketAs(second)
		})
	}
}

func TestAnAlarmThatTurnsDeadlyIsHandedOver(t *testing.T) {
	t.Parallel()
	o := open(t)
	alarm := func(key, text string) ticket.Request {
		return ticket.Request{Key: key, Kind: ticket.KindAlarm, FoldKey: "camera-3", Text: text, Place: at(118.35, 35.06)}
	}
	first := o.Post("sensor", alarm("1", "河道护栏破损告警"))
	second := o.Post("sensor", alarm("2", drowning)).AnotherTicketThan(first)
	if u := second.Ticket().Urgency; u != ticket.UrgencyEmergency {
		t.Fatalf("urgency %s", u)
	}
	o.Post("sensor", alarm("3", drowning)).SameTicketAs(second)
	o.Post("sensor", alarm("4", "河道护栏破损告警")).SameTicketAs(first)
}

func TestAnAgentsChoiceDoesNotKeepTheRescuersAway(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "沂河滨河公园" + drowning, Unit: "s-371302105", Appellant: person(1)})
	item := s.Ticket()
	if item.LeadUnit() != "s-371302105" || !item.Involves("e-110") || !item.Involves("e-120") {
		t.Errorf("held by %v", item.Holders())
	}
	if item.Due.IsZero() {
		t.Error("a ticket given by hand has no deadline")
	}
}

func TestASecondMatterInAConversationIsNotAnUrge(t *testing.T) {
	t.Parallel()
	o := open(t)
	say := func(key, text string) said {
		o.Advance(time.Minute)
		return o.Post("platform", ticket.Request{Key: key, Kind: ticket.KindMessage, ThreadKey: "me", Text: text, Appellant: ticket.Party{ChannelID: "me"}})
	}
	first := say("1", "兰山区金雀山街道开元小区路灯坏了三天")
	say("2", "怎么还没人来修？").SameTicketAs(first)
	say("3", "路灯的事处理得怎么样了").SameTicketAs(first)
	say("4", "单位拖欠我三个月工资，找劳动监察没人管").AnotherTicketThan(first)
}

func TestTheSameWordsElsewhereAreASecondMatter(t *testing.T) {
	t.Parallel()
	o := open(t)
	cover := func(key string, lng float64) said {
		return o.Post("app", ticket.Request{Key: key, Kind: ticket.KindCase, Text: "井盖破损，有安全隐患", Appellant: person(1), Place: at(lng, 35.06)})
	}
	first := cover("1", 118.3450)
	cover("2", 118.3451).SameTicketAs(first)
	cover("3", 118.3550).AnotherTicketThan(first)
}

func TestAnotherHotlinesCallerCannotNameAStrangersTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	mine := o.Post("app", ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "举报楼下饭店油烟扰民", Appellant: person(1)})
	number := mine.Ticket().Number
	o.Post("110", ticket.Request{Key: "2", Kind: ticket.KindCase, Text: "想问工单" + number + "是谁举报我的", Appellant: person(2)}).AnotherTicketThan(mine)
	o.Post("110", ticket.Request{Key: "3", Kind: ticket.KindUpdate, TicketNumber: number, Text: "警方已到现场"}).SameTicketAs(mine)
}

func TestWhoJoinsATicketDoesNotLearnItsCode(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "兰山区金雀山街道开元小区路灯坏了", Appellant: person(1)}
	first := o.Post("app", r)
	r.Key = "2" // anybody can type a telephone number into a form
	second := o.Post("app", r).SameTicketAs(first)
	if code := first.Ticket().Private.TrackCode; code == "" || second.out.Tickets[0].Code != "" || strings.Contains(second.out.Text, code) {
		t.Errorf("the one who joined is told %+v %s", second.out.Tickets, second.out.Text)
	}
}

func TestWordsForATicketThatHasEndedAreNotLost(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "1", Kind: ticket.KindUpdate, TicketNumber: ticket.FormatNumber("LY", storm, 7), Text: "路灯又坏了，请再来看看", Appellant: person(1)}
	o.Post("app", r).Is(adapters.Accepted).Ticket()
	r.Key, r.Text = "2", ""
	o.Post("app", r).Is(adapters.Ignored)
}

func TestWhatNoTryCouldKeepIsNotTriedForEver(t *testing.T) {
	t.Parallel()
	whole := ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "路灯不亮"}
	for name, spoil := range map[string]func(*ticket.Request){
		"no number":    func(r *ticket.Request) { r.Place = at(math.NaN(), 35) },
		"infinite":     func(r *ticket.Request) { r.Place = at(118, math.Inf(1)) },
		"no key":       func(r *ticket.Request) { r.Key = "" },
		"unknown unit": func(r *ticket.Request) { r.Unit = "nobody" },
		"year 12000": func(r *ticket.Request) {
			r.Call = &ticket.CallFact{CallID: "c", At: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			bad := whole
			spoil(&bad)
			o.Give("owner", true, whole, bad)
			o.Give("pusher", false, whole, bad)
			o.Send("owner", "x").Is(adapters.Rejected)
			o.Send("pusher", "x").Is(adapters.Quarantined)
			if n := o.total(); n != 1 {
				t.Errorf("%d tickets, want the stub alone", n)
			}
		})
	}
}

func TestAFoldKeyIsForAlarmsAlone(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "1", Kind: ticket.KindCase, FoldKey: "f", Text: "路灯不亮"}
	o.Post("platform", r).Is(adapters.Accepted)
	r.Key, r.Text = "2", "单位拖欠工资"
	o.Post("platform", r).Is(adapters.Accepted)
}

func TestWordsOfNoListStayOutOfLabelsAndRules(t *testing.T) {
	t.Parallel()
	o := open(t)
	item := o.Post("platform", ticket.Request{Key: "1", Kind: "poem", Source: "nobody", Urgency: "very", Type: "odd", Text: "路灯不亮"}).Ticket()
	if item.Kind != ticket.KindCase || item.Source != ticket.SourceCitizen || item.Urgency != ticket.UrgencyNormal || item.Type == "odd" {
		t.Errorf("kind %s, source %s, urgency %s, type %s", item.Kind, item.Source, item.Urgency, item.Type)
	}
}

func TestWhoSpeaksIsNotKeptInTheClear(t *testing.T) {
	t.Parallel()
	o := open(t)
	const openid = "oABCD-the-openid"
	item := o.Post("platform", ticket.Request{Key: "1", Kind: ticket.KindMessage, ThreadKey: openid, Text: "金雀山路路灯不亮", Appellant: ticket.Party{ChannelID: openid}}).Ticket()
	history, err := o.store.History(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	clear, err := json.Marshal([]any{item.Ticket, history})
	if err != nil || strings.Contains(string(clear), openid) {
		t.Errorf("in the clear: %s, %v", clear, err)
	}
}

// flaky is a store whose next writes fail: after is how many still pass.
type flaky struct {
	*sqlite.Store
	after int
}

func (f *flaky) Commit(ctx context.Context, changes ...store.Change) []error {
	if f.after == 0 {
		return []error{ticket.Errorf(ticket.Unavailable, "store.write", "the disk failed")}
	}
	f.after--
	return f.Store.Commit(ctx, changes...)
}

func TestARedriveThatFailsHalfWayIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Give("pusher", false)
	ch := o.live.Get().Channels["pusher"]
	ch.Adapter = plain{new(bool)}
	s := o.Send("pusher", "bad").Is(adapters.Quarantined)
	ch.Adapter = given{{Key: "a", Text: "路灯不亮", Appellant: person(1)}, {Key: "b", Text: "单位拖欠工资", Appellant: person(2)}}
	id, err := ticket.ParseID(s.out.Delivery)
	if err != nil {
		t.Fatal(err)
	}
	broken := &flaky{Store: o.store, after: 1}
	in := intake.New(intake.Options{Store: broken, Live: o.live, Now: o.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	by := ticket.Actor{Kind: ticket.ActorUser, ID: "integrator"}
	if _, err := in.Redrive(t.Context(), id, by); !ticket.IsKind(err, ticket.Unavailable) {
		t.Fatalf("half a re-drive: %v", err)
	}
	broken.after = -1
	if _, err := in.Redrive(t.Context(), id, by); err != nil {
		t.Fatal(err)
	}
	if n := o.total(); n != 2 {
		t.Errorf("%d tickets, want one for each request", n)
	}
	if _, err := in.Redrive(t.Context(), id, by); !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("driven again twice: %v", err)
	}
	o.chainsHold()
}

func TestAStubWhoseSenderTriedAgainIsTiedToTheTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	s := o.Send("platform", "bad").Is(adapters.Quarantined)
	o.Mend()
	real := o.Send("platform", "bad").Is(adapters.Accepted).AnotherTicketThan(s)
	id, err := ticket.ParseID(s.out.Delivery)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.intake.Redrive(t.Context(), id, ticket.Actor{Kind: ticket.ActorUser, ID: "integrator"}); err != nil {
		t.Fatal(err)
	}
	if l := s.Ticket().Links; len(l) != 1 || l[0].To != real.Ticket().ID {
		t.Errorf("the stub is linked %v", l)
	}
}

func TestUnreadableQueriesAreNotOneDelivery(t *testing.T) {
	t.Parallel()
	o := open(t)
	take := func(query string) adapters.Outcome {
		return o.intake.Take(t.Context(), adapters.Inbound{Channel: "platform", Method: "GET", Query: map[string][]string{"call": {query}}, ReceivedAt: o.clock()}).Outcome
	}
	first, second := take("1"), take("2")
	if first.Result != adapters.Quarantined || second.Result != adapters.Quarantined {
		t.Errorf("%s, %s: two calls, one stub", first.Result, second.Result)
	}
}

// Who gives a neighbour's number and guesses the words must not be told that the neighbour has complained.
func TestAClaimedNumberDoesNotFindAConfidentialTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	say := func(key, channelID string, confidential bool) said {
		return o.Post("app", ticket.Request{
			Key: key, Kind: ticket.KindCase, Text: "举报义堂镇某村干部侵吞集体土地补偿款", Confidential: confidential,
			Appellant: ticket.Party{Phone: "+8613800138000", ChannelID: channelID},
		}).Is(adapters.Accepted)
	}
	secret := say("k-1", "openid-1", true)
	if again := say("k-2", "openid-1", false); again.Ticket().Number != secret.Ticket().Number {
		t.Error("the citizen's own account no longer adds to the ticket")
	}
	for _, channelID := range []string{"", "openid-2"} {
		guess := say("guess-"+channelID, channelID, false)
		if guess.out.Tickets[0].Joined || guess.Ticket().Number == secret.Ticket().Number {
			t.Errorf("a claimed number is told of %s", secret.Ticket().Number)
		}
		if !guess.Ticket().Confidential {
			t.Error("the words of a confidential matter are open to all")
		}
	}
}

// Who asks for secrecy the second time must not find the words in the open ticket of the first.
func TestASecretDoesNotJoinAnOpenTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "k-1", Kind: ticket.KindCase, Text: "义堂镇菜市场占道经营，城管队员收好处", Appellant: ticket.Party{Phone: "+8613800138000", ChannelID: "openid-1"}}
	first := o.Post("app", r)
	r.Key, r.Confidential = "k-2", true
	if second := o.Post("app", r).Ticket(); second.Number == first.Ticket().Number || !second.Confidential {
		t.Errorf("the secret stands in %s", second.Number)
	}
}

func TestConfidentialMattersAreNotShared(t *testing.T) {
	t.Parallel()
	o := open(t)
	gate := func(n int, confidential bool) ticket.State {
		return o.Post("app", ticket.Request{
			Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: "沂蒙路小区门口积水很深，车都进不去", Appellant: person(n),
			Confidential: confidential, Place: at(118.3450, 35.0600),
		}).Ticket().State
	}
	gate(1, true)
	if s := gate(2, false); s == ticket.StateMerged {
		t.Error("an open matter was folded into a confidential one")
	}
	if s := gate(3, true); s == ticket.StateMerged {
		t.Error("a confidential matter was folded into an open one")
	}
}

func TestTwoCallsOfOnePersonAreNotTwoWitnesses(t *testing.T) {
	t.Parallel()
	o := open(t)
	call := func(id, text string) said {
		return o.Post("platform", ticket.Request{
			Key: id, Kind: ticket.KindCase, Text: text, Appellant: person(1), Place: at(118.3450, 35.0600),
			Call: &ticket.CallFact{CallID: id},
		})
	}
	first := call("c1", "沂蒙路小区门口积水很深，车都进不去").Ticket()
	second := call("c2", "路面积水泡坏了我停在小区外面的货，要求赔偿").Ticket()
	if second.ID == first.ID || second.Category != first.Category {
		t.Fatalf("categories %q and %q: the case proves nothing", first.Category, second.Category)
	}
	if second.State == ticket.StateMerged {
		t.Error("the second call of one person was folded into the first as if somebody else had called")
	}
}

func TestNeighboursOwnMattersAreNotOneHappening(t *testing.T) {
	t.Parallel()
	o := open(t)
	wages := func(n int, text string) said {
		return o.Post("app", ticket.Request{Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: text, Appellant: person(n), Place: at(118.3450, 35.0600)})
	}
	first := wages(1, "我在开元大厦工地干活，老板拖欠工资两万元")
	second := wages(2, "饭店辞退我还拖欠工资，要求支付经济补偿")
	if a, b := first.Ticket().Category, second.Ticket().Category; a == "" || a != b {
		t.Fatalf("categories %q and %q: the case proves nothing", a, b)
	}
	if s := second.Ticket().State; s == ticket.StateMerged {
		t.Error("one worker's wages were folded into another's")
	}
}

// moved is a store where somebody moves a ticket between its reading and the reading of its history.
type moved struct {
	*sqlite.Store
	before func(ticket.ID)
}

func (m *moved) History(ctx context.Context, id ticket.ID) ([]ticket.Event, error) {
	if f := m.before; f != nil {
		m.before = nil
		f(id)
	}
	return m.Store.History(ctx, id)
}

func TestATicketMovedWhileItIsReadIsReadAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := ticket.Request{Key: "1", Kind: ticket.KindCase, Text: "兰山区金雀山街道开元小区路灯坏了", Appellant: person(1)}
	first := o.Post("app", r)
	m := &moved{Store: o.store}
	m.before = func(id ticket.ID) { o.note(id) }
	o.intake = intake.New(intake.Options{Store: m, Live: o.live, Now: o.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	r.Key = "2"
	o.Post("app", r).Is(adapters.Accepted).SameTicketAs(first)
}

// note adds an event to a ticket, as a desk would meanwhile.
func (o *office) note(id ticket.ID) {
	o.t.Helper()
	o.do(id, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: "看过"}})
}

func (o *office) do(id ticket.ID, commands ...ticket.Command) {
	o.t.Helper()
	item, err := o.store.Ticket(context.Background(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	history, err := o.store.History(context.Background(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	t := item.Ticket
	for _, cmd := range commands {
		e, err := t.Do(cmd, o.clock(), rand.Reader)
		if err != nil {
			o.t.Fatal(err)
		}
		history = append(history, e)
	}
	change := o.live.Get().Change(item.Version, t, history, o.clock())
	if err := o.store.Commit(context.Background(), store.Change{Tickets: []store.TicketChange{change}})[0]; err != nil {
		o.t.Fatal(err)
	}
}

// late is a store where somebody moves a ticket just before the next write.
type late struct {
	*sqlite.Store
	before func()
}

func (l *late) Commit(ctx context.Context, changes ...store.Change) []error {
	if f := l.before; f != nil {
		l.before = nil
		f()
	}
	return l.Store.Commit(ctx, changes...)
}

func TestNobodyIsFoldedIntoAMatterThatJustEnded(t *testing.T) {
	t.Parallel()
	o := open(t)
	gate := func(n int) ticket.Request {
		return ticket.Request{Key: strconv.Itoa(n), Kind: ticket.KindCase, Text: "沂蒙路小区门口积水很深，车都进不去", Appellant: person(n), Place: at(118.3450, 35.0600)}
	}
	l := &late{Store: o.store}
	o.intake = intake.New(intake.Options{Store: l, Live: o.live, Now: o.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	first := o.Post("app", gate(1)).Ticket()
	l.before = func() {
		for n := len(first.Assignments); n > 0; n-- { // the lead last
			o.do(first.ID, ticket.Command{Action: ticket.Sign, Details: ticket.Details{Assignment: n}},
				ticket.Command{Action: ticket.Resolve, Details: ticket.Details{Assignment: n}, Private: &ticket.Private{PublicReply: "水已抽完"}})
		}
	}
	if second := o.Post("app", gate(2)).Is(adapters.Accepted).Ticket(); second.State == ticket.StateMerged {
		t.Error("the second report follows a matter that was resolved before it was written")
	}
	o.Post("app", gate(3)).Is(adapters.Accepted)
}

func TestAClearEndsWhatWasThrownBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.Post("sensor", ticket.Request{Key: "1", Kind: ticket.KindAlarm, FoldKey: "truck-9", Text: "环卫车 9 号满溢告警", Place: at(118.35, 35.06)})
	item := first.Ticket()
	if item.State != ticket.StateDispatched {
		t.Fatalf("the alarm is %s", item.State)
	}
	o.do(item.ID, ticket.Command{Action: ticket.AddUnit, Details: ticket.Details{Unit: "e-119"}},
		ticket.Command{Action: ticket.Return, Cause: ticket.Cause{Reason: "not_ours"}, Details: ticket.Details{Assignment: 1}})
	o.Post("sensor", ticket.Request{Key: "2", Kind: ticket.KindClear, FoldKey: "truck-9"}).Is(adapters.Accepted)
	if now := first.Ticket(); now.State != ticket.StateClosed || len(now.Holders()) != 0 {
		t.Errorf("cleared, it is %s and held by %v", now.State, now.Holders())
	}
}
