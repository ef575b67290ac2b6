package intake

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// draft is a ticket in the making: its state and the events so far.
type draft struct {
	t      ticket.Ticket
	events []ticket.Event
	beside []store.TicketChange // written with it
	now    time.Time
	intake *Intake
}

// do records a further command.
func (d *draft) do(cmd ticket.Command) error {
	e, err := d.t.Do(cmd, d.now, d.intake.Random)
	if err != nil {
		return err
	}
	d.events = append(d.events, e)
	return nil
}

// register makes a new ticket of a request: facts, decision, clocks, one commit.
func (i *Intake) register(ctx context.Context, a admission) (adapters.Outcome, error) {
	r := &a.request
	receivedAt := a.delivery.ReceivedAt
	if r.Historic && !r.HappenedAt.IsZero() {
		receivedAt = r.HappenedAt
	}
	f, where, said := facts(a.city, a.channel, r, receivedAt)
	happening := i.incidents.meet(r, newReport(a, &f, i.Now()))
	defer happening.leave()
	f.Numbers[reportsNearby] = float64(happening.nearby)
	result := a.city.Rules.Decide(&f, nil)
	decision := result.Decision()
	decision.Classified = said
	d, err := i.begin(ctx, a, &f, where, decision, receivedAt)
	if err != nil {
		return adapters.Outcome{}, err
	}
	happening.call(d.t.ID)
	if err := i.assign(ctx, d, a, decision, happening); err != nil {
		return adapters.Outcome{}, err
	}
	if err := i.linkRepeat(d, a); err != nil {
		return adapters.Outcome{}, err
	}
	next := a.city.Change(0, d.t, d.events, d.now)
	out := i.outcome(a, next, saying(&d.t))
	change := store.Change{Lane: a.channel.Lane(), Sender: senderKey(a), Delivery: a.row(a.delivery), Tickets: append([]store.TicketChange{next}, d.beside...)}
	if change.Outbox, err = i.notices(a.city, &d.t, d.events); err != nil {
		return adapters.Outcome{}, err
	}
	if change.Alerts, err = i.alarms(a.city, &d.t); err != nil {
		return adapters.Outcome{}, err
	}
	pages, err := outbox.Pages(a.city, &d.t, change.Alerts, outbox.Cause{Key: d.t.ID.String() + "/0", Rule: "emergency_triage"})
	if err != nil {
		return adapters.Outcome{}, err
	}
	change.Outbox = append(change.Outbox, pages...)
	if err := i.finish(ctx, a, change, out, d.t.ID); err != nil {
		return adapters.Outcome{}, err
	}
	happening.settled(&d.t)
	i.Metrics.registered(&d.t)
	i.Committed(d.t.Urgency == ticket.UrgencyEmergency)
	return out, nil
}

// begin registers the ticket with what is known of it.
func (i *Intake) begin(ctx context.Context, a admission, f *routing.Facts, where routing.Location, decision ticket.Decision, receivedAt time.Time) (*draft, error) {
	r, now := &a.request, i.Now()
	number, err := i.numbers.take(ctx, a.city.Prefix, receivedAt.In(a.city.Zone))
	if err != nil {
		return nil, err
	}
	id, err := ticket.NewID(now, i.Random)
	if err != nil {
		return nil, err
	}
	code, err := ticket.NewTrackCode(i.Random)
	if err != nil {
		return nil, err
	}
	policy := a.city.PolicyKey(decision.Policy, counted(r, receivedAt, now))
	reg := &ticket.Registration{
		Number: number, Channel: a.channel.ID, Key: r.Key, ThreadKey: r.ThreadKey, FoldKey: r.FoldKey, Kind: r.Kind,
		Source: r.Source, Type: first(f.Type, ticket.TypeOther), Urgency: first(decision.Urgency, r.Urgency, ticket.UrgencyNormal),
		Category: f.Category, Region: f.Region, Tags: union(r.Tags, decision.Tags), Policy: policy,
		Confidential: r.Confidential, Public: r.Public && !r.Confidential && !r.Training, Historic: r.Historic, Training: r.Training, NoCallback: r.NoCallback || r.Source == ticket.SourceMachine || !a.city.CallsBack(policy),
		ForeignNumber: r.ForeignNumber, HappenedAt: r.HappenedAt, ReceivedAt: receivedAt, Facts: record(r, f),
	}
	if where.By != "" {
		reg.Facts["located_by"] = where.By
	}
	if r.Call != nil {
		reg.CallID = r.Call.CallID
	}
	if reg.Public {
		reg.PublicSummary = publicSummary(a.city, f)
	}
	t, e, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Actor: actorOf(a), Cause: ticket.Cause{Pack: a.city.Hash},
		Details: ticket.Details{Registration: reg, Decision: &decision},
		Private: &ticket.Private{
			Title: title(r), Text: r.Text, Appellant: r.Appellant, FiledBy: r.FiledBy, OtherParty: r.OtherParty,
			Place: r.Place, Media: r.Media, Reply: r.Reply, TrackCode: code,
		},
	}, now, i.Random)
	if err != nil {
		return nil, err
	}
	return &draft{t: t, events: []ticket.Event{e}, now: now, intake: i}, nil
}

