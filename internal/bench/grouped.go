package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/sqlite"
	"github.com/citizen-hotline/gateway/ticket"
)

// writers is how many callers commit at once.
const writers = 64

// grouped compares what many callers get when their tickets share transactions with one
// transaction for each ticket, through the store alone. Each writes all its real rows: sealed
// delivery, request, ticket, two events, timer, notice. Rounds alternate, and the median ratio counts.
func (b *bench) grouped(ctx context.Context) error {
	var ratios, shared, alone []float64
	var size float64
	for n := range either(b, 5, 1) {
		g, batch, err := b.commits(ctx, fmt.Sprintf("grouped-%d", n), 0)
		if err != nil {
			return err
		}
		a, _, err := b.commits(ctx, fmt.Sprintf("alone-%d", n), 1)
		if err != nil {
			return err
		}
		b.say("   grouped %.0f/s, alone %.0f/s", g, a)
		ratios, shared, alone, size = append(ratios, g/a), append(shared, g), append(alone, a), batch
	}
	b.table.show(fmt.Sprintf("store alone, %d callers: grouped · one transaction each", writers),
		fmt.Sprintf("%s (%.0f a batch) · %s", perSecond(median(shared)), size, perSecond(median(alone))))
	b.table.atLeast("grouped ÷ one ticket per transaction, all real rows", median(ratios), 2, ratio)
	return nil
}

// commits returns tickets a second, and tickets a batch.
func (b *bench) commits(ctx context.Context, name string, batchMax int) (rate, size float64, err error) {
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the run's folder goes too
	ring, err := newRing()
	if err != nil {
		return 0, 0, err
	}
	var batches atomic.Int64
	s, err := sqlite.Open(ctx, sqlite.Options{
		Path: filepath.Join(dir, "bench.db"), Ring: ring, BatchMax: batchMax,
		Observer: lanes.Observer{Batch: func(int, time.Duration, error) { batches.Add(1) }},
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }() //nolint:contextcheck // closing is not to be cancelled
	changes, err := makeChanges(either(b, 6000, 2000))
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := commitAll(ctx, s, changes); err != nil {
		return 0, 0, err
	}
	n := float64(len(changes))
	return n / time.Since(began).Seconds(), n / float64(batches.Load()), nil
}

// commitAll has the changes committed by many callers, each one after another.
func commitAll(ctx context.Context, s store.Writer, changes []store.Change) error {
	var next atomic.Int64
	var all sync.WaitGroup
	failures := make([]error, writers)
	for w := range writers {
		all.Go(func() {
			for failures[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(changes) {
					return
				}
				failures[w] = s.Commit(ctx, changes[i])[0]
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// change is everything intake writes for ticket i.
func change(i int) (store.Change, error) {
	at := time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond)
	id, err := ticket.NewID(at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	delivery, err := ticket.NewID(at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	key, phone := fmt.Sprintf("bench-%d", i), fmt.Sprintf("139%08d", i)
	raw := fmt.Appendf(nil, `{"clientReportId":%q,"description":%q,"reporter":{"name":"王秀兰","phone":%q}}`, key, longText, phone)
	reg := ticket.Registration{
		Number: ticket.FormatNumber("LY", at, i+1), Channel: channel, Key: key, Kind: ticket.KindCase, Source: ticket.SourceCitizen,
		Type: ticket.TypeComplaint, Urgency: ticket.UrgencyNormal, Category: "01.03.02", Region: "371302001", Policy: "general@1",
		ReceivedAt: at, Facts: map[string]string{"hour": "8", "text_length": "300", "reports_nearby": "0"},
	}
	t, registered, err := ticket.New(id, ticket.Command{
		Action: ticket.Register, Actor: ticket.Actor{Kind: ticket.ActorCitizen, ID: channel},
		Details: ticket.Details{Registration: &reg, Decision: &ticket.Decision{Pack: "bench"}},
		Private: &ticket.Private{
			Title: "路灯不亮", Text: longText, Appellant: ticket.Party{Name: "王秀兰", Phone: phone},
			Place: ticket.Place{Address: "临沂市兰山区兰山街道书院社区12号"}, TrackCode: "7KQ4MZ",
		},
	}, at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	dispatched, err := t.Do(ticket.Command{
		Action: ticket.Dispatch, Actor: ticket.Actor{Kind: ticket.ActorSystem, ID: "routing"},
		Details: ticket.Details{Unit: "s-371302001"},
	}, at, rand.Reader)
	if err != nil {
		return store.Change{}, err
	}
	return store.Change{
		Sender:   "p:" + phone,
		Delivery: &store.Delivery{ID: delivery, Channel: channel, ReceivedAt: at, State: store.DeliveryTaken, Raw: raw},
		Requests: []store.Request{{
			Channel: channel, Key: key, Hash: ticket.Chain(ticket.Hash{}, raw), Delivery: delivery, Ticket: id,
			Outcome: []byte(`{"result":"accepted","number":"` + reg.Number + `"}`), At: at,
		}},
		Tickets: []store.TicketChange{{Ticket: t, Events: []ticket.Event{registered, dispatched}, Due: at.AddDate(0, 0, 5), Look: at.Add(time.Hour)}},
		Outbox: []store.Notice{{
			Key: "unit/" + id.String() + "/2", Ticket: id, Kind: "unit", Target: "s-371302001",
			Body: []byte(`{"number":"` + reg.Number + `","text":"` + longText + `"}`), Due: at, Created: at,
		}},
	}, nil
}
