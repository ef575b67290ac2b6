package desk_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// secrets are what nobody without full sight may read anywhere in a view.
var secrets = []string{"王秀兰", "13800138000", "198001011234", "李四", "88号", "201", "118.2345678", "openid"}

func TestTheCommonWayOfATicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	first := m.By(yitang)
	if first.Unit.ID != "s-371302105" || first.StateTitle != "已派单，待签收" {
		t.Fatalf("the flood is %s at %+v", first.StateTitle, first.Unit)
	}
	m.Does(yitang, ticket.Sign)
	m.Does(yitang, ticket.Contact, noting("已电话联系"))
	m.Finish(yitang, "积水已排除")
	m.Does(caller, ticket.CallBack, func(c *ticket.Command) {
		yes := true
		c.Details.Reached, c.Details.Solved, c.Details.Satisfaction = &yes, &yes, ticket.Satisfied
	})
	view := m.Does(caller, ticket.Close)
	if view.StateTitle != "已归档" || view.Outcome.Final != ticket.Satisfied {
		t.Errorf("in the end it is %s, %+v", view.StateTitle, view.Outcome)
	}
	var words []string
	for _, e := range m.By(yitang).Events {
		words = append(words, e.Words)
	}
	has(t, "the story", strings.Join(words, " / "), "登记，来自客户端", "派单给兰山区义堂镇人民政府", "兰山区义堂镇人民政府签收", "已联系诉求人", "办结", "回访，诉求人认为已解决，满意", "归档")
	why := m.By(yitang).Why
	if len(why) == 0 || why[0].Field != "unit" || !strings.Contains(why[0].Source, ".yaml:") {
		t.Errorf("the reason of the owner has no place in the pack: %+v", why)
	}
	told := o.told(outbox.KindCitizen)
	if len(told) != 1 {
		t.Fatalf("the citizen was told %d times, want once", len(told))
	}
	has(t, "the word to the citizen", string(told[0].Body), "积水已排除", m.Number)
}

func TestWhoSeesHowMuch(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	m.Does(yitang, ticket.Note, noting("诉求人另一号码13900139000"))
	full := m.By(agent)
	if full.Appellant.Name != "王秀兰" || full.Place.Lng != 118.2345678 || full.TrackCode != m.Code || full.Sight != "full" {
		t.Errorf("the agent sees %+v %+v", full.Appellant, full.Place)
	}
	for _, v := range []desk.Viewer{allocator, officer, yitang, district} {
		view := m.By(v)
		hides(t, v.Login, view, append(secrets, "13900139000", m.Code)...)
		if view.Appellant == nil || view.Appellant.Name != "王*" || view.Place.Lng != 118.235 {
			t.Errorf("%s sees %+v at %+v", v.Login, view.Appellant, view.Place)
		}
	}
	analyst := desk.Viewer{Login: "a", Roles: []string{"analyst"}}
	view := m.By(analyst)
	hides(t, "the analyst", view, append(secrets, "王", "滨河路88")...)
	if view.Appellant != nil || view.Place != nil || len(view.Actions) != 0 {
		t.Errorf("the analyst sees %+v %+v %v", view.Appellant, view.Place, view.Actions)
	}

	// A company gets the matter without the citizen, whatever its role says, and no reason opens it.
	var company string
	for _, u := range o.live.Get().Rules.Units() {
		if u.External && u.Kind == "utility" {
			company = u.ID
			break
		}
	}
	water := desk.Viewer{Login: "water", Roles: []string{"unit_handler"}, Unit: company}
	if _, err := o.desk.Ticket(t.Context(), water, m.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a company sees a ticket that is not its own: %v", err)
	}
	m.Does(allocator, ticket.AddUnit, to(company))
	hides(t, "the company", m.By(water), append(secrets, "王")...)
	m.Refused("access.denied", water, ticket.Reveal, reason("contact_citizen"))
	if slices.ContainsFunc(m.By(water).Actions, func(l desk.Legal) bool { return l.Action == ticket.Reveal }) {
		t.Error("the company is offered a reveal")
	}
}

func TestAViewerWithoutRolesMayDoNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	for _, a := range ticket.Actions {
		m.Refused("access.denied", nobody, a)
	}
	for _, r := range desk.Roles {
		for _, right := range r.Rights {
			if nobody.Can(right) {
				t.Errorf("nobody holds %s", right)
			}
		}
	}
}

