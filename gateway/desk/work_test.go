package desk_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// More people of the office.
var (
	supervisor = desk.Viewer{Login: "supervisor", Roles: []string{"supervisor"}}
	second     = desk.Viewer{Login: "duty2", Roles: []string{"duty"}}
	liuqing    = desk.Viewer{Login: "liuqing", Roles: []string{"unit_handler"}, Unit: "s-371302102"}
)

// lift is a matter of five working days that Yitang has signed, on the morning of Monday 13 July 2026.
func (o *office) lift(key string) *matter {
	o.t.Helper()
	m := o.Report(ticket.Request{
		Key: key, Text: "兰山区义堂镇小区电梯经常故障", Region: "371302105", Unit: "s-371302105",
		Appellant: ticket.Party{Name: "王秀兰", Phone: "+8613800138000"}, Reply: &ticket.ReplyHandle{Address: "openid-" + key},
	})
	if p := m.By(officer).Policy; p == nil || !strings.HasPrefix(p.ID, "general@") {
		o.t.Fatalf("the matter has the policy %+v", p)
	}
	m.Does(yitang, ticket.Sign)
	return m
}

// clock is the newest clock of that name, of an assignment; 0 is the ticket's own.
func (m *matter) clock(name string, assignment int) desk.Clock {
	m.o.t.Helper()
	for _, k := range slices.Backward(m.By(officer).Clocks) {
		if string(k.Name) == name && k.Assignment == assignment {
			return k
		}
	}
	m.o.t.Fatalf("%s has no clock %s of %d", m.Number, name, assignment)
	return desk.Clock{}
}

func until(at time.Time) part { return func(c *ticket.Command) { c.Details.Until = at } }

func proof(role string) part {
	return func(c *ticket.Command) {
		private(c).Media = append(private(c).Media, ticket.MediaRef{SHA256: strings.Repeat("a", 64), Name: "委托书.pdf", Role: role})
	}
}

func outcome(o string) part { return func(c *ticket.Command) { c.Details.Outcome = o } }

func content(solved bool, s ticket.Satisfaction) part {
	return func(c *ticket.Command) {
		c.Details.Outcome, c.Details.Solved, c.Details.Satisfaction = ticket.OutcomeReached, &solved, s
	}
}

// queued lists the numbers in a queue.
func (o *office) queued(q store.Queue) []string {
	o.t.Helper()
	list, err := o.desk.List(o.t.Context(), officer, desk.Query{Queue: q})
	if err != nil {
		o.t.Fatal(err)
	}
	var numbers []string
	for _, s := range list.Items {
		numbers = append(numbers, s.Number)
	}
	return numbers
}

// The unit asks on Monday, the desk approves on Tuesday, work goes on on Wednesday: one working day is held, not two.
func TestTheClockStandsStillOnlyFromTheApproval(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	due := m.By(officer).Due
	m.Refused("access.denied", yitang, ticket.Pause, reason("awaits_weather"))
	m.Refused("command.invalid", yitang, ticket.AskPause, reason("awaits_weather"), until(o.now.Add(-time.Hour)))
	m.Does(yitang, ticket.AskPause, reason("awaits_weather"), until(o.now.Add(240*time.Hour)))
	m.Refused("ticket.pause.pending", yitang, ticket.AskPause, reason("awaits_weather"))
	if got := o.queued(store.QueueApproval); !slices.Equal(got, []string{m.Number}) {
		t.Errorf("%v wait for an approval", got)
	}
	o.Advance(24 * time.Hour)
	if k := m.clock("resolve", 1); k.State != "running" {
		t.Errorf("asked for only, the clock is %s", k.State)
	}
	if view := m.Does(allocator, ticket.Pause); view.State != ticket.StatePaused || view.Assignments[0].PauseAsked != nil {
		t.Errorf("approved, it is %s: %+v", view.State, view.Assignments[0])
	}
	if got := o.queued(store.QueueApproval); got != nil {
		t.Errorf("%v still wait for an approval", got)
	}
	if k := m.clock("resolve", 0); k.State != "paused" {
		t.Errorf("approved, the citizen's clock is %s", k.State)
	}
	o.Advance(24 * time.Hour)
	m.Does(yitang, ticket.Resume)
	if after := m.By(officer).Due; after.Sub(due) != 24*time.Hour {
		t.Errorf("the deadline moved from %s to %s", due, after)
	}
}

func TestARefusedPauseHoldsNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	due := m.By(officer).Due
	m.Refused("ticket.pause.none", allocator, ticket.RefusePause, reason("not_proved"))
	m.Does(yitang, ticket.AskPause, reason("awaits_weather"))
	o.Advance(48 * time.Hour)
	m.Refused("ticket.command.incomplete", allocator, ticket.RefusePause)
	view := m.Does(allocator, ticket.RefusePause, reason("not_proved"))
	if !view.Due.Equal(due) || view.State != ticket.StateHandling || view.Counters.Pauses != 0 {
		t.Errorf("refused, it is %s, due %s, with %d pauses", view.State, view.Due, view.Counters.Pauses)
	}
	has(t, "the story", view.Events[len(view.Events)-1].Words, "驳回", "挂起申请", "理由不充分")
}

// Two units are at work; the answer finds the one that asked.
func TestAnAnswerFindsWhoAsked(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Does(liuqing, ticket.Sign)
	m.Does(liuqing, ticket.AskPause, reason("awaits_weather"))
	if view := m.Does(allocator, ticket.Pause); view.Assignments[1].State != ticket.Paused || view.Assignments[0].State != ticket.Signed {
		t.Errorf("the desk paused %+v", view.Assignments)
	}
	m.Does(liuqing, ticket.Resume)
	m.Does(liuqing, ticket.AskPause, reason("awaits_weather"))
	m.Does(yitang, ticket.AskPause, reason("awaits_season"))
	m.Refused("ticket.assignment.unknown", allocator, ticket.RefusePause, reason("not_proved")) // whose?
	m.Does(allocator, ticket.RefusePause, reason("not_proved"), share(1))
	m.Does(yitang, ticket.AskExtend, reason("complex"), by(2, ""))
	if view := m.Does(allocator, ticket.RefuseExtend, reason("in_time")); view.Extension != nil {
		t.Errorf("refused, %+v still waits", view.Extension)
	}
}

// What a street gives back goes to its district, however often the matter was returned before.
func TestAStreetReturnsToItsDistrict(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(yitang, ticket.Return, reason("not_ours"))
	m.Does(allocator, ticket.Dispatch, to("d-371302"))
	for n := range 3 {
		m.Does(district, ticket.SendOn, share(2), to("s-371302102"))
		if view := m.Does(liuqing, ticket.Return, reason("not_ours")); view.State != ticket.StateHandling || view.Unit.ID != "d-371302" {
			t.Fatalf("return %d made it %s, with %s", n+1, view.State, view.Unit.ID)
		}
	}
}

func TestAReasonThatMustBeProvedNeedsEvidence(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Refused("command.invalid", yitang, ticket.AskPause, reason("awaits_procedure"))
	m.Refused("command.invalid", yitang, ticket.AskPause, reason("awaits_procedure"), proof("photo"))
	m.Refused("command.invalid", allocator, ticket.Pause, reason("awaits_procedure")) // directly, it needs its proof, too
	view := m.Does(yitang, ticket.AskPause, reason("awaits_procedure"), proof(desk.Evidence))
	if seen := m.By(desk.Viewer{Login: "a", Roles: []string{"analyst"}}).Media; len(seen) != 0 {
		t.Errorf("who may see no person sees the proof: %+v", seen)
	}
	if len(view.Media) != 1 || view.Media[0].Role != desk.Evidence {
		t.Errorf("the officer has %+v to decide by", view.Media)
	}
	if view = m.Does(allocator, ticket.Pause); view.State != ticket.StatePaused {
		t.Errorf("proved and approved, it is %s", view.State)
	}
}

