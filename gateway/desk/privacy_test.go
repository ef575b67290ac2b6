package desk_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// spread is a flood that is nobody else's: the intake makes a matter of its own of it.
func spread(n int) ticket.Request {
	r := flood(fmt.Sprintf("k-%d", n))
	r.Text = []string{"义堂镇聚才八路路灯不亮", "义堂镇菜市场占道经营", "义堂镇小学门口噪声扰民", "义堂镇公厕停水"}[n]
	r.Appellant = ticket.Party{Name: []string{"王秀兰", "赵铁柱", "孙美丽", "周大福"}[n], Phone: fmt.Sprintf("+861370000000%d", n)}
	return r
}

func other(o *office, m *matter) part {
	return func(c *ticket.Command) {
		id, err := o.desk.TicketID(o.t.Context(), officer, m.Number)
		if err != nil {
			o.t.Fatal(err)
		}
		c.Details.Other = id
	}
}

func TestNobodyLearnsThatATicketIsThere(t *testing.T) {
	t.Parallel()
	o := open(t)
	secret := flood("k-1")
	secret.Confidential = true
	m := o.Report(secret)
	_, hidden := o.desk.Ticket(t.Context(), agent, m.Number)
	_, missing := o.desk.Ticket(t.Context(), agent, "LY2607130009994")
	if hidden == nil || missing == nil || hidden.Error() != missing.Error() {
		t.Errorf("a hidden ticket answers %v, a missing one %v", hidden, missing)
	}
	_, hidden = o.desk.PublicTicket(t.Context(), m.Number)
	_, missing = o.desk.PublicTicket(t.Context(), "LY2607130009994")
	if hidden == nil || missing == nil || hidden.Error() != missing.Error() {
		t.Errorf("to the public a hidden ticket answers %v, a missing one %v", hidden, missing)
	}
	second := flood("k-2")
	second.Confidential, second.Appellant.Phone, second.Text = true, "+8613900000001", "义堂镇菜市场占道经营"
	o.Report(second)
	list, err := o.desk.List(t.Context(), agent, desk.Query{Unit: "s-371302105", Limit: 1})
	if err != nil || len(list.Items) != 0 || list.Next != "" {
		t.Errorf("a page beside confidential tickets: %d items, cursor %q, %v", len(list.Items), list.Next, err)
	}
}

