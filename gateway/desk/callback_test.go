package desk_test

import (
	"context"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/ticket"
)

// called is the row of a matter in the list of callbacks as a viewer sees it.
func (m *matter) called(v desk.Viewer) *desk.CallbackRow {
	m.o.t.Helper()
	list, err := m.o.desk.Callbacks(m.o.t.Context(), v, "", 50)
	if err != nil {
		m.o.t.Fatal(err)
	}
	for i := range list.Items {
		if list.Items[i].Number == m.Number {
			return &list.Items[i]
		}
	}
	return nil
}

func TestACallbackIsWork(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	if m.called(caller) != nil {
		t.Error("nothing is resolved, and a citizen is to be called")
	}
	m.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	row := m.called(caller)
	if row == nil || row.Appellant.Phone != "+8613800138000" || row.Attempts != 3 || row.Unanswered != 0 || row.Reply != "电梯已修复" {
		t.Fatalf("the caller has %+v", row)
	}
	hides(t, "the officer's list", m.called(officer), "13800138000", "王秀兰")
	due := row.At

	// The citizen asks to be called on Friday: the deadline moves up to then, not beyond.
	m.Refused("command.invalid", caller, ticket.CallBack)
	m.Refused("ticket.callback.appointed", caller, ticket.CallBack, outcome("appointed"))
	m.Refused("command.invalid", caller, ticket.CallBack, outcome("appointed"), until(o.now.Add(60*24*time.Hour)))
	friday := time.Date(2026, 7, 17, 2, 0, 0, 0, time.UTC)
	m.Does(caller, ticket.CallBack, outcome("appointed"), until(friday))
	if row = m.called(caller); !row.At.Equal(friday) || !row.Appointed || row.Unanswered != 0 || row.Last.ID != "appointed" {
		t.Errorf("appointed for Friday, the list has %+v", row)
	}
	if k := m.clock("callback", 1); !k.DueAt.Equal(friday) || !friday.After(due) {
		t.Errorf("the clock is due %s, was %s", k.DueAt, due)
	}
	m.Refused("ticket.close.callback_owed", caller, ticket.Close)
	for n := range 3 {
		m.Refused("ticket.callback.attempts", caller, ticket.Close, reason("unreachable"))
		m.Does(caller, ticket.CallBack, outcome([]string{"no_answer", "wrong_number", "no_answer"}[n]))
	}
	if row = m.called(caller); row.Unanswered != 3 || row.Appointed {
		t.Errorf("after three calls the list has %+v", row)
	}
	view := m.Does(caller, ticket.Close, reason("unreachable"))
	if view.Outcome.Reason != "unreachable" || m.called(caller) != nil {
		t.Errorf("closed as %+v", view.Outcome)
	}
}

func TestAnEarlierAppointmentComesFirst(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	due := m.clock("callback", 1).DueAt
	soon := o.now.Add(2 * time.Hour)
	m.Does(caller, ticket.CallBack, outcome("appointed"), until(soon))
	if row := m.called(caller); !row.At.Equal(soon) {
		t.Errorf("the list has it at %s", row.At)
	}
	if k := m.clock("callback", 1); !k.DueAt.Equal(due) {
		t.Errorf("an early appointment moved the deadline from %s to %s", due, k.DueAt)
	}
}

// talking is a channel that can speak to its citizens.
type talking struct{ plain }

func (talking) Reply(context.Context, ticket.ReplyHandle, ticket.Message) (adapters.Receipt, error) {
	return adapters.Receipt{}, nil
}

// talks lets the office's channel speak to its citizens.
func (o *office) talks() {
	c := *o.live.Get()
	app := *c.Channels["app"]
	app.Adapter = talking{}
	c.Channels = map[string]*city.Channel{"app": &app}
	o.live.Set(&c)
}

func TestACitizenRatesBySurvey(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	m.Refused("ticket.survey.no_way", caller, ticket.Survey)
	o.talks()
	before := len(o.told(outbox.KindCitizen))
	m.Does(caller, ticket.Survey)
	told := o.told(outbox.KindCitizen)
	if len(told) != before+1 {
		t.Fatalf("%d questions were sent", len(told)-before)
	}
	has(t, "the question", string(told[before].Body), m.Number, m.Code, "评价")
	m.Refused("ticket.survey.sent", caller, ticket.Survey)

	no, yes := false, true
	if _, err := o.desk.Rate(t.Context(), m.Number, "WRONG1", desk.Rating{Solved: &yes, Satisfaction: ticket.Satisfied}); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a wrong code rates: %v", err)
	}
	due := m.By(officer).Due
	track, err := o.desk.Rate(t.Context(), m.Number, m.Code, desk.Rating{Solved: &no, Satisfaction: ticket.Dissatisfied, Text: "第二天又停了"})
	if err != nil {
		t.Fatal(err)
	}
	// The policy reopens by itself what a citizen is not content with, once; the unit has the time of a redo.
	view := m.By(officer)
	if track.State != ticket.StateDispatched || view.Counters.Reopens != 1 || view.Outcome.First != ticket.Dissatisfied {
		t.Errorf("not content, it is %s: %+v", track.State, view.Outcome)
	}
	if k := m.clock("redo", 2); k.State != "running" || k.Limit.Amount != 3 {
		t.Errorf("the redo has %+v", k)
	}
	if !view.Due.Equal(due) {
		t.Errorf("the citizen's deadline moved from %s to %s", due, view.Due)
	}
	if _, err := o.desk.Rate(t.Context(), m.Number, m.Code, desk.Rating{Solved: &yes, Satisfaction: ticket.Satisfied}); !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("what is being redone was rated: %v", err)
	}
	m.Does(yitang, ticket.Sign, share(2))
	m.Does(yitang, ticket.Resolve, share(2), saying("已更换曳引机"))
	m.Does(caller, ticket.Survey) // done again, asked again

	// Not content again: now the caller decides, and finds it on the list.
	if _, err := o.desk.Rate(t.Context(), m.Number, m.Code, desk.Rating{Solved: &no, Satisfaction: ticket.Dissatisfied}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.desk.Rate(t.Context(), m.Number, m.Code, desk.Rating{Solved: &yes, Satisfaction: ticket.Satisfied}); !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("rated twice: %v", err)
	}
	if row := m.called(caller); row == nil || !row.Decide || row.Redone != 1 {
		t.Errorf("the caller has %+v", row)
	}
	m.Does(caller, ticket.Reopen, reason("not_solved"))
	m.Does(yitang, ticket.Sign, share(3))
	m.Does(yitang, ticket.Resolve, share(3), saying("已大修"))
	view = m.Does(caller, ticket.CallBack, content(true, ticket.Satisfied))
	if view.Outcome.First != ticket.Dissatisfied || view.Outcome.Final != ticket.Satisfied {
		t.Errorf("first and final are %s and %s", view.Outcome.First, view.Outcome.Final)
	}
	if m.called(caller) != nil {
		t.Error("who is content is still to be called")
	}
}

