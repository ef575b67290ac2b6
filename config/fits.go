package config

import (
	"slices"

	"github.com/citizen-hotline/gateway/routing"
)

// Successor is who does a unit's work now: the unit itself while it works, else the one that
// replaced it. It is false when the pack knows neither.
func (p *Pack) Successor(unit string) (routing.Unit, bool) {
	for range p.Units {
		i := slices.IndexFunc(p.Units, func(u routing.Unit) bool { return u.ID == unit })
		switch {
		case i < 0:
			return routing.Unit{}, false
		case p.Units[i].Retired == "":
			return p.Units[i], true
		}
		unit = p.Units[i].ReplacedBy
	}
	return routing.Unit{}, false
}

// Fits reports whether the pack can take over the open work of the units named: each must be
// there, or be retired with a unit that replaced it. The error is [Problems], one a unit.
func (p *Pack) Fits(openUnits []string) error {
	var problems Problems
	for _, id := range slices.Compact(slices.Sorted(slices.Values(openUnits))) {
		if _, ok := p.Successor(id); id == "" || ok {
			continue
		}
		problems = append(problems, Problem{
			Text: label("unit", id) + ": has open tickets and is gone; bring it back as retired with replaced_by, or move its tickets first",
		})
	}
	return problems.err()
}