func TestScopeIsUnitAndRegion(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	hedong := desk.Viewer{Login: "hedong", Roles: []string{"unit_head"}, Unit: "d-371312"}
	inRegion := desk.Viewer{Login: "r", Roles: []string{"desk"}, Region: "371302"}
	elsewhere := desk.Viewer{Login: "e", Roles: []string{"desk"}, Region: "371312"}
	for _, v := range []desk.Viewer{hedong, elsewhere} {
		if _, err := o.desk.Ticket(t.Context(), v, m.Number); !ticket.IsKind(err, ticket.NotFound) {
			t.Errorf("%s sees it: %v", v.Login, err)
		}
		if list, err := o.desk.List(t.Context(), v, desk.Query{}); err != nil || len(list.Items) != 0 {
			t.Errorf("%s lists it: %v", v.Login, err)
		}
	}
	for _, v := range []desk.Viewer{inRegion, district, yitang} {
		if list, err := o.desk.List(t.Context(), v, desk.Query{}); err != nil || len(list.Items) != 1 {
			t.Errorf("%s lists %d: %v", v.Login, len(list.Items), err)
		}
	}
	// The district is above the town: it sees the share, and may act on it.
	m.Does(district, ticket.Sign, share(1))
	// A wish outside the scope finds nothing; one inside narrows it.
	if list, err := o.desk.List(t.Context(), district, desk.Query{Unit: "d-371312"}); err != nil || len(list.Items) != 0 {
		t.Errorf("the district reads another's list: %d, %v", len(list.Items), err)
	}
	if list, err := o.desk.List(t.Context(), district, desk.Query{Unit: "s-371302105"}); err != nil || len(list.Items) != 1 {
		t.Errorf("the district narrows its list to the town: %d, %v", len(list.Items), err)
	}
}

func TestAUnitActsOnItsOwnShareOnly(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	other := desk.Viewer{Login: "other", Roles: []string{"unit_handler"}, Unit: "s-371302102"}
	m.Refused("access.denied", other, ticket.Sign, share(1))
	view := m.Does(other, ticket.Sign) // its own is found without a number
	own := len(view.Assignments)
	if view.Assignments[own-1].State != ticket.Signed || view.Assignments[0].State != ticket.Offered {
		t.Errorf("the assisting town signed %+v", view.Assignments)
	}
	if at := slices.IndexFunc(view.Actions, func(l desk.Legal) bool { return l.Action == ticket.Resolve }); at < 0 || !slices.Equal(view.Actions[at].Assignments, []int{own}) {
		t.Errorf("the assisting town is offered %+v", view.Actions)
	}
	m.Refused("command.invalid", other, ticket.SendOn, to("s-371302105"))
	m.Refused("command.invalid", yitang, ticket.Return, reason("complex"))
	m.Refused("command.invalid", allocator, ticket.AddUnit, to("nowhere"))
}

func TestABudgetIsABudget(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "兰山区义堂镇小区电梯经常故障", Region: "371302105", Unit: "s-371302105", Appellant: ticket.Party{Phone: "+8613800138000"}})
	if p := m.By(yitang).Policy; p == nil || !strings.HasPrefix(p.ID, "general") {
		t.Skipf("the pack gives the matter the policy %+v", p)
	}
	m.Does(yitang, ticket.Sign)
	m.Refused("command.invalid", yitang, ticket.AskExtend, reason("complex"), by(11, "working_days"))
	m.Refused("command.invalid", yitang, ticket.AskExtend, reason("complex"), by(5, "natural_days"))
	m.Does(yitang, ticket.AskExtend, reason("complex"), by(5, ""))
	m.Refused("command.invalid", allocator, ticket.Extend, by(40, "working_days"))
	before := m.By(yitang).Due
	if after := m.Does(allocator, ticket.Extend).Due; !after.After(before) {
		t.Errorf("an approved extension moves the deadline from %s to %s", before, after)
	}
	m.Refused("ticket.extend.budget", yitang, ticket.AskExtend, reason("complex"), by(1, "working_days"))
	for range 2 {
		m.Does(yitang, ticket.AskPause, reason("awaits_weather"))
		m.Does(allocator, ticket.Pause)
		m.Does(yitang, ticket.Resume)
	}
	m.Refused("ticket.pause.budget", yitang, ticket.AskPause, reason("awaits_weather"))
	m.Refused("ticket.pause.budget", allocator, ticket.Pause, reason("awaits_weather"))
	o.Advance(72 * time.Hour)
	m.Refused("ticket.return.late", yitang, ticket.Return, reason("not_ours"))
}