// counted is when the citizen's clock starts: of what was imported, the day it was received.
func counted(r *ticket.Request, receivedAt, now time.Time) time.Time {
	if r.Historic {
		return receivedAt
	}
	return now
}

// publicSummary says what a public ticket is about without a word of the citizen's, which may name
// people: its category and its town. The desk may write a better one.
func publicSummary(c *city.City, f *routing.Facts) string {
	what := "市民诉求"
	if k, ok := c.Rules.Category(f.Category); ok {
		what = k.Name
	}
	if r, ok := c.Rules.Region(f.Region); ok {
		what += "（" + r.Name + "）"
	}
	return what
}

// assign answers, merges, dispatches or sends to triage, as the request and the decision say.
func (i *Intake) assign(ctx context.Context, d *draft, a admission, decision ticket.Decision, h *happening) error {
	r, system := &a.request, ticket.Actor{Kind: ticket.ActorSystem, ID: "routing"}
	switch {
	case r.Answer != "":
		return d.do(ticket.Command{Action: ticket.Answer, Actor: actorOf(a), Private: &ticket.Private{PublicReply: r.Answer}})
	case r.Unit != "":
		if _, known := a.city.Rules.Unit(r.Unit); !known {
			return ticket.Errorf(ticket.Invalid, "unit.unknown", "承办单位 %q 不在城市包中", r.Unit)
		}
		byHand := decision
		byHand.Unit, byHand.Assist, byHand.Policy = r.Unit, nil, d.t.Policy
		if d.t.Urgency == ticket.UrgencyEmergency && decision.Unit != "" { // nobody's choice keeps the rescuers away
			byHand.Assist = slices.DeleteFunc(append([]string{decision.Unit}, decision.Assist...), func(u string) bool { return u == r.Unit })
		}
		byHand.Origins = map[string]ticket.Origin{"unit": {Stage: "hand", Rule: "agent"}}
		return d.do(ticket.Command{
			Action: ticket.Dispatch, Actor: actorOf(a), Cause: ticket.Cause{Pack: a.city.Hash, Rule: "hand"},
			Details: ticket.Details{Unit: r.Unit, Units: byHand.Assist, Decision: &byHand},
		})
	case decision.Unit == "":
		return d.do(ticket.Command{
			Action: ticket.Triage, Actor: system,
			Cause: ticket.Cause{Pack: a.city.Hash, Rule: decision.Origins["triage"].Rule, Reason: first(decision.Triage, "no_owner")},
		})
	}
	lead, shared, err := i.sharedWork(ctx, d, a, h)
	if err != nil {
		return err
	}
	if shared {
		d.beside = []store.TicketChange{lead}
		return d.do(ticket.Command{
			Action: ticket.Merge, Actor: system, Cause: ticket.Cause{Pack: a.city.Hash, Reason: "same_incident"},
			Details: ticket.Details{Other: lead.Ticket.ID},
		})
	}
	return d.do(ticket.Command{
		Action: ticket.Dispatch, Actor: system,
		Cause:   ticket.Cause{Pack: a.city.Hash, Rule: decision.Origins["unit"].Rule},
		Details: ticket.Details{Unit: decision.Unit, Units: decision.Assist},
	})
}

