package tracker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics watch the watcher. A nil *Metrics counts nothing.
type Metrics struct {
	lagSeconds prometheus.Gauge
	steps      prometheus.Counter
	unsound    prometheus.Gauge
}

// NewMetrics registers the metrics of the tracker.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		lagSeconds: f.NewGauge(prometheus.GaugeOpts{Name: "hotline_tracker_lag_seconds", Help: "How long the oldest due timer has waited; 0 when none is due."}),
		unsound:    f.NewGauge(prometheus.GaugeOpts{Name: "hotline_tracker_clock_unsound", Help: "1 while no deadlines are judged because the clock cannot be trusted."}),
		steps:      f.NewCounter(prometheus.CounterOpts{Name: "hotline_ladder_steps_total", Help: "Ladder steps recorded."}),
	}
}

func (m *Metrics) lag(oldest, now time.Time) {
	switch {
	case m == nil:
	case oldest.IsZero():
		m.lagSeconds.Set(0)
	default:
		m.lagSeconds.Set(now.Sub(oldest).Seconds())
	}
}

func (m *Metrics) fired(n int) {
	if m != nil {
		m.steps.Add(float64(n))
	}
}

func (m *Metrics) sound(ok bool) {
	switch {
	case m == nil:
	case ok:
		m.unsound.Set(0)
	default:
		m.unsound.Set(1)
	}
}
