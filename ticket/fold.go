package ticket

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Fold rebuilds a ticket from its events, oldest first. An event whose personal part was
// destroyed folds all the same: the ticket then has no personal part of it.
func Fold(events []Event) (Ticket, error) {
	if len(events) == 0 {
		return Ticket{}, errors.New("ticket: no events to fold")
	}
	var t Ticket
	t.ID = events[0].Ticket
	for _, e := range events {
		if err := t.Apply(e); err != nil {
			return Ticket{}, err
		}
	}
	return t, nil
}

// Apply folds one recorded event into the ticket. It trusts that the event was legal when it was
// recorded and fails only on an event of another ticket, out of order, or of an unknown action.
func (t *Ticket) Apply(e Event) error {
	if e.Ticket != t.ID || e.Seq != t.Version+1 {
		return fmt.Errorf("ticket: event %d of %s does not follow version %d of %s", e.Seq, e.Ticket, t.Version, t.ID)
	}
	if _, known := ticketMoves[e.Action]; !known {
		return fmt.Errorf("ticket: event %d has the unknown action %q; it was written by a newer version", e.Seq, e.Action)
	}
	d := e.Details
	switch e.Action {
	case Register:
		t.register(e)
	case Dispatch, Arbitrate:
		t.dispatch(e)
	case Reopen:
		t.reopen(e)
	case SendOn:
		t.move(e)
		t.offer(Assignment{Unit: d.Unit, Role: t.Assignments[d.Assignment-1].Role, Parent: d.Assignment}, e.At)
	case AddUnit:
		t.offer(Assignment{Unit: d.Unit, Role: Assist}, e.At)
	case Move:
		t.handOver(d.Assignment, d.Unit)
	case Sign, Contact, Return, Withdraw, Pause, Resume, AskExtend, Extend, RefuseExtend, AskPause, RefusePause, Resolve:
		t.move(e)
	case Object:
		t.move(e)
		t.object(e)
	case AskTerminate, ReviewTerminate, Terminate, RefuseTerminate:
		t.terminate(e)
	case Triage:
		t.withdrawActive(e)
		t.Decision.Triage = e.Cause.Reason
		t.State = StateTriage
	case Answer:
		t.withdrawActive(e) // an assisting unit may still hold its share
		t.State, t.ResolvedAt, t.ClosedAt = StateClosed, e.At, e.At
		t.Outcome.ResolvedByUnit = true
	case Decline:
		t.end(StateDeclined, e)
	case Transfer:
		t.end(StateTransferred, e)
		t.ForeignNumber = or(d.ForeignNumber, t.ForeignNumber)
	case Merge:
		t.withdrawActive(e)
		t.State, t.Incident = StateMerged, d.Other
		t.Links = append(t.Links, Link{Kind: LinkMerged, To: d.Other})
	case Split:
		t.Links = append(t.Links, Link{Kind: or(d.Relation, LinkSplit), To: d.Other})
	case LinkTo:
		t.link(e)
	case CallBack:
		t.callBack(e)
	case Close:
		t.State, t.ClosedAt = StateClosed, e.At
		t.Outcome.Reason = or(d.Outcome, t.Outcome.Reason)
	case Amend, Restate:
		t.amend(e)
	case Escalate:
		t.Level = higher(t.Level, d.Level)
	case Urge:
		t.Counters.Urges++
	case Supervise:
		t.Counters.Supervisions++
		t.Level = higher(t.Level, or(d.Level, "supervise"))
		t.order(e)
	case Reply:
		t.answerOrder(d.Order)
	case Supplement:
		t.Counters.Supplements++
		if e.Private != nil {
			t.Private.Media = append(t.Private.Media, e.Private.Media...)
		}
	case Repeat:
		t.Counters.Repeats++
	case Hold:
		t.Held = true
	case Release:
		t.Held = false
	case Expire:
		t.expire(d.Fields)
	case Survey:
		t.Callback.Surveyed = e.At
	case Note, Reveal, Recalendar:
		// recorded; nothing of the ticket changes
	}
	if e.Private != nil && e.Private.PublicReply != "" && (t.Private.PublicReply == "" || !t.helps(e)) {
		t.Private.PublicReply = e.Private.PublicReply
	}
	if e.Private != nil && contains(proving, e.Action) {
		t.Private.Media = append(t.Private.Media, e.Private.Media...)
	}
	if e.Private != nil {
		t.Ended = nil // there is something to end again
	}
	t.derive()
	t.lapse()
	t.Version, t.UpdatedAt, t.LastHash = e.Seq, e.At, e.Hash
	return nil
}

