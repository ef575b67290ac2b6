package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/internal/sender"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Store is what the worker reads and writes.
type Store interface {
	store.Writer
	store.Outbox
	store.Pages
	Ticket(ctx context.Context, id ticket.ID) (store.Item, error)
	History(ctx context.Context, id ticket.ID) ([]ticket.Event, error)
}

// Media keeps fetched attachments.
type Media interface {
	Put(r io.Reader) (ticket.MediaRef, error)
}

// Options are the parts of a worker. All are required but Metrics.
type Options struct {
	Store  Store
	Live   *city.Live
	Media  Media
	HTTP   *http.Client                                                         // refuses private networks unless the pack allows the host
	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // to mail servers, by the same rules; nil: there are none
	Secret func(adapters.SecretRef) (string, error)
	Random io.Reader
	Log    *slog.Logger
	Now    func() time.Time // the gateway's clock
	Wall   func() time.Time // the world's clock, for signatures; the same as Now but in a demo
	// Speed is how fast Now runs beside the world's clock; 0 means 1.
	Speed float64
	// Every is the pause between idle looks; 0 means 1 s.
	Every   time.Duration
	Metrics *Metrics
}

// Worker delivers notices. Two lanes run beside each other, so that an emergency never waits
// behind other notices.
type Worker struct {
	Options
	urgent, ordinary chan struct{}
	breakers         *breakers
	ran              *atomic.Int64 // when a look last ended well, Unix ms by Now; 0: not yet
}

// longest is how long one attempt may take.
const longest = time.Minute

// lease is how long a claimed notice stays this worker's after it was last heard of, by the world's
// clock. It is renewed while attempts go on, so another gateway takes over from a dead one soon after.
const lease = 8 * time.Second

// hands is how many work in each lane: a batch that waits for a receiver that hangs is not waited
// for by the next emergency.
const hands = 4

// claimMost is how many notices are delivered side by side.
const claimMost = 64

// gather is how long ordinary notices wait for company after the first wakes their lane: each look
// costs the store's writer two transactions, and a unit does not feel a quarter of a second.
const gather = 250 * time.Millisecond

// backoff are the waits after failed attempts; after the last the notice is dead and listed.
var backoff = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour,
}

// urgentBackoff keeps an emergency's attempts close together.
var urgentBackoff = []time.Duration{
	5 * time.Second, 5 * time.Second, 10 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, time.Minute,
	5 * time.Minute, 15 * time.Minute, time.Hour,
}

// New makes a Worker.
func New(o Options) *Worker {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	return &Worker{Options: o, urgent: make(chan struct{}, 1), ordinary: make(chan struct{}, 1), breakers: newBreakers(o.Metrics), ran: &atomic.Int64{}}
}

