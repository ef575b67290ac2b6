// Package intake is what happens to a delivery: verify → normalise → recognise → fill in facts →
// route → set clocks → commit → acknowledge (design §3). Nothing is acknowledged before it is on
// disk, and nothing that was signed is lost: what cannot be read becomes a stub an agent sees.
//
// It knows no HTTP framework and no SQL. Time comes in with the delivery and from Options.Now.
package intake

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what intake reads and writes.
type Store interface {
	store.Writer
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
	TicketByNumber(ctx context.Context, number string) (store.Item, error)
	Tickets(ctx context.Context, f store.Filter) (store.Page, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
	Request(ctx context.Context, channel, key string) (store.Request, error)
	Delivery(ctx context.Context, id ticket.ID) (store.Delivery, error)
	Recognise(ctx context.Context, r store.Recognition) (known store.Recognised, release func(), err error)
	Sender(ctx context.Context, s store.Sender, limit int) ([]ticket.Ticket, error)
	Thread(ctx context.Context, channel, key string) (ticket.Ticket, error)
	Fold(ctx context.Context, channel, key string) (ticket.Ticket, error)
	Call(ctx context.Context, channel, callID string) (store.Call, error)
	FeedRegistered(ctx context.Context, after int64, limit int) ([]store.FeedItem, error)
	Reports(ctx context.Context, ids []ticket.ID, from time.Time) ([]store.Report, error)
	FeedEnd(ctx context.Context) (int64, error)
	store.Numbers
}

// Options are the parts intake works with. All are required but Committed and Metrics.
type Options struct {
	Store  Store
	Live   *city.Live
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
	Desk   adapters.PublicDesk // for channels whose protocol has reads
	// Committed is told after each commit that changed tickets; urgent when an emergency is among them.
	Committed func(urgent bool)
	Metrics   *Metrics
}

// Intake takes deliveries. It is safe for concurrent use.
type Intake struct {
	Options
	senders   locks
	numbers   numbers
	incidents *incidents
}

// New makes an Intake.
func New(o Options) *Intake {
	if o.Committed == nil {
		o.Committed = func(bool) {}
	}
	return &Intake{Options: o, numbers: numbers{store: o.Store}, incidents: newIncidents()}
}

// Result is what a delivery's sender gets and what became of it.
type Result struct {
	Reply   adapters.Reply
	Outcome adapters.Outcome
	// Rendered says that the channel made Reply; else the edge renders Outcome its own way.
	Rendered bool
}

// Take handles one delivery to its end. It never returns an error: everything that can go wrong
// has an outcome, and every outcome an answer of the channel's own kind. ctx ends when the caller
// stops waiting; a write under way is finished all the same.
func (i *Intake) Take(ctx context.Context, in adapters.Inbound) Result {
	return i.TakeWithFiles(ctx, in, nil)
}

// KeepFiles stores the file parts of a delivery and gives it back without their bytes.
type KeepFiles func(ctx context.Context, in adapters.Inbound) (adapters.Inbound, error)

// TakeWithFiles is Take for a delivery with file parts. It is verified as it came; only then keep is
// called, so that strangers fill no disk. What is read and kept is the delivery keep returns.
func (i *Intake) TakeWithFiles(ctx context.Context, in adapters.Inbound, keep KeepFiles) Result {
	c := i.Live.Get()
	ch, ok := c.Channels[in.Channel]
	if !ok {
		return Result{Outcome: adapters.Outcome{Result: adapters.Refused, Code: "channel.unknown", At: in.ReceivedAt}}
	}
	ctx, cancel := context.WithTimeout(ctx, patience(ch.Spec.Deadline))
	defer cancel()

	opened, reply, done, err := i.open(ctx, ch, in)
	if done {
		i.Metrics.delivery(ch.ID, "handshake")
		return Result{Reply: reply, Rendered: true}
	}
	if err == nil && keep != nil {
		in, err = keep(ctx, opened)
		opened = in
	}
	var out adapters.Outcome
	if err != nil {
		out = refusal(err)
	} else {
		out = i.Deliver(ctx, ch, in, opened)
	}
	return i.acknowledge(ch, in, out)
}

// open verifies a delivery and answers what the platform asks of the endpoint itself.
func (i *Intake) open(ctx context.Context, ch *city.Channel, in adapters.Inbound) (opened adapters.Inbound, reply adapters.Reply, done bool, err error) {
	defer rescue(&err)
	opened = in
	if o, can := ch.Adapter.(adapters.Opener); can {
		if opened, err = o.Open(in); err != nil {
			return in, reply, false, err
		}
	}
	if h, can := ch.Adapter.(adapters.Handshaker); can {
		if reply, done = h.Handshake(opened); done {
			return opened, reply, true, nil
		}
	}
	if q, can := ch.Adapter.(adapters.Querier); can && i.Desk != nil {
		if reply, done = q.Query(ctx, opened, i.Desk); done {
			return opened, reply, true, nil
		}
	}
	return opened, reply, false, nil
}

// Deliver takes an opened delivery: raw is kept as it came, opened is read.
func (i *Intake) Deliver(ctx context.Context, ch *city.Channel, raw, opened adapters.Inbound) adapters.Outcome {
	out := i.deliver(ctx, ch, raw, opened)
	if out.At.IsZero() {
		out.At = i.Now()
	}
	return out
}

func (i *Intake) deliver(ctx context.Context, ch *city.Channel, raw, opened adapters.Inbound) adapters.Outcome {
	c := i.Live.Get()
	admissions, err := read(c, ch, opened)
	d, derr := i.newDelivery(raw)
	if derr != nil {
		return failure(derr)
	}
	switch {
	case err != nil && ticket.IsKind(err, ticket.Invalid) && ch.Spec.OwnsKeys:
		return i.reject(ctx, ch, d, err)
	case err != nil:
		return i.quarantine(ctx, ch, d, opened, err)
	case len(admissions) == 0:
		return i.ignore(ctx, ch, d)
	}
	var all adapters.Outcome
	kept := false
	for _, a := range admissions {
		a.delivery, a.kept = d, &kept
		all = merge(all, i.admit(ctx, a))
		if all.Result == adapters.Unavailable {
			return all // the sender tries the whole delivery again; what is stored answers as a repeat
		}
	}
	return all
}

// read makes the requests of a delivery, ready to be admitted. What no later try could keep is an
// error here, before anything of the delivery is: a sender that is told to try again would do so for
// ever, and lose it in the end.
func read(c *city.City, ch *city.Channel, opened adapters.Inbound) ([]admission, error) {
	requests, err := normalize(ch.Adapter, opened)
	if err != nil {
		return nil, err
	}
	list := make([]admission, len(requests))
	for n, r := range requests {
		a := admission{city: c, channel: ch, request: prepare(ch, opened, r)}
		if a.request.Key == "" {
			return nil, ticket.Errorf(ticket.Invalid, "request.key", "the channel gave request %d of the delivery no key", n+1)
		}
		if _, known := c.Rules.Unit(a.request.Unit); !known && a.request.Unit != "" {
			return nil, ticket.Errorf(ticket.Invalid, "unit.unknown", "承办单位 %q 不在城市包中", a.request.Unit)
		}
		if a.hash, err = contentHash(a.request); err != nil { // a coordinate that is no number, a year of 12000
			return nil, ticket.Errorf(ticket.Invalid, "request.value", "request %d of the delivery holds a number or time that cannot be kept", n+1).Because(err)
		}
		list[n] = a
	}
	return list, nil
}

// normalize calls the adapter and turns a panic of its code into an error: one bad body must not
// take the process down, and the delivery goes to quarantine.
func normalize(a adapters.Adapter, in adapters.Inbound) (requests []ticket.Request, err error) {
	defer rescue(&err)
	return a.Normalize(in)
}

func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("intake: the adapter panicked: %v", p)
	}
}

