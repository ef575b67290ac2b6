package tables

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Statement names one of the statements that changes are made of. Each engine has its own text for
// it, with the values in the order in which the encoder gives them.
type Statement int

// The statements of changes.
const (
	InsertRequest Statement = iota
	InsertTicket
	UpdateTicket
	AddUnit
	DropUnit
	EndEvents
	InsertEvent
	InsertDelivery
	RedriveDelivery
	InsertNotice
	InsertAlert
	UpdateAlert
	InsertAlertEntry
	InsertCall
	UpdateCall
	InsertAccess
	PutCursor
	StatementCount
)

// Step is one statement of a change with everything it binds, sealed already: text, int64, []byte
// or nil.
type Step struct {
	Statement Statement
	Args      []any
	Missing   error // the refusal when no row is touched; nil: that is no matter
}

// encoder turns a change into steps. The first error stays.
type encoder struct {
	s     *Tables
	steps []Step
	err   error
}

func (e *encoder) add(s Statement, missing error, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = plain(text)
		}
	}
	e.steps = append(e.steps, Step{Statement: s, Args: args, Missing: missing})
}

// Encode makes the steps of a change: all the work that needs no database.
func (s *Tables) Encode(c *store.Change) ([]Step, error) {
	e := &encoder{s: s, steps: make([]Step, 0, 12)}
	// Keys come first: what is refused as a duplicate is refused before anything else is written.
	for i := range c.Requests {
		e.request(&c.Requests[i])
	}
	for i := range c.Tickets {
		e.ticket(c, &c.Tickets[i])
	}
	if c.Delivery != nil {
		e.delivery(c.Delivery)
	}
	for i := range c.Outbox {
		e.notice(&c.Outbox[i])
	}
	for i := range c.Alerts {
		e.alert(&c.Alerts[i])
	}
	for i := range c.AlertChanges {
		e.alertChange(&c.AlertChanges[i])
	}
	for i := range c.Calls {
		e.call(&c.Calls[i])
	}
	for i := range c.Access {
		e.access(&c.Access[i])
	}
	if c.Cursor != nil {
		e.add(PutCursor, nil, c.Cursor.Channel, c.Cursor.Value, ms(c.Cursor.At))
	}
	return e.steps, e.err
}

func (e *encoder) delivery(d *store.Delivery) {
	if d.Replace {
		e.add(RedriveDelivery, ticket.Errorf(ticket.NotFound, "store.missing.delivery", "there is no delivery %s to drive again", d.ID),
			string(d.State), d.Code, d.ID[:])
		return
	}
	e.add(InsertDelivery, nil, d.ID[:], d.Channel, d.ReceivedAt.UnixMilli(), string(d.State), d.Code, e.seal(d.Raw, placeDelivery, d.ID[:]))
}

func (e *encoder) request(r *store.Request) {
	e.add(InsertRequest, nil, r.Channel, r.Key, r.Hash[:], id(r.Delivery), id(r.Ticket), ms(r.At),
		e.seal(r.Outcome, placeRequest, requestPlace(r.Channel, r.Key)))
}

// Flags of a ticket's row.
const (
	flagConfidential = 1 << iota
	flagPublic
	flagHistoric
	flagProvisional
	flagHeld
	flagEndedTicket // nothing personal is left of the row
	flagEndedEvents // nor of the events
	flagDisputed
	flagAsked
	flagOrdered
	flagUnrated // outside the public rates
)

func (e *encoder) ticket(c *store.Change, tc *store.TicketChange) {
	t := &tc.Ticket
	if n := int64(len(tc.Events)); t.Version != tc.Expect+n || n == 0 && tc.Expect == 0 {
		e.fail(ticket.Errorf(ticket.Internal, "store.change.version", "ticket %s of version %d does not follow version %d by %d events",
			t.ID, t.Version, tc.Expect, n))
		return
	}
	doc, err := json.Marshal(t)
	if err != nil {
		e.fail(fmt.Errorf("store: ticket %s: %w", t.ID, err))
		return
	}
	body := []any{
		t.Version, string(t.State), truth(t.State.Open()), t.Channel, string(t.Source), t.Category, t.Region, t.LeadUnit(),
		string(t.Urgency), flags(tc), t.RegisteredAt.UnixMilli(), dueAt(tc.Due), ms(tc.Look), ms(tc.Callback), id(t.Incident),
		blob(e.s.Ring.Index("phone", t.Private.Appellant.Phone)), blob(e.s.senderIndex(t.Channel, channelID(t))),
		t.ThreadKey, t.FoldKey, t.CallID, doc, e.sealJSON(&t.Private, placeTicket, t.ID[:]),
	}
	if tc.Expect == 0 {
		args := append([]any{t.ID[:], t.Number}, body...)
		e.add(InsertTicket, nil, append(args, id(deliveryOf(c, t.ID)))...)
	} else {
		e.add(UpdateTicket, ErrVersion(), append(body, t.ID[:], tc.Expect)...)
	}
	e.units(tc)
	for i := range tc.Events {
		e.event(&tc.Events[i])
	}
}