// Wake says that there is something to deliver; urgent when it is an emergency.
func (w *Worker) Wake(urgent bool) {
	wake := w.ordinary
	if urgent {
		wake = w.urgent
	}
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. What is under way then is given up and tried again after its lease.
func (w *Worker) Run(ctx context.Context) {
	var both sync.WaitGroup
	for range hands {
		both.Go(func() { w.lane(ctx, w.urgent, KindEmergency, KindUrgentPage) })
		both.Go(func() { w.lane(ctx, w.ordinary, KindUnit, KindCitizen, KindLadder, KindMedia) })
	}
	for range pageHands {
		both.Go(func() { w.lane(ctx, nil, KindPage) })
	}
	both.Wait()
}

func (w *Worker) lane(ctx context.Context, wake <-chan struct{}, kinds ...string) {
	ticker := time.NewTicker(w.Every)
	defer ticker.Stop()
	for {
		now := w.Now()
		n, err := w.RunOnce(ctx, now, kinds...)
		if err == nil {
			w.ran.Store(now.UnixMilli())
		}
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "notices not delivered", slog.Any("error", err))
		}
		if n == claimMost && err == nil {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
			if wake == w.ordinary {
				pause(ctx, gather)
			}
		case <-ticker.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// RunOnce claims due notices of some kinds (all when none is named), tries each once and records
// what came of it. It returns how many it tried.
func (w *Worker) RunOnce(ctx context.Context, now time.Time, kinds ...string) (int, error) {
	n, single := 0, kinds
	for _, kind := range []string{KindUrgentPage, KindPage} {
		if len(kinds) > 0 && !slices.Contains(kinds, kind) {
			continue
		}
		some, err := w.runPages(ctx, kind, now)
		if n += some; err != nil {
			return n, err
		}
		single = slices.DeleteFunc(slices.Clone(single), func(k string) bool { return k == kind })
	}
	if len(kinds) > 0 && len(single) == 0 {
		return n, nil
	}
	some, err := w.runSingle(ctx, now, single)
	return n + some, err
}

// Ran is when a look of any lane last ended well; zero when none has yet.
func (w *Worker) Ran() time.Time {
	if ms := w.ran.Load(); ms != 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// runSingle delivers notices that go by themselves.
func (w *Worker) runSingle(ctx context.Context, now time.Time, kinds []string) (int, error) {
	claimed, err := w.Store.Claim(ctx, now, w.lease(), claimMost, kinds...)
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	release := w.hold(ctx, claimed)
	results := make([]store.NoticeResult, len(claimed))
	var all sync.WaitGroup
	for n := range claimed {
		all.Go(func() { results[n] = w.attempt(ctx, &claimed[n], now) })
	}
	all.Wait()
	release()
	return len(claimed), w.Store.Settle(context.WithoutCancel(ctx), results)
}

// lease is the length of a lease by Now.
func (w *Worker) lease() time.Duration { return time.Duration(w.Speed * float64(lease)) }

// hold renews the leases of notices until it is released. A renewal that fails is no matter: at the
// worst a receiver gets a notice twice, with the same id.
func (w *Worker) hold(ctx context.Context, claimed []store.StoredNotice) (release func()) {
	ids := make([]int64, len(claimed))
	for i := range claimed {
		ids[i] = claimed[i].ID
	}
	return w.renewing(ctx, func(until time.Time) { _ = w.Store.Renew(ctx, ids, until) })
}

func (w *Worker) renewing(ctx context.Context, renew func(until time.Time)) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		ticker := time.NewTicker(lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				renew(w.Now().Add(w.lease()))
			}
		}
	})
	return func() {
		cancel()
		renewing.Wait()
	}
}

// attempt tries one notice and says how it stands.
func (w *Worker) attempt(ctx context.Context, n *store.StoredNotice, now time.Time) store.NoticeResult {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	result := store.NoticeResult{ID: n.ID, State: store.NoticeDelivered, At: now}
	err := w.deliver(ctx, n)
	if err == nil {
		w.Metrics.delivered(n.Kind, "delivered")
		return result
	}
	result.Error = plain(err)
	waits := backoff
	if n.Kind == KindEmergency {
		waits = urgentBackoff
	}
	if n.Attempts > len(waits) || final(err) { // the attempt just made is counted
		result.State = store.NoticeDead
		w.Metrics.delivered(n.Kind, "dead")
		w.Log.ErrorContext(ctx, "notice given up", slog.Int64("notice", n.ID), slog.String("kind", n.Kind), slog.String("target", n.Target), slog.String("error", result.Error))
		return result
	}
	result.State, result.Next = store.NoticePending, now.Add(waits[n.Attempts-1])
	w.Metrics.delivered(n.Kind, "retry")
	return result
}