// sharedWork finds the ticket that leads the happening, while its unit is still at it. An
// emergency is never folded into another: every call is handed over.
//
// What a person has set apart stays apart: a ticket that was taken out of an incident leads nobody into it, and nobody
// joins who has an open ticket that is set apart from it.
//
// The change it returns leaves the lead as it is: written with the new ticket, it makes sure that the
// lead has not ended meanwhile, and nobody follows a matter whose reporters have had their answer.
func (i *Intake) sharedWork(ctx context.Context, d *draft, a admission, h *happening) (lead store.TicketChange, shared bool, err error) {
	if d.t.Training || d.t.Urgency == ticket.UrgencyEmergency || d.t.Urgency == ticket.UrgencyNormal && !h.evident() {
		return lead, false, nil
	}
	match, id, ok := h.lead(ctx)
	if !ok {
		return lead, false, nil
	}
	if match != id {
		item, err := i.Store.Ticket(ctx, match)
		if err != nil {
			return lead, false, err
		}
		if id = leadOf(match, item.Incident, item.State, item.LeadUnit()); id.IsZero() {
			return lead, false, nil
		}
	}
	own, err := a.own()
	if err != nil {
		return lead, false, err
	}
	item, err := i.Store.Ticket(ctx, id)
	apart := slices.ContainsFunc(own, func(t ticket.Ticket) bool { return t.SetApart(id) || item.SetApart(t.ID) })
	if err != nil || apart || item.Confidential || item.Training || item.State != ticket.StateDispatched && item.State != ticket.StateHandling {
		return lead, false, err
	}
	history, err := i.Store.History(ctx, id)
	if err != nil {
		return lead, false, err
	}
	return i.Live.Get().Change(item.Version, item.Ticket, city.Upto(&item.Ticket, history), d.now), true, nil
}

// linkRepeat ties a new ticket to an open one of the same sender: as a repeat (重复诉求) when the
// words are the same, which happens in archives; else, live, as related to the newest.
func (i *Intake) linkRepeat(d *draft, a admission) error {
	own, err := a.own()
	if err != nil {
		return err
	}
	link := func(to ticket.ID, relation, reason string) error {
		return d.do(ticket.Command{
			Action: ticket.LinkTo, Actor: ticket.Actor{Kind: ticket.ActorSystem, ID: "intake"},
			Cause: ticket.Cause{Reason: reason}, Details: ticket.Details{Other: to, Relation: relation},
		})
	}
	for _, t := range own {
		if t.Private.Text == a.request.Text && t.Private.Text != "" {
			return link(t.ID, ticket.LinkRepeat, "same_words")
		}
	}
	for _, t := range own {
		if t.Source == a.request.Source && !a.request.Historic {
			return link(t.ID, ticket.LinkRelated, "same_sender")
		}
	}
	return nil
}

// saying is the text of the pack that tells a citizen what became of a new ticket.
func saying(t *ticket.Ticket) string {
	switch {
	case t.Urgency == ticket.UrgencyEmergency:
		return "emergency"
	case t.State == ticket.StateClosed:
		return "closed"
	default:
		return "accepted"
	}
}

// outcome is what the sender of a request learns of its ticket.
func (i *Intake) outcome(a admission, change store.TicketChange, say string) adapters.Outcome {
	t, due := &change.Ticket, ""
	if !change.Due.IsZero() {
		due = change.Due.In(a.city.Zone).Format("1月2日15:04")
		if change.Provisional {
			due += "（暂定）"
		}
	}
	unit := a.city.UnitTitle(t.LeadUnit())
	if t.LeadUnit() == "" {
		unit = a.city.UnitTitle(a.city.DutyUnit)
	}
	return adapters.Outcome{
		Result: adapters.Accepted, Delivery: a.delivery.ID.String(), At: i.Now(),
		Tickets: []adapters.TicketRef{{Number: t.Number, Code: t.Private.TrackCode, Unit: unit, Emergency: t.Urgency == ticket.UrgencyEmergency}},
		Text:    outbox.Training(t, a.city.Say(say, map[string]string{"number": t.Number, "code": t.Private.TrackCode, "unit": unit, "title": t.Private.Title, "reply": t.Private.PublicReply, "due": due})),
	}
}

