// Package desk is what people do with tickets after intake: read them as far as they may, act on
// them, follow calls, alerts and deliveries. It decides who may see and do what; the transition
// tables of package ticket decide what is possible. It knows no HTTP and no SQL.
package desk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the desk reads and writes.
type Store interface {
	store.Writer
	store.Reader
	store.Accounts
	store.Outbox
	store.Pages
	store.Duty
}

// Index finds tickets by words.
type Index interface {
	Find(ctx context.Context, query string, limit int) ([]ticket.ID, error)
}

// Options are the parts the desk works with. All are required but Committed, Breakers and Try.
type Options struct {
	Store     Store
	Index     Index
	Live      *city.Live
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	Committed func(urgent bool)
	Breakers  func() []outbox.DestinationState                        // how this gateway finds the destinations of pages; nil: unknown
	Try       func(ctx context.Context, destination, by string) error // sends a test message; nil: none can be sent
}

// Desk is the use cases. It is safe for concurrent use.
type Desk struct{ Options }

// New makes a Desk.
func New(o Options) *Desk {
	if o.Committed == nil {
		o.Committed = func(bool) {}
	}
	return &Desk{Options: o}
}

// tries is how often a command is tried again when somebody else moved the ticket meanwhile.
const tries = 4

// Act does a command on a ticket for a viewer and returns the ticket as it then stands.
// Errors: NotFound outside the viewer's scope; Forbidden when the roles do not allow the action;
// Conflict with the legal actions when the ticket's state does not; Invalid when parts are
// missing or a unit or reason is not in the pack. ifVersion, when not 0, must be the ticket's version.
func (d *Desk) Act(ctx context.Context, v Viewer, number string, cmd ticket.Command, ifVersion int64) (View, error) {
	if !v.mayDo(d.Live.Get(), cmd.Action) {
		return View{}, forbidden("action", string(cmd.Action))
	}
	if cmd.Action == ticket.Reveal && len(cmd.Details.Fields) == 0 {
		cmd.Details.Fields = revealable
	}
	cmd.Actor = v.Actor()
	var err error
	for range tries {
		var view View
		if view, err = d.act(ctx, v, number, cmd, ifVersion); !stale(err) {
			return view, err
		}
	}
	return View{}, err
}

// stale reports a conflict of versions, which reading again resolves; an illegal move it is not.
func stale(err error) bool {
	var e *ticket.Error
	return asError(err, &e) && e.Kind == ticket.Conflict && e.Code == "store.conflict.version"
}

func (d *Desk) act(ctx context.Context, v Viewer, number string, cmd ticket.Command, ifVersion int64) (View, error) {
	c, now := d.Live.Get(), d.Now()
	item, err := d.find(ctx, c, v, number)
	if err != nil {
		return View{}, err
	}
	history, err := d.Store.History(ctx, item.ID)
	if err != nil {
		return View{}, err
	}
	history = city.Upto(&item.Ticket, history)
	if err := ruled(c, &item.Ticket, history, &cmd, ifVersion); err != nil {
		return View{}, err
	}
	if ifVersion != 0 && item.Version != ifVersion {
		return View{}, ticket.Errorf(ticket.Conflict, "ticket.version", "工单 %s 已更新到第 %d 版（您看到的是第 %d 版），请刷新后再试", number, item.Version, ifVersion)
	}
	if err := d.check(ctx, c, v, &item.Ticket, history, &cmd, now); err != nil {
		return View{}, err
	}
	other, err := d.other(ctx, c, v, &cmd)
	if err != nil {
		return View{}, err
	}
	if err := apart(v, &item.Ticket, &other.Ticket, &cmd); err != nil {
		return View{}, err
	}
	t := item.Ticket
	e, err := t.Do(cmd, now, d.Random)
	if err != nil {
		return View{}, err
	}
	change, history, err := d.change(ctx, c, &item, &t, append(history, e), now)
	if err != nil {
		return View{}, err
	}
	if cmd.Action == ticket.Merge {
		lead, err := d.asRead(ctx, c, other, now)
		if err != nil {
			return View{}, err
		}
		change.Tickets = append(change.Tickets, lead)
	}
	if err := d.Store.Commit(ctx, change)[0]; err != nil {
		return View{}, err
	}
	d.Committed(t.Urgency == ticket.UrgencyEmergency && cmd.Action == ticket.Dispatch)
	due := change.Tickets[0]
	view, err := d.view(ctx, c, v, store.Item{Ticket: t, Due: due.Due, Provisional: due.Provisional}, history, v.sight(c), now)
	if cmd.Action == ticket.Reveal {
		view.reveal(&t.Private, cmd.Details.Fields)
	}
	return view, err
}

