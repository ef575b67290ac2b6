package sla

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	n := notice2026()
	for i, d := range n.Days {
		if d.Date == "2026-05-09" {
			n.Days[i].Segments = []string{"09:00-12:00"}
		}
	}
	n.Days = append(n.Days, Day{Date: "2026-05-06", Name: "劳动节", Off: true}, Day{Date: "2026-05-07", Name: "劳动节", Off: true},
		Day{Date: "2026-07-03", Name: "台风", Off: true}, Day{Date: "2026-07-06", Name: "台风", Off: true})
	younger := next(t, cn2026(), CalendarSpec{ID: "cn", Version: 2, Since: "2026-03-01 00:00", Years: []Notice{n}})
	var got []string
	for _, d := range Differences(cn2026(), younger) {
		got = append(got, d.From+" "+d.To+" "+d.Was.Words()+" → "+d.Is.Words())
	}
	want := []string{
		"2026-05-06 2026-05-07 工作日 09:00-12:00、13:30-17:30 → 劳动节放假",
		"2026-05-09 2026-05-09 劳动节调休上班 09:00-12:00、13:30-17:30 → 劳动节 09:00-12:00",
		"2026-07-03 2026-07-06 工作日 09:00-12:00、13:30-17:30 → 台风放假",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(Differences(younger, younger)) > 0 {
		t.Error("a calendar differs from itself")
	}
	for day, want := range map[string]DayPlan{
		"2026-02-14": {Date: "2026-02-14", Weekday: "周六", Kind: DayMakeup, Name: "春节", Hours: officeHours},
		"2026-02-16": {Date: "2026-02-16", Weekday: "周一", Kind: DayHoliday, Name: "春节"},
		"2026-02-24": {Date: "2026-02-24", Weekday: "周二", Kind: DayWork, Hours: officeHours},
		"2026-03-01": {Date: "2026-03-01", Weekday: "周日", Kind: DayRest},
	} {
		if diff := cmp.Diff(want, cn2026().Plan(at(day+" 12:00"))); diff != "" {
			t.Errorf("%s: %s", day, diff)
		}
	}
	if y := cn2026().Unpublished(at("2026-01-01 00:00")); y != 2027 {
		t.Errorf("the first year without a notice is %d", y)
	}
	if y := cn2026().Unpublished(at("2024-01-01 00:00")); y != 2024 {
		t.Errorf("the first year without a notice from 2024 on is %d", y)
	}
}