// deliver sends one notice where its kind goes. A panic of an adapter is a failure of this notice: it
// must not take the process down, and again after every restart.
func (w *Worker) deliver(ctx context.Context, n *store.StoredNotice) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: delivering to %s panicked (%T)", n.Target, p)
		}
	}()
	if len(n.Body) == 0 {
		return errFinal(errors.New("outbox: the words of the notice cannot be read: their key is gone or they were damaged"))
	}
	if err := w.leaves(ctx, n); err != nil {
		return err
	}
	c := w.Live.Get()
	switch n.Kind {
	case KindUnit, KindEmergency, KindLadder:
		return w.toUnit(ctx, c, n)
	case KindCitizen:
		return w.toCitizen(ctx, c, n)
	case KindMedia:
		return w.fetch(ctx, c, n)
	default:
		return errFinal(fmt.Errorf("outbox: unknown kind %q", n.Kind))
	}
}

// toUnit posts the notice to the unit's own system. A unit without one reads it in the console.
// A unit that takes over an emergency has signed for it.
func (w *Worker) toUnit(ctx context.Context, c *city.City, n *store.StoredNotice) error {
	u, ok := c.Rules.Unit(n.Target)
	if !ok {
		return errFinal(fmt.Errorf("outbox: unit %s is not in the pack", n.Target))
	}
	if u.Notify == nil {
		return nil
	}
	secret, err := w.Secret(adapters.SecretRef(u.Notify.Secret))
	if err != nil {
		return err
	}
	if err := w.post(ctx, u.Notify.URL, secret, n); err != nil {
		return err
	}
	if n.Kind == KindEmergency {
		return w.sign(ctx, c, n)
	}
	return nil
}

// toCitizen answers on the channel the request came by. A channel that cannot reply leaves the
// answer to the public track.
func (w *Worker) toCitizen(ctx context.Context, c *city.City, n *store.StoredNotice) error {
	ch, ok := c.Channels[n.Target]
	if !ok {
		return errFinal(fmt.Errorf("outbox: channel %s is not in the pack", n.Target))
	}
	replier, can := ch.Adapter.(adapters.Replier)
	if !can {
		return nil
	}
	var notice CitizenNotice
	if err := json.Unmarshal(n.Body, &notice); err != nil {
		return errFinal(fmt.Errorf("outbox: notice %d: %w", n.ID, err))
	}
	if until := notice.To.Until; until != 0 && w.Now().UnixMilli() > until {
		return errFinal(errors.New("outbox: the channel no longer takes replies to this citizen"))
	}
	_, err := replier.Reply(ctx, notice.To, notice.Message)
	return err
}

// fetch brings an attachment home before the platform drops it, and adds it to its ticket.
func (w *Worker) fetch(ctx context.Context, c *city.City, n *store.StoredNotice) error {
	ch, ok := c.Channels[n.Target]
	if !ok {
		return errFinal(fmt.Errorf("outbox: channel %s is not in the pack", n.Target))
	}
	fetcher, can := ch.Adapter.(adapters.MediaFetcher)
	if !can {
		return nil // the reference on the ticket is all there is
	}
	var ref ticket.MediaRef
	if err := json.Unmarshal(n.Body, &ref); err != nil {
		return errFinal(fmt.Errorf("outbox: notice %d: %w", n.ID, err))
	}
	body, err := fetcher.Fetch(ctx, ref)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // read to its end
	kept, err := w.Media.Put(body)
	if err != nil {
		return err
	}
	kept.Name, kept.Role, kept.Ref = ref.Name, ref.Role, ref.Ref
	return w.record(ctx, c, n.Ticket, func(*ticket.Ticket) (ticket.Command, bool) {
		return ticket.Command{
			Action: ticket.Amend, Actor: ticket.Actor{Kind: ticket.ActorChannel, ID: n.Target},
			Cause: ticket.Cause{Reason: "media_fetched"}, Private: &ticket.Private{Media: []ticket.MediaRef{kept}},
		}, true
	})
}

// sign records that the unit took an emergency over.
func (w *Worker) sign(ctx context.Context, c *city.City, n *store.StoredNotice) error {
	return w.record(ctx, c, n.Ticket, func(t *ticket.Ticket) (ticket.Command, bool) {
		for _, a := range t.Assignments {
			if a.Unit == n.Target && slices.Contains(t.LegalOn(a.No), ticket.Sign) {
				return ticket.Command{
					Action: ticket.Sign, Actor: ticket.Actor{Kind: ticket.ActorUnit, ID: a.Unit, Unit: a.Unit},
					Cause: ticket.Cause{Reason: "handed_over"}, Details: ticket.Details{Assignment: a.No},
				}, true
			}
		}
		return ticket.Command{}, false
	})
}

