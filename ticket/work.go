package ticket

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// PauseAsk is a pause (挂起) that the unit asked for and that awaits its answer. The clock runs until it is approved.
type PauseAsk struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until,omitzero"`
	At     time.Time `json:"at"`
}

// Dispute is a matter whose owner the units disagree on (权属争议): it waits for the duty officer's ruling.
type Dispute struct {
	Assignment int       `json:"assignment"` // the share that its unit gave up
	Unit       string    `json:"unit"`       // who objected
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
}

// object takes the lead's share away and puts the ticket into the queue of arbitration. What assisting units hold, they keep
// until the ruling.
func (t *Ticket) object(e Event) {
	a, ok := t.Assignment(e.Details.Assignment)
	if !ok {
		return
	}
	t.Counters.Objections++
	t.Decision.Triage = e.Cause.Reason
	t.Dispute = &Dispute{Assignment: a.No, Unit: a.Unit, Reason: e.Cause.Reason, At: e.At}
}

// leads reports whether the assignment answers to the citizen.
func leads(a Assignment) bool { return a.Role == Lead && a.Parent == 0 }

// assisted reports whether a unit that assists at the first level is still at work.
func (t *Ticket) assisted() bool {
	return slices.ContainsFunc(t.Assignments, func(a Assignment) bool { return a.Role == Assist && a.Parent == 0 && a.State.Active() })
}

// endAssist takes back what assisting units still hold: the lead has said why it finishes without them.
func (t *Ticket) endAssist(e Event) {
	for i := range t.Assignments {
		if a := &t.Assignments[i]; a.Role == Assist && a.Parent == 0 && a.State.Active() {
			a.withdraw(e)
			t.endBelow(a.No, e)
		}
	}
}

// Order is a supervise order (督办单) that the unit must answer by a time.
type Order struct {
	No  string    `json:"no"`
	At  time.Time `json:"at"`
	Due time.Time `json:"due"`
}

// nextOrder is the number of the next urge or supervise order of the ticket: C1, C2 … and D1, D2 … behind its own number.
func (t *Ticket) nextOrder(a Action) string {
	if a == Urge {
		return t.Number + "-C" + strconv.Itoa(t.Counters.Urges+1)
	}
	return t.Number + "-D" + strconv.Itoa(t.Counters.Supervisions+1)
}

func (t *Ticket) order(e Event) {
	if d := e.Details; d.Order != "" && !d.Until.IsZero() {
		t.Orders = append(slices.Clip(t.Orders), Order{No: d.Order, At: e.At, Due: d.Until})
	}
}

func (t *Ticket) answerOrder(no string) {
	t.Orders = slices.DeleteFunc(slices.Clone(t.Orders), func(o Order) bool { return o.No == no })
	if len(t.Orders) == 0 {
		t.Orders = nil
	}
}

// lapse drops what nobody can answer any more once the ticket has ended.
func (t *Ticket) lapse() {
	if !t.State.Open() || t.State == StateMerged {
		t.Termination, t.Orders = nil, nil
	}
}

// Asked reports whether the unit has asked for something that the centre must still approve or refuse: a pause, an extension,
// or an end.
func (t *Ticket) Asked() bool {
	if a, ok := t.Assignment(t.extensionOf()); ok && a.State.Active() || t.Termination != nil {
		return true
	}
	return slices.ContainsFunc(t.Assignments, func(a Assignment) bool { return a.PauseAsked != nil })
}

// extensionOf is the assignment that waits for an extension, 0 when none does.
func (t *Ticket) extensionOf() int {
	if t.Extension == nil {
		return 0
	}
	return t.Extension.Assignment
}

// checkWork refuses what pauses, disputes, joint handling, orders, callbacks and terminations do not allow.
func (t *Ticket) checkWork(cmd Command) error {
	d := cmd.Details
	a, _ := t.Assignment(d.Assignment)
	switch cmd.Action {
	case AskPause:
		if a.PauseAsked != nil {
			return Errorf(Conflict, "ticket.pause.pending", "assignment %d already waits for a pause", a.No)
		}
	case RefusePause:
		if a.PauseAsked == nil {
			return Errorf(Conflict, "ticket.pause.none", "assignment %d asked for no pause", a.No)
		}
	case Object:
		if !leads(a) {
			return Errorf(Conflict, "ticket.object.lead", "assignment %d does not lead the ticket: only the lead's share is disputed; return it instead", a.No)
		}
	case Dispatch, Triage:
		if t.Dispute != nil {
			return Errorf(Conflict, "ticket.dispute.pending", "the owner is disputed since %s: the duty officer rules by arbitrate", t.Dispute.At.Format(time.RFC3339))
		}
	case Reply:
		if !slices.ContainsFunc(t.Orders, func(o Order) bool { return o.No == d.Order }) {
			return Errorf(Conflict, "ticket.order.none", "no supervise order %q waits for an answer; open are %s", d.Order, strings.Join(t.openOrders(), ", "))
		}
	case CallBack:
		return checkAttempt(d)
	case AskTerminate, ReviewTerminate, Terminate, RefuseTerminate:
		return t.checkTermination(cmd)
	default:
	}
	return nil
}

func (t *Ticket) openOrders() []string {
	list := make([]string, len(t.Orders))
	for i, o := range t.Orders {
		list[i] = o.No
	}
	return list
}