func TestACorrectionKeepsWhatItReplaces(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	m.Refused("command.invalid", agent, ticket.Amend, func(c *ticket.Command) { c.Details.Category = "99.99" })
	m.Refused("command.invalid", agent, ticket.Amend, func(c *ticket.Command) { c.Details.Region = "1" })
	old := m.By(agent).Category.ID
	m.Does(agent, ticket.Amend, func(c *ticket.Command) { c.Details.Category = "01.01.01" })
	item, err := o.store.TicketByNumber(t.Context(), m.Number)
	if err != nil {
		t.Fatal(err)
	}
	history, err := o.store.History(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	if last := history[len(history)-1]; last.Details.Before["category"] != old || item.Category != "01.01.01" {
		t.Errorf("the correction keeps %v, the category is %s", last.Details.Before, item.Category)
	}
}

func TestEveryReporterOfOneIncidentIsAnswered(t *testing.T) {
	t.Parallel()
	o := open(t)
	lead := o.Report(flood("k-0"))
	var others []*matter
	for n := range 3 {
		r := flood(fmt.Sprintf("k-%d", n+1))
		r.Appellant = ticket.Party{Name: "刘一", Phone: fmt.Sprintf("+861390013900%d", n)}
		others = append(others, o.Report(r))
	}
	for _, m := range others {
		if view := m.By(officer); view.State != ticket.StateMerged {
			m.Does(allocator, ticket.Merge, func(c *ticket.Command) {
				id, err := o.desk.TicketID(t.Context(), allocator, lead.Number)
				if err != nil {
					t.Fatal(err)
				}
				c.Details.Other = id
			})
		}
	}
	before := len(o.told(outbox.KindCitizen))
	o.Advance(time.Hour)
	lead.Does(yitang, ticket.Sign)
	lead.Finish(yitang, "积水已于10时07分排除")
	for _, m := range others {
		view := m.By(officer)
		if view.State != ticket.StateMerged || view.PublicReply != "积水已于10时07分排除" {
			t.Errorf("reporter %s is %s and reads %q", m.Number, view.State, view.PublicReply)
		}
		track, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now)
		if err != nil {
			t.Fatal(err)
		}
		if !track.Merged || track.Unit != "兰山区义堂镇人民政府" || !track.Steps[3].Done || !track.Steps[4].Done || len(track.Replies) != 1 {
			t.Errorf("reporter %s follows %+v", m.Number, track)
		}
		hides(t, "a reporter's track", track, lead.Number, "王秀兰", "13800138000")
	}
	told := o.told(outbox.KindCitizen)
	if len(told) != before+4 {
		t.Fatalf("%d citizens were told, want 4", len(told)-before)
	}
	for _, m := range append(others, lead) {
		if !slices.ContainsFunc(told, func(n store.StoredNotice) bool {
			return strings.Contains(string(n.Body), m.Number) && strings.Contains(string(n.Body), "10时07分")
		}) {
			t.Errorf("the reporter of %s has no word of its own", m.Number)
		}
	}
	item, err := o.store.TicketByNumber(t.Context(), others[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	history, err := o.store.History(t.Context(), item.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.VerifyChain(history); err != nil {
		t.Error(err)
	}
}

func TestADeclinedCitizenLearnsTheWay(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "法院判决不服要求改判", Appellant: ticket.Party{Phone: "+8613800138000"}, Reply: &ticket.ReplyHandle{Address: "x"}})
	if m.By(officer).State != ticket.StateTriage {
		m.Does(allocator, ticket.Triage, reason("disputed_owner"))
	}
	m.Does(allocator, ticket.Decline, reason("judicial"))
	told := o.told(outbox.KindCitizen)
	if len(told) != 1 {
		t.Fatalf("told %d times", len(told))
	}
	has(t, "the word to the citizen", string(told[0].Body), "属法院、检察院职权")
	track, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now)
	if err != nil {
		t.Fatal(err)
	}
	has(t, "the track", track.Steps[4].Text, "不予受理", "12368")
}

