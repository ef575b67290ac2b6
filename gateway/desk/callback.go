package desk

import (
	"context"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// appointMost is how far ahead a citizen may be called by appointment.
const appointMost = 30 * 24 * time.Hour

// attempt completes what a call brought: the outcome says whether the citizen was reached, and the other way round.
func attempt(cmd *ticket.Command, now time.Time) error {
	x := &cmd.Details
	switch {
	case x.Outcome == "" && x.Reached == nil:
		return invalid("outcome", "请填写回访结果：reached 已接通、refused 拒访、no_answer 无人接听、wrong_number 号码有误、appointed 约定时间再访")
	case x.Outcome == "" && *x.Reached:
		x.Outcome = ticket.OutcomeReached
	case x.Outcome == "":
		x.Outcome = ticket.OutcomeNoAnswer
	case x.Reached == nil:
		reached := x.Outcome == ticket.OutcomeReached || x.Outcome == ticket.OutcomeRefused
		x.Reached = &reached
	}
	if x.Outcome == ticket.OutcomeAppointed && !x.Until.IsZero() && (!x.Until.After(now) || x.Until.After(now.Add(appointMost))) {
		return invalid("until", "约定时间应在现在之后、30 天之内")
	}
	if x.Outcome != ticket.OutcomeReached && (x.Solved != nil || x.Satisfaction != "") {
		return invalid("satisfaction", "没有接通并完成回访，不能记录是否解决和满意度")
	}
	return nil
}

// mayClose lets a ticket whose citizen is owed a callback be closed only for a reason, and as unreachable only after as many
// unanswered calls as the policy says.
func mayClose(b sla.Budget, t *ticket.Ticket, cmd *ticket.Command, clocks []sla.Clock) error {
	if cmd.Cause.Reason == "" && slices.ContainsFunc(clocks, func(k sla.Clock) bool { return k.Name == sla.ClockCallback && k.State == sla.Running }) {
		return ticket.Errorf(ticket.Conflict, "ticket.close.callback_owed", "还没有回访诉求人；请先回访，满 %d 次未接通的按“联系不上”归档，其他情形请写明理由", b.Attempts())
	}
	if cmd.Cause.Reason != ticket.Unreachable {
		return nil
	}
	if t.Callback.Done || t.Callback.Unanswered < b.Attempts() {
		return ticket.Errorf(ticket.Conflict, "ticket.callback.attempts", "回访未接通 %d 次，满 %d 次方可按“联系不上”归档", t.Callback.Unanswered, b.Attempts())
	}
	cmd.Details.Outcome = ticket.Unreachable
	return nil
}

// surveyable refuses a survey that could not reach its citizen, comes too early or too late, or was sent before: whoever is asked
// over and over, by two officers or a page of tickets sent twice, asks what the hotline is about.
func (d *Desk) surveyable(ctx context.Context, c *city.City, t *ticket.Ticket) error {
	work := t
	if t.State == ticket.StateMerged {
		lead, err := d.leadOf(ctx, t)
		if err != nil {
			return err
		}
		work = &lead.Ticket
	}
	ch, known := c.Channels[t.Channel]
	switch {
	case t.NoCallback || t.Historic || t.Training:
		return ticket.Errorf(ticket.Conflict, "ticket.survey.unwanted", "诉求人不要求回访，或为历史、演练工单，不发测评")
	case t.Callback.Done:
		return ticket.Errorf(ticket.Conflict, "ticket.survey.answered", "本轮办理已完成回访，不再发测评")
	case !t.Callback.Surveyed.IsZero():
		return ticket.Errorf(ticket.Conflict, "ticket.survey.sent", "本轮办理的测评已于 %s 发出，请等诉求人答复或电话回访", t.Callback.Surveyed.In(c.Zone).Format(time.DateTime))
	case !ratable(t, work):
		return ticket.Errorf(ticket.Conflict, "ticket.survey.not_done", "牵头工单 %s %s，还不能测评；办结后再发", work.Number, StateTitle(work.State))
	case t.Private.Reply == nil || !known:
		return ticket.Errorf(ticket.Conflict, "ticket.survey.no_way", "该工单没有可以回复诉求人的渠道，请电话回访")
	}
	if _, can := ch.Adapter.(adapters.Replier); !can {
		return ticket.Errorf(ticket.Conflict, "ticket.survey.no_way", "渠道“%s”不能向诉求人发送消息，请电话回访", ch.Title)
	}
	return nil
}

// ask makes what the citizen is told besides endings: the question of a survey, or the new date of an extension and why.
func (d *Desk) ask(c *city.City, t *ticket.Ticket, e ticket.Event, due time.Time) (n store.Notice, ok bool, err error) {
	if t.Private.Reply == nil || t.Historic {
		return n, false, nil
	}
	values := map[string]string{
		"number": t.Number, "code": t.Private.TrackCode, "unit": c.UnitTitle(t.LeadUnit()), "title": t.Private.Title, "reply": t.Private.PublicReply,
	}
	var say string
	switch e.Action {
	case ticket.Survey:
		say = "callback_sms"
	case ticket.Extend:
		a, known := t.Assignment(e.Details.Assignment)
		if !known || !leads(a) || due.IsZero() {
			return n, false, nil // the citizen's own deadline stays
		}
		r := c.Reasons[e.Cause.Reason]
		say, values["due"], values["reason"], values["advice"] = "extended", due.In(c.Zone).Format("1月2日 15:04"), r.Title, r.Advice
	default: // nothing is said, or the matter ends: see tellCitizen
		return n, false, nil
	}
	n, err = outbox.About(outbox.KindCitizen, t.Channel, t, e,
		outbox.CitizenNotice{To: *t.Private.Reply, Message: ticket.Message{Title: t.Private.Title, Text: c.Say(say, values)}})
	return n, err == nil, err
}

// redo reopens a ticket in the same change as the word of a citizen who is not content, where its policy wants that. It does
// so once by itself: whether a matter that was redone is done again, the caller decides.
func (d *Desk) redo(c *city.City, t *ticket.Ticket, e *ticket.Event, now time.Time) (again ticket.Event, done bool, err error) {
	policy, _, ok := c.Terms(t)
	x := e.Details
	unhappy := x.Satisfaction == ticket.Dissatisfied || x.Solved != nil && !*x.Solved
	if !ok || policy.RedoOn != sla.RedoDissatisfied || e.Action != ticket.CallBack || !unhappy || t.State != ticket.StateResolved || t.Counters.Reopens > 0 {
		return again, false, nil
	}
	cmd := ticket.Command{Action: ticket.Reopen, Actor: ticket.Actor{Kind: ticket.ActorSystem}, Cause: ticket.Cause{Pack: c.Hash, Rule: t.Policy, Reason: "redo_on_dissatisfied"}}
	if succeed(c, t, &cmd) != nil {
		return again, false, nil //nolint:nilerr // the unit is gone: the caller names another
	}
	again, err = t.Do(cmd, now, d.Random)
	return again, err == nil, err
}