// prepare fills in what the channel's configuration says of every request. Words of no list, which
// would end up in rules and labels, count as not said.
func prepare(ch *city.Channel, in adapters.Inbound, r ticket.Request) ticket.Request {
	r.Source = listed(ticket.Sources, r.Source, ch.Source)
	r.Kind = listed(ticket.Kinds, r.Kind, first(ch.Kind, ticket.KindCase))
	r.Type = listed(ticket.RequestTypes, r.Type, "")
	r.Urgency = listed(ticket.Urgencies, r.Urgency, "")
	if r.Kind != ticket.KindAlarm && r.Kind != ticket.KindClear {
		r.FoldKey = "" // only a machine's repeats fold; anybody's words are a request of their own
	}
	if r.ThreadKey != "" { // often who speaks, and kept in the clear: only its sameness matters
		r.ThreadKey = ticket.Chain(ticket.Hash{}, []byte(in.Channel+"\x00"+r.ThreadKey)).String()[:32]
	}
	if r.Region == "" {
		r.Region = ch.Region
	}
	r.Training = r.Training || ch.Training
	if r.HappenedAt.After(in.ReceivedAt.Add(24 * time.Hour)) {
		r.HappenedAt = time.Time{} // a clock of 2099 tells nothing
	}
	return r
}