func TestThePublicReadsOnlyWhatIsPublic(t *testing.T) {
	t.Parallel()
	o := open(t)
	public := o.Report(flood("k-1"))
	hidden := flood("k-2")
	hidden.Public, hidden.Text, hidden.Appellant.Phone = false, "沂水县供暖不足", "+8613700137000"
	private := o.Report(hidden)
	secret := flood("k-3")
	secret.Confidential, secret.Text, secret.Appellant.Phone = true, "举报某单位乱收费", "+8613600136000"
	confidential := o.Report(secret)

	shown, err := o.desk.PublicTicket(t.Context(), public.Number)
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "the public view", shown, append(secrets, public.Code)...)
	if !shown.Open || shown.Unit != "兰山区义堂镇人民政府" || shown.Lng != 118.235 || shown.Lat != 35.123 {
		t.Errorf("the public sees %+v", shown)
	}
	for _, m := range []*matter{private, confidential} {
		if _, err := o.desk.PublicTicket(t.Context(), m.Number); !ticket.IsKind(err, ticket.NotFound) {
			t.Errorf("%s is public: %v", m.Number, err)
		}
	}
	list := func(f adapters.PublicFilter) string {
		t.Helper()
		if f.Limit == 0 {
			f.Limit, f.Page = 1000, 1
		}
		found, err := o.desk.PublicTickets(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	yes, no := true, false
	for name, f := range map[string]adapters.PublicFilter{"all": {}, "open": {Open: &yes}, "by number": {Numbers: []string{public.Number, private.Number, "LY0"}}, "by category": {Categories: []string{"01"}}} {
		got := list(f)
		if !strings.Contains(got, public.Number) || strings.Contains(got, private.Number) || strings.Contains(got, confidential.Number) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, f := range map[string]adapters.PublicFilter{"closed": {Open: &no}, "the second page": {Limit: 1, Page: 2}, "far pages": {Limit: 1000, Page: 10000}, "another category": {Categories: []string{"18"}}} {
		if got := list(f); strings.Contains(got, "LY26") {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Confidential afterwards is public no more.
	public.Does(agent, ticket.Amend, func(c *ticket.Command) { c.Details.Confidential = &yes })
	if _, err := o.desk.PublicTicket(t.Context(), public.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("it is still public: %v", err)
	}
}

func TestAReceiptBecomesANumber(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	rows, _, err := o.store.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	number, err := o.desk.ByReceipt(t.Context(), rows[0].ID.String())
	if err != nil || number != m.Number {
		t.Errorf("the receipt is %q, %v; want %s", number, err, m.Number)
	}
	for _, wrong := range []string{"", "x", "0198f7b0-1111-7000-8000-000000000002"} {
		if _, err := o.desk.ByReceipt(t.Context(), wrong); !ticket.IsKind(err, ticket.NotFound) {
			t.Errorf("receipt %q: %v", wrong, err)
		}
	}
}

func TestSearchStaysInsideTheScope(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	o.follow()
	hedong := desk.Viewer{Login: "hedong", Roles: []string{"unit_head"}, Unit: "d-371312"}
	for _, q := range []string{m.Number, "13800138000", "138 0013 8000", "积水"} {
		found, err := o.desk.Search(t.Context(), officer, q)
		if err != nil || len(found.Items) != 1 || found.Items[0].Number != m.Number {
			t.Errorf("%q by the duty officer: %+v, %v", q, found, err)
		}
		found, err = o.desk.Search(t.Context(), hedong, q)
		if err != nil || len(found.Items) != 0 {
			t.Errorf("%q from another district: %+v, %v", q, found, err)
		}
	}
	log, err := o.store.AccessLog(t.Context(), ticket.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	searches := 0
	for _, a := range log {
		if a.What == "search" {
			searches++
			hides(t, "the access log", a, "13800138000")
		}
	}
	if searches != 4 {
		t.Errorf("%d searches by phone are logged, want 4", searches)
	}
}

func TestTheFeedIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	o := open(t)
	if end, err := o.desk.FeedEnd(t.Context()); err != nil || end != 0 {
		t.Errorf("an empty feed ends at %d, %v", end, err)
	}
	m := o.Report(flood("k-1"))
	for n := range 7 {
		m.Does(agent, ticket.Note, noting("第"+strconv.Itoa(n)))
		end, err := o.desk.FeedEnd(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last, err := o.desk.Feed(t.Context(), end-1, 10)
		if err != nil || len(last) != 1 || last[0].Position != end || last[0].Number != m.Number {
			t.Fatalf("before the end stands %+v, %v", last, err)
		}
	}
}

func TestAlertsAreAcknowledgedOnceAndInScope(t *testing.T) {
	t.Parallel()
	o := open(t)
	id, err := ticket.NewID(o.now, strings.NewReader(strings.Repeat("r", 16)))
	if err != nil {
		t.Fatal(err)
	}
	a := store.Alert{ID: id, Key: "k", Number: "LY0", Unit: "s-371302105", Region: "371302105", Level: "red", Post: "s-371302105.head", Text: "签收超时", At: o.now}
	if err := o.store.Commit(t.Context(), store.Change{Alerts: []store.Alert{a}})[0]; err != nil {
		t.Fatal(err)
	}
	hedong := desk.Viewer{Login: "hedong", Roles: []string{"unit_head"}, Unit: "d-371312"}
	if list, err := o.desk.Alerts(t.Context(), hedong, desk.AlertQuery{Open: true, Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("another district sees %v, %v", list, err)
	}
	if err := o.desk.Ack(t.Context(), hedong, id); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("another district acknowledges: %v", err)
	}
	if list, err := o.desk.Alerts(t.Context(), district, desk.AlertQuery{Open: true, Limit: 10}); err != nil || len(list) != 1 || list[0].LevelTitle != "红牌" {
		t.Errorf("the district sees %v, %v", list, err)
	}
	if list, err := o.desk.Alerts(t.Context(), officer, desk.AlertQuery{Open: true, Mine: true, Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("the officer's own: %v, %v", list, err)
	}
	if err := o.desk.Ack(t.Context(), district, id); err != nil {
		t.Fatal(err)
	}
	if err := o.desk.Ack(t.Context(), officer, id); !ticket.IsKind(err, ticket.Conflict) || !strings.Contains(err.Error(), "lanshan") {
		t.Errorf("the second acknowledgement: %v", err)
	}
}

func TestFiveWrongCodesLockTheNumber(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	for n := range 5 {
		_, err := o.desk.Track(t.Context(), m.Number, "AAAAAA", o.now)
		if want := map[bool]ticket.ErrorKind{true: ticket.NotFound, false: ticket.TooMany}[n < 4]; !ticket.IsKind(err, want) {
			t.Fatalf("wrong code %d: %v", n+1, err)
		}
	}
	if _, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now); !ticket.IsKind(err, ticket.TooMany) {
		t.Errorf("the right code while locked: %v", err)
	}
	if _, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now.Add(store.TrackLock+time.Second)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	// What the citizen reads has no ladder and no note in it.
	m.Does(yitang, ticket.Note, noting("内部备注"))
	track, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now.Add(2*store.TrackLock))
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "the track", track, "内部备注", "黄牌", "catalogue", "王秀兰")
	if track.Expected.IsZero() {
		t.Error("the citizen is told no date")
	}
}

// The explanation is the decision made again from what was seen then: whatever was amended since.
func TestTheExplanationIsTheDecisionMadeAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	same := func(when string) {
		t.Helper()
		e, err := o.desk.Explain(t.Context(), allocator, m.Number)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e.Decided, e.Now.Decision); diff != "" || !e.SamePack {
			t.Errorf("%s (decided, explained):\n%s", when, diff)
		}
		if e.Now.Counterexample == nil && e.Now.Without == "" {
			t.Errorf("%s: nothing is said of what would have changed it", when)
		}
	}
	same("as it came")
	m.Does(allocator, ticket.Amend, func(c *ticket.Command) {
		c.Details.Category, c.Details.Region, c.Details.Urgency = "01.03.03", "371311001", ticket.UrgencyUrgent
		private(c).Text = "不是积水，是路灯不亮"
	})
	same("after it was amended")
}
