package intake

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// newDelivery makes the row of a delivery, raw as it came.
func (i *Intake) newDelivery(in adapters.Inbound) (store.Delivery, error) {
	id, err := ticket.NewID(i.Now(), i.Random)
	if err != nil {
		return store.Delivery{}, err
	}
	raw, err := EncodeInbound(in)
	if err != nil {
		return store.Delivery{}, err
	}
	return store.Delivery{ID: id, Channel: in.Channel, ReceivedAt: in.ReceivedAt, State: store.DeliveryTaken, Raw: raw}, nil
}

// EncodeInbound is the form in which a delivery is kept: its head as JSON behind a length, then
// the body byte for byte.
func EncodeInbound(in adapters.Inbound) ([]byte, error) {
	body := in.Body
	in.Body = nil
	head, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("intake: head of a delivery: %w", err)
	}
	b := make([]byte, 0, 4+len(head)+len(body))
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)))
	return append(append(b, head...), body...), nil
}

// DecodeInbound reads what EncodeInbound wrote.
func DecodeInbound(b []byte) (adapters.Inbound, error) {
	var in adapters.Inbound
	if len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4) {
		return in, errors.New("intake: a kept delivery is damaged: its head is cut")
	}
	n := 4 + int(binary.BigEndian.Uint32(b))
	if err := json.Unmarshal(b[4:n], &in); err != nil {
		return in, fmt.Errorf("intake: head of a kept delivery: %w", err)
	}
	in.Body = bytes.Clone(b[n:])
	return in, nil
}

// ignore keeps a delivery that has nothing for us.
func (i *Intake) ignore(ctx context.Context, ch *city.Channel, d store.Delivery) adapters.Outcome {
	d.State = store.DeliveryIgnored
	if err := i.commit(ctx, store.Change{Lane: ch.Lane(), Delivery: &d}); err != nil {
		return failure(err)
	}
	return adapters.Outcome{Result: adapters.Ignored, Delivery: d.ID.String()}
}

// reject keeps a delivery whose sender can correct it and tells what is wrong.
func (i *Intake) reject(ctx context.Context, ch *city.Channel, d store.Delivery, cause error) adapters.Outcome {
	var e *ticket.Error
	errors.As(cause, &e)
	d.State, d.Code = store.DeliveryRejected, e.Code
	if err := i.commit(ctx, store.Change{Lane: ch.Lane(), Delivery: &d}); err != nil {
		return failure(err)
	}
	return adapters.Outcome{Result: adapters.Rejected, Delivery: d.ID.String(), Code: e.Code, Text: e.Message, Errors: e.Fields}
}

// conflict keeps a delivery that repeats a key with other content. Nothing else changes.
func (i *Intake) conflict(ctx context.Context, a admission, known store.Request) adapters.Outcome {
	d := a.delivery
	d.State, d.Code = store.DeliveryConflict, "request.conflict"
	if err := i.commit(ctx, store.Change{Lane: a.channel.Lane(), Delivery: a.row(d)}); err != nil {
		return failure(err)
	}
	*a.kept = true
	out := adapters.Outcome{Result: adapters.Conflicting, Delivery: d.ID.String(), Code: "request.conflict"}
	if !a.channel.Spec.OwnsKeys {
		out.Tickets = storedOutcome(known).Tickets
	}
	return out
}

// storedOutcome is what was answered the first time.
func storedOutcome(r store.Request) adapters.Outcome {
	var out adapters.Outcome
	if err := json.Unmarshal(r.Outcome, &out); err != nil {
		return adapters.Outcome{} // sealed away with the citizen's data: nothing to repeat but success
	}
	return out
}

// repeat is the outcome of the same request again.
func repeat(known store.Request) adapters.Outcome {
	out := storedOutcome(known)
	out.Result = adapters.Repeated
	return out
}

// contentHash is the hash of a request as read. Platforms sign and encrypt their retries anew, so
// the bytes differ while this stays.
func contentHash(r ticket.Request) (ticket.Hash, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return ticket.Hash{}, fmt.Errorf("intake: content of request %s: %w", r.Key, err)
	}
	return ticket.Chain(ticket.Hash{}, b), nil
}