// Due on Monday 20 July at 24:00 and to be asked for a working hour before: at 16:30, when the last working hour of the summer begins.
func TestAnExtensionIsAskedForInTime(t *testing.T) {
	t.Parallel()
	at := func(clock string, more time.Duration) time.Time {
		day, err := time.ParseInLocation(time.DateTime, "2026-07-20 "+clock, time.FixedZone("", 8*3600))
		if err != nil {
			t.Fatal(err)
		}
		return day.Add(more)
	}
	for name, tt := range map[string]struct {
		asked time.Time
		code  string // "": in time
	}{
		"at the last moment":         {at("16:30:00", 0), ""},
		"a millisecond later":        {at("16:30:00", time.Millisecond), "ticket.extend.late"},
		"a second after it expired":  {at("23:59:59", 2*time.Second), "ticket.extend.late"},
		"a nanosecond is no moment":  {at("16:30:00", time.Nanosecond), ""},
		"in the morning of that day": {at("09:00:00", 0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			m := o.lift("k-1")
			o.now = tt.asked.Add(-time.Minute) // a command takes a minute
			if tt.code != "" {
				m.Refused(tt.code, yitang, ticket.AskExtend, reason("complex"), by(5, ""))
				return
			}
			m.Does(yitang, ticket.AskExtend, reason("complex"), by(5, ""))
			before := len(o.told(outbox.KindCitizen))
			view := m.Does(allocator, ticket.Extend)
			if day := view.Due.Format(time.DateOnly); day != "2026-07-27" {
				t.Errorf("five working days more end on %s", day)
			}
			told := o.told(outbox.KindCitizen)
			if len(told) != before+1 {
				t.Fatalf("the citizen was told %d times", len(told)-before)
			}
			has(t, "the word to the citizen", string(told[before].Body), "7月27日", "情况复杂", m.Number)
		})
	}
}

// Two units give it back; what the third does is an objection, and the duty officer rules.
func TestAMatterThatNobodyWantsIsRuled(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(yitang, ticket.Return, reason("not_ours"))
	m.Does(allocator, ticket.Dispatch, to("s-371302102"))
	m.Does(liuqing, ticket.Return, reason("wrong_place"))
	m.Does(allocator, ticket.Dispatch, to("s-371302105"))
	view := m.Does(yitang, ticket.Return, reason("not_ours"))
	if view, err := o.desk.Ticket(t.Context(), officer, m.Number); err != nil || view.State != ticket.StateTriage || view.Dispute == nil || view.Dispute.Unit.ID != "s-371302105" {
		t.Fatalf("the third return made it %s, disputed by %+v, %v", view.State, view.Dispute, err)
	}
	has(t, "the story", view.Events[len(view.Events)-1].Words, "提请裁定", "不属本单位职责")
	if got := o.queued(store.QueueArbitration); !slices.Equal(got, []string{m.Number}) {
		t.Errorf("%v wait for a ruling", got)
	}
	// The citizen's clock runs on; the last holder's has stopped, and the centre's own runs.
	if k := m.clock("resolve", 0); k.State != "running" {
		t.Errorf("in dispute the citizen's clock is %s", k.State)
	}
	if k := m.clock("resolve", 3); k.State != "cancelled" || k.Unit != "s-371302105" {
		t.Errorf("the last holder's clock is %s, charged to %s", k.State, k.Unit)
	}
	if k := m.clock("arbitrate", 3); k.State != "running" || k.Unit != "" {
		t.Errorf("the ruling's clock is %s, charged to %q", k.State, k.Unit)
	}
	m.Refused("ticket.dispute.pending", allocator, ticket.Dispatch, to("s-371302102"))
	m.Refused("ticket.dispute.pending", allocator, ticket.Triage, reason("unclear"))
	m.Refused("access.denied", allocator, ticket.Arbitrate, to("s-371302102"), reason("by_place"))

	view = m.Does(officer, ticket.Arbitrate, reason("by_last_resort"), func(c *ticket.Command) { c.Details.LastResort = true })
	if view.Unit.ID != "d-371302" || view.Dispute != nil || !view.Assignments[3].Forced {
		t.Errorf("the last resort is %+v", view.Assignments[3])
	}
	has(t, "the story", view.Events[len(view.Events)-1].Words, "属地", "兜底")
	if k := m.clock("arbitrate", 3); k.State != "met" {
		t.Errorf("ruled in time, its clock is %s", k.State)
	}
	if got := o.queued(store.QueueArbitration); got != nil {
		t.Errorf("%v still wait for a ruling", got)
	}
	m.Refused("ticket.return.forced", district, ticket.Return, reason("not_ours"))
	m.Refused("ticket.return.forced", district, ticket.Object, reason("not_ours"))
}

