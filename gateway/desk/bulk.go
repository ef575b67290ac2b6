package desk

import (
	"context"
	"slices"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/ticket"
)

// Done is what became of one ticket of many.
type Done struct {
	Number string `json:"number"`
	OK     bool   `json:"ok"`
	Code   string `json:"code,omitempty"`   // why not
	Reason string `json:"reason,omitempty"` // the same in words
}

// Bulk is what became of a page of tickets.
type Bulk struct {
	Items []Done `json:"items"`
	Done  int    `json:"done"`
	Next  string `json:"next,omitempty"` // cursor of the next page; empty on the last
}

// inBulk are the actions that may be taken on many tickets at once: each is what the desk would do to all of them for
// one reason.
var inBulk = []ticket.Action{ticket.Dispatch, ticket.Return, ticket.Withdraw, ticket.Move, ticket.Triage, ticket.Urge, ticket.Survey}

// ActOnAll does a command on a page of the tickets that a query names, each with an event of its own, as if it
// were done by hand: what one ticket does not allow does not stop the others. With dry nothing is done, and each
// ticket says whether it could be. A command on an assignment takes the one that the query's unit holds.
// Errors: Invalid for an action that is not done in bulk or a query that names everything; those of List.
func (d *Desk) ActOnAll(ctx context.Context, v Viewer, q Query, cmd ticket.Command, dry bool) (Bulk, error) {
	bulk := Bulk{Items: []Done{}}
	if !slices.Contains(inBulk, cmd.Action) {
		return bulk, invalid("action", "批量只支持：派单、退回、撤回派单、划转、转待分拨、催办、满意度测评")
	}
	if len(q.States) == 0 && q.Unit == "" && q.Category == "" && q.Region == "" && q.Channel == "" && q.Incident == "" && q.Queue == "" {
		return bulk, invalid("filter", "请至少给出一个条件，不能对全部工单操作")
	}
	list, err := d.List(ctx, v, q)
	if err != nil {
		return bulk, err
	}
	bulk.Next = list.Next
	for _, row := range list.Items {
		one := cmd
		one.Details.Assignment = 0
		var err error
		if cmd.Action.OnAssignment() {
			one.Details.Assignment, err = d.shareOf(ctx, v, row.Number, q.Unit, cmd.Action)
		}
		if err == nil {
			err = d.actOnce(ctx, v, row.Number, one, dry)
		}
		done := Done{Number: row.Number, OK: err == nil}
		var e *ticket.Error
		switch {
		case err == nil:
			bulk.Done++
		case asError(err, &e) && e.Kind != ticket.Internal && e.Kind != ticket.Unavailable:
			if done.Code, done.Reason = e.Code, e.Message; len(e.Fields) > 0 {
				done.Reason = e.Fields[0].Message
			}
		default:
			return bulk, err // the store: the others would fare no better
		}
		bulk.Items = append(bulk.Items, done)
	}
	return bulk, nil
}

// actOnce does a command, or with dry only finds out whether it could be done.
func (d *Desk) actOnce(ctx context.Context, v Viewer, number string, cmd ticket.Command, dry bool) error {
	if !dry {
		_, err := d.Act(ctx, v, number, cmd, 0)
		return err
	}
	c, now := d.Live.Get(), d.Now()
	if !v.mayDo(c, cmd.Action) {
		return forbidden("action", string(cmd.Action))
	}
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return err
	}
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return err
	}
	cmd.Actor = v.Actor()
	if err := d.check(ctx, c, v, &item.Ticket, city.Upto(&item.Ticket, history), &cmd, now); err != nil {
		return err
	}
	t := item.Ticket
	_, err = t.Do(cmd, now, d.Random)
	return err
}

// shareOf is the assignment that the unit holds, else the one of a unit below it, that can take the action and is the
// viewer's to act on; 0 lets the command choose where no unit was named.
func (d *Desk) shareOf(ctx context.Context, v Viewer, number, unit string, action ticket.Action) (int, error) {
	if unit == "" {
		return 0, nil
	}
	c := d.Live.Get()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return 0, err
	}
	var own, below []int
	for _, a := range item.Assignments {
		switch {
		case !v.holds(c, a) || !slices.Contains(item.LegalOn(a.No), action):
		case a.Unit == unit:
			own = append(own, a.No)
		case action != ticket.Move && c.Rules.WithinUnit(a.Unit, unit): // what lies below moves by itself
			below = append(below, a.No)
		}
	}
	if own == nil {
		own = below
	}
	switch len(own) {
	case 0:
		return 0, ticket.Errorf(ticket.Conflict, "bulk.share", "该单位在这张工单上没有可以这样处理的派单")
	case 1:
		return own[0], nil
	}
	return 0, ticket.Errorf(ticket.Conflict, "bulk.share.ambiguous", "该单位在这张工单上有多个派单可以这样处理，请逐张操作")
}