// check completes a command with what it leaves to the office, and refuses what the pack, the policy and the viewer's part in
// the ticket do not allow.
func (d *Desk) check(ctx context.Context, c *city.City, v Viewer, t *ticket.Ticket, history []ticket.Event, cmd *ticket.Command, now time.Time) error {
	choose(c, v, t, cmd)
	if err := d.complete(ctx, c, t, cmd, now); err != nil {
		return err
	}
	if err := succeed(c, t, cmd); err != nil {
		return err
	}
	return d.allowed(c, v, t, history, cmd, now)
}

// change is what the last event of a history writes: the ticket and those who follow it, what others are told, who saw what.
// It gives the history with what the event brought about by itself.
func (d *Desk) change(ctx context.Context, c *city.City, item *store.Item, t *ticket.Ticket, history []ticket.Event, now time.Time) (store.Change, []ticket.Event, error) {
	e := history[len(history)-1]
	again, redone, err := d.redo(c, t, &e, now)
	if err != nil {
		return store.Change{}, nil, err
	}
	if redone {
		history = append(history, again)
	}
	change := store.Change{Tickets: []store.TicketChange{c.Change(item.Version, *t, history, now)}}
	if e.Action == ticket.Reveal {
		change.Access = []store.Access{{At: now, Actor: e.Actor, What: "reveal", Ticket: t.ID, Fields: e.Details.Fields, Reason: e.Cause.Reason}}
	}
	for _, told := range history[item.Version:] {
		notices, err := d.tell(c, t, told, change.Tickets[0].Due)
		if err != nil {
			return store.Change{}, nil, err
		}
		change.Outbox = append(change.Outbox, notices...)
	}
	if change.Alerts, err = d.alarm(c, t, e); err != nil {
		return store.Change{}, nil, err
	}
	pages, err := outbox.Pages(c, t, change.Alerts, outbox.Cause{Rule: string(e.Action)})
	if err != nil {
		return store.Change{}, nil, err
	}
	change.Outbox = append(change.Outbox, pages...)
	return change, history, d.shareReply(ctx, c, &change, t, e, now)
}

// find reads a ticket by number, inside the viewer's scope.
func (d *Desk) find(ctx context.Context, c *city.City, v Viewer, number string) (store.Item, error) {
	item, err := d.Store.TicketByNumber(ctx, number)
	if ticket.IsKind(err, ticket.NotFound) || err == nil && !v.sees(c, &item.Ticket) {
		return store.Item{}, unknown()
	}
	return item, err
}

// unknown is the one answer to a number that was never given and to a ticket that is not the viewer's to
// know of: by comparing them nobody learns which confidential tickets there are.
func unknown() error {
	return ticket.Errorf(ticket.NotFound, "ticket.unknown", "没有这张工单，请核对工单编号")
}