// joined is what the sender of a request learns of the ticket it joined. The code that opens the
// ticket's track is not told again: who joins by a telephone number need not be who filed it.
func (i *Intake) joined(a admission, change store.TicketChange, say string) adapters.Outcome {
	change.Ticket.Private.TrackCode = ""
	out := i.outcome(a, change, say)
	out.Tickets[0].Joined = true
	return out
}

// notices are what a new ticket makes us tell: its units, at once when life is in danger.
func (i *Intake) notices(c *city.City, t *ticket.Ticket, events []ticket.Event) ([]store.Notice, error) {
	if t.Historic {
		return nil, nil
	}
	var list []store.Notice
	last := events[len(events)-1]
	for _, unit := range t.Holders() {
		if !c.HasSystem(unit) {
			continue
		}
		n, err := outbox.ForUnit(unit, c.UnitTitle(unit), t, last)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	for _, m := range t.Private.Media {
		if m.Fetched || m.Ref == "" {
			continue
		}
		n, err := outbox.About(outbox.KindMedia, t.Channel, t, last, m)
		if err != nil {
			return nil, err
		}
		n.Key += "/" + m.Ref
		list = append(list, n)
	}
	return list, nil
}

// alarms tell the officers on duty of an emergency that found no unit to be handed to.
func (i *Intake) alarms(c *city.City, t *ticket.Ticket) ([]store.Alert, error) {
	if t.Urgency != ticket.UrgencyEmergency || t.State != ticket.StateTriage || t.Historic {
		return nil, nil
	}
	var list []store.Alert
	duty, _ := c.Rules.Unit(c.DutyUnit)
	for _, p := range duty.Posts {
		if p.Role != "duty" {
			continue
		}
		id, err := ticket.NewID(t.RegisteredAt, i.Random)
		if err != nil {
			return nil, err
		}
		list = append(list, store.Alert{
			ID: id, Key: t.ID.String() + "/0/" + p.ID, Ticket: t.ID, Number: t.Number, Unit: c.DutyUnit, Region: t.Region,
			Level: "red", Post: p.ID, Text: outbox.Training(t, c.Say("emergency_triage", map[string]string{"number": t.Number})), At: t.RegisteredAt,
		})
	}
	return list, nil
}

// titleMost is how many characters of a text make a title.
const titleMost = 40

// title is the title of a request's ticket; everybody who reads that of an exercise sees that it is one.
func title(r *ticket.Request) string {
	return outbox.Training(&ticket.Ticket{Training: r.Training}, plainTitle(r))
}

// plainTitle is the request's own, or the beginning of its text. It ends before a number that it would cut: half of a
// telephone number is not masked.
func plainTitle(r *ticket.Request) string {
	if t := strings.TrimSpace(r.Title); t != "" {
		return t
	}
	words := []rune(strings.Join(strings.Fields(r.Text), " "))
	if len(words) <= titleMost {
		return string(words)
	}
	end := titleMost
	for end > 0 && inNumber(words[end-1]) && inNumber(words[end]) {
		end--
	}
	if end == 0 {
		end = titleMost // nothing but a number
	}
	return string(words[:end]) + "…"
}

// inNumber reports whether a character may stand within the number of a telephone or an identity card.
func inNumber(r rune) bool {
	return unicode.IsDigit(r) || strings.ContainsRune(" -－–—+()（）xXＸ", r)
}

func first[T ~string](values ...T) T {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func union(a, b []string) []string {
	out := append([]string(nil), a...)
next:
	for _, x := range b {
		for _, y := range out {
			if x == y {
				continue next
			}
		}
		out = append(out, x)
	}
	return out
}
