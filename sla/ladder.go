package sla

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// At is when the step falls due before, at or after a deadline. A step counted in working days falls in
// working time, where somebody hears of it: a deadline at the end of a day has its step of one working day
// before when work ends the day before, and that of one working day after when the next work begins.
func (s Step) At(c *Calendar, due time.Time) time.Time {
	switch {
	case s.Before > 0:
		at := c.Back(due, Limit{Amount: s.Before, Unit: s.Unit})
		if s.Unit == WorkingDays && !c.atWork(at) {
			at = c.workEnded(at)
		}
		return at
	case s.After > 0:
		at := c.Forward(due, Limit{Amount: s.After, Unit: s.Unit})
		if s.Unit == WorkingDays && !c.atWork(at) {
			at = c.workBegins(at)
		}
		return at
	default:
		return due
	}
}

// atWork reports whether t lies in a working segment, its two ends included.
func (c *Calendar) atWork(t time.Time) bool {
	return c.IsWorkTime(t) || c.workEnded(t).Equal(t)
}

// workEnded is the end of the last working segment before a moment outside work; the moment itself beyond the
// years of the table.
func (c *Calendar) workEnded(t time.Time) time.Time {
	if end, ok := c.at(WorkingHours, c.pos(WorkingHours, t)); ok && !end.After(t) {
		return end
	}
	return t
}

// workBegins is the beginning of the next working segment after a moment outside work; the moment itself
// beyond the years of the table.
func (c *Calendar) workBegins(t time.Time) time.Time {
	if begin, ok := c.latest(c.pos(WorkingHours, t)); ok && !begin.Before(t) {
		return begin
	}
	return t
}

// repeatMark stands between the id of a step and the count of a repeat: red#2 is red said again.
const repeatMark = "#"

// rungs is how many steps a ladder has, each repeat for itself.
func rungs(ladder []Step) int {
	n := len(ladder)
	for _, s := range ladder {
		n += max(s.Repeat.Times, 0)
	}
	return n
}

// rung is the place of a recorded step among the rungs of the ladder, −1 when the ladder has no such step.
func rung(ladder []Step, id string) int {
	name, count, repeated := strings.Cut(id, repeatMark)
	nth := 0
	if repeated {
		n, err := strconv.Atoi(count)
		if err != nil || n < 2 {
			return -1
		}
		nth = n - 1
	}
	first := 0
	for i := range ladder {
		if ladder[i].ID == name && nth <= ladder[i].Repeat.Times {
			return first + nth
		}
		first += 1 + ladder[i].Repeat.Times
	}
	return -1
}

// record marks a ladder step as done. A step the policy does not have is left alone.
func (e *evaluation) record(d *ticket.Details) {
	for i := range e.timers {
		tm := &e.timers[i]
		if string(tm.name) != d.Clock || tm.assignment != d.Assignment {
			continue
		}
		if step := rung(tm.rule.Ladder, d.Step); step >= 0 && step < maxLadder {
			tm.recorded |= 1 << step
		}
	}
}

// climb fills in the steps that have fallen due at now and the time of the next; c is the calendar of the clock. A step is due no
// earlier than its clock ran (one that passed while the ticket was resolved is due on reopening), and no
// earlier than the step ahead of it. A step milder than one that was taken is not taken any more: no yellow
// card after a red one.
func (e *evaluation) climb(c *Calendar, k *Clock, tm *timer, due time.Time) {
	var ahead time.Time
	ladder := tm.rule.Ladder
	reached, first := tm.reached(), 0
	for i := range ladder {
		s := &ladder[i]
		at := s.At(c, due)
		if at.Before(tm.awake) {
			at = tm.awake
		}
		if at.Before(ahead) {
			at = ahead
		}
		ahead = at
		rung := first
		first += 1 + s.Repeat.Times
		if first > maxLadder { // Validate refuses such a ladder
			break
		}
		if slices.Index(ticket.Levels, s.Level) < reached || e.over(tm, s.Until) {
			continue
		}
		for nth := 0; nth <= s.Repeat.Times; nth++ {
			if nth > 0 {
				at = c.Forward(at, Limit{Amount: s.Repeat.Every, Unit: s.Repeat.Unit})
				if passed(c, ladder[i+1:], s.Level, due, at) {
					break
				}
			}
			if tm.recorded&(1<<(rung+nth)) != 0 {
				continue
			}
			if at.After(e.now) {
				if k.NextStep.IsZero() || at.Before(k.NextStep) {
					k.NextStep = at.UTC()
				}
				break // the repeats come later still
			}
			k.Due = append(k.Due, DueStep{Step: s.nth(nth), At: at.UTC()})
		}
	}
	if len(k.Due) > 1 {
		slices.SortStableFunc(k.Due, func(a, b DueStep) int { return a.At.Compare(b.At) })
	}
}

