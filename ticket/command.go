package ticket

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Command is an action somebody wants done: the event it will become, before it is checked.
type Command struct {
	Action  Action
	Actor   Actor
	Cause   Cause
	Details Details
	Private *Private
}

// New makes a ticket of its first event. The id must be new.
// It returns Invalid when number, channel, key or text are missing.
func New(id ID, cmd Command, now time.Time, random io.Reader) (Ticket, Event, error) {
	r := cmd.Details.Registration
	switch {
	case cmd.Action != Register || r == nil:
		return Ticket{}, Event{}, Errorf(Invalid, "ticket.register.missing", "a ticket begins with register")
	case !ValidNumber(r.Number):
		return Ticket{}, Event{}, Errorf(Invalid, "ticket.register.number", "number %q has no valid check digit", r.Number)
	case r.Channel == "" || r.Key == "":
		return Ticket{}, Event{}, Errorf(Invalid, "ticket.register.key", "a ticket needs its channel and the channel's key")
	}
	var t Ticket
	t.ID = id
	e, err := t.record(cmd, now, random)
	return t, e, err
}

// Do checks a command against the ticket's state, records it and returns its event. The ticket
// is changed in place only when the command is legal. Errors: Conflict names the state and the
// legal actions; Invalid names what the command lacks.
func (t *Ticket) Do(cmd Command, now time.Time, random io.Reader) (Event, error) {
	if err := t.check(cmd); err != nil {
		return Event{}, err
	}
	next := t.Clone()
	e, err := next.record(cmd, now, random)
	if err != nil {
		return Event{}, err
	}
	*t = next
	return e, nil
}

// record seals the command as the ticket's next event and folds it in. An event is never
// earlier than the one before it: a clock that steps back does not reorder history.
func (t *Ticket) record(cmd Command, now time.Time, random io.Reader) (Event, error) {
	at := now.UTC().Truncate(time.Millisecond)
	if at.Before(t.UpdatedAt) {
		at = t.UpdatedAt
	}
	d := cmd.Details
	d.Until, d.Due = stamp(d.Until), stamp(d.Due)
	a, ok := t.Assignment(d.Assignment)
	switch {
	case ok && cmd.Action == Move:
		d.Before = map[string]string{"unit": a.Unit}
	case ok && cmd.Action == Resolve:
		d.Alone = cmd.Cause.Reason != "" && leads(a) && t.assisted()
	case cmd.Action == Urge || cmd.Action == Supervise:
		d.Order = t.nextOrder(cmd.Action)
	}
	if d.Registration != nil {
		r := *d.Registration
		r.HappenedAt, r.ReceivedAt = stamp(r.HappenedAt), stamp(r.ReceivedAt)
		d.Registration = &r
	}
	e := Event{Ticket: t.ID, Seq: t.Version + 1, At: at, Action: cmd.Action, Actor: cmd.Actor, Cause: cmd.Cause, Details: d, Private: cmd.Private}
	if err := e.seal(t.LastHash, random); err != nil {
		return Event{}, err
	}
	if err := t.Apply(e); err != nil {
		return Event{}, err
	}
	return e, nil
}

func stamp(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Millisecond)
}

// Clone copies the ticket so that a change of the copy leaves the original alone.
func (t *Ticket) Clone() Ticket {
	c := *t
	c.Assignments = append([]Assignment(nil), t.Assignments...)
	c.Links = append([]Link(nil), t.Links...)
	c.Tags = append([]string(nil), t.Tags...)
	c.Orders = append([]Order(nil), t.Orders...)
	c.Private.Media = append([]MediaRef(nil), t.Private.Media...)
	if t.Extension != nil {
		x := *t.Extension
		c.Extension = &x
	}
	return c
}

// check refuses what the tables do not allow and what lacks its parts.
func (t *Ticket) check(cmd Command) error {
	states, known := ticketMoves[cmd.Action]
	if !known {
		return Errorf(Invalid, "ticket.action.unknown", "unknown action %q", cmd.Action)
	}
	if !contains(states, t.State) {
		return t.illegal(cmd.Action, string(t.State))
	}
	if move, on := assignmentMoves[cmd.Action]; on {
		a, ok := t.Assignment(cmd.Details.Assignment)
		if !ok {
			return Errorf(Invalid, "ticket.assignment.unknown", "%s needs one of the ticket's assignments; %d is none of its %d", cmd.Action, cmd.Details.Assignment, len(t.Assignments))
		}
		if !contains(move.From, a.State) {
			return t.illegal(cmd.Action, fmt.Sprintf("assignment %d %s", a.No, a.State))
		}
		if (cmd.Action == Return || cmd.Action == Object) && a.Forced {
			return Errorf(Conflict, "ticket.return.forced", "assignment %d was ruled by arbitration and cannot be returned", a.No)
		}
		if cmd.Action == Resolve && t.openBelow(a.No) {
			return Errorf(Conflict, "ticket.resolve.open_below", "assignment %d was sent on and the unit below has not finished", a.No)
		}
	}
	return t.checkParts(cmd)
}

