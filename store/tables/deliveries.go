package tables

import (
	"context"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Request implements [store.Reader].
func (s *Tables) Request(ctx context.Context, channel, key string) (store.Request, error) {
	q := s.AskRequest(channel, key)
	return one(ctx, s.DB, q.What, q.Text, q.Scan, q.Args...)
}

// AskRequest asks for a request by its key.
func (s *Tables) AskRequest(channel, key string) Question[store.Request] {
	return Question[store.Request]{
		"request", selectRequest,
		[]any{channel, plain(key)},
		func(r Row) (store.Request, error) {
			var kept keptRequest
			if err := r.Scan(kept.columns()...); err != nil {
				return store.Request{}, err
			}
			return s.request(channel, key, &kept)
		},
	}
}

const (
	requestColumns = `r.hash, r.delivery, r.ticket, r.at, r.sealed`
	selectRequest  = `SELECT ` + requestColumns + ` FROM requests r WHERE r.channel = ? AND r.key = ?`
)

// keptRequest is a row of requests as it is stored.
type keptRequest struct {
	hash             dbHash
	delivery, ticket dbID
	at               dbTime
	sealed           []byte
}

func (k *keptRequest) columns() []any {
	return []any{&k.hash, &k.delivery, &k.ticket, &k.at, &k.sealed}
}

func (s *Tables) request(channel, key string, k *keptRequest) (store.Request, error) {
	outcome, err := s.open(k.sealed, placeRequest, requestPlace(channel, key))
	return store.Request{Channel: channel, Key: key, Hash: k.hash.Hash, Delivery: k.delivery.ID, Ticket: k.ticket.ID, Outcome: outcome, At: k.at.Time}, err
}

const (
	deliveryHead   = `SELECT d.id, d.channel, d.received_at, d.state, d.code, `
	selectDelivery = deliveryHead + `d.sealed FROM deliveries d WHERE `
)

func (s *Tables) scanDelivery(r Row) (store.Delivery, error) {
	var (
		d      store.Delivery
		id     dbID
		at     dbTime
		sealed []byte
	)
	if err := r.Scan(&id, &d.Channel, &at, &d.State, &d.Code, &sealed); err != nil {
		return d, err
	}
	d.ID, d.ReceivedAt = id.ID, at.Time
	var err error
	d.Raw, err = s.open(sealed, placeDelivery, id.ID[:])
	return d, err
}

// Delivery implements [store.Reader].
func (s *Tables) Delivery(ctx context.Context, id ticket.ID) (store.Delivery, error) {
	return one(ctx, s.DB, "delivery", selectDelivery+`d.id = ?`, s.scanDelivery, id[:])
}

// TicketDelivery implements [store.Reader].
func (s *Tables) TicketDelivery(ctx context.Context, id ticket.ID) (store.Delivery, error) {
	return one(ctx, s.DB, "delivery", selectDelivery+`d.id = (SELECT delivery FROM tickets WHERE id = ?)`, s.scanDelivery, id[:])
}

// Deliveries implements [store.Reader].
func (s *Tables) Deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, string, error) {
	q, pos := query{}, `d.pos`
	if len(f.States) == 1 && f.States[0] == store.DeliveryQuarantined {
		// Written out, and the order hidden from the planner, so that the index of the few is used.
		q.and(`d.state = 'quarantined'`)
		pos = `+d.pos`
	} else {
		q.among(`d.state`, texts(f.States))
	}
	if f.Channel != "" {
		q.and(`d.channel = ?`, f.Channel)
	}
	if !f.From.IsZero() {
		q.and(`d.received_at >= ?`, f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		q.and(`d.received_at < ?`, f.To.UnixMilli())
	}
	if err := q.before(pos, f.Cursor); err != nil {
		return nil, "", err
	}
	type found struct {
		store.Delivery
		pos int64
	}
	limit := pageLimit(f.Limit)
	list, err := built(ctx, s.DB, "deliveries", deliveryHead+`NULL, d.pos FROM deliveries d`+q.where()+` ORDER BY `+pos+` DESC LIMIT +?`,
		func(r Row) (found, error) {
			var pos int64
			d, err := s.scanDelivery(withLast{r, &pos})
			return found{d, pos}, err
		}, append(q.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	page, next := cut(list, limit, func(d found) string { return cursorOf(d.pos) })
	out := make([]store.Delivery, len(page))
	for i := range page {
		out[i] = page[i].Delivery
	}
	return out, next, nil
}

// withLast scans one further column after those a scanner knows.
type withLast struct {
	Row
	last any
}

// Scan implements Row.
func (w withLast) Scan(dest ...any) error { return w.Row.Scan(append(dest, w.last)...) }

// Cursor implements [store.Reader]. A channel that was never polled has the empty cursor.
func (s *Tables) Cursor(ctx context.Context, channel string) (string, error) {
	value, err := one(ctx, s.DB, "cursor", `SELECT value FROM cursors WHERE channel = ?`, func(r Row) (v string, err error) {
		err = r.Scan(&v)
		return v, err
	}, channel)
	if ticket.IsKind(err, ticket.NotFound) {
		return "", nil
	}
	return value, err
}
