package app

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/city"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// Two months before a year of which no notice is kept the duty officer is told, once; earlier when a deadline runs into it.
func TestTheNoticeThatIsMissing(t *testing.T) {
	t.Parallel()
	_, st, c, _, _ := caseload(t, "file", 2)
	c.Say = func(id string, values map[string]string) string {
		return id + " " + values["calendar"] + " " + values["year"] + " " + values["count"]
	}
	zone := c.Zone
	watch := func(at time.Time) []store.Alert {
		t.Helper()
		if _, err := watchCalendars(t.Context(), st, c, at, rand.Reader); err != nil {
			t.Fatal(err)
		}
		alerts, err := st.Alerts(t.Context(), store.AlertFilter{Open: true})
		if err != nil {
			t.Fatal(err)
		}
		return alerts
	}
	if alerts := watch(time.Date(2026, 10, 31, 23, 59, 0, 0, zone)); len(alerts) != 0 {
		t.Fatalf("in October: %+v", alerts)
	}
	var told []store.Alert
	for _, at := range []time.Time{time.Date(2026, 11, 1, 0, 0, 0, 0, zone), time.Date(2026, 11, 2, 0, 0, 0, 0, zone), time.Date(2026, 12, 31, 0, 0, 0, 0, zone)} {
		if told = watch(at); len(told) != 1 {
			t.Fatalf("at %v there are %d alerts, want one", at, len(told))
		}
	}
	if a := told[0]; a.Level != "alarm" || a.Post != "centre.duty" || a.Text != "calendar_unpublished 临沂市工作日历 2027 0" || a.Key != "calendar/linyi/2027/centre.duty" {
		t.Errorf("%+v", a)
	}
	if told = watch(time.Date(2027, 11, 1, 0, 0, 0, 0, zone)); len(told) != 1 {
		t.Errorf("2027 is missing still, and told %d times", len(told))
	}
}

func TestADeadlineThatRunsIntoTheMissingNotice(t *testing.T) {
	t.Parallel()
	_, st, c, _, _ := caseload(t, "file", 2)
	c.Say = func(_ string, values map[string]string) string { return values["year"] + " " + values["count"] }
	d := storetest.NewMaker().Ticket(t, storetest.Day.Add(time.Hour), func(g *ticket.Registration, _ *ticket.Private) {
		g.Number, g.Key = ticket.FormatNumber("LY", storetest.Day, 70_000), "late"
	}).Triage(storetest.Day.Add(time.Hour))
	change := c.Change(0, d.Ticket, d.Events, storetest.Day)
	change.Due, change.Provisional = time.Date(2026, 12, 29, 15, 59, 0, 0, time.UTC), true
	storetest.Must(t, st, store.Change{Tickets: []store.TicketChange{change}})
	if n, err := watchCalendars(t.Context(), st, c, storetest.Day, rand.Reader); n != 1 || err != nil {
		t.Fatalf("%d alerts, %v", n, err)
	}
	alerts, err := st.Alerts(t.Context(), store.AlertFilter{Open: true})
	if err != nil || len(alerts) != 1 || alerts[0].Text != "2027 1" {
		t.Errorf("%+v, %v", alerts, err)
	}
}

func TestDaysLeftOfTheCalendar(t *testing.T) {
	t.Parallel()
	p, err := LoadPack(linyi)
	if err != nil {
		t.Fatal(err)
	}
	c := &city.City{Calendars: p.NewestCalendars()}
	for at, want := range map[time.Time]float64{
		time.Date(2026, 12, 31, 15, 59, 0, 0, time.UTC): 1,
		time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC):  61,
		time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC):  0,
	} {
		r := newRegistry()
		r.MustRegister(newCalendarDays(func() *city.City { return c }, func() time.Time { return at }))
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := -1.0
		for _, f := range families {
			if f.GetName() == "hotline_calendar_days_left" && f.GetMetric()[0].GetLabel()[0].GetValue() == "linyi" {
				got = f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		if got != want {
			t.Errorf("%v: %v days are left, want %v", at, got, want)
		}
	}
}
