package intake

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/same"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// admission is one request on its way in.
type admission struct {
	city     *city.City
	channel  *city.Channel
	delivery store.Delivery
	kept     *bool // the delivery's row is written already, by an earlier request of it
	request  ticket.Request
	hash     ticket.Hash
	own      func() ([]ticket.Ticket, error) // the sender's open tickets
}

// row gives the delivery for the change that writes it, nil once it is written.
func (a admission) row(d store.Delivery) *store.Delivery {
	if *a.kept {
		return nil
	}
	return &d
}

// threadWindow is how long messages of one conversation count as one matter.
const threadWindow = 30 * time.Minute

// alike is the similarity from which two texts of one sender are about the same matter.
const alike = 0.45

// admit recognises one request under its sender's lock and gives it its ticket.
func (i *Intake) admit(ctx context.Context, a admission) adapters.Outcome {
	turn := senderKey(a)
	defer i.senders.lock(turn)()

	known, release, err := i.Store.Recognise(ctx, store.Recognition{
		Turn: turn, Channel: a.channel.ID, Key: a.request.Key, Sender: senderOf(a), Limit: senderMost,
	})
	if err != nil {
		return failure(err)
	}
	defer release()
	if known.Request != nil {
		return i.again(ctx, a, *known.Request)
	}
	a.own = func() ([]ticket.Ticket, error) { return alikeTraining(&a.request, known.Own), nil }
	out, err := i.settle(ctx, a)
	for tries := 0; ticket.IsKind(err, ticket.Conflict) && tries < 3; tries++ {
		// The tracker or a unit moved the ticket meanwhile: read it again.
		a.own = sync.OnceValues(func() ([]ticket.Ticket, error) {
			own, err := i.Store.Sender(ctx, senderOf(a), senderMost)
			return alikeTraining(&a.request, own), err
		})
		out, err = i.settle(ctx, a)
	}
	switch {
	case isDuplicate(err): // another replica, or another sender's key, was first
		if first, again := i.Store.Request(ctx, a.channel.ID, a.request.Key); again == nil {
			return i.again(ctx, a, first)
		}
		return failure(err)
	case err != nil:
		i.Log.WarnContext(ctx, "request not kept", slog.String("channel", a.channel.ID), slog.Any("error", err))
		return failure(err)
	}
	return out
}

// alikeTraining leaves of a sender's tickets those of exercises to exercises, and the real ones to real requests:
// an exercise must not disappear in a real ticket, nor a real matter in one that nobody is told of.
func alikeTraining(r *ticket.Request, own []ticket.Ticket) []ticket.Ticket {
	return slices.DeleteFunc(slices.Clone(own), func(t ticket.Ticket) bool { return t.Training != r.Training })
}

// again answers a request whose key has been taken before.
func (i *Intake) again(ctx context.Context, a admission, known store.Request) adapters.Outcome {
	if known.Hash == a.hash {
		return repeat(known)
	}
	return i.conflict(ctx, a, known)
}

// settle sends a request where its kind belongs.
func (i *Intake) settle(ctx context.Context, a admission) (adapters.Outcome, error) {
	r := &a.request
	switch {
	case r.Call != nil && r.Kind != ticket.KindCase:
		return i.call(ctx, a)
	case r.Kind == ticket.KindReceipt:
		return i.keep(ctx, a, adapters.Outcome{Result: adapters.Ignored})
	case r.Kind == ticket.KindClear:
		return i.clear(ctx, a)
	case r.Kind == ticket.KindAlarm && r.FoldKey != "":
		return i.alarm(ctx, a)
	}
	t, found, err := i.join(ctx, a)
	switch {
	case err != nil:
		return adapters.Outcome{}, err
	case found && (t.Urgency == ticket.UrgencyEmergency || !deadly(a)):
		return i.supplement(ctx, a, t)
	case found: // danger to life is handed over now, whatever it was about before, but not twice
		if t, found, err = i.sameDanger(a); err != nil {
			return adapters.Outcome{}, err
		}
		if found {
			return i.supplement(ctx, a, t)
		}
	case r.Kind == ticket.KindUpdate && !tellsUs(r):
		return i.keep(ctx, a, adapters.Outcome{Result: adapters.Ignored}) // about a ticket we do not have
	}
	if empty(*r) {
		return i.keep(ctx, a, adapters.Outcome{Result: adapters.Ignored, Text: a.city.Say("describe", nil)})
	}
	if r.Confidential, err = i.guarded(a); err != nil {
		return adapters.Outcome{}, err
	}
	return i.register(ctx, a)
}

