// Package outbox is what is told to units, citizens and people on duty: the form of each notice,
// and the worker that delivers them after the commit that caused them. A notice is written once,
// by its key, in that commit; delivering it may be tried many times.
package outbox

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// The kinds of notices.
const (
	KindUnit      = "unit"      // to a unit's system
	KindEmergency = "emergency" // the same, ahead of everything
	KindCitizen   = "citizen"   // to the citizen, on the channel the request came by
	KindLadder    = "ladder"    // a ladder step, to posts of a unit
	KindMedia     = "media"     // fetch an attachment the platform still holds
	// What destinations of the pack are told, in groups, and each by itself where life is in danger.
	KindPage       = "page"
	KindUrgentPage = "page_urgent"
)

// UnitNotice is what a unit's system is told: enough to act, no identity of the citizen.
type UnitNotice struct {
	Event    string         `json:"event"` // the action that caused it
	Ticket   string         `json:"ticket"`
	Seq      int64          `json:"seq"`
	Unit     string         `json:"unit"`
	UnitName string         `json:"unit_name"`
	Title    string         `json:"title,omitempty"`
	Text     string         `json:"text,omitempty"`
	Urgency  ticket.Urgency `json:"urgency,omitempty"`
	Why      string         `json:"why,omitempty"` // the rule
	At       int64          `json:"at"`            // Unix ms

	Order   string `json:"order,omitempty"`    // number of an urge or supervise order
	ReplyBy int64  `json:"reply_by,omitempty"` // Unix ms by which a supervise order is answered
}

// CitizenNotice is what a citizen is told on the channel the request came by.
type CitizenNotice struct {
	To      ticket.ReplyHandle `json:"to"`
	Message ticket.Message     `json:"message"`
}

// LadderNotice is a ladder step told to posts.
type LadderNotice struct {
	UnitNotice
	Clock string   `json:"clock"`
	Step  string   `json:"step"`
	Level string   `json:"level"`
	Posts []string `json:"posts"`
	Due   int64    `json:"due"` // Unix ms
	// Provisional: the deadline rests on a year whose holidays are not known.
	Provisional bool `json:"provisional,omitempty"`
}

// About makes a notice about an event of a ticket. Its key is the kind, the ticket, the event and
// the target, so that one event tells a target once. Of a training ticket (演练) it is withheld: kept for the
// record, so that the exercise shows who would have been told, and never sent. The worker looks again.
func About(kind, target string, t *ticket.Ticket, e ticket.Event, body any) (store.Notice, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return store.Notice{}, fmt.Errorf("outbox: %s notice of %s: %w", kind, t.Number, err)
	}
	return store.Notice{
		Key: fmt.Sprintf("%s/%s/%d/%s", kind, t.ID, e.Seq, target), Ticket: t.ID, Kind: kind, Target: target,
		Body: b, Due: e.At, Created: e.At, Why: cause(e),
		Withheld: t.Training && kind != KindMedia,
	}, nil
}

// cause is why an event is told of: its rule, else the coded reason, else the action itself.
func cause(e ticket.Event) string { return cmp.Or(e.Cause.Rule, e.Cause.Reason, string(e.Action)) }

// masked is free text as a unit's system gets it, whoever runs the unit: without numbers of persons and
// without the names of those who brought the matter.
func masked(t *ticket.Ticket, s string) string {
	return text.MaskPersonal(text.ReplaceNames(s, text.MaskName, t.Private.Appellant.Name, t.Private.FiledBy.Name))
}

// ForUnit makes the notice that tells a unit of an event.
func ForUnit(unit, unitName string, t *ticket.Ticket, e ticket.Event) (store.Notice, error) {
	kind := KindUnit
	if t.Urgency == ticket.UrgencyEmergency {
		kind = KindEmergency
	}
	n := UnitNotice{
		Event: string(e.Action), Ticket: t.Number, Seq: e.Seq, Unit: unit, UnitName: unitName,
		Title: masked(t, t.Private.Title), Text: masked(t, t.Private.Text), Urgency: t.Urgency, Why: t.Decision.Origins["unit"].Rule, At: e.At.UnixMilli(),
		Order: e.Details.Order,
	}
	if e.Action == ticket.Supervise && !e.Details.Until.IsZero() {
		n.ReplyBy = e.Details.Until.UnixMilli()
	}
	return About(kind, unit, t, e, n)
}