func TestAUnitObjectsWhenItsReturnWindowIsOver(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	o.Advance(72 * time.Hour)
	m.Refused("ticket.return.late", yitang, ticket.Return, reason("not_ours"))
	m.Refused("command.invalid", yitang, ticket.Object, reason("complex"))
	m.Does(yitang, ticket.Object, reason("disputed_owner"))
	alerts, err := o.desk.Alerts(t.Context(), officer, desk.AlertQuery{Open: true, Mine: true, Limit: 10})
	if err != nil || len(alerts) != 1 || alerts[0].Number != m.Number {
		t.Fatalf("the duty officer has %+v, %v", alerts, err)
	}
	has(t, "the alert", alerts[0].Text, "兰山区义堂镇人民政府", "裁定")
	if view := m.By(officer); view.State != ticket.StateTriage || view.Counters.Objections != 1 {
		t.Errorf("it is %s", view.State)
	}
	// The clock of the ruling is the centre's: a working day later it is late, and the officer hears of it.
	o.Advance(48 * time.Hour)
	if k := m.clock("arbitrate", 1); !k.Overdue {
		t.Errorf("the ruling is not late: due %s, now %s", k.DueAt, o.now)
	}
}

// While it is in dispute who leads, who assists works on: its clocks run, and it must be able to stop them.
func TestWhoAssistsWorksOnWhileTheLeadIsInDispute(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Does(yitang, ticket.Object, reason("disputed_owner"))
	m.Does(liuqing, ticket.Sign)
	if view := m.Does(liuqing, ticket.Resolve, saying("已配合")); view.State != ticket.StateTriage {
		t.Errorf("the dispute is %s", view.State)
	}
	if view := m.Does(officer, ticket.Arbitrate, reason("by_place"), to("s-371302105")); view.State != ticket.StateDispatched {
		t.Errorf("after the ruling the ticket is %s", view.State)
	}
}

func TestALastResortNeedsAPlace(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "某处电梯经常故障", Unit: "s-371302105", Appellant: ticket.Party{Phone: "+8613800138000"}})
	last := func(c *ticket.Command) { c.Details.LastResort = true }
	if r := m.By(officer).Region; r != nil {
		t.Fatalf("the place is known: %+v", r)
	}
	m.Does(yitang, ticket.Object, reason("disputed_owner"))
	m.Refused("ticket.arbitrate.no_district", officer, ticket.Arbitrate, reason("by_last_resort"), last)
	m.Refused("command.invalid", officer, ticket.Arbitrate, reason("by_last_resort"), last, to("d-371302"))
	m.Does(officer, ticket.Amend, func(c *ticket.Command) { c.Details.Region = "371312" })
	if view := m.Does(officer, ticket.Arbitrate, reason("by_last_resort"), last); view.Unit.ID != "d-371312" {
		t.Errorf("Hedong's matter went to %s", view.Unit.ID)
	}
}

