package ticket

import (
	"slices"
	"time"
)

// The outcomes of an attempt to call a citizen back. The first two end the duty: the citizen was spoken with.
const (
	OutcomeReached   = "reached"      // 已接通
	OutcomeRefused   = "refused"      // 接通但拒访
	OutcomeNoAnswer  = "no_answer"    // 无人接听
	OutcomeWrong     = "wrong_number" // 号码有误
	OutcomeAppointed = "appointed"    // 约定时间再访
)

// Outcomes lists the outcomes of an attempt.
var Outcomes = []string{OutcomeReached, OutcomeRefused, OutcomeNoAnswer, OutcomeWrong, OutcomeAppointed}

// Unreachable is the reason code of a ticket closed because nobody could be reached: the one reason code that the program
// itself looks at.
const Unreachable = "unreachable"

// Callback is how far the callback of a ticket has come since it was last resolved.
type Callback struct {
	Unanswered int       `json:"unanswered,omitempty"` // attempts that nobody answered
	Outcome    string    `json:"outcome,omitempty"`    // of the last attempt
	At         time.Time `json:"at,omitzero"`          // of the last attempt
	Appointed  time.Time `json:"appointed,omitzero"`   // when the citizen asked to be called
	Surveyed   time.Time `json:"surveyed,omitzero"`    // when the citizen was sent the question
	Done       bool      `json:"done,omitempty"`       // the citizen has had a say
}

// callBack takes an attempt to reach the citizen, or the citizen's own word.
func (t *Ticket) callBack(e Event) {
	d := e.Details
	t.Counters.Callbacks++
	if d.Outcome != "" {
		c := &t.Callback
		c.Outcome, c.At, c.Appointed = d.Outcome, e.At, time.Time{}
		switch d.Outcome {
		case OutcomeReached, OutcomeRefused:
			c.Done = true
		case OutcomeAppointed:
			c.Appointed = d.Until
		default:
			c.Unanswered++
		}
	}
	if d.Reached == nil || !*d.Reached {
		return
	}
	if d.Solved != nil {
		t.Outcome.SolvedByWord = d.Solved
	}
	if d.Satisfaction != "" {
		if t.Outcome.First == "" {
			t.Outcome.First = d.Satisfaction
		}
		t.Outcome.Final = d.Satisfaction
	}
}

// checkAttempt holds the outcome of an attempt against the rest of it.
func checkAttempt(d Details) error {
	if d.Outcome == "" {
		return nil
	}
	reached := d.Outcome == OutcomeReached || d.Outcome == OutcomeRefused
	switch {
	case !slices.Contains(Outcomes, d.Outcome):
		return Errorf(Invalid, "ticket.callback.outcome", "outcome %q is not known; write one of %v", d.Outcome, Outcomes)
	case reached != *d.Reached:
		return Errorf(Invalid, "ticket.callback.outcome", "outcome %s contradicts reached %t", d.Outcome, *d.Reached)
	case d.Outcome == OutcomeAppointed && d.Until.IsZero():
		return Errorf(Invalid, "ticket.callback.appointed", "an appointed callback needs its time, until")
	case d.Outcome != OutcomeAppointed && !d.Until.IsZero():
		return Errorf(Invalid, "ticket.callback.appointed", "only an appointed callback has a time, until; the outcome is %s", d.Outcome)
	}
	return nil
}