// proving are the actions that may bring attachments: what an officer decides by, and what shows the work done.
var proving = []Action{
	AskPause, Pause, AskExtend, Return, Object, AskTerminate, Contact, Resolve, Reply, Supervise, Note,
}

// TakesMedia reports whether attachments given with an action become the ticket's; with the others nobody would find them.
func (a Action) TakesMedia() bool {
	return contains(proving, a) || a == Register || a == Supplement || a == Amend || a == Restate
}

// helps reports whether the event is an assisting unit's: the lead answers to the citizen.
func (t *Ticket) helps(e Event) bool {
	a, ok := t.Assignment(e.Details.Assignment)
	return ok && a.Role == Assist
}

func (t *Ticket) register(e Event) {
	r := e.Details.Registration
	if r == nil {
		r = &Registration{}
	}
	t.Number, t.Channel, t.Key, t.ThreadKey, t.FoldKey = r.Number, r.Channel, r.Key, r.ThreadKey, r.FoldKey
	t.Kind, t.Source, t.Type, t.Urgency = r.Kind, r.Source, r.Type, r.Urgency
	t.Category, t.Region, t.Tags, t.Policy = r.Category, r.Region, r.Tags, r.Policy
	t.Confidential, t.Public, t.Historic, t.Training = r.Confidential, r.Public, r.Historic, r.Training
	t.NoCallback, t.Quarantined, t.CallID = r.NoCallback, r.Quarantined, r.CallID
	t.ForeignNumber, t.PublicSummary, t.Facts = r.ForeignNumber, r.PublicSummary, r.Facts
	t.HappenedAt, t.ReceivedAt, t.RegisteredAt = r.HappenedAt, r.ReceivedAt, e.At
	t.State = StateReceived
	if e.Details.Decision != nil {
		t.Decision = *e.Details.Decision
	}
	if e.Private != nil {
		t.Private = *e.Private
	}
}

// dispatch gives the ticket a new lead; what was active before is withdrawn (only arbitration
// meets active assignments).
func (t *Ticket) dispatch(e Event) {
	t.withdrawActive(e)
	if e.Details.Decision != nil {
		t.Decision = *e.Details.Decision
		t.Policy = or(e.Details.Decision.Policy, t.Policy)
	}
	t.Decision.Triage = ""
	t.offer(Assignment{Unit: e.Details.Unit, Role: Lead, Forced: e.Details.Forced || e.Action == Arbitrate}, e.At)
	for _, u := range e.Details.Units {
		t.offer(Assignment{Unit: u, Role: Assist}, e.At)
	}
}

// reopen sends the matter back to the unit named, else to the one that led it last.
func (t *Ticket) reopen(e Event) {
	unit := or(e.Details.Unit, t.LeadUnit())
	t.State, t.ClosedAt, t.ResolvedAt = StateTriage, time.Time{}, time.Time{}
	t.Outcome.ResolvedByUnit, t.Outcome.SolvedByWord = false, nil
	if t.Outcome.Unrated || t.Outcome.Reason == Unreachable {
		t.Outcome.Reason, t.Outcome.Unrated = "", false
	}
	t.Callback = Callback{}
	t.Counters.Reopens++
	if unit != "" {
		t.offer(Assignment{Unit: unit, Role: Lead}, e.At)
	}
}

func (t *Ticket) offer(a Assignment, at time.Time) {
	a.No, a.State, a.OfferedAt = len(t.Assignments)+1, Offered, at
	t.Assignments = append(t.Assignments, a)
}

// move applies an action to the assignment it names.
func (t *Ticket) move(e Event) {
	no := e.Details.Assignment
	if no < 1 || no > len(t.Assignments) {
		return
	}
	a := &t.Assignments[no-1]
	if to := assignmentMoves[e.Action].To; to != "" {
		a.State = to
	}
	switch e.Action {
	case Sign:
		a.SignedAt = e.At
	case Contact:
		if a.ContactedAt.IsZero() {
			a.ContactedAt = e.At
		}
		if to, ok := contactMoves[a.State]; ok {
			a.State = to
		}
	case Return, Withdraw, Object:
		if e.Action == Return {
			t.Counters.Returns++
		}
		a.EndedAt, a.Reason, a.PauseAsked = e.At, e.Cause.Reason, nil
		t.endBelow(no, e)
	case Pause:
		t.Counters.Pauses++
		a.Reason, a.PauseAsked = e.Cause.Reason, nil
	case AskPause:
		a.PauseAsked = &PauseAsk{Reason: e.Cause.Reason, Until: e.Details.Until, At: e.At}
	case RefusePause:
		a.PauseAsked = nil
	case AskExtend:
		t.Extension = &Extension{Assignment: no, Amount: e.Details.Amount, Unit: e.Details.LimitUnit, Reason: e.Cause.Reason}
	case Extend:
		t.Extension = nil
		t.Counters.Extensions++
	case RefuseExtend:
		t.Extension = nil
	case Resolve:
		a.EndedAt, a.PauseAsked = e.At, nil
		if e.Details.Alone {
			t.endAssist(e)
		}
		if a.Role == Lead && a.Parent == 0 {
			t.Outcome.ResolvedByUnit, t.ResolvedAt = true, e.At
		}
	default:
	}
}