func TestWhoFollowsAnIncidentRatesWhenItIsDone(t *testing.T) {
	t.Parallel()
	o := open(t)
	lead, follower := o.lift("k-1"), o.Report(ticket.Request{
		Key: "k-2", Text: "义堂镇那个小区的电梯又坏了", Region: "371302105", Unit: "s-371302105", Appellant: ticket.Party{Name: "刘一", Phone: "+8613900139000"},
	})
	follower.Does(allocator, ticket.Merge, reason("same_matter"), other(o, lead))
	yes := true
	if _, err := o.desk.Rate(t.Context(), follower.Number, follower.Code, desk.Rating{Solved: &yes, Satisfaction: ticket.Satisfied}); !ticket.IsKind(err, ticket.Conflict) {
		t.Errorf("rated before it is done: %v", err)
	}
	lead.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	track, err := o.desk.Track(t.Context(), follower.Number, follower.Code, o.now)
	if err != nil || !track.Ratable {
		t.Fatalf("the follower's track is %+v, %v", track, err)
	}
	if track, err = o.desk.Rate(t.Context(), follower.Number, follower.Code, desk.Rating{Solved: &yes, Satisfaction: ticket.Satisfied}); err != nil || track.Rating != "满意" || track.Ratable {
		t.Errorf("the follower rated: %+v, %v", track, err)
	}
}

// A survey of one who follows an incident asks about the work of the lead: not before there is any.
func TestWhoFollowsIsAskedWhenTheWorkIsDone(t *testing.T) {
	t.Parallel()
	o := open(t)
	lead, follower := o.lift("k-1"), o.Report(ticket.Request{
		Key: "k-2", Text: "义堂镇那个小区的电梯又坏了", Region: "371302105", Unit: "s-371302105", Appellant: ticket.Party{Name: "刘一", Phone: "+8613900139000"},
		Reply: &ticket.ReplyHandle{Address: "openid-k-2"},
	})
	o.talks()
	follower.Does(allocator, ticket.Merge, reason("same_matter"), other(o, lead))
	follower.Refused("ticket.survey.not_done", caller, ticket.Survey)
	lead.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	follower.Does(caller, ticket.Survey)
	follower.Refused("ticket.survey.sent", caller, ticket.Survey)
}

// Nobody is told of what becomes of an archive's tickets: one that a word by the citizen reopened would lie about.
func TestAnArchivesTicketIsNotRated(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "兰山区义堂镇小区电梯经常故障", Region: "371302105", Unit: "s-371302105", Historic: true})
	m.Does(yitang, ticket.Sign)
	m.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	no := false
	_, err := o.desk.Rate(t.Context(), m.Number, m.Code, desk.Rating{Solved: &no, Satisfaction: ticket.Dissatisfied})
	if !ticket.IsKind(err, ticket.Conflict) || m.By(officer).State != ticket.StateResolved {
		t.Errorf("rated: %v, and it is %s", err, m.By(officer).State)
	}
}

// The callers see no confidential ticket; its citizen is owed a call all the same.
func TestACitizenOfAConfidentialTicketIsCalledByTheDutyOfficer(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{
		Key: "k-1", Text: "兰山区义堂镇小区电梯经常故障", Region: "371302105", Unit: "s-371302105", Confidential: true,
		Appellant: ticket.Party{Name: "王秀兰", Phone: "+8613800138000"},
	})
	m.Does(yitang, ticket.Sign)
	m.Does(yitang, ticket.Resolve, saying("电梯已修复"))
	if m.called(caller) != nil {
		t.Error("the caller has a confidential ticket on the list")
	}
	row := m.called(officer)
	if row == nil || row.Appellant != nil || row.Reply != "" {
		t.Fatalf("the duty officer has %+v", row)
	}
	m.Does(officer, ticket.CallBack, content(true, ticket.Satisfied))
	if m.called(officer) != nil {
		t.Error("who has been called is still to be called")
	}
}