// guarded reports whether a request must be kept confidential: because the sender asks for it, or because
// it goes on about a confidential ticket that it could not join.
func (i *Intake) guarded(a admission) (bool, error) {
	if a.request.Confidential || a.request.Historic {
		return a.request.Confidential, nil
	}
	own, err := a.own()
	return slices.ContainsFunc(own, func(t ticket.Ticket) bool { return t.Confidential && i.sameMatter(a, &t) }), err
}

// deadly reports whether a request speaks of danger to life.
func deadly(a admission) bool {
	f, _, _ := facts(a.city, a.channel, &a.request, a.delivery.ReceivedAt)
	result := a.city.Rules.Decide(&f, nil)
	return result.Urgency == ticket.UrgencyEmergency
}

// sameDanger finds the sender's open emergency that a request goes on about.
func (i *Intake) sameDanger(a admission) (ticket.Ticket, bool, error) {
	own, err := a.own()
	for n := range own {
		if own[n].Urgency == ticket.UrgencyEmergency && i.sameMatter(a, &own[n]) {
			return own[n], true, nil
		}
	}
	return ticket.Ticket{}, false, err
}

// tellsUs reports whether an update without a ticket is somebody's word all the same: the ticket has
// ended, or its number was mistaken.
func tellsUs(r *ticket.Request) bool {
	return (r.Source == ticket.SourceCitizen || r.Source == ticket.SourceField) &&
		(strings.TrimSpace(r.Title+r.Text) != "" || len(r.Media) > 0)
}

// keep stores a request that makes no ticket.
func (i *Intake) keep(ctx context.Context, a admission, out adapters.Outcome) (adapters.Outcome, error) {
	d := a.delivery
	d.State = store.DeliveryIgnored
	out.Delivery, out.At = d.ID.String(), i.Now()
	change := store.Change{Lane: a.channel.Lane(), Sender: senderKey(a), Delivery: a.row(d)}
	return out, i.finish(ctx, a, change, out, ticket.ID{})
}

// finish adds the request and its outcome to a change and commits it.
func (i *Intake) finish(ctx context.Context, a admission, change store.Change, out adapters.Outcome, id ticket.ID) error {
	stored, err := json.Marshal(out)
	if err != nil {
		return err
	}
	change.Requests = append(change.Requests, store.Request{
		Channel: a.channel.ID, Key: a.request.Key, Hash: a.hash, Delivery: a.delivery.ID, Ticket: id, Outcome: stored, At: a.delivery.ReceivedAt,
	})
	if err := i.commit(ctx, change); err != nil {
		return err
	}
	*a.kept = true
	return nil
}

// join finds the open ticket that a request of the same citizen belongs to: by its number, by
// its conversation, or by similar words about the same place. A second matter is never swallowed.
func (i *Intake) join(ctx context.Context, a admission) (ticket.Ticket, bool, error) {
	r := &a.request
	if r.Historic || r.Answer != "" {
		return ticket.Ticket{}, false, nil
	}
	own, err := a.own()
	if err != nil {
		return ticket.Ticket{}, false, err
	}
	quoted := ticket.FindNumbers(r.Text)
	if r.TicketNumber != "" {
		quoted = []string{r.TicketNumber}
	}
	for _, number := range quoted {
		// A number opens a ticket only for who filed it, or for another system we trust.
		for _, t := range own {
			if t.Number == number {
				return t, true, nil
			}
		}
		if a.channel.Source == ticket.SourceExchange && r.TicketNumber != "" { // the system's word, not its caller's
			item, err := i.Store.TicketByNumber(ctx, number)
			if err == nil && item.State.Open() && item.Training == r.Training {
				return item.Ticket, true, nil
			}
			if err != nil && !isMissing(err) {
				return ticket.Ticket{}, false, err
			}
		}
	}
	for _, t := range own {
		if i.sameMatter(a, &t) && (!t.Confidential || sameAccount(a, &t)) {
			return t, true, nil
		}
	}
	return ticket.Ticket{}, false, nil
}

