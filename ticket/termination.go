package ticket

import "time"

// Termination is an end (终止办理) that was asked for because the request is unreasonable, and that two persons besides the
// one who asked must agree to. Clocks run until then.
type Termination struct {
	Reason     string    `json:"reason"`
	AskedBy    Actor     `json:"asked_by"`
	AskedAt    time.Time `json:"asked_at"`
	ReviewedBy Actor     `json:"reviewed_by,omitzero"` // who agreed first
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
}

// terminate takes a step on the way to the end of an unreasonable request.
func (t *Ticket) terminate(e Event) {
	switch e.Action {
	case AskTerminate:
		t.Termination = &Termination{Reason: e.Cause.Reason, AskedBy: e.Actor, AskedAt: e.At}
	case ReviewTerminate:
		if t.Termination != nil {
			next := *t.Termination
			next.ReviewedBy, next.ReviewedAt = e.Actor, e.At
			t.Termination = &next
		}
	case Terminate:
		t.end(StateClosed, e)
		t.Outcome.Unrated = true
	case RefuseTerminate:
		t.Termination = nil
	default:
	}
}

// checkTermination holds the steps to their order and each to a person of its own.
func (t *Ticket) checkTermination(cmd Command) error {
	asked := t.Termination
	if cmd.Action == AskTerminate {
		if asked != nil {
			return Errorf(Conflict, "ticket.termination.pending", "an end was asked for at %s and is under review", asked.AskedAt.Format(time.RFC3339))
		}
		return nil
	}
	switch {
	case asked == nil:
		return Errorf(Conflict, "ticket.termination.none", "nobody asked for an end; ask_terminate comes first")
	case cmd.Action == RefuseTerminate:
	case same(cmd.Actor, asked.AskedBy):
		return Errorf(Conflict, "ticket.termination.same_person", "who asked for the end cannot agree to it")
	case cmd.Action == ReviewTerminate && !asked.ReviewedAt.IsZero():
		return Errorf(Conflict, "ticket.termination.reviewed", "the first review was passed at %s; the second is by terminate", asked.ReviewedAt.Format(time.RFC3339))
	case cmd.Action == Terminate && asked.ReviewedAt.IsZero():
		return Errorf(Conflict, "ticket.termination.unreviewed", "the first review, review_terminate, comes first")
	case cmd.Action == Terminate && same(cmd.Actor, asked.ReviewedBy):
		return Errorf(Conflict, "ticket.termination.same_person", "the second review is another person's than the first")
	}
	return nil
}

// same reports whether two acts are one person's.
func same(a, b Actor) bool { return a.Kind == b.Kind && a.ID == b.ID }
