package intake

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// quarantine keeps a delivery that was genuine but could not be read, with a numbered stub an
// agent sees at once; it is driven again when the mapping is mended.
func (i *Intake) quarantine(ctx context.Context, ch *city.Channel, d store.Delivery, in adapters.Inbound, cause error) adapters.Outcome {
	i.Log.WarnContext(ctx, "delivery quarantined", slog.String("channel", ch.ID), slog.String("delivery", d.ID.String()), slog.String("code", code(cause)))
	d.State, d.Code = store.DeliveryQuarantined, code(cause)
	kept := false
	a := admission{city: i.Live.Get(), channel: ch, delivery: d, kept: &kept, request: ticket.Request{
		Kind: ticket.KindCase, Source: ch.Source, Title: "无法读取的来件（" + ch.Title + "）",
	}}
	// The body is the key: a platform that sends the same unreadable body again gets the same stub.
	a.hash = bodyHash(in)
	a.request.Key = "quarantine:" + a.hash.String()
	defer i.senders.lock(senderKey(a))()
	if known, err := i.Store.Request(ctx, ch.ID, a.request.Key); err == nil {
		return repeat(known)
	}
	out, err := i.stub(ctx, a)
	if isDuplicate(err) {
		if known, again := i.Store.Request(ctx, ch.ID, a.request.Key); again == nil {
			return repeat(known)
		}
	}
	if err != nil {
		i.Log.ErrorContext(ctx, "quarantine failed", slog.String("channel", ch.ID), slog.Any("error", err))
		return failure(err)
	}
	return out
}

// bodyHash tells unreadable deliveries apart. One without a body is what its query says.
func bodyHash(in adapters.Inbound) ticket.Hash {
	if len(in.Body) == 0 {
		return ticket.Chain(ticket.Hash{}, []byte(in.Method+" "+in.Path+"?"+in.Query.Encode()))
	}
	return ticket.Chain(ticket.Hash{}, in.Body)
}

// stub registers the numbered stand-in of an unreadable delivery.
func (i *Intake) stub(ctx context.Context, a admission) (adapters.Outcome, error) {
	now := i.Now()
	number, err := i.numbers.take(ctx, a.city.Prefix, now.In(a.city.Zone))
	if err != nil {
		return adapters.Outcome{}, err
	}
	id, err := ticket.NewID(now, i.Random)
	if err != nil {
		return adapters.Outcome{}, err
	}
	trackCode, err := ticket.NewTrackCode(i.Random)
	if err != nil {
		return adapters.Outcome{}, err
	}
	t, e, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Actor: ticket.Actor{Kind: ticket.ActorChannel, ID: a.channel.ID}, Cause: ticket.Cause{Pack: a.city.Hash, Reason: a.delivery.Code},
		Details: ticket.Details{Registration: &ticket.Registration{
			Number: number, Channel: a.channel.ID, Key: a.request.Key, Kind: a.request.Kind, Source: a.channel.Source, Type: ticket.TypeOther,
			Urgency: ticket.UrgencyNormal, Policy: a.city.PolicyKey("", now), Quarantined: true, Training: a.channel.Training, ReceivedAt: a.delivery.ReceivedAt,
		}},
		Private: &ticket.Private{Title: a.request.Title, TrackCode: trackCode},
	}, now, i.Random)
	if err != nil {
		return adapters.Outcome{}, err
	}
	d := &draft{t: t, events: []ticket.Event{e}, now: now, intake: i}
	if err := d.do(ticket.Command{
		Action: ticket.Triage, Actor: ticket.Actor{Kind: ticket.ActorSystem, ID: "intake"},
		Cause: ticket.Cause{Reason: "quarantine"},
	}); err != nil {
		return adapters.Outcome{}, err
	}
	next := a.city.Change(0, d.t, d.events, now)
	out := i.outcome(a, next, "quarantined")
	out.Result, out.Code = adapters.Quarantined, a.delivery.Code
	change := store.Change{Lane: a.channel.Lane(), Delivery: a.row(a.delivery), Tickets: []store.TicketChange{next}}
	if err := i.finish(ctx, a, change, out, d.t.ID); err != nil {
		return adapters.Outcome{}, err
	}
	i.Metrics.registered(&d.t)
	i.Committed(false)
	return out, nil
}

// Redrive reads a quarantined delivery again, with its original time, after its channel was
// mended. The stub becomes the ticket of its first request; further requests make their own.
// It returns ticket.Conflict when the delivery is not quarantined, ticket.Invalid when it still
// cannot be read.
func (i *Intake) Redrive(ctx context.Context, id ticket.ID, by ticket.Actor) (adapters.Outcome, error) {
	d, err := i.Store.Delivery(ctx, id)
	if err != nil {
		return adapters.Outcome{}, err
	}
	if d.State != store.DeliveryQuarantined {
		return adapters.Outcome{}, ticket.Errorf(ticket.Conflict, "delivery.not_quarantined", "来件 %s 不在隔离区（%s）", id, d.State)
	}
	c := i.Live.Get()
	ch, ok := c.Channels[d.Channel]
	if !ok {
		return adapters.Outcome{}, ticket.Errorf(ticket.NotFound, "channel.unknown", "渠道 %q 已不在城市包中", d.Channel)
	}
	in, err := DecodeInbound(d.Raw)
	if err != nil {
		return adapters.Outcome{}, err
	}
	opened := in
	if len(in.Media) == 0 { // one with files was kept as it was opened, without their bytes
		if opened, _, _, err = i.open(ctx, ch, in); err != nil {
			return adapters.Outcome{}, unreadable(err)
		}
	}
	admissions, err := read(c, ch, opened)
	if err != nil || len(admissions) == 0 {
		return adapters.Outcome{}, unreadable(err)
	}
	stubKey := "quarantine:" + bodyHash(opened).String()
	stub, err := i.Store.Request(ctx, ch.ID, stubKey)
	if err != nil {
		return adapters.Outcome{}, err
	}
	kept := true // the delivery's row exists; only its state changes
	d.Raw = nil
	for n := range admissions {
		admissions[n].delivery, admissions[n].kept = d, &kept
	}
	out, err := i.redriveFirst(ctx, admissions[0], stub.Ticket, by)
	if err != nil {
		return adapters.Outcome{}, err
	}
	for _, a := range admissions[1:] {
		out = merge(out, i.admit(ctx, a))
	}
	if out.Result == adapters.Unavailable {
		return out, ticket.Errorf(ticket.Unavailable, first(out.Code, "store.unavailable"), "来件 %s 只重放了一部分，请稍后再次重放", id)
	}
	// Last of all: until every request is kept, the delivery waits in quarantine and can be driven again.
	d.State, d.Replace = store.DeliveryRedriven, true
	return out, i.commit(ctx, store.Change{Lane: ch.Lane(), Delivery: &d})
}

