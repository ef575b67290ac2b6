package store

import (
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Alert is something a person on duty must see and acknowledge (告警).
type Alert struct {
	ID      ticket.ID
	Key     string // unique: the same alert is raised once
	Ticket  ticket.ID
	Number  string
	Unit    string // of the post
	Holder  string // unit whose work it is about; empty: Unit
	Region  string
	Level   string // one of ticket.Levels, or "alarm"
	Post    string // who must see it
	Text    string // without personal data
	At      time.Time
	AckedBy string // empty with AckedAt: the gateway itself, because the matter is over
	AckedAt time.Time

	// What has become of it since it was raised.

	Version      int64     // 1 when raised, one more with every change
	Root         ticket.ID // the alert it climbed from; zero: it was raised by itself
	Rung         int       // how often it has climbed
	Person       string    // it was handed to, by login or seat; empty: whoever is on duty at its post
	DeliveredTo  string    // who was on duty at its post then; empty when no roster says
	DeliveredAt  time.Time
	SnoozedAt    time.Time // when it was first put off
	SnoozedUntil time.Time // zero: it is awake
	DoneBy       string    // empty with DoneAt: the gateway itself
	DoneAt       time.Time // a done alert is acknowledged, too
	Look         time.Time // when the relay must look at it; zero: never. One that is new is looked at at once
}

// AlertState is where an alert stands.
type AlertState string

// The states of an alert.
const (
	AlertOpen    AlertState = "open"    // waits for somebody (待确认)
	AlertSnoozed AlertState = "snoozed" // put off until a time (已推迟)
	AlertAcked   AlertState = "acked"   // somebody has it (已确认)
	AlertDone    AlertState = "done"    // over (已办结)
)

// State is where the alert stands.
func (a *Alert) State() AlertState {
	switch {
	case !a.DoneAt.IsZero():
		return AlertDone
	case !a.AckedAt.IsZero():
		return AlertAcked
	case !a.SnoozedUntil.IsZero():
		return AlertSnoozed
	}
	return AlertOpen
}

// Family is the alert that this one climbed from, or it itself.
func (a *Alert) Family() ticket.ID {
	if a.Root.IsZero() {
		return a.ID
	}
	return a.Root
}

// AlertChange is the next state of an alert, and what happened to it.
type AlertChange struct {
	Was   Alert      // as it was read
	Alert Alert      // Version is one more
	Entry AlertEntry // without What: nothing but Look moves, and no line is kept
}

// AlertEntry is one line of an alert's history. It is never changed.
type AlertEntry struct {
	Alert  ticket.ID
	At     time.Time
	By     string // login; empty: the gateway
	What   AlertAction
	Post   string    // where the alert is since
	Person string    // whom it was handed or delivered to
	Until  time.Time // of a snooze
	Reason string    // sealed at rest
}

// AlertAction is what happened to an alert.
type AlertAction string

// What happens to alerts.
const (
	AlertDelivered    AlertAction = "delivered"    // 送达
	AlertRerouted     AlertAction = "rerouted"     // 无人当班，改送
	AlertClimbed      AlertAction = "climbed"      // 上报
	AlertPutOff       AlertAction = "put_off"      // 推迟
	AlertWoke         AlertAction = "woke"         // 到点再响
	AlertHandedOver   AlertAction = "handed_over"  // 移交
	AlertAcknowledged AlertAction = "acknowledged" // 确认
	AlertFinished     AlertAction = "finished"     // 办结
)

// AlertFilter narrows a list of alerts. Zero parts mean no limit.
type AlertFilter struct {
	Open       bool // not acknowledged
	Unfinished bool // not done
	Snoozed    bool // put off now
	HandedOver bool // to a person
	Posts      []string
	Who        string // with Posts: of them, what was handed to nobody else; and what was handed to Who, wherever it is
	Units      []string
	Holders    []string
	Levels     []string
	Regions    []string // exactly these (callers expand subtrees)
	IDs        []ticket.ID
	Keys       []string
	Family     ticket.ID // this alert and those that climbed from it
	Look       time.Time // to look at by then
	// HideConfidential leaves out alerts about confidential tickets.
	HideConfidential bool
	Limit            int
}

// AlertGroup is how many alerts of a level are about the work of a unit.
type AlertGroup struct {
	Unit, Level    string
	Count, Snoozed int64
	Oldest, Newest time.Time
}
