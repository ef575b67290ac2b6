package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var shanghai = time.FixedZone("CST", 8*3600)

func exampleRoster() *Roster {
	return &Roster{zone: shanghai, duties: map[string]*Duty{"centre.duty": {
		Post: "centre.duty", Start: "2026-01-01", Shifts: []Shift{
			{From: "08:00", To: "20:00", Who: []string{"一", "二", "三"}},
			{From: "20:00", To: "08:00", Who: []string{"甲", "乙"}},
		},
	}}}
}

func TestRosterOn(t *testing.T) {
	t.Parallel()
	r := exampleRoster()
	for _, tc := range []struct {
		name, at, who, until, next string
	}{
		{"first day", "2026-01-01 08:00", "一", "2026-01-01 20:00", "甲"},
		{"last minute of a shift", "2026-01-01 19:59", "一", "2026-01-01 20:00", "甲"},
		{"a shift begins", "2026-01-01 20:00", "甲", "2026-01-02 08:00", "二"},
		{"past midnight it is still the evening's", "2026-01-02 03:00", "甲", "2026-01-02 08:00", "二"},
		{"next day", "2026-01-02 12:00", "二", "2026-01-02 20:00", "乙"},
		{"the turn begins again", "2026-01-04 12:00", "一", "2026-01-04 20:00", "乙"},
		{"before the start it runs backwards", "2025-12-31 12:00", "三", "2025-12-31 20:00", "乙"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.ParseInLocation(momentLayout, tc.at, shanghai)
			if err != nil {
				t.Fatal(err)
			}
			who, until, ok := r.On("centre.duty", at.UTC())
			if !ok || who != tc.who || until.In(shanghai).Format(momentLayout) != tc.until {
				t.Errorf("On = %q until %v, %v; want %q until %s", who, until, ok, tc.who, tc.until)
			}
			next, from, ok := r.Next("centre.duty", at)
			if !ok || next != tc.next || !from.Equal(until) {
				t.Errorf("Next = %q from %v, %v; want %q from %s", next, from, ok, tc.next, tc.until)
			}
		})
	}
	if _, _, ok := r.On("nobody", time.Time{}); ok {
		t.Error("a post without a roster has somebody on duty")
	}
}

// Whatever the moment, somebody is on duty, until later than it.
func TestRosterHasNoHoles(t *testing.T) {
	t.Parallel()
	r := exampleRoster()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)
		who, until, ok := r.On("centre.duty", at)
		if !ok || who == "" || !until.After(at) || until.Sub(at) > 12*time.Hour {
			t.Fatalf("On(%v) = %q until %v, %v", at, who, until, ok)
		}
	})
}

func TestDutyGaps(t *testing.T) {
	t.Parallel()
	who := []string{"一"}
	for _, tc := range []struct {
		name   string
		shifts []Shift
		want   []string
	}{
		{"whole day", []Shift{{"00:00", "24:00", who}}, nil},
		{"from morning to morning", []Shift{{"08:30", "08:30", who}}, nil},
		{"two halves", []Shift{{"08:00", "20:00", who}, {"20:00", "08:00", who}}, nil},
		{"a hole", []Shift{{"08:00", "19:00", who}, {"20:00", "08:00", who}}, []string{"nobody serves 19:00–20:00; add a shift"}},
		{"an overlap", []Shift{{"08:00", "20:30", who}, {"20:00", "08:00", who}}, []string{"2 shifts overlap 20:00–20:30; end one where the other begins"}},
		{"a hole round midnight", []Shift{{"01:00", "23:00", who}}, []string{"nobody serves 00:00–01:00; add a shift", "nobody serves 23:00–24:00; add a shift"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Duty{Shifts: tc.shifts}.gaps()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
