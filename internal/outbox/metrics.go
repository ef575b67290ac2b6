package outbox

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics count notices. A nil *Metrics counts nothing.
type Metrics struct{ notices *prometheus.CounterVec }

// NewMetrics registers the metrics of the outbox.
func NewMetrics(r prometheus.Registerer) *Metrics {
	return &Metrics{notices: promauto.With(r).NewCounterVec(prometheus.CounterOpts{
		Name: "hotline_notices_total", Help: "Attempts to deliver notices, by kind and what came of them.",
	}, []string{"kind", "outcome"})}
}

func (m *Metrics) delivered(kind, outcome string) {
	if m != nil {
		m.notices.WithLabelValues(kind, outcome).Inc()
	}
}
