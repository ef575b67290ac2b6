package config

import (
	"testing"
	"time"
)

// A unit has the hours it names, else those of the unit above it, else the policy's; a calendar may take its holidays from another,
// with its versions.
func TestHoursOfUnits(t *testing.T) {
	t.Parallel()
	p := load(t, packOf(t, map[string]string{
		"calendars/xiaocheng-2.yaml": `{id: xiaocheng, version: 2, since: "2026-07-15 20:00", years: [{year: 2026, days: [{date: "2026-07-16", name: 台风, off: true}]}]}`,
		"calendars/hall.yaml":        `{id: hall, title: 大厅作息, version: 1, holidays: xiaocheng, week: {mon-sat: ["09:00-12:00"]}}`,
		"calendars/river.yaml":       `{id: river, title: 汛期作息, version: 1, zone: Asia/Shanghai, week: {mon-sun: ["00:00-24:00"]}, seasons: []}`,
		"units/places.yaml": `
- {id: d-990100, name: 东区, kind: district, region: "990100", hours: hall}
- {id: s-990101, name: 桥头街道, kind: street, parent: d-990100, region: "990101"}
- {id: s-990102, name: 柳庄镇, kind: street, parent: d-990100, region: "990102", hours: river}
`,
	}))
	policy, ok := p.PolicySet.By(p.City.DefaultPolicy, time.Date(2026, 7, 13, 0, 0, 0, 0, time.UTC))
	if !ok {
		t.Fatal("no default policy")
	}
	_, calendar, _ := p.PolicySet.Lookup(policy.Key())
	for unit, want := range map[string]string{"d-990100": "hall@2", "s-990101": "hall@2", "s-990102": "river@1", "b-water": "xiaocheng@2", "": "xiaocheng@2"} {
		if got := calendar.For(unit).Key(); got != want {
			t.Errorf("unit %q has the hours of %s, want %s", unit, got, want)
		}
	}
	saturday := time.Date(2026, 7, 11, 10, 0, 0, 0, p.City.Location)
	if typhoon := saturday.AddDate(0, 0, 5); !calendar.For("s-990101").IsWorkday(saturday) || calendar.For("s-990101").IsWorkday(typhoon) || calendar.IsWorkday(saturday) {
		t.Error("the hall has not its own week and the city's holidays")
	}
	if p.Calendar.Key() != "xiaocheng@2" || p.CalendarByID("xiaocheng@1").Version() != 1 || len(p.NewestCalendars()) != 3 {
		t.Errorf("the city's calendar is %v of %v", p.Calendar, p.NewestCalendars())
	}
}
