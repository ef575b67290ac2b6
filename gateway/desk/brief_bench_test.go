package desk_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/sqlite/sqlitetest"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// BenchmarkBrief is a shift brief, and the lines of alerts, over 200,000 open tickets of the last 40 days, a tenth of
// them late, and 20,000 alerts that wait.
func BenchmarkBrief(b *testing.B) {
	p, err := config.LoadDir("../../config/cities/linyi")
	if err != nil {
		b.Fatal(err)
	}
	const open, alerts = 200_000, 20_000
	s, m, now := sqlitetest.Open(b), storetest.NewMaker(), storm
	c := &city.City{Title: p.City.Title, Zone: p.City.Location, Rules: p.Ruleset, DutyUnit: p.DutyUnit(), Roster: p.Roster, AlertRules: p.AlertRules}
	var batch []store.Change
	flush := func() {
		for _, err := range s.Commit(b.Context(), batch...) {
			if err != nil {
				b.Fatal(err)
			}
		}
		batch = batch[:0]
	}
	for i := range open {
		at := now.Add(-time.Duration(i) * 40 * 24 * time.Hour / open)
		d := m.Ticket(b, at, func(r *ticket.Registration, _ *ticket.Private) {
			r.Category, r.Region = p.Categories[i%len(p.Categories)].ID, p.Regions[i%len(p.Regions)].ID
			r.Number = ticket.FormatNumber("LY", now.AddDate(0, 0, -i/20_000), i%20_000)
		}).Dispatch(at, p.Units[i%len(p.Units)].ID)
		change := d.Change()
		change.Outbox = nil
		change.Tickets[0].Due = now.Add(time.Duration(i-open/10) * time.Minute / 10)
		if i < alerts {
			change.Alerts = []store.Alert{{ID: m.ID(b, at), Key: strconv.Itoa(i), Ticket: d.Ticket.ID, Unit: p.Units[i%len(p.Units)].ID, Level: ticket.Levels[i%5], Post: "centre.duty", At: at}}
		}
		if batch = append(batch, change); len(batch) == 500 {
			flush()
		}
	}
	viewer := desk.Viewer{Login: "duty", Roles: []string{"duty"}}
	b.ResetTimer()
	for b.Loop() {
		brief, err := desk.MakeBrief(b.Context(), s, c, viewer, "", now, now)
		if err != nil || brief.Open != open || brief.AlertsN != alerts {
			b.Fatal(brief.Open, brief.AlertsN, err)
		}
	}
}