// What a confidential ticket says is read where the view is logged.
func TestConfidentialIsReadInTheTicketAlone(t *testing.T) {
	t.Parallel()
	o := open(t)
	secret := flood("k-1")
	secret.Confidential, secret.Title, secret.Call = true, "举报镇干部", &ticket.CallFact{CallID: "c-1"}
	m := o.Report(secret)
	list, err := o.desk.List(t.Context(), officer, desk.Query{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d tickets, %v", len(list.Items), err)
	}
	hides(t, "the list", list, "举报镇干部")
	id, err := o.desk.TicketID(t.Context(), officer, m.Number)
	if err != nil {
		t.Fatal(err)
	}
	o.commit(store.Change{
		Calls: []store.Call{{
			ID: ticket.ID{1}, Channel: "app", CallID: "c-1", State: "ended", RangAt: o.now,
			Private: store.CallPrivate{Caller: ticket.Party{Phone: "+8613800138000"}, Transcript: "我要举报镇干部"},
		}},
		Alerts: []store.Alert{{ID: ticket.ID{2}, Key: "a", Ticket: id, Number: m.Number, Unit: "s-371302105", Region: "371302105", Level: "red", Post: "centre.duty", Text: m.Number + " 超时", At: o.now}},
	})
	for _, v := range []desk.Viewer{agent, officer} {
		calls, err := o.desk.Calls(t.Context(), v, false, "", 10)
		if err != nil || len(calls.Items) != 1 {
			t.Fatalf("%d calls, %v", len(calls.Items), err)
		}
		hides(t, "the calls of "+v.Login, calls, "举报", "13800138000", "138****")
		if got := calls.Items[0].Tickets; (len(got) == 1) != (v.Login == "duty") {
			t.Errorf("the call of %s names %v", v.Login, got)
		}
	}
	for v, want := range map[*desk.Viewer]int{&allocator: 0, &officer: 1, &yitang: 1} {
		if alerts, err := o.desk.Alerts(t.Context(), *v, desk.AlertQuery{Open: true, Limit: 10}); err != nil || len(alerts) != want {
			t.Errorf("%s has %d alerts, want %d (%v)", v.Login, len(alerts), want, err)
		}
	}
	auditor := desk.Viewer{Login: "auditor", Roles: []string{"auditor"}}
	if _, err := o.desk.Explain(t.Context(), officer, m.Number); err != nil {
		t.Fatal(err)
	}
	lines, err := o.desk.AccessLog(t.Context(), auditor, m.Number)
	if err != nil || len(lines) != 1 || lines[0].Fields[0] != "explanation" {
		t.Errorf("the explanation is logged as %+v, %v", lines, err)
	}
}

func TestAUnitThatGaveTheMatterBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	m.Does(yitang, ticket.Return, reason("not_ours"))
	m.Refused("access.denied", yitang, ticket.Reveal, reason("contact_citizen"))
	for _, l := range m.By(yitang).Actions {
		if l.Action == ticket.Reveal {
			t.Error("it is offered a reveal")
		}
	}
	secret := flood("k-2")
	secret.Confidential, secret.Appellant.Phone = true, "+8613900000001"
	c := o.Report(secret)
	c.Does(yitang, ticket.Return, reason("not_ours"))
	if _, err := o.desk.Ticket(t.Context(), yitang, c.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("it still reads the confidential ticket: %v", err)
	}
}

func TestAUnitSendsOnToThoseBelowAlone(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	for _, unit := range []string{"s-371302105", "d-371302", "s-371302003"} { // itself, above, beside
		m.Refused("command.invalid", yitang, ticket.SendOn, to(unit))
	}
}

// A name stands not only in its field.
func TestNamesInFreeText(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := flood("k-1")
	r.Title, r.Text = "王秀兰反映积水", "王秀兰（wxl@example.com）来电：义堂镇滨河路积水，李四家堵了沟"
	r.Appellant.Contact = "wxl@example.com"
	r.Media = []ticket.MediaRef{
		{Ref: "a", SHA256: strings.Repeat("a", 64), Name: "王秀兰.jpg", MIME: "image/jpeg"},
		{Ref: "b", SHA256: strings.Repeat("b", 64), Name: "b.amr", MIME: "audio/amr"},
	}
	m := o.Report(r)
	m.Does(yitang, ticket.Note, noting("已联系王秀兰"))
	m.Does(yitang, ticket.Sign)
	m.Does(yitang, ticket.Resolve, share(1), saying("王秀兰女士您好，积水已排除"))
	hides(t, "the town", m.By(yitang), "王秀兰", "wxl@")
	has(t, "what the matter is about", m.By(yitang).Text, "李四家堵了沟")
	analyst := desk.Viewer{Login: "a", Roles: []string{"analyst"}}
	hides(t, "the analyst", m.By(analyst), "王", "wxl", "audio/")
	shown, err := o.desk.PublicTicket(t.Context(), m.Number)
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "the public", shown, "王")
	for _, n := range o.told(outbox.KindUnit) {
		hides(t, "the notice to "+n.Target, string(n.Body), "王秀兰")
	}
}

// Merged into each other, two tickets would both follow the other, and nobody would work.
func TestTwoOfficersMergeTwoTicketsIntoEachOther(t *testing.T) {
	t.Parallel()
	for range 5 {
		o := open(t)
		first, second := o.Report(spread(0)), o.Report(spread(1))
		var both sync.WaitGroup
		done := make([]error, 2)
		for n, pair := range [][2]*matter{{first, second}, {second, first}} {
			cmd := ticket.Command{Action: ticket.Merge, Cause: ticket.Cause{Reason: "same_matter"}}
			other(o, pair[1])(&cmd)
			both.Go(func() {
				_, done[n] = o.desk.Act(t.Context(), []desk.Viewer{allocator, officer}[n], pair[0].Number, cmd, 0)
			})
		}
		both.Wait()
		if (done[0] == nil) == (done[1] == nil) {
			t.Fatalf("the one gets %v, the other %v", done[0], done[1])
		}
	}
}

