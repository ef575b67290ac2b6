package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

// like lists what a viewer is shown as possible duplicates of a matter.
func (m *matter) like(v desk.Viewer) []desk.Similar {
	m.o.t.Helper()
	list, err := m.o.desk.Similar(m.o.t.Context(), v, m.Number)
	if err != nil {
		m.o.t.Fatalf("%s asks what %s is like: %v", v.Login, m.Number, err)
	}
	return list
}

// suggests finds a matter in such a list.
func suggests(list []desk.Similar, m *matter) (desk.Similar, bool) {
	at := slices.IndexFunc(list, func(s desk.Similar) bool { return s.Ticket.Number == m.Number })
	if at < 0 {
		return desk.Similar{}, false
	}
	return list[at], true
}

// relation names what two tickets are to each other.
func relation(kind string) part { return func(c *ticket.Command) { c.Details.Relation = kind } }

// quarry is a mixing plant beside a housing estate, as three citizens tell of it without giving a point.
func quarry(n int) ticket.Request {
	texts := []string{
		"义堂镇锦绣花园旁边的搅拌站夜里施工，噪音大得睡不着，王秀兰电话13800138000",
		"搅拌站就建在义堂镇锦绣花园附近，噪音和粉尘很大，孩子睡不着，王秀兰说投诉过",
		"锦绣花园业主投诉搅拌站粉尘，义堂镇没人管",
	}
	return ticket.Request{
		Key: "q-" + string(rune('0'+n)), Text: texts[n], Appellant: ticket.Party{Name: []string{"王秀兰", "赵铁柱", "孙美丽"}[n], Phone: "+861380013800" + string(rune('0'+n))},
		Place: ticket.Place{Address: "兰山区义堂镇"},
	}
}

func TestTheDeskIsShownPossibleDuplicates(t *testing.T) {
	t.Parallel()
	o := open(t)
	first, second, lamp := o.Report(quarry(0)), o.Report(quarry(1)), o.Report(spread(0))
	o.follow()
	o.Advance(time.Hour)
	list := first.like(allocator)
	s, found := suggests(list, second)
	if !found || s.Score < 0.28 || s.Score > 1 {
		t.Fatalf("%s is not shown as like %s: %+v", second.Number, first.Number, list)
	}
	if _, found := suggests(list, lamp); found {
		t.Errorf("a street lamp is shown as like a mixing plant: %+v", list)
	}
	if _, found := suggests(list, first); found {
		t.Error("a ticket is shown as like itself")
	}
	has(t, "what speaks for it", s.Evidence, "搅拌站", "锦绣花园", "同一镇街", "相隔")
	if s.Place != "region" || s.Metres != nil || !slices.Contains(s.Names, "锦绣花园") {
		t.Errorf("without a point the places are %+v", s)
	}
	hides(t, "what speaks for it", []any{s.Words, s.Names, s.Evidence}, "王秀兰", "13800138000")
	if back, found := suggests(second.like(allocator), first); !found || back.Score != s.Score {
		t.Errorf("the other way round it scores %v, not %v", back.Score, s.Score)
	}
}

func TestASuggestionTellsNoMoreOfPlacesThanAView(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.Report(flood("k-0"))
	r := flood("k-1")
	r.Text, r.Appellant = "义堂镇滨河路与聚才八路路口积水，公交车过不去", ticket.Party{Name: "刘一", Phone: "+8613900139001"}
	r.Place.Lng += 0.0025 // some 230 m on
	second := o.Report(r)
	for _, tc := range []struct {
		who    desk.Viewer
		metres func(*int) bool
	}{
		{agent, func(m *int) bool { return m != nil && *m%100 != 0 && *m > 220 && *m < 240 }},
		{allocator, func(m *int) bool { return m != nil && *m == 300 }},
		{desk.Viewer{Login: "a", Roles: []string{"analyst"}}, func(m *int) bool { return m == nil }},
	} {
		s, found := suggests(first.like(tc.who), second)
		if !found || s.Place != "near" || !tc.metres(s.Metres) {
			t.Errorf("the %s is told %+v", tc.who.Login, s)
		}
	}
}

func TestNotTheSameIsRemembered(t *testing.T) {
	t.Parallel()
	o := open(t)
	first, second, third := o.Report(quarry(0)), o.Report(quarry(1)), o.Report(quarry(2))
	o.follow()
	second.Refused("command.invalid", allocator, ticket.LinkTo, other(o, first), relation("merged"))
	second.Refused("command.invalid", allocator, ticket.Note, noting("x"), relation(ticket.LinkDistinct))
	view := second.Does(allocator, ticket.LinkTo, other(o, first), relation(ticket.LinkDistinct))
	has(t, "the history", view.Events[len(view.Events)-1].Words, "不是同一事项")
	if !slices.Contains(view.Links, desk.Link{Kind: "distinct", Number: first.Number}) {
		t.Errorf("the ticket is linked %v", view.Links)
	}
	for _, pair := range [][2]*matter{{first, second}, {second, first}} {
		if _, found := suggests(pair[0].like(allocator), pair[1]); found {
			t.Errorf("%s is shown as like %s after somebody said that it is not", pair[1].Number, pair[0].Number)
		}
		pair[0].Refused("ticket.merge.distinct", allocator, ticket.Merge, reason("same_matter"), other(o, pair[1]))
	}
	if _, found := suggests(first.like(allocator), third); !found {
		t.Error("the word on two tickets hid a third")
	}
	// Who was wrong says so, on the same ticket.
	second.Does(allocator, ticket.LinkTo, other(o, first))
	if _, found := suggests(first.like(allocator), second); !found {
		t.Error("the word that was taken back still counts")
	}
	second.Does(allocator, ticket.Merge, reason("same_matter"), other(o, first))
	if _, found := suggests(first.like(allocator), second); found {
		t.Error("a ticket of the same incident is shown as a possible duplicate")
	}
}