// record adds one event to a ticket, reading again when somebody else moved it meanwhile.
func (w *Worker) record(ctx context.Context, c *city.City, id ticket.ID, command func(*ticket.Ticket) (ticket.Command, bool)) error {
	var err error
	for range 4 {
		var item store.Item
		if item, err = w.Store.Ticket(ctx, id); err != nil {
			return err
		}
		t := item.Ticket
		cmd, wanted := command(&t)
		if !wanted {
			return nil
		}
		var history []ticket.Event
		if history, err = w.Store.History(ctx, id); err != nil {
			return err
		}
		history = city.Upto(&t, history)
		now := w.Now()
		var e ticket.Event
		if e, err = t.Do(cmd, now, w.Random); err != nil {
			return err
		}
		change := store.Change{Tickets: []store.TicketChange{c.Change(item.Version, t, append(history, e), now)}}
		if err = w.Store.Commit(ctx, change)[0]; !ticket.IsKind(err, ticket.Conflict) {
			return err
		}
	}
	return err
}

// post sends a body signed by Standard Webhooks. Any answer but 2xx is a failure; 410 a final one.
func (w *Worker) post(ctx context.Context, address, secret string, n *store.StoredNotice) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(n.Body))
	if err != nil {
		return errFinal(fmt.Errorf("outbox: address of %s: %w", n.Target, err))
	}
	if err := w.signed(req, secret, n); err != nil {
		return errFinal(err)
	}
	resp, err := w.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("outbox: %s did not answer: %w", n.Target, err)
	}
	defer resp.Body.Close()                                       //nolint:errcheck // read below
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusGone:
		return errFinal(fmt.Errorf("outbox: %s no longer takes notices (410)", n.Target))
	default:
		return fmt.Errorf("outbox: %s answered %d", n.Target, resp.StatusCode)
	}
}

// finalError is a failure that trying again would not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func errFinal(err error) error { return finalError{err} }

func final(err error) bool {
	var f finalError
	var e *ticket.Error
	if r, ok := errors.AsType[*sender.RefusalError](err); ok {
		return r.Final
	}
	return errors.As(err, &f) || errors.As(err, &e) && (e.Kind == ticket.Invalid || e.Kind == ticket.NotFound || e.Kind == ticket.Forbidden)
}

// plain is an error for the list of notices: bounded, one line, of an address only the host: platforms
// want their tokens in its query, in its path or before its host.
func plain(err error) string {
	text := err.Error()
	if u, ok := errors.AsType[*url.Error](err); ok {
		bare := "the address"
		if parsed, parseErr := url.Parse(u.URL); parseErr == nil {
			bare = parsed.Scheme + "://" + parsed.Host
		}
		text = strings.NewReplacer(strconv.Quote(u.URL), bare, u.URL, bare).Replace(text)
	}
	s := []rune(strings.Join(strings.Fields(text), " "))
	return string(s[:min(len(s), 300)])
}

// signed gives a request the three headers of Standard Webhooks. The id is the same for every
// attempt, so that the receiver can tell a repeat.
func (w *Worker) signed(req *http.Request, secret string, n *store.StoredNotice) error {
	id, at := "ntc_"+ticket.Chain(ticket.Hash{}, []byte(n.Key)).String()[:32], w.Wall()
	signed, err := signature.SignStandardWebhook(secret, id, at, n.Body)
	if err != nil {
		return fmt.Errorf("outbox: secret of %s: %w", n.Target, err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "hotline")
	req.Header.Set(signature.HeaderWebhookID, id)
	req.Header.Set(signature.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(signature.HeaderWebhookSignature, signed)
	return nil
}
