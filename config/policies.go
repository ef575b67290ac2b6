package config

import (
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/routing"
)

// versions holds the versions of each policy to the order of their days, where they stand.
func (l *loader) versions() {
	list := l.items.policies
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return list[a].value.Version - list[b].value.Version })
	last := map[string]int{}
	for _, i := range order {
		p := &list[i].value
		if ahead, ok := last[p.ID]; ok {
			if err := p.Follows(list[ahead].value); err != nil {
				subjectOf(l, "policy", p.Key(), &list[i]).wrong("from", "%s", err)
			}
		}
		last[p.ID] = i
	}
}

// Holds reports whether every policy that rules, catalogue and city name has a version that holds at a time.
// The error is [Problems], one where each is named.
func (p *Pack) Holds(at time.Time) error {
	var problems Problems
	check := func(src routing.Source, thing, id string) {
		if id == "" {
			return
		}
		if _, ok := p.PolicySet.By(id, at); ok {
			return
		}
		first, _ := p.PolicySet.First(id)
		problems = append(problems, Problem{
			File: src.File, Line: src.Line,
			Text: thing + ": policy " + shown("policy", id) + " holds from " + first.In(p.City.Location).Format(time.DateOnly) +
				" on, and nothing before; keep a version without from, or name another policy until then",
		})
	}
	check(routing.Source{File: "city.yaml"}, "default_policy", p.City.DefaultPolicy)
	for i := range p.Catalogue {
		check(p.Catalogue[i].Source, label("row", p.Catalogue[i].ID), p.Catalogue[i].Policy)
	}
	for i := range p.Rules {
		check(p.Rules[i].Source, label("rule", p.Rules[i].ID), p.Rules[i].Then.Policy)
	}
	return problems.err()
}