// endBelow withdraws what a unit had sent on when its own share ends without being done.
func (t *Ticket) endBelow(no int, e Event) {
	for i := range t.Assignments {
		a := &t.Assignments[i]
		if a.Parent == no && a.State.Active() {
			a.withdraw(e)
			t.endBelow(a.No, e)
		}
	}
}

func (t *Ticket) withdrawActive(e Event) {
	for i := range t.Assignments {
		if a := &t.Assignments[i]; a.State.Active() {
			a.withdraw(e)
		}
	}
	t.Extension, t.Dispute = nil, nil
}

func (a *Assignment) withdraw(e Event) {
	a.State, a.EndedAt, a.Reason, a.PauseAsked = Withdrawn, e.At, e.Cause.Reason, nil
}

// link ties the ticket to another. One that is not of the incident it was merged into leaves it: the desk finds its owner.
func (t *Ticket) link(e Event) {
	l := Link{Kind: or(e.Details.Relation, LinkRelated), To: e.Details.Other}
	t.Links = append(t.Links, l)
	if l.Kind == LinkDistinct && t.State == StateMerged && t.Incident == l.To {
		t.State, t.Incident = StateTriage, ID{}
		t.Decision.Triage = or(e.Cause.Reason, LinkDistinct)
	}
}

func (t *Ticket) end(state State, e Event) {
	t.withdrawActive(e)
	t.State, t.ClosedAt, t.Outcome.Reason = state, e.At, e.Cause.Reason
}

// handOver gives an assignment to another unit as it stands: signed work stays signed, and its clocks run on.
func (t *Ticket) handOver(no int, unit string) {
	if no >= 1 && no <= len(t.Assignments) {
		t.Assignments[no-1].Unit = unit
	}
}

// expire ends the personal data of the classes. What a digest stands for is gone then; digests stay.
func (t *Ticket) expire(classes []string) {
	if contains(classes, DataTicket) {
		t.Private = Private{}
	}
	for _, c := range classes {
		if !contains(t.Ended, c) {
			t.Ended = append(slices.Clip(t.Ended), c)
		}
	}
}

// amend corrects fields; the clocks do not look at it.
func (t *Ticket) amend(e Event) {
	d := e.Details
	t.Type = or(d.Type, t.Type)
	t.Urgency = or(d.Urgency, t.Urgency)
	t.Category, t.Region = or(d.Category, t.Category), or(d.Region, t.Region)
	t.PublicSummary = or(d.PublicSummary, t.PublicSummary)
	t.ForeignNumber = or(d.ForeignNumber, t.ForeignNumber)
	if d.Tags != nil {
		t.Tags = d.Tags
	}
	if d.Confidential != nil {
		t.Confidential = *d.Confidential
	}
	if d.Public != nil {
		t.Public = *d.Public
	}
	if e.Action == Restate {
		t.Quarantined = false
		t.ReceivedAt = t.ReceivedAt.UTC()
	}
	p := e.Private
	if p == nil {
		return
	}
	t.Private.Title, t.Private.Text = or(p.Title, t.Private.Title), or(p.Text, t.Private.Text)
	t.Private.Appellant = or(p.Appellant, t.Private.Appellant)
	t.Private.FiledBy = or(p.FiledBy, t.Private.FiledBy)
	t.Private.OtherParty = or(p.OtherParty, t.Private.OtherParty)
	t.Private.Place = or(p.Place, t.Private.Place)
	if p.Reply != nil {
		t.Private.Reply = p.Reply
	}
	t.Private.Media = append(t.Private.Media, p.Media...)
}

// levels orders the rungs a ladder may reach.
var levels = map[string]int{"": 0, "remind": 1, "yellow": 2, "red": 3, "supervise": 4, "step_up": 5}

// Levels lists the ladder levels from the mildest: 提醒、黄牌、红牌、督办、提级.
var Levels = []string{"remind", "yellow", "red", "supervise", "step_up"}

func higher(a, b string) string {
	if levels[b] > levels[a] {
		return b
	}
	return a
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v != zero {
		return v
	}
	return fallback
}
