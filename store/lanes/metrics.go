package lanes

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/citizen-hotline/gateway/store"
)

// Metrics are the writer's figures.
type Metrics struct {
	size, took prometheus.Histogram
	failed     prometheus.Counter
	waiting    [2]prometheus.Gauge
}

// NewMetrics makes and registers the writer's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	depth := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "hotline_store_queue_depth",
		Help: "Changes waiting for the writer.",
	}, []string{"lane"})
	m := &Metrics{
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotline_store_batch_size",
			Help: "Changes written by one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hotline_store_commit_seconds",
			Help: "Time one transaction took, from its first statement to the sync of the disk.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13),
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotline_store_batches_failed_total",
			Help: "Transactions that failed as a whole: the disk is full or broken. Nothing of them was acknowledged.",
		}),
	}
	for _, lane := range []store.Lane{store.Citizens, store.Machines} {
		m.waiting[lane] = depth.WithLabelValues([2]string{"citizens", "machines"}[lane])
	}
	r.MustRegister(m.size, m.took, m.failed, depth)
	return m
}

// Observer feeds the metrics. It reads the machine's clock: how long a disk takes has nothing to
// do with the city's time, which a demo lets run faster.
func (m *Metrics) Observer() Observer {
	return Observer{
		Now: time.Now, //nolint:forbidigo // how long the disk took, not when: see above
		Batch: func(n int, d time.Duration, err error) {
			m.size.Observe(float64(n))
			m.took.Observe(d.Seconds())
			if err != nil {
				m.failed.Inc()
			}
		},
		Queue: func(lane store.Lane, n int) { m.waiting[lane].Set(float64(n)) },
	}
}
