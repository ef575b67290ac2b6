package sqlite

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/citizen-hotline/gateway/store"
)

// NewMetrics registers the writer's metrics and returns the observer that feeds them. now times
// the batches.
func NewMetrics(r prometheus.Registerer, now func() time.Time) Observer {
	size := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hotline_store_batch_size",
		Help: "Changes written by one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}})
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hotline_store_commit_seconds",
		Help: "Time one transaction took, from its first statement to the sync of the disk.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13)})
	failed := prometheus.NewCounter(prometheus.CounterOpts{Name: "hotline_store_batches_failed_total",
		Help: "Transactions that failed as a whole: the disk is full or broken. Nothing of them was acknowledged."})
	depth := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hotline_store_queue_depth",
		Help: "Changes waiting for the writer."}, []string{"lane"})
	r.MustRegister(size, took, failed, depth)
	waiting := [2]prometheus.Gauge{depth.WithLabelValues(laneName(store.Citizens)), depth.WithLabelValues(laneName(store.Machines))}
	return Observer{
		Now: now,
		Batch: func(n int, d time.Duration, err error) {
			size.Observe(float64(n))
			took.Observe(d.Seconds())
			if err != nil {
				failed.Inc()
			}
		},
		Queue: func(lane store.Lane, n int) { waiting[lane].Set(float64(n)) },
	}
}