func flags(tc *store.TicketChange) int64 {
	var f int64
	for _, b := range []struct {
		on   bool
		flag int64
	}{
		{tc.Ticket.Confidential, flagConfidential},
		{tc.Ticket.Public, flagPublic},
		{tc.Ticket.Historic, flagHistoric},
		{tc.Provisional, flagProvisional},
		{tc.Ticket.Held, flagHeld},
		{tc.Unrated, flagUnrated},
		{slices.Contains(tc.Ticket.Ended, ticket.DataTicket), flagEndedTicket},
		{slices.Contains(tc.Ticket.Ended, ticket.DataEvent), flagEndedEvents},
		{tc.Ticket.Dispute != nil, flagDisputed},
		{tc.Ticket.Asked(), flagAsked},
		{len(tc.Ticket.Orders) > 0, flagOrdered},
	} {
		if b.on {
			f |= b.flag
		}
	}
	return f
}

// deliveryOf is the delivery that made a new ticket: the one kept with it, or for the second
// ticket of a delivery the one its request names.
func deliveryOf(c *store.Change, t ticket.ID) ticket.ID {
	for i := range c.Requests {
		if c.Requests[i].Ticket == t {
			return c.Requests[i].Delivery
		}
	}
	if c.Delivery != nil {
		return c.Delivery.ID
	}
	return ticket.ID{}
}

// channelID is who the channel says the sender is.
func channelID(t *ticket.Ticket) string {
	if t.Private.Appellant.ChannelID != "" {
		return t.Private.Appellant.ChannelID
	}
	return t.Private.FiledBy.ChannelID
}

func (s *Tables) senderIndex(channel, channelID string) []byte {
	if channelID == "" {
		return nil
	}
	return s.Ring.Index("sender", channel+"\x00"+channelID)
}

// units keeps which units a ticket involves. A unit once named stays in the assignments, so
// those that lost their share are known without reading.
func (e *encoder) units(tc *store.TicketChange) {
	t := &tc.Ticket
	if tc.Expect > 0 && !movesUnits(tc.Events) {
		return
	}
	seen := make(map[string]bool, len(t.Assignments))
	for _, a := range t.Assignments {
		switch {
		case seen[a.Unit]:
		case t.Involves(a.Unit):
			e.add(AddUnit, nil, a.Unit, t.ID[:])
		case tc.Expect > 0:
			e.add(DropUnit, nil, a.Unit, t.ID[:])
		}
		seen[a.Unit] = true
	}
	for i := range tc.Events { // who handed its share over stands in no assignment any more
		if ev := &tc.Events[i]; ev.Action == ticket.Move && !t.Involves(ev.Details.Before["unit"]) {
			e.add(DropUnit, nil, ev.Details.Before["unit"], t.ID[:])
		}
	}
}

// still are the actions that leave every assignment where it is.
var still = map[ticket.Action]bool{
	ticket.Escalate: true, ticket.Recalendar: true, ticket.Note: true, ticket.Reveal: true,
	ticket.Urge: true, ticket.Supervise: true, ticket.Supplement: true, ticket.Repeat: true, ticket.Amend: true, ticket.LinkTo: true,
	ticket.CallBack: true, ticket.Contact: true, ticket.Sign: true, ticket.Pause: true, ticket.Resume: true, ticket.AskExtend: true,
	ticket.Extend: true, ticket.RefuseExtend: true, ticket.Close: true, ticket.Hold: true, ticket.Release: true, ticket.Expire: true,
	ticket.AskPause: true, ticket.RefusePause: true, ticket.Survey: true, ticket.AskTerminate: true, ticket.ReviewTerminate: true,
	ticket.RefuseTerminate: true, ticket.Reply: true,
}

func movesUnits(events []ticket.Event) bool {
	for i := range events {
		if !still[events[i].Action] {
			return true
		}
	}
	return false
}