// Of two officers one wins; the other learns what was ruled, and may rule otherwise only knowing it.
func TestTwoOfficersRuleAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		o := open(t)
		m := o.lift("k-1")
		m.Does(yitang, ticket.Object, reason("disputed_owner"))
		units, errs := []string{"s-371302105", "s-371302102"}, make([]error, 2)
		var both sync.WaitGroup
		for n, v := range []desk.Viewer{officer, second} {
			both.Go(func() {
				_, errs[n] = o.desk.Act(context.WithoutCancel(t.Context()), v, m.Number,
					ticket.Command{Action: ticket.Arbitrate, Cause: ticket.Cause{Reason: "by_place"}, Details: ticket.Details{Unit: units[n]}}, 0)
			})
		}
		both.Wait()
		winner, loser := 0, 1
		if errs[0] != nil {
			winner, loser = 1, 0
		}
		view := m.By(officer)
		if errs[winner] != nil || view.Unit.ID != units[winner] || len(view.Assignments) != 2 {
			t.Fatalf("the winner got %v, the owner is %s of %d", errs[winner], view.Unit.ID, len(view.Assignments))
		}
		if errs[loser] == nil {
			t.Fatal("both rulings were taken")
		}
		has(t, "what the other officer learns", errs[loser].Error(), []string{"duty", "duty2"}[winner], view.Unit.Title, "裁定")
		m.Refused("ticket.arbitrate.ruled", second, ticket.Arbitrate, to("s-371302102"), reason("by_place"))
		cmd := ticket.Command{Action: ticket.Arbitrate, Cause: ticket.Cause{Reason: "by_place"}, Details: ticket.Details{Unit: "d-371302"}}
		if view, err := o.desk.Act(t.Context(), second, m.Number, cmd, view.Version); err != nil || view.Unit.ID != "d-371302" {
			t.Errorf("knowing the ruling, the officer may rule otherwise: %v", err)
		}
	}
}

// The lead answers for the whole: its clock runs until those who assist have finished.
func TestTheLeadAnswersForTheWhole(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Does(yitang, ticket.Resolve, share(1), saying("电梯已修复"))
	if view := m.By(officer); view.State != ticket.StateHandling {
		t.Errorf("with a unit at work it is %s", view.State)
	}
	if k := m.clock("resolve", 1); k.State != "running" {
		t.Errorf("the lead's clock is %s", k.State)
	}
	o.Advance(10 * 24 * time.Hour)
	if k := m.clock("resolve", 1); !k.Overdue || k.Unit != "s-371302105" {
		t.Errorf("the lead is not late with the whole: %+v", k)
	}
	m.Does(liuqing, ticket.Sign)
	if view := m.Does(liuqing, ticket.Resolve, saying("已配合")); view.State != ticket.StateResolved || view.PublicReply != "电梯已修复" {
		t.Errorf("it is %s with the reply %q", view.State, view.PublicReply)
	}
	if k := m.clock("resolve", 1); k.State != "missed" {
		t.Errorf("the lead's clock ended %s", k.State)
	}
}

func TestALeadThatSaysWhyFinishesAlone(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Refused("command.invalid", yitang, ticket.Resolve, share(1), saying("电梯已修复"), reason("complex"))
	view := m.Does(yitang, ticket.Resolve, share(1), saying("电梯已修复"), reason("assist_late"))
	if view.State != ticket.StateResolved || view.Assignments[1].State != ticket.Withdrawn || view.Assignments[1].Reason != "协办单位未按时反馈，主办单位先行办结" {
		t.Errorf("it is %s, the other %+v", view.State, view.Assignments[1])
	}
	if k := m.clock("resolve", 1); k.State != "met" {
		t.Errorf("the lead's clock ended %s", k.State)
	}
	has(t, "the story", view.Events[len(view.Events)-1].Words, "不再等待协办单位")
}

