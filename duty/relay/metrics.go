package relay

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/citizen-hotline/gateway/store"
)

// Metrics count what the relay does. A nil *Metrics counts nothing.
type Metrics struct {
	lagSeconds prometheus.Gauge
	acts       *prometheus.CounterVec
}

// NewMetrics registers the metrics of the relay.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		lagSeconds: f.NewGauge(prometheus.GaugeOpts{Name: "hotline_relay_lag_seconds", Help: "How long the oldest alert due for delivery, climbing or waking has waited; 0 when none is due."}),
		acts:       f.NewCounterVec(prometheus.CounterOpts{Name: "hotline_alert_acts_total", Help: "What the gateway did with alerts, by what: delivered, rerouted, climbed, woke, finished."}, []string{"what"}),
	}
}

func (m *Metrics) lag(due []store.Alert, now time.Time) {
	switch {
	case m == nil:
	case len(due) == 0:
		m.lagSeconds.Set(0)
	case due[0].Look.Before(due[0].At): // raised by a gateway of an older version, which says no time
		m.lagSeconds.Set(now.Sub(due[0].At).Seconds())
	default:
		m.lagSeconds.Set(now.Sub(due[0].Look).Seconds())
	}
}

func (m *Metrics) acted(c *store.Change) {
	if m == nil {
		return
	}
	for i := range c.AlertChanges {
		if what := c.AlertChanges[i].Entry.What; what != "" {
			m.acts.WithLabelValues(string(what)).Inc()
		}
	}
}
