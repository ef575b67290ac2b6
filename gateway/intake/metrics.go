package intake

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/citizen-hotline/gateway/ticket"
)

// Metrics count deliveries and tickets. A nil *Metrics counts nothing.
type Metrics struct {
	deliveries *prometheus.CounterVec
	tickets    *prometheus.CounterVec
}

// NewMetrics registers the metrics of intake.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		deliveries: f.NewCounterVec(prometheus.CounterOpts{Name: "hotline_deliveries_total", Help: "Deliveries by channel and what became of them."}, []string{"channel", "outcome"}),
		tickets:    f.NewCounterVec(prometheus.CounterOpts{Name: "hotline_tickets_registered_total", Help: "Tickets registered, by source class, urgency and the stage that found the owner."}, []string{"source", "urgency", "stage"}),
	}
}

func (m *Metrics) delivery(channel, outcome string) {
	if m != nil {
		m.deliveries.WithLabelValues(channel, outcome).Inc()
	}
}

func (m *Metrics) registered(t *ticket.Ticket) {
	if m != nil {
		m.tickets.WithLabelValues(string(t.Source), string(t.Urgency), first(t.Decision.Origins["unit"].Stage, "triage")).Inc()
	}
}
