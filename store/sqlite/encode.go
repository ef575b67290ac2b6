package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// step is one statement of a change with everything it binds, sealed already.
type step struct {
	statement statement
	args      []any
	missing   error // the refusal when no row is touched; nil: that is no matter
}

// encoder turns a change into steps. The first error stays.
type encoder struct {
	s     *Store
	steps []step
	err   error
}

func (e *encoder) add(s statement, missing error, args ...any) {
	e.steps = append(e.steps, step{statement: s, args: args, missing: missing})
}

// encode does all the work that needs no database: it runs in the caller's goroutine.
func (s *Store) encode(c *store.Change) ([]step, error) {
	e := &encoder{s: s, steps: make([]step, 0, 12)}
	if c.Lane != store.Citizens && c.Lane != store.Machines {
		return nil, ticket.Errorf(ticket.Invalid, "store.lane", "there is no lane %d", c.Lane)
	}
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
	for i := range c.Calls {
		e.call(&c.Calls[i])
	}
	for i := range c.Access {
		e.access(&c.Access[i])
	}
	if c.Cursor != nil {
		e.add(putCursor, nil, c.Cursor.Channel, c.Cursor.Value, ms(c.Cursor.At))
	}
	return e.steps, e.err
}

func (e *encoder) delivery(d *store.Delivery) {
	if d.Replace {
		e.add(redriveDelivery, ticket.Errorf(ticket.NotFound, "store.missing.delivery", "there is no delivery %s to drive again", d.ID),
			string(d.State), d.Code, d.ID[:])
		return
	}
	e.add(insertDelivery, nil, d.ID[:], d.Channel, d.ReceivedAt.UnixMilli(), string(d.State), d.Code, e.seal(d.Raw, placeDelivery, d.ID[:]))
}

func (e *encoder) request(r *store.Request) {
	e.add(insertRequest, nil, r.Channel, r.Key, r.Hash[:], id(r.Delivery), id(r.Ticket), ms(r.At),
		e.seal(r.Outcome, placeRequest, []byte(r.Channel+"\x00"+r.Key)))
}

// Flags of a ticket's row.
const (
	flagConfidential = 1 << iota
	flagPublic
	flagHistoric
	flagProvisional
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
		e.fail(fmt.Errorf("sqlite: ticket %s: %w", t.ID, err))
		return
	}
	body := []any{
		t.Version, string(t.State), truth(t.State.Open()), t.Channel, string(t.Source), t.Category, t.Region, t.LeadUnit(),
		string(t.Urgency), flags(tc), t.RegisteredAt.UnixMilli(), dueAt(tc.Due), ms(tc.Look), id(t.Incident),
		blob(e.s.ring.Index("phone", t.Private.Appellant.Phone)), blob(e.s.senderIndex(t.Channel, channelID(t))),
		t.ThreadKey, t.FoldKey, t.CallID, doc, e.sealJSON(&t.Private, placeTicket, t.ID[:]),
	}
	if tc.Expect == 0 {
		args := append([]any{t.ID[:], t.Number}, body...)
		e.add(insertTicket, nil, append(args, id(deliveryOf(c, t.ID)))...)
	} else {
		e.add(updateTicket, errVersion(), append(body, t.ID[:], tc.Expect)...)
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
	}{{tc.Ticket.Confidential, flagConfidential}, {tc.Ticket.Public, flagPublic}, {tc.Ticket.Historic, flagHistoric}, {tc.Provisional, flagProvisional}} {
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

func (s *Store) senderIndex(channel, channelID string) []byte {
	if channelID == "" {
		return nil
	}
	return s.ring.Index("sender", channel+"\x00"+channelID)
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
			e.add(addUnit, nil, a.Unit, t.ID[:])
		case tc.Expect > 0:
			e.add(dropUnit, nil, a.Unit, t.ID[:])
		}
		seen[a.Unit] = true
	}
}

// still are the actions that leave every assignment where it is.
var still = map[ticket.Action]bool{
	ticket.Escalate: true, ticket.Recalendar: true, ticket.Note: true, ticket.Reveal: true,
	ticket.Urge: true, ticket.Supervise: true, ticket.Supplement: true, ticket.Repeat: true, ticket.Amend: true, ticket.LinkTo: true,
	ticket.CallBack: true, ticket.Contact: true, ticket.Sign: true, ticket.Pause: true, ticket.Resume: true, ticket.AskExtend: true,
	ticket.Extend: true, ticket.RefuseExtend: true, ticket.Close: true,
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
			e.fail(fmt.Errorf("sqlite: event %d of %s: %w", ev.Seq, ev.Ticket, err))
			return
		}
		personal = slices.Concat([]byte{byte(len(ev.Salt))}, ev.Salt, personal) // a salt has 16 bytes
	}
	e.add(insertEvent, nil, ev.Ticket[:], ev.Seq, ev.Hash[:], doc, e.seal(personal, placeEvent, eventPlace(ev.Ticket, ev.Seq)))
}

func (e *encoder) notice(n *store.Notice) {
	next := int64(0)
	if !n.Due.IsZero() {
		next = n.Due.UnixMilli()
	}
	e.add(insertNotice, nil, n.Key, id(n.Ticket), n.Kind, n.Target, ms(n.Due), next, ms(n.Created), e.seal(n.Body, placeNotice, []byte(n.Key)))
}

func (e *encoder) alert(a *store.Alert) {
	e.add(insertAlert, nil, a.ID[:], a.Key, id(a.Ticket), a.Number, a.Unit, a.Region, a.Level, a.Post, a.Text, ms(a.At), a.AckedBy, ms(a.AckedAt))
}

func (e *encoder) call(c *store.Call) {
	private := e.sealJSON(&c.Private, placeCall, []byte(c.Channel+"\x00"+c.CallID))
	head := []any{c.Line, c.Agent, c.State, ms(c.RangAt), ms(c.AnsweredAt), ms(c.EndedAt), int64(c.Seconds), c.CallBack, ms(c.UpdatedAt), private}
	if c.Version == 0 {
		e.add(insertCall, nil, append([]any{c.ID[:], c.Channel, c.CallID}, head...)...)
		return
	}
	e.add(updateCall, ticket.Errorf(ticket.Conflict, "store.conflict.call", "the call has changed meanwhile; read it again"),
		append(head, c.Channel, c.CallID, c.Version)...)
}

func (e *encoder) access(a *store.Access) {
	actor, err := json.Marshal(a.Actor)
	if err != nil {
		e.fail(fmt.Errorf("sqlite: access log: %w", err))
		return
	}
	fields, err := json.Marshal(a.Fields)
	if err != nil {
		e.fail(fmt.Errorf("sqlite: access log: %w", err))
		return
	}
	e.add(insertAccess, nil, ms(a.At), id(a.Ticket), a.What, actor, fields, e.seal([]byte(a.Reason), placeAccess, a.Ticket[:]))
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// ms is a time as it is stored.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// never is the stored deadline of a ticket that has none: it comes last in every order, by the
// same index.
const never = int64(1) << 62

func dueAt(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return t.UnixMilli()
}

// id is an id as it is stored; none is NULL.
func id(v ticket.ID) any {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

// blob keeps an absent value NULL, so that partial indexes leave it out.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