// sameAccount reports whether the sender is the ticket's by the platform's word. A telephone number in a
// form is anybody's to claim: who gives a neighbour's number and guesses the words must not be told that
// the neighbour has complained.
func sameAccount(a admission, t *ticket.Ticket) bool {
	id := senderOf(a).ChannelID
	return id != "" && t.Channel == a.channel.ID && (id == t.Private.Appellant.ChannelID || id == t.Private.FiledBy.ChannelID)
}

// senderMost bounds how many open tickets of one sender are looked at.
const senderMost = 200

// sameMatter reports whether a request goes on about the sender's ticket t.
func (i *Intake) sameMatter(a admission, t *ticket.Ticket) bool {
	r := &a.request
	if t.Source != r.Source || t.Quarantined || r.Confidential && !t.Confidential {
		return false
	}
	words := strings.TrimSpace(r.Title + "\n" + r.Text)
	inThread := r.ThreadKey != "" && t.Channel == a.channel.ID && t.ThreadKey == r.ThreadKey &&
		a.delivery.ReceivedAt.Sub(t.UpdatedAt) <= threadWindow
	if inThread && r.Kind == ticket.KindMessage && (r.Text == "" || isUrge(words) && !saysMore(a, t, words)) {
		return true // a picture, a place, or only an urge, in the midst of a conversation
	}
	return text.Similarity(words, t.Private.Title+"\n"+t.Private.Text) >= alike && samePlace(a, t)
}

// urgeMost is how many characters an urge may hold beside the asking itself.
const urgeMost = 10

// asking is what people say around an urge.
var asking = strings.NewReplacer(slices.Concat(pairsOf(urges), pairsOf([]string{
	"你们", "我们", "到底", "麻烦", "请问", "一下", "反映", "上报", "问题",
	"事情", "情况", "工单", "处理", "解决", "这么久", "好几天", "已经", "人来", "工作人员", "您好", "你好",
}))...)

func pairsOf(words []string) (pairs []string) {
	for _, w := range words {
		pairs = append(pairs, w, "")
	}
	return pairs
}

// saysMore reports whether words that urge are about something else than the ticket: 单位拖欠工资没人管
// complains that nobody cares, but not about the street lamp of before. What names the ticket's own
// category does not, whatever its length.
func saysMore(a admission, t *ticket.Ticket, words string) bool {
	if found := named(a.city, &a.request); found != "" {
		return found != t.Category
	}
	letters := 0
	for _, r := range asking.Replace(words) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters++
		}
	}
	return letters > urgeMost
}

// samePlace reports whether nothing speaks for another place. The same words a street further are
// another lamp, another manhole.
func samePlace(a admission, t *ticket.Ticket) bool {
	r := &a.request
	here, known := wgs84(a.city, r.Place)
	if there, both := wgs84(a.city, t.Private.Place); known && both {
		return geo.Distance(here, there) <= same.NearRadius
	}
	where := locate(a.city, r)
	return where.Region == "" || t.Region == "" || where.Region == t.Region ||
		a.city.Rules.WithinRegion(where.Region, t.Region) || a.city.Rules.WithinRegion(t.Region, where.Region)
}

// urges are the words by which people ask where their matter stands.
var urges = []string{"催", "怎么还没", "怎么还不", "还没处理", "还没解决", "还没人", "什么时候处理", "什么时候能", "多久才", "处理了吗", "处理得怎么样", "进展", "进度", "没人管", "没人来"}

// isUrge reports whether a short text asks for speed or progress rather than telling news.
func isUrge(words string) bool {
	if utf8.RuneCountInString(words) > 60 {
		return false
	}
	for _, u := range urges {
		if strings.Contains(words, u) {
			return true
		}
	}
	return false
}

// leastWords is the length from which a message of a conversation says something.
const leastWords = 4

