package desk

import (
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// withinBudget holds pauses, extensions, returns and closings to the policy's bounds.
func (d *Desk) withinBudget(c *city.City, t *ticket.Ticket, history []ticket.Event, cmd *ticket.Command, now time.Time) error {
	policy, calendar, ok := c.Terms(t)
	if !ok {
		return nil
	}
	b := policy.Budget
	a, known := t.Assignment(cmd.Details.Assignment)
	if !known && cmd.Action.OnAssignment() {
		return nil // its own refusal says what is possible
	}
	switch cmd.Action { //nolint:exhaustive // the others have no budget
	case ticket.AskPause, ticket.Pause:
		if b.Pauses > 0 && t.Counters.Pauses >= b.Pauses {
			return ticket.Errorf(ticket.Conflict, "ticket.pause.budget", "已挂起 %d 次，达到时限政策 %s 的上限", t.Counters.Pauses, policy.Title)
		}
		if !cmd.Details.Until.IsZero() && !cmd.Details.Until.After(now) {
			return invalid("until", "挂起的截止时间应在现在之后")
		}
	case ticket.AskExtend:
		if b.Extensions > 0 && t.Counters.Extensions >= b.Extensions {
			return ticket.Errorf(ticket.Conflict, "ticket.extend.budget", "已延期 %d 次，达到时限政策 %s 的上限", t.Counters.Extensions, policy.Title)
		}
		if err := withinMost(b.ExtensionMost, &cmd.Details); err != nil {
			return err
		}
		return askedInTime(c, calendar, b, a.No, sla.Evaluate(history, policy, calendar, now), now)
	case ticket.Extend:
		if t.Extension != nil && cmd.Details.Amount == 0 {
			cmd.Details.Amount, cmd.Details.LimitUnit = t.Extension.Amount, t.Extension.Unit
		}
		return withinMost(b.ExtensionMost, &cmd.Details)
	case ticket.Return:
		if a.Forced {
			return nil // no return at all: its own refusal says why
		}
		return mayReturn(c, calendar, b, t, a, now)
	case ticket.Close:
		return mayClose(b, t, cmd, sla.Evaluate(history, policy, calendar, now))
	}
	return nil
}

// askedInTime refuses an extension that is asked for after the deadline, or later before it than the policy allows. At the
// last moment exactly it is in time; a millisecond later it is not.
func askedInTime(c *city.City, calendar *sla.Calendar, b sla.Budget, assignment int, clocks []sla.Clock, now time.Time) error {
	now = now.Truncate(time.Millisecond) // as events are recorded
	for _, k := range clocks {
		if k.Name != sla.ClockResolve && k.Name != sla.ClockRedo || k.Assignment != assignment || k.State != sla.Running && k.State != sla.Held {
			continue
		}
		if now.After(k.DueAt) {
			return ticket.Errorf(ticket.Conflict, "ticket.extend.late", "办结时限 %s 已过，延期须在到期前申请", k.DueAt.In(c.Zone).Format(time.DateTime))
		}
		if b.AskBefore.IsZero() {
			continue
		}
		if last := calendar.For(k.Unit).Back(k.DueAt, b.AskBefore); now.After(last) {
			return ticket.Errorf(ticket.Conflict, "ticket.extend.late", "延期须在办结时限 %s 前 %d %s申请，最迟 %s，现已超过",
				k.DueAt.In(c.Zone).Format(time.DateTime), b.AskBefore.Amount, limitUnits[string(b.AskBefore.Unit)], last.In(c.Zone).Format(time.DateTime))
		}
	}
	return nil
}

// mayReturn holds a return to its window. One beyond the number of returns is an objection: see [Desk.complete].
func mayReturn(c *city.City, calendar *sla.Calendar, b sla.Budget, t *ticket.Ticket, a ticket.Assignment, now time.Time) error {
	if b.ReturnWithin.Amount > 0 {
		if last, _ := calendar.For(a.Unit).Due(a.OfferedAt, b.ReturnWithin); now.After(last) {
			way := "请提请裁定（object）"
			if !leads(a) {
				way = "请与分拨席或上级单位协商撤回派单"
			}
			return ticket.Errorf(ticket.Conflict, "ticket.return.late", "退单期限 %s 已过；确有异议的，%s", last.In(c.Zone).Format(time.DateTime), way)
		}
	}
	if hopsSpent(b, t) && leads(a) { // the others do not pass the matter round: it stays with the lead
		return ticket.Errorf(ticket.Conflict, "ticket.return.hops", "已退回 %d 次；确有异议的，请提请裁定（object），由值班长裁定", t.Counters.Returns)
	}
	return nil
}

// leads reports whether the assignment answers to the citizen.
func leads(a ticket.Assignment) bool { return a.Role == ticket.Lead && a.Parent == 0 }

// hopsSpent reports whether a ticket has been returned as often as its policy allows.
func hopsSpent(b sla.Budget, t *ticket.Ticket) bool {
	return b.Hops > 0 && t.Counters.Returns >= b.Hops
}

// withinMost holds an extension to the most a policy allows, which also says what it is counted in.
func withinMost(most sla.Limit, d *ticket.Details) error {
	if most.Amount == 0 { // it would add nothing, and the citizen would be told a date that is none
		return ticket.Errorf(ticket.Conflict, "ticket.extend.none", "该时限政策不允许延期")
	}
	if d.LimitUnit == "" {
		d.LimitUnit = string(most.Unit)
	}
	if d.Amount > most.Amount || d.LimitUnit != string(most.Unit) {
		return invalid("amount", "一次最多延期 %d %s", most.Amount, limitUnits[string(most.Unit)])
	}
	return nil
}

// waiting is the assignment whose request an answer is about when it names none: the only one that asked. 0 when it is no answer,
// or several asked.
func waiting(t *ticket.Ticket, a ticket.Action) int {
	switch a { //nolint:exhaustive // the others answer nothing
	case ticket.Extend, ticket.RefuseExtend:
		if t.Extension != nil {
			return t.Extension.Assignment
		}
	case ticket.Pause, ticket.RefusePause:
		asked := 0
		for _, a := range t.Assignments {
			if a.PauseAsked != nil && asked != 0 {
				return 0
			}
			if a.PauseAsked != nil {
				asked = a.No
			}
		}
		return asked
	}
	return 0
}

// Evidence is the role of an attachment that proves a reason (证明材料).
const Evidence = "evidence"

// proved refuses a reason that must be proved and is not: by an attachment of the command, or of the request it approves.
func proved(r city.Reason, t *ticket.Ticket, cmd *ticket.Command) error {
	if !r.Evidence || !slices.Contains([]ticket.Action{ticket.AskPause, ticket.Pause, ticket.AskExtend, ticket.AskTerminate}, cmd.Action) {
		return nil
	}
	if a, ok := t.Assignment(cmd.Details.Assignment); ok && cmd.Action == ticket.Pause && a.PauseAsked != nil && a.PauseAsked.Reason == r.Code {
		return nil // proved when it was asked for
	}
	if cmd.Private != nil && slices.ContainsFunc(cmd.Private.Media, func(m ticket.MediaRef) bool { return m.Role == Evidence }) {
		return nil
	}
	return invalid("media", "理由“%s”须附证明材料：请先上传附件（POST /api/v1/media），再在 media 中以 role: evidence 引用", r.Title)
}

// reasonClasses are what the pack's reasons call an action: a reason for any of them may be given.
var reasonClasses = map[ticket.Action][]string{
	ticket.AskExtend: {"extend"}, ticket.RefuseExtend: {"refuse", "extend"},
	ticket.AskPause: {"pause"}, ticket.RefusePause: {"refuse", "pause"},
	ticket.Object:       {"object", "return"},
	ticket.AskTerminate: {"terminate"}, ticket.ReviewTerminate: {"terminate"}, ticket.RefuseTerminate: {"refuse", "terminate"},
	ticket.Close: {"close", "terminate"},
}

// serves reports whether a reason may be given for an action.
func serves(r city.Reason, a ticket.Action) bool {
	if len(r.For) == 0 {
		return true
	}
	classes, ok := reasonClasses[a]
	if !ok {
		classes = []string{string(a)}
	}
	return slices.ContainsFunc(classes, func(class string) bool { return slices.Contains(r.For, class) })
}