// A ticket that was merged by mistake leaves the incident, and the desk finds its owner.
func TestAWrongMergeIsUndone(t *testing.T) {
	t.Parallel()
	o := open(t)
	lead, wrong := o.Report(quarry(0)), o.Report(spread(0))
	wrong.Does(allocator, ticket.Merge, reason("same_incident"), other(o, lead))
	lead.Refused("ticket.link.follows", allocator, ticket.LinkTo, other(o, wrong), relation(ticket.LinkDistinct))
	wrong.Refused("access.denied", agent, ticket.LinkTo, other(o, lead), relation(ticket.LinkDistinct))
	view := wrong.Does(allocator, ticket.LinkTo, other(o, lead), relation(ticket.LinkDistinct))
	if view.State != ticket.StateTriage {
		t.Fatalf("taken out of the incident it is %s", view.State)
	}
	has(t, "the history", view.Events[len(view.Events)-1].Words, "退出并单")
	if !slices.ContainsFunc(view.Clocks, func(k desk.Clock) bool { return k.Name == "resolve" && k.Assignment == 0 && k.State == "running" }) {
		t.Errorf("the citizen's clock stands still: %+v", view.Clocks)
	}
	track, err := o.desk.Track(t.Context(), wrong.Number, wrong.Code, o.now)
	if err != nil || track.Merged {
		t.Errorf("the citizen still follows the other matter: %+v, %v", track, err)
	}
	wrong.Does(allocator, ticket.Dispatch, to("s-371302105"))
	before := wrong.By(officer).PublicReply
	lead.Does(allocator, ticket.Triage, reason("unclear"))
	lead.Does(allocator, ticket.Answer, saying("搅拌站已停工"))
	if after := wrong.By(officer).PublicReply; after != before {
		t.Errorf("who left the incident is answered with its reply %q", after)
	}
}

func TestNobodyLearnsOfATicketByItsLikeness(t *testing.T) {
	t.Parallel()
	o := open(t)
	secret := quarry(1)
	secret.Confidential = true
	first, hidden, third := o.Report(quarry(0)), o.Report(secret), o.Report(quarry(2))
	o.follow()
	elsewhere := desk.Viewer{Login: "elsewhere", Roles: []string{"unit_handler"}, Unit: "s-371302101"}
	if _, err := o.desk.Similar(t.Context(), elsewhere, first.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a town that has no part in it gets %v", err)
	}
	for _, v := range []desk.Viewer{allocator, officer, agent} {
		if _, found := suggests(first.like(v), hidden); found {
			t.Errorf("%s is shown a confidential ticket", v.Login)
		}
	}
	// A unit is shown its own tickets alone.
	unit := desk.Viewer{Login: "unit", Roles: []string{"unit_handler"}, Unit: first.By(officer).Unit.ID}
	if third.By(officer).Unit.ID != unit.Unit {
		t.Fatal("the matters have different owners: the case proves nothing")
	}
	if _, found := suggests(first.like(unit), third); !found {
		t.Error("the unit is not shown the like of its own ticket")
	}
	third.Does(allocator, ticket.Withdraw, share(1), reason("misdispatched"))
	if _, found := suggests(first.like(unit), third); found {
		t.Error("the unit is shown a ticket that was taken from it")
	}
	// Who may see the confidential one leaves a trace when asking what it is like.
	before, err := o.desk.AccessLog(t.Context(), officer, hidden.Number)
	if err != nil {
		t.Fatal(err)
	}
	hidden.like(officer)
	after, err := o.desk.AccessLog(t.Context(), officer, hidden.Number)
	if err != nil || len(after) != len(before)+1 || !strings.Contains(strings.Join(after[0].Fields, " "), "similar") {
		t.Errorf("the look at a confidential ticket is not logged: %+v, %v", after, err)
	}
}

// A title is the beginning of a text: it must not end in the midst of a telephone number, which no mask would know.
func TestATitleHoldsNoHalfNumber(t *testing.T) {
	t.Parallel()
	o := open(t)
	for n, number := range []string{"13800138000", "138 0013 8000", "０５３９－８１２３４５６"} {
		r := quarry(n)
		r.Key, r.Text = "t-"+string(rune('0'+n)), strings.Repeat("水", 34)+number+"，请回电"
		m := o.Report(r)
		hides(t, "the desk's view", m.By(allocator).Title, "13800", "138 0013", "５３９")
		has(t, "the agent's view", m.By(agent).Text, number)
	}
}