// choose names the assignment of a command that names none, when only one of the viewer's can take it.
func choose(c *city.City, v Viewer, t *ticket.Ticket, cmd *ticket.Command) {
	if cmd.Details.Assignment != 0 || !cmd.Action.OnAssignment() {
		return
	}
	if cmd.Details.Assignment = waiting(t, cmd.Action); cmd.Details.Assignment != 0 {
		return
	}
	for _, a := range t.Assignments {
		if v.holds(c, a) && slices.Contains(t.LegalOn(a.No), cmd.Action) {
			if cmd.Details.Assignment != 0 {
				cmd.Details.Assignment = 0
				return // more than one: the person must say
			}
			cmd.Details.Assignment = a.No
		}
	}
}

// aside are the actions that move nothing: with them only those who may answer a citizen on the spot may
// change the reply that stands. Units reply when they resolve.
var aside = []ticket.Action{
	ticket.Note, ticket.Supplement, ticket.Reveal, ticket.Urge, ticket.Supervise, ticket.Reply, ticket.Object, ticket.Survey,
	ticket.AskPause, ticket.Pause, ticket.RefusePause, ticket.AskTerminate, ticket.ReviewTerminate, ticket.RefuseTerminate,
}

// allowed checks what the pack and the viewer's part in the ticket say of a command.
func (d *Desk) allowed(c *city.City, v Viewer, t *ticket.Ticket, history []ticket.Event, cmd *ticket.Command, now time.Time) error {
	cmd.Cause.Pack = c.Hash
	if cmd.Cause.Reason != "" {
		r, known := c.Reasons[cmd.Cause.Reason]
		if !known || !serves(r, cmd.Action) {
			return invalid("reason", "原因代码 %q 不适用于此操作，可用代码见 /api/v1/reasons", cmd.Cause.Reason)
		}
		if cmd.Cause.Basis == "" {
			cmd.Cause.Basis = r.Basis
		}
		if err := proved(r, t, cmd); err != nil {
			return err
		}
	}
	for _, u := range append([]string{cmd.Details.Unit}, cmd.Details.Units...) {
		if u == "" || cmd.Action == ticket.Transfer {
			continue
		}
		if unit, known := c.Rules.Unit(u); !known || unit.Retired != "" {
			return invalid("unit", "承办单位 %q 不存在或已撤销", u)
		}
	}
	a, ok := t.Assignment(cmd.Details.Assignment)
	switch {
	case ok && !v.holds(c, a):
		return forbidden("assignment", strconv.Itoa(a.No))
	case !v.part(c, t, a, cmd.Action):
		return forbidden("action", string(cmd.Action))
	case cmd.Private != nil && cmd.Private.PublicReply != "" && slices.Contains(aside, cmd.Action) && !v.MayDo(ticket.Answer):
		return forbidden("field", "public_reply")
	case ok && cmd.Action == ticket.SendOn && (cmd.Details.Unit == a.Unit || !c.Rules.WithinUnit(cmd.Details.Unit, a.Unit)):
		return invalid("unit", "%q 不是%s的下级单位", cmd.Details.Unit, c.UnitTitle(a.Unit))
	}
	if cmd.Private != nil && len(cmd.Private.Media) > 0 && !cmd.Action.TakesMedia() {
		return invalid("media", "“%s”不收附件；请先以备注（note）附上", ActionTitle(cmd.Action))
	}
	if r := cmd.Details.Relation; r != "" && (cmd.Action != ticket.LinkTo || !slices.Contains(relations, r)) {
		return invalid("relation", "关系 %q 不适用于此操作，关联（link）可用 related、distinct", r)
	}
	if err := amends(c, t, cmd); err != nil {
		return err
	}
	return d.withinBudget(c, t, history, cmd, now)
}

