package sla

import (
	"slices"
	"time"
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

// climb fills in the steps that have fallen due at now and the time of the next. A step is due no
// earlier than its clock ran: one that passed while the ticket was resolved is due on reopening.
func (c *Calendar) climb(k *Clock, tm *timer, due, now time.Time) {
	for i, s := range tm.rule.Ladder {
		if i >= maxLadder || tm.recorded&(1<<i) != 0 {
			continue
		}
		at := s.At(c, due)
		if at.Before(tm.awake) {
			at = tm.awake
		}
		at = at.UTC()
		if !at.After(now) {
			k.Due = append(k.Due, DueStep{Step: s, At: at})
		} else if k.NextStep.IsZero() || at.Before(k.NextStep) {
			k.NextStep = at
		}
	}
	if len(k.Due) > 1 {
		slices.SortStableFunc(k.Due, func(a, b DueStep) int { return a.At.Compare(b.At) })
	}
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
