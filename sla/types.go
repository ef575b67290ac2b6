package sla

import (
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// LimitUnit is what a limit is counted in.
type LimitUnit string

// The units of limits (domain.md §4).
const (
	Minutes      LimitUnit = "minutes"       // 分钟，wall clock
	Hours        LimitUnit = "hours"         // 小时，wall clock
	NaturalDays  LimitUnit = "natural_days"  // 自然日
	WorkingDays  LimitUnit = "working_days"  // 工作日
	WorkingHours LimitUnit = "working_hours" // 工作时
)

// CountFrom says which day is the first that counts, for limits in days.
type CountFrom string

// The two ways of counting days.
const (
	SameDay CountFrom = "same_day" // the day of the start counts as day one
	NextDay CountFrom = "next_day" // counting begins the day after (the default)
)

// DueAt says when on the last day a limit in days ends.
type DueAt string

// The three ends of a last day.
const (
	ToTheMinute DueAt = "minute"      // at the time of day of the start
	EndOfWork   DueAt = "end_of_work" // when the last working segment of the day ends
	EndOfDay    DueAt = "end_of_day"  // at midnight (the default)
)

// Limit is an amount of time to do something in.
type Limit struct {
	Amount    int       `yaml:"amount" json:"amount"`
	Unit      LimitUnit `yaml:"unit" json:"unit"`
	CountFrom CountFrom `yaml:"count_from,omitempty" json:"count_from,omitempty"`
	DueAt     DueAt     `yaml:"due_at,omitempty" json:"due_at,omitempty"`
}

// ClockName names what a clock measures.
type ClockName string

// The clocks of a policy (时限).
const (
	ClockDispatch ClockName = "dispatch" // 派单: registration → owner found
	ClockSign     ClockName = "sign"     // 签收: per assignment
	ClockContact  ClockName = "contact"  // 首次联系: per lead assignment
	ClockResolve  ClockName = "resolve"  // 办结: the citizen's clock, from registration; and one per assignment
	ClockCallback ClockName = "callback" // 回访: resolution → citizen called

	ClockArbitrate ClockName = "arbitrate" // 裁定: a unit objected → the duty officer ruled
	ClockRedo      ClockName = "redo"      // 重办: takes the place of an assignment's resolve after a reopening
)

// Title is the name of a clock as hotlines call it: 派单, 签收, 首次联系, 办结, 回访.
func (n ClockName) Title() string {
	switch n {
	case ClockDispatch:
		return "派单"
	case ClockSign:
		return "签收"
	case ClockContact:
		return "首次联系"
	case ClockResolve:
		return "办结"
	case ClockCallback:
		return "回访"
	case ClockArbitrate:
		return "裁定"
	case ClockRedo:
		return "重办"
	}
	return string(n)
}

// Clocks lists the clocks in the order a ticket meets them.
var Clocks = []ClockName{ClockDispatch, ClockArbitrate, ClockSign, ClockContact, ClockResolve, ClockCallback, ClockRedo}

// clockCount is the number of Clocks.
const clockCount = 7

// RedoOn says when a resolved ticket is reopened without anybody's decision.
type RedoOn string

// RedoDissatisfied reopens a ticket when its citizen, first asked, is dissatisfied or says that it is not solved.
const RedoDissatisfied RedoOn = "dissatisfied"

// CallbackAttempts is how many unanswered calls make a citizen unreachable where the policy does not say.
const CallbackAttempts = 3

// Step is a rung of a ladder (升级阶梯): at an offset from the due time something is said to somebody.
type Step struct {
	ID     string    `yaml:"id" json:"id"`
	Before int       `yaml:"before,omitempty" json:"before,omitempty"` // amount before due; exactly one of Before and After, both 0 means at due
	After  int       `yaml:"after,omitempty" json:"after,omitempty"`
	Unit   LimitUnit `yaml:"unit,omitempty" json:"unit,omitempty"`
	Level  string    `yaml:"level" json:"level"` // one of ticket.Levels
	To     []string  `yaml:"to" json:"to"`       // posts: handler, head, duty, supervision, citizen …
	Text   string    `yaml:"text,omitempty" json:"text,omitempty"`
	Repeat Repeat    `yaml:"repeat,omitempty" json:"repeat,omitzero"` // says it again, each time as a step of its own
	Until  Until     `yaml:"until,omitempty" json:"until,omitempty"`  // from then on the step is not due any more
}

// Repeat says a step again: Times more, one Every after the other. The repeats are recorded as red#2, red#3 …
// They end where the ladder climbs to a higher level.
type Repeat struct {
	Every int       `yaml:"every" json:"every"`
	Unit  LimitUnit `yaml:"unit" json:"unit"`
	Times int       `yaml:"times" json:"times"`
}

// IsZero reports that nothing is said again.
func (r Repeat) IsZero() bool { return r == Repeat{} }

// Until is what makes a step pointless before its clock stops.
type Until string

// The stop conditions. They look at the assignment that has the clock; for the ticket's own clock, at any
// assignment that answers to the citizen.
const (
	UntilSigned    Until = "signed"    // 已签收
	UntilContacted Until = "contacted" // 已联系诉求人
	UntilResolved  Until = "resolved"  // 已办结
	UntilReplied   Until = "replied"   // 诉求人已得到公开答复
)

// Untils lists the stop conditions.
var Untils = []Until{UntilSigned, UntilContacted, UntilResolved, UntilReplied}

// ClockRule is one clock of a policy.
type ClockRule struct {
	Limit  Limit  `yaml:"limit" json:"limit"`
	Ladder []Step `yaml:"ladder,omitempty" json:"ladder,omitempty"`
}

// Budget bounds what pauses and extensions may add.
type Budget struct {
	Pauses        int   `yaml:"pauses,omitempty" json:"pauses,omitempty"` // how many times
	PauseTotal    Limit `yaml:"pause_total,omitempty" json:"pause_total,omitzero"`
	Extensions    int   `yaml:"extensions,omitempty" json:"extensions,omitempty"`
	ExtensionMost Limit `yaml:"extension_most,omitempty" json:"extension_most,omitzero"`
	AskBefore     Limit `yaml:"ask_before,omitempty" json:"ask_before,omitzero"`       // an extension is asked for at least so long before the deadline
	ReturnWithin  Limit `yaml:"return_within,omitempty" json:"return_within,omitzero"` // 退单期限, from the dispatch
	Hops          int   `yaml:"hops,omitempty" json:"hops,omitempty"`                  // returns before arbitration

	CallbackAttempts int `yaml:"callback_attempts,omitempty" json:"callback_attempts,omitempty"` // unanswered calls before a citizen counts as unreachable; 0 means CallbackAttempts
}

// Attempts is how many unanswered calls make a citizen unreachable.
func (b Budget) Attempts() int {
	if b.CallbackAttempts > 0 {
		return b.CallbackAttempts
	}
	return CallbackAttempts
}

// Policy is a set of clocks (时限政策). A ticket is pinned to ID@Version at registration.
type Policy struct {
	ID        string                  `yaml:"id" json:"id"`
	Version   int                     `yaml:"version" json:"version"`
	Title     string                  `yaml:"title" json:"title"`
	From      string                  `yaml:"from,omitempty" json:"from,omitempty"`   // first day it holds for new tickets, YYYY-MM-DD in the city's zone; empty: always
	Basis     string                  `yaml:"basis,omitempty" json:"basis,omitempty"` // legal basis
	Calendar  string                  `yaml:"calendar,omitempty" json:"calendar,omitempty"`
	Statutory bool                    `yaml:"statutory,omitempty" json:"statutory,omitempty"`
	Unrated   bool                    `yaml:"unrated,omitempty" json:"unrated,omitempty"` // outside the public rates
	Clocks    map[ClockName]ClockRule `yaml:"clocks" json:"clocks"`
	Budget    Budget                  `yaml:"budget,omitempty" json:"budget,omitzero"`
	RedoOn    RedoOn                  `yaml:"redo_on,omitempty" json:"redo_on,omitempty"`
}

// Key is how a ticket names the policy it is pinned to.
func (p Policy) Key() string { return policyKey(p.ID, p.Version) }

// ClockState is where a clock stands.
type ClockState string

// The states of a clock.
const (
	Running   ClockState = "running"
	Held      ClockState = "paused"    // stands still during an approved pause
	Met       ClockState = "met"       // stopped in time
	Missed    ClockState = "missed"    // stopped too late
	Cancelled ClockState = "cancelled" // its assignment was returned or withdrawn; the time used stays charged
)

// Clock is one running or ended deadline of a ticket, as Evaluate finds it. It is never stored
// as a truth of its own: it follows from the events.
type Clock struct {
	Name        ClockName     `json:"name"`
	Assignment  int           `json:"assignment,omitempty"` // 0: the ticket's own; of a callback: the lead assignment it is about
	Unit        string        `json:"unit,omitempty"`       // holder the time is charged to; empty for the ticket's own
	State       ClockState    `json:"state"`
	Overdue     bool          `json:"overdue,omitempty"` // past due at now, or stopped past due
	StartedAt   time.Time     `json:"started_at"`
	DueAt       time.Time     `json:"due_at"`
	StoppedAt   time.Time     `json:"stopped_at,omitzero"`
	Provisional bool          `json:"provisional,omitempty"` // rests on a year without a published notice
	Limit       Limit         `json:"limit"`
	Paused      time.Duration `json:"paused,omitempty"`    // time pauses added: working time for working units, else wall time
	Extended    int           `json:"extended,omitempty"`  // amount extensions added, in the limit's unit, rounded up
	Holds       []Hold        `json:"holds,omitempty"`     // the pauses, as far as the budget let them hold the clock
	Appointed   time.Time     `json:"appointed,omitzero"`  // of a callback: the time the citizen asked for, where it moved the deadline
	HeldUntil   time.Time     `json:"held_until,omitzero"` // of a paused clock: when it goes on at the latest
	Due         []DueStep     `json:"due,omitempty"`       // steps that have fallen due and are not recorded yet
	NextStep    time.Time     `json:"next_step,omitzero"`  // when the next rung falls due; zero when none is left
}

// Hold is a stretch of time during which a clock stood still.
type Hold struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"` // of a hold that goes on: the moment of the evaluation
}

// DueStep is a rung that has fallen due.
type DueStep struct {
	Step Step      `json:"step"`
	At   time.Time `json:"at"` // when it fell due
}

// Events is the history a ticket's clocks follow from.
type Events = []ticket.Event
