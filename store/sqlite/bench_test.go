package sqlite

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
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
			s := openAt(b, Options{Path: filepath.Join(b.TempDir(), "bench.db"), Ring: newRing(b), BatchMax: tt.batchMax,
				Observer: Observer{Batch: func(int, time.Duration, error) { batches.Add(1) }}})
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