// empty reports whether a message holds nothing to act on: a greeting, a sticker.
func empty(r ticket.Request) bool {
	return r.Kind == ticket.KindMessage && len(r.Media) == 0 && !r.Place.HasPoint() &&
		utf8.RuneCountInString(strings.TrimSpace(r.Title+r.Text)) < leastWords
}

// supplement adds a request to the sender's open ticket, as an urge when that is what it is.
func (i *Intake) supplement(ctx context.Context, a admission, t ticket.Ticket) (adapters.Outcome, error) {
	r := &a.request
	action, say := ticket.Supplement, "joined"
	if isUrge(r.Title + r.Text) {
		action, say = ticket.Urge, "urged"
	}
	history, err := i.Store.History(ctx, t.ID)
	if err != nil {
		return adapters.Outcome{}, err
	}
	history = city.Upto(&t, history)
	expect, now := t.Version, i.Now()
	e, err := t.Do(ticket.Command{
		Action: action, Actor: actorOf(a), Details: ticket.Details{Channel: a.channel.ID},
		Private: &ticket.Private{Title: r.Title, Text: r.Text, Media: r.Media, Place: r.Place},
	}, now, i.Random)
	if err != nil {
		return adapters.Outcome{}, err
	}
	next := a.city.Change(expect, t, append(history, e), now)
	out := i.joined(a, next, say)
	change := store.Change{Lane: a.channel.Lane(), Sender: senderKey(a), Delivery: a.row(a.delivery), Tickets: []store.TicketChange{next}}
	if unit := t.LeadUnit(); a.city.HasSystem(unit) {
		n, err := outbox.ForUnit(unit, a.city.UnitTitle(unit), &t, e)
		if err != nil {
			return adapters.Outcome{}, err
		}
		change.Outbox = append(change.Outbox, n)
	}
	if err := i.finish(ctx, a, change, out, t.ID); err != nil {
		return adapters.Outcome{}, err
	}
	i.Committed(false)
	return out, nil
}

// senderOf is who a request can be matched by: the appellant's phone, or the id of whoever filed
// it within the channel. A person who files for others (a grid worker, an observer) is nobody's
// sender: their requests are different citizens' matters.
func senderOf(a admission) store.Sender {
	r := &a.request
	s := store.Sender{Phone: r.Appellant.Phone, Channel: a.channel.ID, ChannelID: r.Appellant.ChannelID}
	if r.Appellant.IsZero() && r.Source != ticket.SourceCitizen {
		s.ChannelID = r.FiledBy.ChannelID
	}
	return s
}

// senderKey is what requests of one sender share.
func senderKey(a admission) string {
	switch {
	case a.request.FoldKey != "":
		return "f:" + a.channel.ID + ":" + a.request.FoldKey
	case a.request.Call != nil:
		return "c:" + a.channel.ID + ":" + a.request.Call.CallID
	default:
		return senderName(senderOf(a), a.channel.ID+":"+a.request.Key)
	}
}

// senderName tells senders apart; one nobody knows is as good as their request.
func senderName(s store.Sender, request string) string {
	switch {
	case s.Phone != "":
		return "p:" + s.Phone
	case s.ChannelID != "":
		return "i:" + s.Channel + ":" + s.ChannelID
	default:
		return "k:" + request
	}
}

// agentsForm is the adapter whose cases are typed by agents; it verifies who fills the form in.
const agentsForm = "phone"

// actorOf is who acted, without personal data.
func actorOf(a admission) ticket.Actor {
	switch {
	case a.request.Call != nil && a.request.Call.Agent != "":
		return ticket.Actor{Kind: ticket.ActorUser, ID: a.request.Call.Agent}
	case a.channel.Spec.Name == agentsForm && a.request.Attributes["agent"] != "":
		return ticket.Actor{Kind: ticket.ActorUser, ID: a.request.Attributes["agent"]}
	case a.request.Source == ticket.SourceCitizen:
		return ticket.Actor{Kind: ticket.ActorCitizen, ID: a.channel.ID}
	default:
		return ticket.Actor{Kind: ticket.ActorChannel, ID: a.channel.ID}
	}
}
