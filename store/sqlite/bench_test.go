package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// BenchmarkCommit compares what 64 callers get when their tickets share transactions with one
// transaction per ticket. Each ticket writes all its real rows: sealed delivery, request, ticket,
// two events, units, timer, notice.
func BenchmarkCommit(b *testing.B) {
	for _, tt := range []struct {
		name     string
		batchMax int
	}{{"grouped", 0}, {"alone", 1}} {
		b.Run(tt.name, func(b *testing.B) {
			var batches atomic.Int64
			s := openAt(b, Options{
				Path: filepath.Join(b.TempDir(), "bench.db"), Ring: storetest.Ring(b), BatchMax: tt.batchMax,
				Observer: lanes.Observer{Batch: func(int, time.Duration, error) { batches.Add(1) }},
			})
			m := storetest.NewMaker()
			changes := make([]store.Change, b.N)
			for i := range changes {
				at := storetest.Day.Add(time.Duration(i) * time.Millisecond)
				changes[i] = m.Ticket(b, at).Dispatch(at, "住建局").Change()
			}
			var next atomic.Int64
			var callers sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range 64 {
				callers.Go(func() {
					for {
						i := int(next.Add(1)) - 1
						if i >= len(changes) {
							return
						}
						if err := s.Commit(b.Context(), changes[i])[0]; err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			callers.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tickets/s")
			b.ReportMetric(float64(b.N)/float64(batches.Load()), "tickets/batch")
		})
	}
}

// BenchmarkRead reads from a store of 20,000 tickets, three in four of them closed.
func BenchmarkRead(b *testing.B) {
	s := openAt(b, Options{Path: filepath.Join(b.TempDir(), "bench.db"), Ring: storetest.Ring(b)})
	m := storetest.NewMaker()
	var last ticket.Ticket
	for range benchTickets / 100 {
		changes := make([]store.Change, 100)
		for i := range changes {
			at := storetest.Day.Add(time.Duration(i) * time.Second)
			d := m.Ticket(b, at)
			switch i % 4 {
			case 0:
				d.Dispatch(at, fmt.Sprintf("unit%d", i%40))
			default:
				d.Answer(at)
			}
			changes[i] = d.Change()
			last = d.Ticket
		}
		storetest.Must(b, s, changes...)
	}
	ctx, open := b.Context(), []ticket.State{ticket.StateTriage, ticket.StateDispatched, ticket.StateHandling, ticket.StatePaused}
	list := func(f store.Filter) func() error {
		return func() error {
			_, err := s.Tickets(ctx, f)
			return err
		}
	}
	for _, read := range []struct {
		name string
		do   func() error
	}{
		{"request", func() error { _, err := s.Request(ctx, last.Channel, last.Key); return err }},
		{"ticket", func() error { _, err := s.Ticket(ctx, last.ID); return err }},
		{"history", func() error { _, err := s.History(ctx, last.ID); return err }},
		{"sender", func() error {
			_, err := s.Sender(ctx, store.Sender{Phone: last.Private.Appellant.Phone}, 5)
			return err
		}},
		{"newest 50", list(store.Filter{})},
		{"open by due", list(store.Filter{States: open, Order: "due"})},
		{"one unit", list(store.Filter{Units: []string{"unit8"}})},
		{"one unit, open by due", list(store.Filter{Units: []string{"unit8"}, States: open, Order: "due"})},
		{"a category nobody has", list(store.Filter{Categories: []string{"none"}})},
		{"counts", func() error { _, err := s.Counts(ctx, storetest.Day); return err }},
		{"open units", func() error { _, err := s.OpenUnits(ctx); return err }},
		{"timers, none due", func() error { _, err := s.Due(ctx, storetest.Day, 100); return err }},
		{"claim, none due", func() error { _, err := s.Claim(ctx, storetest.Day.Add(-time.Hour), time.Minute, 100); return err }},
	} {
		b.Run(read.name, func(b *testing.B) {
			for b.Loop() {
				if err := read.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchTickets is the size of the store that reads are measured on.
const benchTickets = 20000
