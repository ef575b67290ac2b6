package sla

import (
	"strings"
	"testing"
	"time"
)

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	if err := general().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Policy)
		want   []string
	}{
		"nothing given": {
			func(p *Policy) { *p = Policy{} },
			[]string{`id ""`, "version 0", "title", "clocks: names none"},
		},
		"everything at once": {
			func(p *Policy) {
				p.ID = "a@b"
				p.Clocks = map[ClockName]ClockRule{
					"lunch":       {Limit: Limit{Amount: 1, Unit: Hours}},
					ClockDispatch: {Limit: Limit{Amount: 0, Unit: Hours}},
				}
				p.Budget.Hops = -1
			},
			[]string{`id "a@b"`, `clock "lunch"`, "clock dispatch: limit: amount 0", "hops -1"},
		},
		"steps": {
			func(p *Policy) {
				p.Clocks[ClockSign] = ClockRule{Limit: Limit{Amount: 4, Unit: WorkingHours}, Ladder: []Step{
					{ID: "", Level: "pink"},
					{ID: "a", Level: "red", To: []string{"head"}, Before: 1, After: 1, Unit: Hours},
					{ID: "a", Level: "red", To: []string{"head"}, Unit: Hours},
					{ID: "b", Level: "red", To: []string{"head"}, After: 3, Unit: "moons"},
				}}
			},
			[]string{`step 1 "": needs an id`, `level "pink"`, "names nobody", "before 1, after 1", `step 3 "a": needs an id`, `unit "hours": is for before or after`, `unit "moons"`},
		},
		"never met": {
			func(p *Policy) {
				r := p.Clocks[ClockResolve]
				r.Ladder[0].Before = 6
				p.Clocks[ClockResolve] = r
			},
			[]string{`step 1 "remind": 6 个工作日 before the deadline can never be met: the limit is only 5 个工作日`},
		},
		"order of time": {
			func(p *Policy) {
				r := p.Clocks[ClockResolve]
				r.Ladder[0].Before, r.Ladder[1].Before, r.Ladder[1].Level = 1, 2, "remind"
				p.Clocks[ClockResolve] = r
			},
			[]string{`step 2 "yellow": falls due earlier than step "remind"`},
		},
		"order of levels": {
			func(p *Policy) {
				r := p.Clocks[ClockResolve]
				r.Ladder[2].Level = "remind"
				p.Clocks[ClockResolve] = r
			},
			[]string{`step 3 "red": level remind is milder than yellow`},
		},
		"budget": {
			func(p *Policy) {
				p.Budget = Budget{Pauses: 1, Extensions: 1, ReturnWithin: Limit{Amount: -1, Unit: WorkingDays}}
			},
			[]string{"pause_total: is missing", "extension_most: is missing", "return_within: amount -1"},
		},
		"budget is an amount": {
			func(p *Policy) { p.Budget.PauseTotal.DueAt = EndOfWork },
			[]string{"pause_total: is an amount"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := general()
			tt.change(&p)
			err := p.Validate()
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in:\n%v", want, err)
				}
			}
			if _, errSet := New([]Policy{p}, []*Calendar{cn2026()}); errSet == nil {
				t.Error("a set takes the policy")
			}
		})
	}
}

func TestLonger(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b Limit
		want bool
	}{
		{Limit{Amount: 61, Unit: Minutes}, Limit{Amount: 1, Unit: Hours}, true},
		{Limit{Amount: 60, Unit: Minutes}, Limit{Amount: 1, Unit: Hours}, false},
		{Limit{Amount: 2, Unit: WorkingDays}, Limit{Amount: 24, Unit: Hours}, true},
		{Limit{Amount: 30, Unit: Hours}, Limit{Amount: 1, Unit: NaturalDays}, false}, // the first day may add to it
		{Limit{Amount: 49, Unit: Hours}, Limit{Amount: 1, Unit: NaturalDays}, true},
		{Limit{Amount: 1000, Unit: Hours}, Limit{Amount: 1, Unit: WorkingDays}, false}, // holidays may be long
		{Limit{Amount: 1, Unit: WorkingDays}, Limit{Amount: 4, Unit: WorkingHours}, false},
		{Limit{Amount: 49, Unit: WorkingHours}, Limit{Amount: 1, Unit: WorkingDays}, true},
	} {
		if got := longer(tt.a, tt.b); got != tt.want {
			t.Errorf("longer(%v, %v) = %v", tt.a, tt.b, got)
		}
	}
}

func TestPolicySet(t *testing.T) {
	t.Parallel()
	second := spec2026()
	second.Version = 2
	newer := build(t, second)
	other := second
	other.ID = "court"
	court := build(t, other)

	first, v2, v10, pinned := general(), general(), general(), general()
	first.Calendar = "cn"
	v2.Version, v10.Version = 2, 10
	pinned.ID, pinned.Calendar = "pinned", "cn@1"
	set, err := New([]Policy{first, v10, v2, pinned}, []*Calendar{newer, cn2026(), court})
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := set.By("general", time.Now()); !ok || p.Key() != "general@10" {
		t.Errorf("latest: %s, %v", p.Key(), ok)
	}
	if p, c, ok := set.Lookup("general@2"); !ok || p.Version != 2 || c != newer {
		t.Errorf("general@2: %s on %v, %v", p.Key(), c, ok)
	}
	if _, c, ok := set.Lookup("pinned@1"); !ok || c != cn2026() {
		t.Errorf("pinned@1 on %v, %v", c, ok)
	}
	if _, _, ok := set.Lookup("general@3"); ok {
		t.Error("there is no general@3")
	}
	if _, ok := set.By("nobody", time.Now()); ok {
		t.Error("there is no policy nobody")
	}

	anyCalendar := general()
	anyCalendar.Calendar = ""
	if _, err := New([]Policy{anyCalendar}, []*Calendar{cn2026(), newer}); err != nil {
		t.Errorf("the only calendar is the one meant: %v", err)
	}
	lost := general()
	lost.ID, lost.Calendar = "lost", "moon"
	_, err = New([]Policy{anyCalendar, anyCalendar, lost}, []*Calendar{cn2026(), cn2026(), court})
	for _, want := range []string{"policy general@1: stands twice", "general@1: names no calendar", `policy lost@1: calendar "moon"`, "calendar cn@1: stands twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in:\n%v", want, err)
		}
	}
}
