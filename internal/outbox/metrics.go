package outbox

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics count notices and pages. A nil *Metrics counts nothing.
type Metrics struct {
	notices, pages *prometheus.CounterVec
	breakers       *prometheus.GaugeVec
}

// NewMetrics registers the metrics of the outbox.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		notices: f.NewCounterVec(prometheus.CounterOpts{
			Name: "hotline_notices_total", Help: "Attempts to deliver notices, by kind and what came of them.",
		}, []string{"kind", "outcome"}),
		pages: f.NewCounterVec(prometheus.CounterOpts{
			Name: "hotline_pages_total", Help: "Pages to destinations of the pack, by what came of them.",
		}, []string{"destination", "outcome"}),
		breakers: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hotline_destination_breaker", Help: "Circuit breaker of a destination: 0 closed, 1 half open, 2 open.",
		}, []string{"destination"}),
	}
}

func (m *Metrics) delivered(kind, outcome string) {
	if m != nil {
		m.notices.WithLabelValues(kind, outcome).Inc()
	}
}

func (m *Metrics) paged(destination, outcome string) {
	if m != nil {
		m.pages.WithLabelValues(destination, outcome).Inc()
	}
}

func (m *Metrics) breaker(destination string, s BreakerState) {
	if m != nil {
		m.breakers.WithLabelValues(destination).Set(map[BreakerState]float64{BreakerProbe: 1, BreakerOpen: 2}[s])
	}
}