// Who led an incident that turned out to be part of a larger one leaves nobody behind.
func TestMergedTwiceIsAnsweredAllTheSame(t *testing.T) {
	t.Parallel()
	o := open(t)
	small, middle, large, late := o.Report(spread(0)), o.Report(spread(1)), o.Report(spread(2)), o.Report(spread(3))
	small.Does(allocator, ticket.Merge, reason("same_incident"), other(o, middle))
	middle.Does(allocator, ticket.Merge, reason("same_incident"), other(o, large))
	large.Does(desk.Viewer{Login: "u", Roles: []string{"unit_handler"}, Unit: large.By(agent).Unit.ID}, ticket.Sign, share(1))
	track, err := o.desk.Track(t.Context(), small.Number, small.Code, o.now)
	if err != nil || !track.Steps[3].Done || track.Unit == "" {
		t.Errorf("the first reporter sees no work: %+v, %v", track, err)
	}
	large.Finish(desk.Viewer{Login: "u", Roles: []string{"unit_handler"}, Unit: large.By(agent).Unit.ID}, "孙美丽女士您好，已处理")
	for _, m := range []*matter{small, middle} {
		if got := m.By(agent).PublicReply; !strings.Contains(got, "已处理") || strings.Contains(got, "孙美丽") {
			t.Errorf("%s is answered %q", m.Number, got)
		}
	}
	for _, n := range o.told(outbox.KindCitizen) {
		if body := string(n.Body); strings.Contains(body, "孙美丽") != strings.Contains(body, large.Number) {
			t.Errorf("a reporter is told whose the other ticket is: %s", body)
		}
	}
	late.Refused("ticket.merge.ended", allocator, ticket.Merge, reason("same_incident"), other(o, large))
}

// commit writes a change that must be possible.
func (o *office) commit(c store.Change) {
	o.t.Helper()
	if err := o.store.Commit(o.t.Context(), c)[0]; err != nil {
		o.t.Fatal(err)
	}
}

// The newest hits of the whole city must not crowd out those of a small unit.
func TestAUnitSearchesItsOwn(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("mine"))
	for n := range 201 {
		o.Report(ticket.Request{Key: strconv.Itoa(n), Text: fmt.Sprintf("沂水县许家湖镇第%d小区积水", n), Appellant: ticket.Party{Phone: fmt.Sprintf("+8613700001%03d", n)}})
	}
	o.follow()
	found, err := o.desk.Search(t.Context(), yitang, "积水")
	if err != nil || len(found.Items) != 1 || found.Items[0].Number != m.Number {
		t.Errorf("the town finds %d, %v", len(found.Items), err)
	}
}

// The reply that stands is the one the lead gave, or the desk: a note beside it must not become it.
func TestNobodyRepliesByTheWay(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	m.Does(yitang, ticket.Sign)
	m.Finish(yitang, "积水已排除")
	helper := desk.Viewer{Login: "h", Roles: []string{"unit_handler"}, Unit: m.By(agent).Assignments[1].Unit.ID}
	for _, v := range []desk.Viewer{helper, yitang, caller} {
		m.Refused("access.denied", v, ticket.Note, noting("备注"), saying("不归我们管"))
	}
	m.Refused("access.denied", helper, ticket.Supplement, saying("不归我们管"))
	if got := m.By(agent).PublicReply; got != "积水已排除" {
		t.Errorf("the reply is now %q", got)
	}
	m.Does(allocator, ticket.Note, noting("备注"), saying("积水已排除，井盖明日更换"))
}
