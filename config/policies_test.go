package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// policiesWith are the policies of testdata/good with more behind them.
func policiesWith(t *testing.T, more string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/good/policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"policies.yaml": string(b) + more}
}

const nextYear = `
- id: urgent
  version: 2
  title: 紧急诉求（2027 年起）
  from: 2027-01-01
  clocks:
    resolve: {limit: {amount: 12, unit: hours}}
`

func TestAPolicyFromNextYear(t *testing.T) {
	t.Parallel()
	p := load(t, packOf(t, policiesWith(t, nextYear)))
	for day, want := range map[string]int{"2026-12-31": 1, "2027-01-01": 2} {
		at, _ := time.ParseInLocation(time.DateOnly, day, p.City.Location)
		if got, ok := p.PolicySet.By("urgent", at); !ok || got.Version != want {
			t.Errorf("on %s version %d holds, want %d", day, got.Version, want)
		}
	}
	if err := p.Holds(time.Date(2026, 7, 13, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

// A pack may come early, but what it names must hold on the day it is put in force.
func TestRulesNameWhatHolds(t *testing.T) {
	t.Parallel()
	over := policiesWith(t, "")
	over["policies.yaml"] = strings.Replace(over["policies.yaml"], "title: 紧急诉求\n", "title: 紧急诉求\n  from: 2027-01-01\n", 1)
	p := load(t, packOf(t, over))
	err := p.Holds(time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`catalogue/all.yaml:2: row "c-water": policy "urgent" holds from 2027-01-01 on`,
		`rules/emergency.yaml:1: rule "r-drowning": policy "urgent" holds from 2027-01-01 on`,
	} {
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("want %q in:\n%s", want, problems.Error())
		}
	}
	if err := p.Holds(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)); err != nil {
		t.Errorf("at midnight of the city: %v", err)
	}
}

func TestVersionsAgainstTheirDays(t *testing.T) {
	t.Parallel()
	more := nextYear + strings.NewReplacer("version: 2", "version: 3", "2027-01-01", "2026-10-01").Replace(nextYear)
	_, err := Load(packOf(t, policiesWith(t, more)), "form", "webhook")
	want := `policies.yaml:28: policy "urgent@3": from 2026-10-01: lies before version 2, which begins on 2027-01-01`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want %q in:\n%v", want, err)
	}
}

// A later version of a demo city's policy says what it changes in its basis; what it leaves out by mistake, no ticket would
// have: no clock for a ruling, no redo, no bound on how late to ask.
func TestTheDemoCitysVersionsLeaveNothingOut(t *testing.T) {
	t.Parallel()
	p, err := LoadDir("cities/linyi")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"general", "emergency"} {
		before, _, ok := p.PolicySet.Lookup(id + "@1")
		after, _, also := p.PolicySet.Lookup(id + "@2")
		if !ok || !also {
			t.Fatalf("%s has no two versions", id)
		}
		for name := range before.Clocks {
			if _, ok := after.Clocks[name]; !ok {
				t.Errorf("%s@2 has no clock %s", id, name)
			}
		}
		if after.Budget != before.Budget || after.RedoOn != before.RedoOn {
			t.Errorf("%s@2 has the budget %+v and redoes on %q; version 1 %+v and %q", id, after.Budget, after.RedoOn, before.Budget, before.RedoOn)
		}
	}
}