// redriveFirst gives the stub its request. A request that is kept already came by an earlier re-drive
// that broke off, or by the sender's own retry: then the stub is tied to the ticket that one made.
func (i *Intake) redriveFirst(ctx context.Context, a admission, stub ticket.ID, by ticket.Actor) (adapters.Outcome, error) {
	known, err := i.Store.Request(ctx, a.channel.ID, a.request.Key)
	switch {
	case isMissing(err):
		return i.restate(ctx, a, stub, by)
	case err != nil || known.Ticket == stub || known.Ticket.IsZero():
		return repeat(known), err
	}
	item, err := i.Store.Ticket(ctx, stub)
	if err != nil {
		return adapters.Outcome{}, err
	}
	history, err := i.Store.History(ctx, stub)
	if err != nil {
		return adapters.Outcome{}, err
	}
	d := &draft{t: item.Ticket, events: city.Upto(&item.Ticket, history), now: i.Now(), intake: i}
	if slices.ContainsFunc(d.t.Links, func(l ticket.Link) bool { return l.To == known.Ticket }) {
		return repeat(known), nil
	}
	if err := d.do(ticket.Command{
		Action: ticket.LinkTo, Actor: by, Cause: ticket.Cause{Reason: "redriven"},
		Details: ticket.Details{Other: known.Ticket, Relation: "repeat"},
	}); err != nil {
		return adapters.Outcome{}, err
	}
	change := store.Change{Lane: a.channel.Lane(), Tickets: []store.TicketChange{a.city.Change(item.Version, d.t, d.events, d.now)}}
	return repeat(known), i.commit(ctx, change)
}

// restate fills a stub with the request that has been read at last and routes it.
func (i *Intake) restate(ctx context.Context, a admission, id ticket.ID, by ticket.Actor) (adapters.Outcome, error) {
	item, err := i.Store.Ticket(ctx, id)
	if err != nil {
		return adapters.Outcome{}, err
	}
	history, err := i.Store.History(ctx, id)
	if err != nil {
		return adapters.Outcome{}, err
	}
	r, now := &a.request, i.Now()
	f, _, said := facts(a.city, a.channel, r, a.delivery.ReceivedAt)
	result := a.city.Rules.Decide(&f, nil)
	decision := result.Decision()
	decision.Policy, decision.Classified = a.city.PolicyKey(decision.Policy, item.RegisteredAt), said // its clock has run since the stub
	d := &draft{t: item.Ticket, events: city.Upto(&item.Ticket, history), now: now, intake: i}
	if err := d.do(ticket.Command{
		Action: ticket.Restate, Actor: by, Cause: ticket.Cause{Pack: a.city.Hash, Reason: "redriven"},
		Details: ticket.Details{
			Type: first(f.Type, ticket.TypeOther), Urgency: first(decision.Urgency, r.Urgency, ticket.UrgencyNormal),
			Category: f.Category, Region: f.Region, Tags: union(r.Tags, decision.Tags), ForeignNumber: r.ForeignNumber,
		},
		Private: &ticket.Private{
			Title: title(r), Text: r.Text, Appellant: r.Appellant, FiledBy: r.FiledBy, OtherParty: r.OtherParty,
			Place: r.Place, Media: r.Media, Reply: r.Reply,
		},
	}); err != nil {
		return adapters.Outcome{}, err
	}
	if decision.Unit != "" {
		if err := d.do(ticket.Command{
			Action: ticket.Dispatch, Actor: ticket.Actor{Kind: ticket.ActorSystem, ID: "routing"},
			Cause:   ticket.Cause{Pack: a.city.Hash, Rule: decision.Origins["unit"].Rule},
			Details: ticket.Details{Unit: decision.Unit, Units: decision.Assist, Decision: &decision},
		}); err != nil {
			return adapters.Outcome{}, err
		}
	}
	next := a.city.Change(item.Version, d.t, d.events, now)
	out := i.outcome(a, next, saying(&d.t))
	change := store.Change{Lane: a.channel.Lane(), Tickets: []store.TicketChange{next}}
	if change.Outbox, err = i.notices(a.city, &d.t, d.events); err != nil {
		return adapters.Outcome{}, err
	}
	if err := i.finish(ctx, a, change, out, id); err != nil {
		return adapters.Outcome{}, err
	}
	i.Committed(d.t.Urgency == ticket.UrgencyEmergency)
	return out, nil
}

func unreadable(err error) error {
	return ticket.Errorf(ticket.Invalid, "delivery.unreadable", "来件仍无法读取；请先修正渠道映射").Because(err)
}

// code is the stable code of an error, or a general one.
func code(err error) string {
	var e *ticket.Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	return "delivery.unreadable"
}
