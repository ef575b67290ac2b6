package sla

import (
	"strings"
	"testing"
	"time"
)

// The new year's limits are in the pack in autumn; nobody is judged by them before.
func TestAVersionHoldsFromItsFirstDay(t *testing.T) {
	t.Parallel()
	old, next := general(), general()
	next.Version, next.From = 2, "2027-01-01"
	set, err := New([]Policy{next, old}, []*Calendar{cn2026()})
	if err != nil {
		t.Fatal(err)
	}
	newYear := time.Date(2027, 1, 1, 0, 0, 0, 0, cn2026().zone)
	for at, want := range map[time.Time]string{
		newYear.Add(-time.Millisecond): "general@1",
		newYear:                        "general@2",
		newYear.AddDate(3, 0, 0):       "general@2",
	} {
		if p, ok := set.By("general", at); !ok || p.Key() != want {
			t.Errorf("registered %s: %s, want %s", at, p.Key(), want)
		}
	}
	if _, _, ok := set.Lookup("general@1"); !ok {
		t.Error("tickets pinned to the old version have lost it")
	}
}

func TestAPolicyThatDoesNotHoldYet(t *testing.T) {
	t.Parallel()
	p := general()
	p.From = "2027-01-01"
	set, err := New([]Policy{p}, []*Calendar{cn2026()})
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := set.By("general", time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC)); ok {
		t.Errorf("%s holds on the eve of its first day", p.Key())
	}
	if since, ok := set.First("general"); !ok || !since.Equal(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("it begins %v, %v", since, ok)
	}
}

func TestVersionsInTheOrderOfTheirDays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from []string // by version
		want string
	}{
		"always, then a day":   {[]string{"", "2027-01-01"}, ""},
		"two that always hold": {[]string{"", ""}, ""},
		"one mended in time":   {[]string{"", "2027-01-01", "2027-01-01"}, ""},
		"backwards":            {[]string{"2027-01-01", "2026-07-01"}, "policy general@2: from 2026-07-01: lies before version 1"},
		"a day, then always":   {[]string{"2027-01-01", ""}, "policy general@2: from: is missing"},
		"no day":               {[]string{"2027-02-30"}, `from "2027-02-30": is no day`},
		"no date":              {[]string{"soon"}, `from "soon": is no day`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []Policy
			for i, from := range tt.from {
				p := general()
				p.Version, p.From = i+1, from
				list = append(list, p)
			}
			_, err := New(list, []*Calendar{cn2026()})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEditedVersions(t *testing.T) {
	t.Parallel()
	set := func(change func(*Policy)) *PolicySet {
		p := general()
		change(&p)
		s, err := New([]Policy{p}, []*Calendar{cn2026()})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := set(func(*Policy) {})
	if keys := set(func(p *Policy) { p.Title, p.Basis = "又一个名字", "同一条" }).Edited(before); keys != nil {
		t.Errorf("another title changes no deadline: %v", keys)
	}
	if keys := set(func(p *Policy) {
		p.Version = 2
		p.Clocks[ClockResolve] = ClockRule{Limit: Limit{Amount: 9, Unit: WorkingDays}}
	}).Edited(before); keys != nil {
		t.Errorf("a new version leaves the old one: %v", keys)
	}
	keys := set(func(p *Policy) {
		r := p.Clocks[ClockResolve]
		r.Limit.Amount = 9
		p.Clocks[ClockResolve] = r
	}).Edited(before)
	if len(keys) != 1 || keys[0] != "general@1" {
		t.Errorf("9 days for 5 under the same number: %v", keys)
	}
}
