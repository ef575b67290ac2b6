package tracker

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/city"
)

var pack = sync.OnceValues(func() (*config.Pack, error) { return config.LoadDir("../../config/cities/linyi") })

func cityOf(t *testing.T) (*city.City, *config.Pack) {
	t.Helper()
	p, err := pack()
	if err != nil {
		t.Fatal(err)
	}
	return &city.City{Rules: p.Ruleset, DutyUnit: p.DutyUnit()}, p
}

func TestReceivers(t *testing.T) {
	t.Parallel()
	c, _ := cityOf(t)
	for name, tt := range map[string]struct {
		holder string
		roles  []string
		want   map[string][]string
	}{
		"a street's own":                  {"s-371302105", []string{"handler", "head"}, map[string][]string{"s-371302105": {"s-371302105.handler", "s-371302105.head"}}},
		"the centre's":                    {"s-371302105", []string{"duty", "supervision"}, map[string][]string{"centre": {"centre.duty", "centre.supervision"}}},
		"named twice, told once":          {"s-371302105", []string{"handler", "handler"}, map[string][]string{"s-371302105": {"s-371302105.handler"}}},
		"a clock that nobody holds":       {"", []string{"deputy", "duty"}, map[string][]string{"centre": {"centre.deputy", "centre.duty"}}},
		"a unit that is not in the pack":  {"gone", []string{"handler"}, map[string][]string{"gone": {}, "centre": {"centre.duty"}}},
		"nobody but the citizen is named": {"s-371302105", []string{"citizen"}, map[string][]string{"s-371302105": {}, "centre": {"centre.duty"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := receivers(c, tt.holder, tt.roles)
			for u, ids := range got {
				if ids == nil {
					got[u] = []string{}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whichever unit of the demo city holds a clock, every step of every policy is somebody's to hear.
func TestEveryStepOfLinyiHasSomebodyWhoHears(t *testing.T) {
	t.Parallel()
	c, p := cityOf(t)
	for _, policy := range p.Policies {
		for name, rule := range policy.Clocks {
			for _, step := range rule.Ladder {
				for _, u := range p.Units {
					if u.Retired != "" {
						continue
					}
					heard := false
					for _, ids := range receivers(c, u.ID, step.To) {
						heard = heard || len(ids) > 0
					}
					if !heard {
						t.Fatalf("%s/%s/%s held by %s: nobody of %v hears", policy.Key(), name, step.ID, u.ID, step.To)
					}
				}
			}
		}
	}
	// The deputy in charge is somebody of the unit itself or of the one above, not the officer on shift.
	for _, unit := range []string{"s-371302105", "b-chengguan", "d-371302"} {
		if ids := c.PostsOf(unit, "deputy"); len(ids) == 0 || slices.Contains(ids, "centre.duty") {
			t.Errorf("the deputy of %s: %v", unit, ids)
		}
	}
}
