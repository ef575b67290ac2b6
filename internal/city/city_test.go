package city

import (
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

// A ticket whose policy is gone from the pack keeps deadlines, also when it is older than the first day of the policy that takes
// its place: an archive's, or that of a pack that begins anew.
func TestNoTicketIsWithoutTerms(t *testing.T) {
	t.Parallel()
	calendar, err := sla.NewCalendar(sla.CalendarSpec{ID: "cn", Title: "日历", Version: 1, Zone: "Asia/Shanghai", Week: map[string][]string{"mon-fri": {"09:00-17:00"}}})
	if err != nil {
		t.Fatal(err)
	}
	var policies []sla.Policy
	for version, from := range []string{"2026-06-01", "2026-09-01"} {
		policies = append(policies, sla.Policy{
			ID: "general", Version: version + 1, Title: "一般", From: from, Calendar: "cn",
			Clocks: map[sla.ClockName]sla.ClockRule{sla.ClockResolve: {Limit: sla.Limit{Amount: 5, Unit: sla.WorkingDays}}},
		})
	}
	set, err := sla.New(policies, []*sla.Calendar{calendar})
	if err != nil {
		t.Fatal(err)
	}
	c := &City{Policies: set, DefaultPolicy: "general"}
	for day, want := range map[string]string{"2020-05-01": "general@1", "2026-07-01": "general@1", "2026-09-01": "general@2"} {
		at, err := time.ParseInLocation(time.DateOnly, day, calendar.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if got := c.PolicyKey("gone", at); got != want {
			t.Errorf("registered on %s: %s, want %s", day, got, want)
		}
		if p, _, ok := c.Terms(&ticket.Ticket{Policy: "gone@3", RegisteredAt: at}); !ok || p.Key() != want {
			t.Errorf("pinned to what is gone, registered on %s: %s %t, want %s", day, p.Key(), ok, want)
		}
	}
}