// passed reports whether a step of a higher level falls due by then.
func passed(c *Calendar, later []Step, level string, due, at time.Time) bool {
	for i := range later {
		if later[i].Level != level && !later[i].At(c, due).After(at) {
			return true
		}
	}
	return false
}

// nth is a step as it is recorded: red, red#2, red#3.
func (s *Step) nth(n int) Step {
	said := *s
	if n > 0 {
		said.ID += repeatMark + strconv.Itoa(n+1)
	}
	return said
}

// reached is the highest level that a recorded step of the clock has, as its place in ticket.Levels; −1 without one.
func (tm *timer) reached() int {
	if tm.recorded == 0 {
		return -1
	}
	level, first := -1, 0
	for i := range tm.rule.Ladder {
		s := &tm.rule.Ladder[i]
		for nth := 0; nth <= s.Repeat.Times; nth++ {
			if tm.recorded&(1<<(first+nth)) != 0 {
				level = max(level, slices.Index(ticket.Levels, s.Level))
			}
		}
		first += 1 + s.Repeat.Times
	}
	return level
}

// over reports whether a stop condition holds for the assignment that has the clock; for the ticket's own
// clock, for any assignment that answers to the citizen.
func (e *evaluation) over(tm *timer, until Until) bool {
	switch until { //nolint:exhaustive // the others are below
	case "":
		return false
	case UntilReplied:
		return e.replied
	}
	for i := range e.t.Assignments {
		a := &e.t.Assignments[i]
		if tm.assignment != a.No && (tm.assignment != 0 || !leads(a) || a.State == ticket.Returned || a.State == ticket.Withdrawn) {
			continue
		}
		met := a.State == ticket.Done
		switch until { //nolint:exhaustive // the others are above
		case UntilSigned:
			met = met || !a.SignedAt.IsZero() || a.State == ticket.Handling
		case UntilContacted:
			met = met || !a.ContactedAt.IsZero()
		}
		if met {
			return true
		}
	}
	return false
}

// aside reports whether an action leaves the states of ticket and assignments as they are.
func aside(a ticket.Action) bool {
	switch a { //nolint:exhaustive // the others move something
	case ticket.Note, ticket.Urge, ticket.Supplement, ticket.Reveal, ticket.Escalate, ticket.Repeat:
		return true
	}
	return false
}

// NextLook is the earliest moment at which something can happen to the clocks without a new event:
// a step that fell due (then the moment lies in the past: look at once), the next step, the first
// millisecond past a deadline, or the end of a hold. It is for the timer row of a ticket; ok is
// false when nothing will happen any more.
func NextLook(clocks []Clock) (look time.Time, ok bool) {
	sooner := func(t time.Time) {
		if !t.IsZero() && (!ok || t.Before(look)) {
			look, ok = t, true
		}
	}
	for i := range clocks {
		k := &clocks[i]
		if k.State == Held {
			sooner(k.HeldUntil)
		}
		if k.State != Running {
			continue
		}
		if len(k.Due) > 0 {
			sooner(k.Due[0].At)
		}
		sooner(k.NextStep)
		if !k.Overdue {
			sooner(k.DueAt.Add(time.Millisecond))
		}
	}
	return look, ok
}