func (e *encoder) event(ev *ticket.Event) {
	doc, err := ev.Canonical()
	if err != nil {
		e.fail(err)
		return
	}
	var personal []byte
	if ev.Private != nil {
		if personal, err = json.Marshal(ev.Private); err != nil {
			e.fail(fmt.Errorf("store: event %d of %s: %w", ev.Seq, ev.Ticket, err))
			return
		}
		personal = slices.Concat([]byte{byte(len(ev.Salt))}, ev.Salt, personal) // a salt has 16 bytes
	}
	if ev.Action == ticket.Expire && slices.Contains(ev.Details.Fields, ticket.DataEvent) {
		e.add(EndEvents, nil, ev.Ticket[:], ev.Seq)
	}
	e.add(InsertEvent, nil, ev.Ticket[:], ev.Seq, ev.Hash[:], doc, e.seal(personal, placeEvent, eventPlace(ev.Ticket, ev.Seq)))
}

func (e *encoder) notice(n *store.Notice) {
	next := int64(0)
	if !n.Due.IsZero() {
		next = n.Due.UnixMilli()
	}
	state := store.NoticePending
	switch {
	case n.Withheld:
		state = store.NoticeWithheld
	case n.Group != "":
		state = store.NoticeWaiting
	}
	e.add(InsertNotice, nil, n.Key, id(n.Ticket), n.Kind, n.Target, string(state), n.Group, n.Why, ms(n.Due), next, ms(n.Created), e.seal(n.Body, placeNotice, []byte(plain(n.Key))))
}

func (e *encoder) alert(a *store.Alert) {
	e.add(InsertAlert, nil, a.ID[:], a.Key, id(a.Ticket), a.Number, a.Unit, a.Region, a.Level, a.Post, a.Text, ms(a.At), a.AckedBy, ms(a.AckedAt),
		id(a.Root), a.Person, ms(cmp.Or(a.Look, a.At)), a.Holder)
}

// alertChange writes the next state of an alert. A gateway of an older version acknowledges without a new
// version: whether it was acknowledged is compared, too.
func (e *encoder) alertChange(c *store.AlertChange) {
	a, entry := &c.Alert, &c.Entry
	if a.ID != c.Was.ID || a.Version != c.Was.Version+1 {
		e.fail(ticket.Errorf(ticket.Internal, "store.change.alert", "alert %s of version %d does not follow %s of version %d", a.ID, a.Version, c.Was.ID, c.Was.Version))
		return
	}
	was := int64(0)
	if !c.Was.AckedAt.IsZero() {
		was = c.Was.AckedAt.UnixMilli()
	}
	e.add(UpdateAlert, errAlert(), a.Version, id(a.Root), a.Unit, a.Post, a.Person, int64(a.Rung), a.DeliveredTo, ms(a.DeliveredAt), a.AckedBy, ms(a.AckedAt),
		ms(a.SnoozedAt), ms(a.SnoozedUntil), a.DoneBy, ms(a.DoneAt), ms(a.Look), a.ID[:], c.Was.Version, was)
	if entry.What == "" {
		return // nothing but the look has moved
	}
	e.add(InsertAlertEntry, nil, a.ID[:], ms(entry.At), entry.By, string(entry.What), entry.Post, entry.Person, ms(entry.Until),
		e.seal([]byte(entry.Reason), placeAlertLog, a.ID[:]))
}

func (e *encoder) call(c *store.Call) {
	private := e.sealJSON(&c.Private, placeCall, callPlace(c.Channel, c.CallID))
	head := []any{c.Line, c.Agent, c.State, ms(c.RangAt), ms(c.AnsweredAt), ms(c.EndedAt), int64(c.Seconds), c.CallBack, ms(c.UpdatedAt), private}
	if c.Version == 0 {
		e.add(InsertCall, nil, append([]any{c.ID[:], c.Channel, c.CallID}, head...)...)
		return
	}
	e.add(UpdateCall, errCall(),
		append(head, c.Channel, c.CallID, c.Version)...)
}

func (e *encoder) access(a *store.Access) {
	actor, err := json.Marshal(a.Actor)
	if err != nil {
		e.fail(fmt.Errorf("store: access log: %w", err))
		return
	}
	fields, err := json.Marshal(a.Fields)
	if err != nil {
		e.fail(fmt.Errorf("store: access log: %w", err))
		return
	}
	e.add(InsertAccess, nil, ms(a.At), id(a.Ticket), a.What, actor, fields, e.seal([]byte(a.Reason), placeAccess, a.Ticket[:]))
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}
