package intake

import (
	"context"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// call puts what a delivery tells about a call on that call. Deliveries come in any order: a
// recording that comes first waits on its call. A ring makes no ticket; a missed call is owed a
// call back.
func (i *Intake) call(ctx context.Context, a admission) (adapters.Outcome, error) {
	fact := a.request.Call
	c, err := i.Store.Call(ctx, a.channel.ID, fact.CallID)
	switch {
	case isMissing(err):
		id, err := ticket.NewID(i.Now(), i.Random)
		if err != nil {
			return adapters.Outcome{}, err
		}
		c = store.Call{ID: id, Channel: a.channel.ID, CallID: fact.CallID}
	case err != nil:
		return adapters.Outcome{}, err
	}
	applyCall(&c, &a.request, a.delivery.ReceivedAt)
	out := adapters.Outcome{Result: adapters.Accepted, Delivery: a.delivery.ID.String(), At: i.Now()}
	change := store.Change{Lane: a.channel.Lane(), Sender: senderKey(a), Delivery: a.row(a.delivery), Calls: []store.Call{c}}
	return out, i.finish(ctx, a, change, out, ticket.ID{})
}

// applyCall folds one fact into a call. Facts may arrive late or twice; a later state never goes
// back to an earlier one.
func applyCall(c *store.Call, r *ticket.Request, receivedAt time.Time) {
	fact, at := r.Call, r.Call.At
	if at.IsZero() {
		at = receivedAt
	}
	if fact.Line != "" {
		c.Line = fact.Line
	}
	if fact.Agent != "" {
		c.Agent = fact.Agent
	}
	if !r.Appellant.IsZero() && c.Private.Caller.IsZero() {
		c.Private.Caller = r.Appellant
	}
	switch fact.Event {
	case ticket.CallRing:
		c.RangAt = earliest(c.RangAt, at)
		c.State = laterState(c.State, "ringing")
	case ticket.CallAnswer:
		c.AnsweredAt = earliest(c.AnsweredAt, at)
		c.State = laterState(c.State, "answered")
		if c.CallBack == "due" {
			c.CallBack = ""
		}
	case ticket.CallHangup:
		c.EndedAt, c.Seconds = at, max(c.Seconds, fact.Duration)
		c.State = laterState(c.State, "ended")
	case ticket.CallMissed:
		c.EndedAt = at
		if c.AnsweredAt.IsZero() {
			c.State, c.CallBack = "missed", "due"
		}
	case ticket.CallRecording:
		c.Private.Recording = append(c.Private.Recording, r.Media...)
		c.State = laterState(c.State, "ringing")
	case ticket.CallTranscript:
		c.Private.Transcript = r.Text
		c.State = laterState(c.State, "ringing")
	}
	c.UpdatedAt = receivedAt
}

// callStates orders the states of a call.
var callStates = map[string]int{"": 0, "ringing": 1, "answered": 2, "missed": 2, "ended": 3}

func laterState(have, next string) string {
	if callStates[next] > callStates[have] {
		return next
	}
	return have
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