// openBelow reports whether an assignment sent on from no is still active.
func (t *Ticket) openBelow(no int) bool {
	for _, a := range t.Assignments {
		if a.Parent == no && a.State.Active() {
			return true
		}
	}
	return false
}

// needs says which parts an action cannot do without.
var needs = map[Action][]string{
	Answer: {"public_reply"}, Triage: {"reason"}, Dispatch: {"unit"}, SendOn: {"unit"}, AddUnit: {"unit"}, Move: {"unit", "reason"},
	Return: {"reason"}, Withdraw: {"reason"}, Object: {"reason"}, Arbitrate: {"unit", "reason"},
	AskPause: {"reason"}, Pause: {"reason"}, RefusePause: {"reason"},
	AskTerminate: {"reason"}, Terminate: {"reason"}, RefuseTerminate: {"reason"}, Reply: {"note", "order"},
	AskExtend: {"reason", "amount"}, Extend: {"amount"}, RefuseExtend: {"reason"}, Resolve: {"public_reply"},
	CallBack: {"reached"}, Reopen: {"reason"}, Decline: {"reason"}, Merge: {"other"}, Split: {"other"},
	LinkTo: {"other"}, Transfer: {"unit", "reason"}, Supervise: {"reason"}, Reveal: {"reason"}, Note: {"note"},
	Escalate: {"clock", "step"}, Recalendar: {"calendar"}, Hold: {"reason"}, Release: {"reason"}, Expire: {"fields"},
}

// checkParts names every missing part of a command at once.
func (t *Ticket) checkParts(cmd Command) error {
	d, p := cmd.Details, cmd.Private
	if p == nil {
		p = &Private{}
	}
	has := map[string]bool{
		"reason": cmd.Cause.Reason != "", "unit": d.Unit != "", "amount": d.Amount > 0, "other": !d.Other.IsZero(),
		"public_reply": strings.TrimSpace(p.PublicReply) != "", "note": strings.TrimSpace(p.Note) != "",
		"reached": d.Reached != nil, "clock": d.Clock != "", "step": d.Step != "", "calendar": d.Calendar != "",
		"fields": len(d.Fields) > 0, "order": d.Order != "",
	}
	var missing []Field
	for _, part := range needs[cmd.Action] {
		if !has[part] {
			missing = append(missing, Field{Name: part, Message: "required"})
		}
	}
	if missing != nil {
		return &Error{Kind: Invalid, Code: "ticket.command.incomplete", Message: fmt.Sprintf("%s is incomplete", cmd.Action), Fields: missing}
	}
	if err := t.checkWork(cmd); err != nil {
		return err
	}
	switch cmd.Action {
	case Merge, Split, LinkTo:
		if d.Other == t.ID {
			return Errorf(Invalid, "ticket.other.itself", "a ticket cannot %s with itself", cmd.Action)
		}
	case Extend, RefuseExtend:
		if t.Extension == nil || t.Extension.Assignment != d.Assignment {
			return Errorf(Conflict, "ticket.extension.none", "assignment %d asked for no extension", d.Assignment)
		}
	case AskExtend:
		if a, ok := t.Assignment(t.extensionOf()); ok && a.State.Active() {
			return Errorf(Conflict, "ticket.extension.pending", "assignment %d already waits for an extension", t.Extension.Assignment)
		}
	case Supervise:
		if levels[d.Level] > 0 && levels[d.Level] < levels[t.Level] {
			return Errorf(Conflict, "ticket.level.milder", "the ticket has reached %s: %s would be milder", t.Level, d.Level)
		}
	case Hold:
		if t.Held {
			return Errorf(Conflict, "ticket.hold.held", "the ticket is held already")
		}
	case Release:
		if !t.Held {
			return Errorf(Conflict, "ticket.hold.none", "the ticket is not held")
		}
	case Expire:
		if t.Held {
			return Errorf(Conflict, "ticket.expire.held", "the ticket is held: its data is kept until it is released")
		}
	case AddUnit, Move:
		for _, a := range t.Assignments {
			if a.Unit == d.Unit && a.State.Active() {
				return Errorf(Conflict, "ticket.unit.holds", "unit %s already holds assignment %d", d.Unit, a.No)
			}
		}
	default:
	}
	return nil
}

func (t *Ticket) illegal(a Action, where string) error {
	legal := make([]string, 0, len(Actions))
	for _, l := range t.Legal() {
		legal = append(legal, string(l))
	}
	return Errorf(Conflict, "ticket.move.illegal", "%s is not possible while %s; possible: %s", a, where, strings.Join(legal, ", "))
}