func TestADistrictStaysAnswerableForItsStreet(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "兰山区义堂镇小区电梯经常故障", Region: "371302105", Unit: "d-371302", Appellant: ticket.Party{Phone: "+8613800138000"}})
	m.Does(district, ticket.SendOn, share(1), to("s-371302105"))
	m.Does(yitang, ticket.Sign, share(2))
	o.Advance(10 * 24 * time.Hour)
	for no, unit := range []string{1: "d-371302", 2: "s-371302105"} {
		if no == 0 {
			continue
		}
		if k := m.clock("resolve", no); !k.Overdue || k.State != "running" || k.Unit != unit {
			t.Errorf("of assignment %d the clock is %s, charged to %s", no, k.State, k.Unit)
		}
	}
	m.Refused("ticket.resolve.open_below", district, ticket.Resolve, share(1), saying("已修复"))
	if view := m.Does(yitang, ticket.Resolve, share(2), saying("已修复")); view.State != ticket.StateHandling || view.Unit.ID != "d-371302" {
		t.Errorf("the street's word resolves it: %s, %s", view.State, view.Unit.ID)
	}
	if view := m.Does(district, ticket.Resolve, share(1), saying("已修复")); view.State != ticket.StateResolved {
		t.Errorf("the district's word leaves it %s", view.State)
	}
}

// An attachment is the ticket's or is refused: none is taken and shown to nobody.
func TestAnAttachmentIsTheTicketsOrIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Refused("command.invalid", allocator, ticket.Urge, proof("photo"))
	for n, step := range []struct {
		by     desk.Viewer
		action ticket.Action
		parts  []part
	}{
		{allocator, ticket.Note, []part{noting("见附件")}},
		{yitang, ticket.AskPause, []part{reason("awaits_procedure")}},
		{yitang, ticket.Resolve, []part{saying("已修复")}},
	} {
		view := m.Does(step.by, step.action, append(step.parts, proof("evidence"))...)
		if len(view.Media) != n+1 {
			t.Errorf("after %s the ticket shows %d attachments", step.action, len(view.Media))
		}
	}
}

// Whoever holds several roles in one unit still approves nothing that the unit asked for, and an order to the lead is not
// answered by a unit that assists.
func TestAUnitDecidesNothingThatItAskedFor(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	ownDesk := desk.Viewer{Login: "yitang-desk", Roles: []string{"desk", "duty", "supervisor"}, Unit: "s-371302105"}
	above := desk.Viewer{Login: "lanshan-desk", Roles: []string{"desk", "supervisor"}, Unit: "d-371302"}
	m.Does(yitang, ticket.AskExtend, reason("complex"), by(2, "working_days"))
	m.Refused("access.denied", ownDesk, ticket.Extend)
	for who, v := range map[bool]desk.Viewer{false: ownDesk, true: above} {
		if may := slices.ContainsFunc(m.By(v).Actions, func(l desk.Legal) bool { return l.Action == ticket.Extend }); may != who {
			t.Errorf("%s is offered extend: %t", v.Login, may)
		}
	}
	m.Does(above, ticket.Extend)
	m.Does(yitang, ticket.AskPause, reason("awaits_weather"))
	m.Refused("access.denied", ownDesk, ticket.Pause)
	m.Does(above, ticket.Pause)
	m.Does(yitang, ticket.AskTerminate, reason("abuse"))
	m.Refused("access.denied", ownDesk, ticket.ReviewTerminate)
	m.Does(above, ticket.ReviewTerminate)
	m.Refused("access.denied", desk.Viewer{Login: "lanshan-2", Roles: []string{"supervisor"}, Unit: "d-371302"}, ticket.Terminate)

	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Does(supervisor, ticket.Supervise, reason("overdue"), until(o.now.Add(48*time.Hour)))
	m.Refused("access.denied", liuqing, ticket.Reply, noting("已办"))
	m.Does(yitang, ticket.Reply, noting("已派人"))
	m.Does(supervisor, ticket.Terminate)
}

// A unit that has nothing to give back is told what is possible, not of a window that ended in the year 1.
func TestAReturnOfNothingSaysWhatIsPossible(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(allocator, ticket.AddUnit, to("s-371302102"))
	m.Does(liuqing, ticket.Return, reason("not_ours"), share(2))
	m.Refused("ticket.assignment.unknown", liuqing, ticket.Return, reason("not_ours"))
}