// other reads the other ticket a command names, if any, and checks that it may be named.
func (d *Desk) other(ctx context.Context, c *city.City, v Viewer, cmd *ticket.Command) (store.Item, error) {
	if cmd.Details.Other.IsZero() {
		return store.Item{}, nil
	}
	other, err := d.Store.Ticket(ctx, cmd.Details.Other)
	switch {
	case err != nil:
		return other, err
	case !v.sees(c, &other.Ticket):
		return other, unknown()
	case cmd.Action == ticket.Merge && (!isOpen(other.State) || other.State == ticket.StateMerged):
		// Its reporters have had their answer: who follows it now would hear nothing.
		return other, ticket.Errorf(ticket.Conflict, "ticket.merge.ended", "工单 %s %s，不能并入；可改为关联", other.Number, StateTitle(other.State))
	case cmd.Action == ticket.Merge && other.Confidential:
		return other, ticket.Errorf(ticket.Conflict, "ticket.merge.confidential", "工单 %s 是保密工单，其答复不能发给其他诉求人，不能并入", other.Number)
	}
	return other, nil
}

// relations are what a person may say of two tickets by a link.
var relations = []string{ticket.LinkRelated, ticket.LinkDistinct}

// apart keeps apart what a person has set apart. A ticket leaves an incident only by a word on itself, and of those who
// may merge.
func apart(v Viewer, t, other *ticket.Ticket, cmd *ticket.Command) error {
	if cmd.Action == ticket.Merge && t.Training != other.Training {
		return ticket.Errorf(ticket.Conflict, "ticket.merge.training", "工单 %s 与 %s 一张是演练工单、一张不是，不能并单", t.Number, other.Number)
	}
	if cmd.Action == ticket.Merge {
		for _, pair := range [][2]*ticket.Ticket{{t, other}, {other, t}} {
			if pair[0].SetApart(pair[1].ID) {
				return ticket.Errorf(ticket.Conflict, "ticket.merge.distinct", "工单 %s 上已认定与 %s 不是同一事项，不能并单；认定有误的，请先在工单 %s 上改为关联（related）",
					pair[0].Number, pair[1].Number, pair[0].Number)
			}
		}
	}
	if cmd.Action != ticket.LinkTo || cmd.Details.Relation != ticket.LinkDistinct {
		return nil
	}
	if t.State == ticket.StateMerged && t.Incident == other.ID && !v.MayDo(ticket.Merge) {
		return forbidden("relation", ticket.LinkDistinct)
	}
	if other.State == ticket.StateMerged && other.Incident == t.ID {
		return ticket.Errorf(ticket.Conflict, "ticket.link.follows", "工单 %s 已并入本工单；请在工单 %s 上认定非同一事项，它随即退出并单", other.Number, other.Number)
	}
	return nil
}

// asRead makes a commit depend on a ticket it leaves alone: two officers who merge two tickets into each
// other at once must not both succeed, or nobody would work on either.
func (d *Desk) asRead(ctx context.Context, c *city.City, item store.Item, now time.Time) (store.TicketChange, error) {
	history, err := d.Store.History(ctx, item.ID)
	return c.Change(item.Version, item.Ticket, city.Upto(&item.Ticket, history), now), err
}

// amends checks the category and region of a correction and notes what it replaces.
func amends(c *city.City, t *ticket.Ticket, cmd *ticket.Command) error {
	if cmd.Action != ticket.Amend {
		return nil
	}
	d := &cmd.Details
	if _, known := c.Rules.Category(d.Category); d.Category != "" && !known {
		return invalid("category", "没有诉求分类 %q", d.Category)
	}
	if _, known := c.Rules.Region(d.Region); d.Region != "" && !known {
		return invalid("region", "没有区划 %q", d.Region)
	}
	before := map[string]string{}
	note := func(name, old, given string) {
		if given != "" && given != old {
			before[name] = old
		}
	}
	flag := func(name string, old bool, given *bool) {
		if given != nil && *given != old {
			before[name] = strconv.FormatBool(old)
		}
	}
	note("type", string(t.Type), string(d.Type))
	note("urgency", string(t.Urgency), string(d.Urgency))
	note("category", t.Category, d.Category)
	note("region", t.Region, d.Region)
	note("public_summary", t.PublicSummary, d.PublicSummary)
	note("foreign_number", t.ForeignNumber, d.ForeignNumber)
	flag("confidential", t.Confidential, d.Confidential)
	flag("public", t.Public, d.Public)
	if len(before) > 0 {
		d.Before = before
	}
	return nil
}

