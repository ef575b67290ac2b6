package intake

import (
	"context"
	"slices"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// alarm folds a machine's repeat into its open ticket, or opens one: a truck that alarms a
// hundred times in ten minutes is one ticket with count 100.
func (i *Intake) alarm(ctx context.Context, a admission) (adapters.Outcome, error) {
	t, err := i.Store.Fold(ctx, a.channel.ID, a.request.FoldKey)
	if err == nil && t.Urgency != ticket.UrgencyEmergency && deadly(a) {
		// Danger to life does not vanish in a count: it is a ticket of its own, which its repeats join
		// and only a person ends.
		a.request.FoldKey += "/emergency"
		t, err = i.Store.Fold(ctx, a.channel.ID, a.request.FoldKey)
	}
	if isMissing(err) {
		return i.register(ctx, a)
	}
	if err != nil {
		return adapters.Outcome{}, err
	}
	return i.extend(ctx, a, t, "joined", ticket.Command{Action: ticket.Repeat, Actor: actorOf(a)})
}

// clear ends the open ticket of an alarm: the device says that it is over. Nobody is called back.
func (i *Intake) clear(ctx context.Context, a admission) (adapters.Outcome, error) {
	t, err := i.Store.Fold(ctx, a.channel.ID, a.request.FoldKey)
	if isMissing(err) {
		return i.keep(ctx, a, adapters.Outcome{Result: adapters.Ignored})
	}
	if err != nil {
		return adapters.Outcome{}, err
	}
	device := actorOf(a)
	reply := &ticket.Private{PublicReply: a.city.Say("cleared", map[string]string{"number": t.Number})}
	var steps []ticket.Command
	if t.State == ticket.StateTriage { // an assisting unit may hold a share of what was thrown back
		return i.extend(ctx, a, t, "cleared", ticket.Command{Action: ticket.Answer, Actor: device, Private: reply})
	}
	for _, as := range t.Assignments {
		if as.State == ticket.Offered {
			steps = append(steps, ticket.Command{Action: ticket.Sign, Actor: device, Details: ticket.Details{Assignment: as.No}})
		}
		if as.State == ticket.Paused {
			steps = append(steps, ticket.Command{Action: ticket.Resume, Actor: device, Details: ticket.Details{Assignment: as.No}})
		}
	}
	for _, v := range slices.Backward(t.Assignments) { // those below first
		if as := v; as.State.Active() {
			steps = append(steps, ticket.Command{
				Action: ticket.Resolve, Actor: device, Cause: ticket.Cause{Reason: "device_clear"},
				Details: ticket.Details{Assignment: as.No}, Private: reply,
			})
		}
	}
	switch {
	case len(steps) > 0:
		steps = append(steps, ticket.Command{Action: ticket.Close, Actor: device, Cause: ticket.Cause{Reason: "device_clear"}})
	case t.State == ticket.StateReceived:
		steps = append(steps, ticket.Command{Action: ticket.Answer, Actor: device, Private: reply})
	case t.State == ticket.StateResolved || t.State == ticket.StateMerged:
		steps = append(steps, ticket.Command{Action: ticket.Close, Actor: device, Cause: ticket.Cause{Reason: "device_clear"}})
	}
	return i.extend(ctx, a, t, "cleared", steps...)
}

// extend adds events to a known ticket and answers with it.
func (i *Intake) extend(ctx context.Context, a admission, t ticket.Ticket, say string, steps ...ticket.Command) (adapters.Outcome, error) {
	history, err := i.Store.History(ctx, t.ID)
	if err != nil {
		return adapters.Outcome{}, err
	}
	history = city.Upto(&t, history)
	expect, now := t.Version, i.Now()
	d := &draft{t: t, events: history, now: now, intake: i}
	for _, cmd := range steps {
		if err := d.do(cmd); err != nil {
			return adapters.Outcome{}, err
		}
	}
	next := a.city.Change(expect, d.t, d.events, now)
	out := i.joined(a, next, say)
	change := store.Change{Lane: a.channel.Lane(), Sender: senderKey(a), Delivery: a.row(a.delivery), Tickets: []store.TicketChange{next}}
	if err := i.finish(ctx, a, change, out, t.ID); err != nil {
		return adapters.Outcome{}, err
	}
	i.Committed(false)
	return out, nil
}
