package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
)

// registry holds the metrics of one gateway; none are global.
type registry = prometheus.Registry

// newRegistry begins with what the runtime and the process say of themselves.
func newRegistry() *registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// backlog is what waits for somebody. It is counted every ten seconds and not for each who asks: over hundreds of
// thousands of tickets that is work, and monitors ask often.
type backlog struct {
	counts func(ctx context.Context) (store.Counts, error)
	gauges []backlogGauge

	last atomic.Pointer[store.Counts] // nil: not counted yet, or the store did not answer
}

// countEvery is how often the backlog is counted.
const countEvery = 10 * time.Second

// count counts anew. A store that does not answer leaves no figures rather than old ones.
func (b *backlog) count(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, countEvery)
	defer cancel()
	counts, err := b.counts(ctx)
	if err != nil {
		b.last.Store(nil)
		return err
	}
	b.last.Store(&counts)
	return nil
}

type backlogGauge struct {
	desc *prometheus.Desc
	of   func(store.Counts) int64
}

func newBacklog(counts func(ctx context.Context) (store.Counts, error)) *backlog {
	b := &backlog{counts: counts}
	add := func(name, help string, of func(store.Counts) int64) {
		b.gauges = append(b.gauges, backlogGauge{prometheus.NewDesc(name, help, nil, nil), of})
	}
	add("hotline_tickets_open", "Tickets on which work or a callback is owed.", func(c store.Counts) int64 { return c.Open })
	add("hotline_tickets_triage", "Tickets without a sure owner.", func(c store.Counts) int64 { return c.Triage })
	add("hotline_tickets_overdue", "Open tickets past the citizen's deadline.", func(c store.Counts) int64 { return c.Overdue })
	add("hotline_tickets_overdue_unrated", "Of the overdue, those outside the public rates: machines' alarms, patrols.", func(c store.Counts) int64 { return c.OverdueUnrated })
	add("hotline_quarantine_open", "Deliveries that could not be read and wait.", func(c store.Counts) int64 { return c.Quarantined })
	add("hotline_outbox_pending", "Notices that wait to be delivered.", func(c store.Counts) int64 { return c.NoticesPending })
	add("hotline_outbox_dead", "Notices given up, waiting to be driven again.", func(c store.Counts) int64 { return c.NoticesDead })
	add("hotline_alerts_open", "Alerts nobody has acknowledged.", func(c store.Counts) int64 { return c.AlertsOpen })
	add("hotline_calls_to_return", "Missed calls that are owed a call back.", func(c store.Counts) int64 { return c.CallsDue })
	return b
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range b.gauges {
		ch <- g.desc
	}
}

// Collect implements prometheus.Collector.
func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	last := b.last.Load()
	if last == nil {
		return
	}
	for _, g := range b.gauges {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(g.of(*last)))
	}
}

// calendarDays is how many days lie between now and the first day whose holidays a calendar does not know.
type calendarDays struct {
	city func() *city.City
	now  func() time.Time
	desc *prometheus.Desc
}

func newCalendarDays(of func() *city.City, now func() time.Time) *calendarDays {
	return &calendarDays{city: of, now: now, desc: prometheus.NewDesc(
		"hotline_calendar_days_left", "Days until the first day of a year whose holiday notice the calendar does not have.", []string{"calendar"}, nil)}
}

// Describe implements prometheus.Collector.
func (d *calendarDays) Describe(ch chan<- *prometheus.Desc) { ch <- d.desc }

// Collect implements prometheus.Collector.
func (d *calendarDays) Collect(ch chan<- prometheus.Metric) {
	now := d.now()
	for _, c := range d.city().Calendars {
		if c.Spec().Holidays != "" {
			continue // it has those of another
		}
		_, first := unpublished(c, now)
		ch <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(daysTo(now.In(c.Zone()), first)), c.ID())
	}
}
