package desk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// complete fills in what a command leaves to the office: the unit of last resort, what an approval approves, the order a
// reply answers; and makes of a return beyond the policy's number the objection it is.
func (d *Desk) complete(ctx context.Context, c *city.City, t *ticket.Ticket, cmd *ticket.Command, now time.Time) error {
	a, _ := t.Assignment(cmd.Details.Assignment)
	switch cmd.Action { //nolint:exhaustive // the others say it all themselves
	case ticket.Return:
		policy, _, ok := c.Terms(t)
		if ok && hopsSpent(policy.Budget, t) && !a.Forced && slices.Contains(t.LegalOn(a.No), ticket.Object) && leads(a) {
			cmd.Action = ticket.Object
		}
	case ticket.Arbitrate:
		return lastResort(c, t, cmd)
	case ticket.Pause:
		if asked := a.PauseAsked; asked != nil {
			if cmd.Cause.Reason == "" {
				cmd.Cause.Reason = asked.Reason
			}
			if cmd.Details.Until.IsZero() {
				cmd.Details.Until = asked.Until
			}
		}
	case ticket.Extend:
		if t.Extension != nil && cmd.Cause.Reason == "" {
			cmd.Cause.Reason = t.Extension.Reason // the citizen is told why
		}
	case ticket.ReviewTerminate, ticket.Terminate:
		if t.Termination != nil && cmd.Cause.Reason == "" {
			cmd.Cause.Reason = t.Termination.Reason
		}
		return d.alone(ctx, t)
	case ticket.AskTerminate:
		return d.alone(ctx, t)
	case ticket.Supervise:
		if !cmd.Details.Until.IsZero() && !cmd.Details.Until.After(now) {
			return invalid("until", "督办回复期限应在现在之后")
		}
	case ticket.Reply:
		if len(t.Orders) == 1 && cmd.Details.Order == "" {
			cmd.Details.Order = t.Orders[0].No
		}
	case ticket.CallBack:
		return attempt(cmd, now)
	case ticket.Survey:
		return d.surveyable(ctx, c, t)
	}
	return nil
}

// lastResort names the district of the place (属地兜底) where a ruling leaves the owner to it. Errors: Conflict when the place is
// not known well enough, or its district has no office.
func lastResort(c *city.City, t *ticket.Ticket, cmd *ticket.Command) error {
	if !cmd.Details.LastResort {
		return nil
	}
	if cmd.Details.Unit != "" {
		return invalid("last_resort", "兜底裁定由系统按属地确定承办单位，请不要再指定 unit")
	}
	for _, region := range slices.Backward(c.Rules.RegionPath(t.Region)) {
		if r, _ := c.Rules.Region(region); r.Level != "district" {
			continue
		}
		if office, ok := c.Rules.Office(region); ok {
			cmd.Details.Unit = office.ID
			return nil
		}
		return ticket.Errorf(ticket.Conflict, "ticket.arbitrate.no_office", "%s没有配置属地承办单位，请指定承办单位裁定", regionTitle(c, region))
	}
	return ticket.Errorf(ticket.Conflict, "ticket.arbitrate.no_district", "工单的区划没有到县区一级，无法按属地兜底，请先更正区划，或指定承办单位裁定")
}

// ruled refuses a ruling on what has been ruled already, unless the officer names the version that has the ruling: of two who
// rule at once one wins, and the other learns what was ruled.
func ruled(c *city.City, t *ticket.Ticket, history []ticket.Event, cmd *ticket.Command, ifVersion int64) error {
	if cmd.Action != ticket.Arbitrate || ifVersion == t.Version {
		return nil
	}
	for _, a := range t.Assignments {
		if !a.Forced || !a.State.Active() || !leads(a) {
			continue
		}
		by := ""
		for _, e := range slices.Backward(history) {
			if e.Action == ticket.Arbitrate {
				by = e.Actor.ID
				break
			}
		}
		return ticket.Errorf(ticket.Conflict, "ticket.arbitrate.ruled", "%s 已于 %s 裁定由%s主办；确需改判的，请刷新后以当前版本（If-Match: %d）再裁定",
			by, a.OfferedAt.In(c.Zone).Format(time.DateTime), c.UnitTitle(a.Unit), t.Version)
	}
	return nil
}

// alarm tells the duty officer of a matter that waits for a ruling.
func (d *Desk) alarm(c *city.City, t *ticket.Ticket, e ticket.Event) ([]store.Alert, error) {
	office, ok := c.Rules.Unit(c.DutyUnit)
	if !ok || e.Action != ticket.Object || t.Historic {
		return nil, nil
	}
	var list []store.Alert
	for _, post := range office.Posts {
		if post.Role != "duty" {
			continue
		}
		id, err := ticket.NewID(e.At, d.Random)
		if err != nil {
			return nil, err
		}
		list = append(list, store.Alert{
			ID: id, Key: fmt.Sprintf("%s/%d/%s", t.ID, e.Seq, post.ID), Ticket: t.ID, Number: t.Number, Unit: c.DutyUnit, Holder: t.Dispute.Unit, Region: t.Region, Level: "remind",
			Post: post.ID, Text: outbox.Training(t, c.Say("disputed", map[string]string{"number": t.Number, "unit": c.UnitTitle(t.Dispute.Unit)})), At: e.At,
		})
	}
	return list, nil
}

// alone refuses the end of a matter that others follow: their reporters would hear nothing.
func (d *Desk) alone(ctx context.Context, t *ticket.Ticket) error {
	others, err := d.followers(ctx, t.ID)
	if err != nil || len(others) == 0 {
		return err
	}
	return ticket.Errorf(ticket.Conflict, "ticket.termination.leads", "%d 张工单并入了本工单，不能终止；请先在这些工单上认定非同一事项（link，relation: distinct）", len(others))
}
