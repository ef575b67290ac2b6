package sla

import (
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// called follows an attempt to reach the citizen.
func (e *evaluation) called(ev *ticket.Event) {
	if ev.Details.Reached != nil && *ev.Details.Reached {
		e.stopAll(ClockCallback, ev.At, false)
		return
	}
	for i := range e.timers {
		if tm := &e.timers[i]; tm.name == ClockCallback && tm.running() && ev.Details.Outcome == ticket.OutcomeAppointed {
			tm.appointed = ev.Details.Until
		}
	}
}

// finish stops the clock of an assignment's work, whichever of the two it has.
func (e *evaluation) finish(no int, at time.Time, cancelled bool) {
	e.stop(ClockResolve, no, at, cancelled)
	e.stop(ClockRedo, no, at, cancelled)
}

// finishDone stops the clocks of leads that had finished before those who assist them.
func (e *evaluation) finishDone(at time.Time) {
	for i := range e.t.Assignments {
		if a := &e.t.Assignments[i]; leads(a) && a.State == ticket.Done {
			e.finish(a.No, at, false)
		}
	}
}