// tell makes the notices of an event: to the units that get work or an answer, to the citizen whose matter ends or whose
// deadline moves to due.
func (d *Desk) tell(c *city.City, t *ticket.Ticket, e ticket.Event, due time.Time) ([]store.Notice, error) {
	if t.Historic {
		return nil, nil
	}
	var list []store.Notice
	var units []string
	switch e.Action { //nolint:exhaustive // the others tell no unit
	case ticket.Dispatch, ticket.Arbitrate, ticket.SendOn, ticket.AddUnit, ticket.Reopen:
		for _, a := range t.Assignments {
			if a.OfferedAt.Equal(e.At) && a.State == ticket.Offered {
				units = append(units, a.Unit)
			}
		}
	case ticket.Move:
		units = []string{e.Details.Unit}
	case ticket.Urge, ticket.Supervise, ticket.Supplement, ticket.Extend, ticket.RefuseExtend, ticket.Pause, ticket.RefusePause, ticket.RefuseTerminate:
		units = t.Holders()
	}
	for _, u := range units {
		if !c.HasSystem(u) {
			continue
		}
		n, err := outbox.ForUnit(u, c.UnitTitle(u), t, e)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	n, told, err := d.tellCitizen(c, t, t, e)
	if told {
		list = append(list, n)
	}
	if err != nil {
		return nil, err
	}
	if n, told, err = d.ask(c, t, e, due); told {
		list = append(list, n)
	}
	return list, err
}

// endings are the actions after which the citizen is owed a word, and the text that says it.
var endings = map[ticket.Action]string{ticket.Resolve: "resolved", ticket.Answer: "closed", ticket.Decline: "declined", ticket.Transfer: "transferred", ticket.Terminate: "terminated"}

// ending is the text by which an event ends the matter of a ticket, "" when it does not.
func ending(t *ticket.Ticket, e ticket.Event) string {
	if e.Action == ticket.Resolve && t.State != ticket.StateResolved {
		return "" // an assisting unit is not done yet
	}
	return endings[e.Action]
}

// tellCitizen makes the word to the citizen of ticket t about an event that ended the matter of
// lead, which is t itself or the ticket that leads its incident. ok is false when there is nothing
// to say, or no way to say it but the public track.
func (d *Desk) tellCitizen(c *city.City, t, lead *ticket.Ticket, e ticket.Event) (n store.Notice, ok bool, err error) {
	say := ending(lead, e)
	if say == "" || t.Private.Reply == nil || t.Historic {
		return n, false, nil
	}
	r, reply := c.Reasons[e.Cause.Reason], lead.Private.PublicReply
	if t.ID != lead.ID {
		reply = toOthers(lead)
	}
	words := c.Say(say, map[string]string{
		"number": t.Number, "code": t.Private.TrackCode, "unit": c.UnitTitle(lead.LeadUnit()),
		"title": t.Private.Title, "reply": reply, "reason": r.Title, "advice": r.Advice,
	})
	n, err = outbox.About(outbox.KindCitizen, t.Channel, t, e,
		outbox.CitizenNotice{To: *t.Private.Reply, Message: ticket.Message{Title: t.Private.Title, Text: words}})
	return n, err == nil, err
}

func forbidden(thing, value string) error {
	return ticket.Errorf(ticket.Forbidden, "access.denied", "您的岗位无权进行此操作（%s %s）", thing, value)
}

func invalid(field, format string, args ...any) error {
	return &ticket.Error{
		Kind: ticket.Invalid, Code: "command.invalid", Message: "请求有误",
		Fields: []ticket.Field{{Name: field, Message: fmt.Sprintf(format, args...)}},
	}
}