// listed is v when the list has it, else the fallback.
func listed[T comparable](list []T, v, fallback T) T {
	if slices.Contains(list, v) {
		return v
	}
	return fallback
}

// patience is how long a sender is kept waiting: its deadline less a second, so that it hears
// from us before it gives up.
func patience(deadline time.Duration) time.Duration {
	if deadline <= 0 {
		deadline = 15 * time.Second
	}
	return max(deadline-time.Second, time.Second)
}

// acknowledge renders the outcome in the channel's own form.
func (i *Intake) acknowledge(ch *city.Channel, in adapters.Inbound, out adapters.Outcome) Result {
	i.Metrics.delivery(ch.ID, string(out.Result))
	a, can := ch.Adapter.(adapters.Acknowledger)
	if !can {
		return Result{Outcome: out}
	}
	var nonce [12]byte
	if _, err := io.ReadFull(i.Random, nonce[:]); err == nil {
		out.Nonce = hex.EncodeToString(nonce[:])
	}
	return Result{Reply: a.Acknowledge(in, out), Outcome: out, Rendered: true}
}

// commit writes one change and says what kind of failure it met, if any.
func (i *Intake) commit(ctx context.Context, change store.Change) error {
	return i.Store.Commit(ctx, change)[0]
}

func isDuplicate(err error) bool { return ticket.IsKind(err, ticket.Duplicate) }
func isMissing(err error) bool   { return ticket.IsKind(err, ticket.NotFound) }

// failure is the outcome of an error that is ours: the sender shall try again.
func failure(err error) adapters.Outcome {
	out := adapters.Outcome{Result: adapters.Unavailable, Code: "store.unavailable", RetryAfter: 5 * time.Second}
	var e *ticket.Error
	if errors.As(err, &e) && e.Kind == ticket.Unavailable {
		out.Code = e.Code
		if e.RetryAfter > 0 {
			out.RetryAfter = e.RetryAfter
		}
	}
	return out
}

// refusal is the outcome of a delivery that could not be verified: no detail for the caller.
func refusal(err error) adapters.Outcome {
	out := adapters.Outcome{Result: adapters.Refused, Code: "delivery.unauthenticated"}
	if e, ok := errors.AsType[*ticket.Error](err); ok {
		switch e.Kind {
		case ticket.Invalid, ticket.TooLarge:
			return adapters.Outcome{Result: adapters.Rejected, Code: e.Code, Errors: e.Fields, Text: e.Message}
		case ticket.Forbidden:
			out.Code = "delivery.forbidden"
		case ticket.Unavailable:
			return failure(err) // an attachment could not be kept
		default:
		}
	}
	return out
}

// merge makes one outcome of a delivery's many requests: the first ticket's words, the worst result.
func merge(all, next adapters.Outcome) adapters.Outcome {
	if all.Result == "" {
		return next
	}
	all.Tickets = append(all.Tickets, next.Tickets...)
	if severity[next.Result] > severity[all.Result] {
		all.Result, all.Code, all.RetryAfter = next.Result, next.Code, next.RetryAfter
		if next.Text != "" {
			all.Text = next.Text
		}
	}
	return all
}

// severity orders results: what matters most to the sender of several requests comes last.
var severity = map[adapters.Result]int{
	adapters.Ignored: 0, adapters.Repeated: 1, adapters.Accepted: 2, adapters.Quarantined: 3,
	adapters.Conflicting: 4, adapters.Rejected: 5, adapters.Unavailable: 6,
}
