package sla

import (
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Evaluate derives every clock of a ticket from its events, oldest first, by the policy the ticket
// is pinned to and its calendar, as it stands at now. It is pure: the same arguments give the same
// clocks, and what an amendment, note, supplement or urge says changes none of them.
//
// The clocks, each only when the policy has a rule for it:
//
//   - dispatch (assignment 0): registration → first assignment, or an end of the ticket;
//   - resolve (assignment 0), the citizen's: registration → resolved or an end. It never begins
//     anew: a reopened ticket goes on with the same start and deadline. A historic ticket counts
//     from Registration.ReceivedAt, because its event is only the import;
//   - sign, per assignment: offered → signed, sent on or ended;
//   - contact, per lead assignment of the first level: offered → first contact, or done;
//   - resolve, per assignment: offered → done. A reopening makes a new assignment, hence a new one;
//   - callback (of the lead assignment that was done): resolved → citizen reached, or closed. Not
//     for tickets that want none, nor for machines. A time the citizen asked for moves its deadline up to that time;
//   - arbitrate (of the assignment whose unit objected): objection → ruling, or an end. The time is the desk's;
//   - redo, in the place of resolve for the assignments made since the ticket was first reopened.
//
// A lead that has finished stays answerable while units assist: its resolve clock runs until they have finished too, or
// until it says why it finishes without them.
//
// The clocks of an assignment count by the hours of its unit where the calendar knows them ([UnitHours]), the ticket's own
// by the calendar itself.
//
// A return or withdrawal cancels the assignment's clocks; the time used stays charged to the unit.
// A merged ticket follows the lead ticket's clocks: its own resolve clocks are cancelled. When it leaves the incident
// they run on, with the start and deadline they had.
//
// Pauses hold the clocks of their assignment, and the citizen's when it is the lead of the first
// level, until they are resumed, end as approved (Details.Until) or have used up Budget.PauseTotal;
// from then on the clock runs although the assignment is still paused. A hold moves the deadline
// by as much time of the limit's kind: working time for working units (a working day, short or
// long, for each working day), wall time for the others. Extensions add to the deadline of their
// assignment, and to the citizen's likewise, up to Budget.ExtensionMost. A policy without these
// budgets allows neither. Extensions are added first, then holds.
//
// Ladder steps that have fallen due and that no escalate event records stand in Clock.Due. Clocks
// that are stopped or paused have none.
//
// Events of a newer version of the program end the history: nothing after them is judged.
func Evaluate(events Events, p Policy, c *Calendar, now time.Time) []Clock {
	if len(events) == 0 {
		return nil
	}
	e := evaluation{budget: p.Budget, calendar: c, now: now.Truncate(time.Millisecond), timers: make([]timer, 0, 16)}
	e.t.ID, e.t.Assignments, e.seen = events[0].Ticket, make([]ticket.Assignment, 0, 4), make([]ticket.AssignmentState, 0, 4)
	for i, name := range Clocks {
		e.rules[i], e.ruled[i] = p.Clocks[name]
	}
	for i := range events {
		if !e.take(&events[i]) {
			break
		}
	}
	clocks := make([]Clock, len(e.timers))
	for i := range e.timers {
		clocks[i] = e.clock(&e.timers[i])
	}
	return clocks
}

// evaluation follows a ticket through its events. What the events do to the states is the ticket's
// own business; the evaluation watches the states change.
type evaluation struct {
	rules    [clockCount]ClockRule // as Clocks orders them
	ruled    [clockCount]bool      // whether the policy has the rule
	budget   Budget
	calendar *Calendar
	now      time.Time
	t        ticket.Ticket
	seen     []ticket.AssignmentState // by assignment number - 1, before the event at hand
	timers   []timer
	replied  bool // the citizen has had a public reply
}

// timer is a clock at work.
type timer struct {
	name       ClockName
	assignment int
	unit       string
	rule       *ClockRule
	start      time.Time
	awake      time.Time // start, or the reopening that made it run again
	stop       time.Time // zero while it runs
	cancelled  bool
	holds      []hold
	extensions []Limit
	recorded   uint64    // rungs of the ladder that events record, by place
	appointed  time.Time // of a callback: when the citizen asked to be called
}

// hold is a pause: open while to is zero, bound by until when that is set.
type hold struct{ from, to, until time.Time }

func (tm *timer) running() bool { return tm.stop.IsZero() }

// take follows one event and reports whether it could.
func (e *evaluation) take(ev *ticket.Event) bool {
	if aside(ev.Action) { // most of a long history: nothing but the sequence is to be followed
		if ev.Ticket != e.t.ID || ev.Seq != e.t.Version+1 {
			return false
		}
		e.t.Version = ev.Seq
		e.replied = e.replied || ev.Private != nil && ev.Private.PublicReply != ""
		if ev.Action == ticket.Escalate {
			e.record(&ev.Details)
		}
		return true
	}
	was, disputed := e.t.State, e.t.Dispute
	if err := e.t.Apply(*ev); err != nil {
		return false
	}
	e.replied = e.replied || ev.Private != nil && ev.Private.PublicReply != ""
	switch ev.Action {
	case ticket.Register:
		e.register(ev)
	case ticket.Move:
		for i := range e.timers { // the time is charged to the new holder from the start: it took the work as it stood
			if e.timers[i].assignment == ev.Details.Assignment && e.timers[i].running() {
				e.timers[i].unit = ev.Details.Unit
			}
		}
	case ticket.Contact:
		e.stop(ClockContact, ev.Details.Assignment, ev.At, false)
	case ticket.Extend:
		e.extend(ev)
	case ticket.CallBack:
		e.called(ev)
	case ticket.Reopen:
		e.reopen(ev.At)
	default: // what it does to assignments is seen below
	}
	for i := range e.t.Assignments {
		if i == len(e.seen) {
			e.offer(&e.t.Assignments[i], ev.At)
		} else if state := e.t.Assignments[i].State; state != e.seen[i] {
			e.moved(&e.t.Assignments[i], e.seen[i], ev)
			e.seen[i] = state
		}
	}
	if was == ticket.StateMerged && e.t.State == ticket.StateTriage {
		e.leave(ev.At)
	}
	if e.t.State != was {
		e.turned(ev.At)
	}
	switch {
	case disputed == nil && e.t.Dispute != nil:
		e.begin(ClockArbitrate, e.t.Dispute.Assignment, "", ev.At)
	case disputed != nil && e.t.Dispute == nil:
		e.stopAll(ClockArbitrate, ev.At, false)
	}
	return true
}

func (e *evaluation) register(ev *ticket.Event) {
	at := ev.At
	if r := ev.Details.Registration; r != nil && r.Historic && !r.ReceivedAt.IsZero() {
		at = r.ReceivedAt
	}
	e.begin(ClockDispatch, 0, "", at)
	e.begin(ClockResolve, 0, "", at)
}

// begin starts a clock when the policy has a rule for it.
func (e *evaluation) begin(name ClockName, assignment int, unit string, at time.Time) {
	if i := slices.Index(Clocks, name); e.ruled[i] {
		e.timers = append(e.timers, timer{name: name, assignment: assignment, unit: unit, rule: &e.rules[i], start: at, awake: at})
	}
}

// offer begins the clocks of a new assignment.
func (e *evaluation) offer(a *ticket.Assignment, at time.Time) {
	e.seen = append(e.seen, a.State)
	e.stop(ClockDispatch, 0, at, false)
	e.begin(ClockSign, a.No, a.Unit, at)
	if leads(a) {
		e.begin(ClockContact, a.No, a.Unit, at)
	}
	if redo := slices.Index(Clocks, ClockRedo); e.t.Counters.Reopens > 0 && e.ruled[redo] {
		e.begin(ClockRedo, a.No, a.Unit, at)
		return
	}
	e.begin(ClockResolve, a.No, a.Unit, at)
}

// leads reports whether the assignment answers to the citizen.
func leads(a *ticket.Assignment) bool { return a.Role == ticket.Lead && a.Parent == 0 }

// moved follows an assignment from one state to another.
func (e *evaluation) moved(a *ticket.Assignment, was ticket.AssignmentState, ev *ticket.Event) {
	if was == ticket.Paused {
		e.each(a, func(tm *timer) { tm.release(ev.At) })
	}
	if lost := a.State == ticket.Returned || a.State == ticket.Withdrawn; lost || a.State == ticket.Done {
		e.stop(ClockSign, a.No, ev.At, lost)
		e.stop(ClockContact, a.No, ev.At, lost)
		if lost || !leads(a) || e.t.State != ticket.StateHandling {
			e.finish(a.No, ev.At, lost)
		} // else a unit still assists, and the lead answers for the whole: see turned
		return
	}
	if was == ticket.Offered {
		e.stop(ClockSign, a.No, ev.At, false)
	}
	if a.State == ticket.Paused {
		e.each(a, func(tm *timer) { tm.hold(ev.At, ev.Details.Until) })
	}
}

// turned follows the ticket into a new state.
func (e *evaluation) turned(at time.Time) {
	if e.t.State != ticket.StateHandling {
		e.finishDone(at)
	}
	switch e.t.State {
	case ticket.StateResolved:
		e.stop(ClockResolve, 0, at, false)
		if !e.t.NoCallback && e.t.Source != ticket.SourceMachine {
			e.begin(ClockCallback, e.lastDone(), "", at)
		}
	case ticket.StateClosed, ticket.StateDeclined, ticket.StateTransferred:
		e.stop(ClockDispatch, 0, at, false)
		e.stop(ClockResolve, 0, at, false)
		e.stopAll(ClockCallback, at, false)
	case ticket.StateMerged:
		e.stop(ClockDispatch, 0, at, false)
		e.stop(ClockResolve, 0, at, true)
	default: // work goes on
	}
}

// lastDone is the lead assignment that was done last.
func (e *evaluation) lastDone() int {
	no := 0
	for i := range e.t.Assignments {
		if a := &e.t.Assignments[i]; leads(a) && a.State == ticket.Done {
			no = a.No
		}
	}
	return no
}

// reopen lets the citizen's clock run on and gives up a callback that was still owed.
func (e *evaluation) reopen(at time.Time) {
	e.stopAll(ClockCallback, at, true)
	for i := range e.timers {
		if tm := &e.timers[i]; tm.name == ClockResolve && tm.assignment == 0 && !tm.running() {
			tm.stop, tm.cancelled, tm.awake = time.Time{}, false, at
		}
	}
}

// leave lets the clocks of a ticket run on that was merged by mistake: the citizen's, and that of the desk when nobody
// has had the ticket yet.
func (e *evaluation) leave(at time.Time) {
	e.reopen(at)
	for i := range e.timers {
		if tm := &e.timers[i]; tm.name == ClockDispatch && len(e.t.Assignments) == 0 {
			tm.stop, tm.cancelled, tm.awake = time.Time{}, false, at
		}
	}
}

// extend adds an approved extension to the clock of its assignment and to the citizen's.
func (e *evaluation) extend(ev *ticket.Event) {
	a, ok := e.t.Assignment(ev.Details.Assignment)
	if !ok {
		return
	}
	e.each(&a, func(tm *timer) {
		if tm.name != ClockResolve && tm.name != ClockRedo {
			return
		}
		l := Limit{Amount: ev.Details.Amount, Unit: LimitUnit(ev.Details.LimitUnit)}
		if l.Unit == "" {
			l.Unit = tm.rule.Limit.Unit
		}
		if l.Validate() == nil {
			tm.extensions = append(tm.extensions, l)
		}
	})
}

// each visits the running clocks of an assignment, and the citizen's resolve clock when the
// assignment answers to the citizen.
func (e *evaluation) each(a *ticket.Assignment, visit func(*timer)) {
	for i := range e.timers {
		tm := &e.timers[i]
		own := tm.assignment == a.No
		citizens := tm.assignment == 0 && tm.name == ClockResolve && leads(a)
		if tm.running() && (own || citizens) {
			visit(tm)
		}
	}
}

func (e *evaluation) stop(name ClockName, assignment int, at time.Time, cancelled bool) {
	for i := range e.timers {
		if tm := &e.timers[i]; tm.name == name && tm.assignment == assignment && tm.running() {
			tm.release(at)
			tm.stop, tm.cancelled = at, cancelled
		}
	}
}

// stopAll stops the clocks of that name, whatever their assignment.
func (e *evaluation) stopAll(name ClockName, at time.Time, cancelled bool) {
	for i := range e.timers {
		if tm := &e.timers[i]; tm.name == name {
			e.stop(name, tm.assignment, at, cancelled)
		}
	}
}

// hold begins a pause; one that follows the last without a gap carries it on.
func (tm *timer) hold(at, until time.Time) {
	if n := len(tm.holds); n > 0 && tm.holds[n-1].to.Equal(at) {
		tm.holds[n-1].to, tm.holds[n-1].until = time.Time{}, until
		return
	}
	tm.holds = append(tm.holds, hold{from: at, until: until})
}

// release ends the pause that is going on, if any.
func (tm *timer) release(at time.Time) {
	n := len(tm.holds)
	if n == 0 || !tm.holds[n-1].to.IsZero() {
		return
	}
	h := &tm.holds[n-1]
	h.to = at
	if !h.until.IsZero() && h.until.Before(at) {
		h.to = h.until
	}
}

// clock is what the timer shows at now.
func (e *evaluation) clock(tm *timer) Clock {
	c, limit := e.calendar.For(tm.unit), tm.rule.Limit
	k := Clock{
		Name: tm.name, Assignment: tm.assignment, Unit: tm.unit, Limit: limit,
		StartedAt: tm.start.UTC(), StoppedAt: tm.stop.UTC(),
	}
	due := c.dueAt(tm.start, limit)
	if len(tm.extensions) > 0 {
		due, k.Extended = e.extended(c, due, limit, tm.extensions)
	}
	if len(tm.holds) > 0 {
		due = c.shift(due, limit, e.holds(c, tm, &k))
	}
	if tm.appointed.After(due) {
		due, k.Appointed = tm.appointed, tm.appointed.UTC()
	}
	k.DueAt, k.Provisional = due.UTC(), c.provisional(tm.start, due, limit)
	for _, x := range tm.extensions { // hours by the wall may be extended by working days
		k.Provisional = k.Provisional || k.Extended > 0 && c.provisional(tm.start, due, x)
	}
	judged := tm.stop
	switch {
	case tm.running() && !k.HeldUntil.IsZero():
		k.State, judged = Held, e.now
	case tm.running():
		k.State, judged = Running, e.now
	case tm.cancelled:
		k.State = Cancelled
	case tm.stop.After(due):
		k.State = Missed
	default:
		k.State = Met
	}
	k.Overdue = judged.After(due)
	if k.State == Running {
		e.climb(c, &k, tm, due)
	}
	return k
}

// extended adds extensions to a deadline, within the budget, and says how much that was in the
// limit's unit.
func (e *evaluation) extended(c *Calendar, base time.Time, limit Limit, extensions []Limit) (due time.Time, amount int) {
	most := e.budget.ExtensionMost
	if most.Amount < 1 || most.Unit.size() == 0 {
		return base, 0
	}
	due = base
	for _, x := range extensions {
		due = c.Forward(due, x)
	}
	if end := c.Forward(base, most); due.After(end) {
		due = end
	}
	if due.Before(base) {
		return base, 0
	}
	added, size := c.pos(limit.Unit, due)-c.pos(limit.Unit, base), limit.Unit.size()
	return due, int((added + size - 1) / size)
}

// holds puts the pauses of a timer into the clock, cut to the budget, and sums them up on the
// scale of the limit's unit.
func (e *evaluation) holds(c *Calendar, tm *timer, k *Clock) (sum int64) {
	unit, total := tm.rule.Limit.Unit, e.budget.PauseTotal
	left := int64(total.Amount) * total.Unit.size()
	for _, h := range tm.holds {
		to, open := h.to, h.to.IsZero()
		if open {
			to = e.now
			if !h.until.IsZero() && h.until.Before(to) {
				to = h.until
			}
		}
		end := c.reach(total.Unit, h.from, left)
		if end.Before(to) {
			to = end
		}
		if open {
			if !h.until.IsZero() && h.until.Before(end) {
				end = h.until
			}
			if end.After(e.now) {
				k.HeldUntil = end.UTC()
			}
		}
		if !to.After(h.from) {
			continue
		}
		left -= c.pos(total.Unit, to) - c.pos(total.Unit, h.from)
		sum += c.pos(unit, to) - c.pos(unit, h.from)
		if unit.working() {
			k.Paused += c.Working(h.from, to)
		} else {
			k.Paused += to.Sub(h.from)
		}
		k.Holds = append(k.Holds, Hold{From: h.from.UTC(), To: to.UTC()})
	}
	return sum
}

// farFuture stands for a moment beyond every calendar.
var farFuture = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// reach is the moment at which amount has passed on the scale of a unit since from.
func (c *Calendar) reach(unit LimitUnit, from time.Time, amount int64) time.Time {
	if amount <= 0 {
		return from
	}
	t, ok := c.at(unit, c.pos(unit, from)+amount)
	if !ok {
		return farFuture
	}
	return t
}

// shift moves a deadline by an amount on the scale of its limit's unit, never backwards. Where that
// uses up a working day whole, a deadline at the end of the day stays one.
func (c *Calendar) shift(due time.Time, l Limit, amount int64) time.Time {
	if amount <= 0 {
		return due
	}
	t, ok := c.at(l.Unit, c.pos(l.Unit, due)+amount)
	if !ok {
		return due.Add(time.Duration(amount) * time.Millisecond)
	}
	if l.Unit == WorkingDays && (l.DueAt == EndOfDay || l.DueAt == "") {
		d, ms := c.local(t)
		if segments := c.hoursOf(d).segments; len(segments) > 0 && ms == segments[len(segments)-1].to {
			t = c.endOfDay(d)
		}
	}
	return t
}
