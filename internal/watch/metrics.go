package watch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/citizen-hotline/gateway/store"
)

// Metrics are what the watcher sees. A nil *Metrics shows nothing.
type Metrics struct {
	unrecorded          prometheus.Gauge
	undelivered, oldest *prometheus.GaugeVec
	troubles            *prometheus.GaugeVec
	beats               *prometheus.CounterVec
}

// NewMetrics registers the metrics of the watcher.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		unrecorded:  f.NewGauge(prometheus.GaugeOpts{Name: "hotline_oldest_step_unrecorded_seconds", Help: "How long the oldest ladder step that is due has not been recorded; 0 when none is."}),
		undelivered: f.NewGaugeVec(prometheus.GaugeOpts{Name: "hotline_notices_undelivered", Help: "Notices that could have been sent and were not, by kind and target."}, []string{"kind", "target"}),
		oldest:      f.NewGaugeVec(prometheus.GaugeOpts{Name: "hotline_notices_undelivered_age_seconds", Help: "How long the oldest of them waits."}, []string{"kind", "target"}),
		troubles:    f.NewGaugeVec(prometheus.GaugeOpts{Name: "hotline_watch_trouble", Help: "1 while the watch finds something wrong."}, []string{"trouble"}),
		beats:       f.NewCounterVec(prometheus.CounterOpts{Name: "hotline_heartbeats_total", Help: "Heartbeats to the outside monitor."}, []string{"outcome"}),
	}
}

func (m *Metrics) found(oldest time.Time, late []store.Undelivered, now time.Time) {
	if m == nil {
		return
	}
	m.unrecorded.Set(0)
	if !oldest.IsZero() {
		m.unrecorded.Set(now.Sub(oldest).Seconds())
	}
	m.undelivered.Reset()
	m.oldest.Reset()
	for _, u := range late {
		m.undelivered.WithLabelValues(u.Kind, u.Target).Set(float64(u.Count))
		m.oldest.WithLabelValues(u.Kind, u.Target).Set(now.Sub(u.Oldest).Seconds())
	}
}

func (m *Metrics) trouble(what string, wrong bool) {
	if m == nil {
		return
	}
	v := 0.0
	if wrong {
		v = 1
	}
	m.troubles.WithLabelValues(what).Set(v)
}

func (m *Metrics) beat(ok bool) {
	if m == nil {
		return
	}
	outcome := "failed"
	if ok {
		outcome = "ok"
	}
	m.beats.WithLabelValues(outcome).Inc()
}
