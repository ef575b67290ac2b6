package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/citizen-hotline/gateway/routing"
)

// CheckBasis finds what stops or moves a deadline without saying by what right.
const CheckBasis routing.Check = "basis"

// Lint looks for what the pack says without effect, twice, or to nobody: what routing finds in its rules, units
// that own matters and cannot be told, posts on duty that nobody holds, and reasons without the legal basis they need.
func (p *Pack) Lint() []routing.Finding {
	findings := p.Ruleset.Lint()
	owns := map[string]bool{}
	for i := range p.Catalogue {
		owns[p.Catalogue[i].Unit] = true
	}
	for i := range p.Rules {
		owns[p.Rules[i].Then.Unit] = true
	}
	held := p.Roster.Posts()
	for i := range p.Units {
		u := &p.Units[i]
		if u.Retired != "" {
			continue
		}
		if (owns[u.ID] || u.Region != "") && u.Phone == "" && u.Notify == nil && len(u.Posts) == 0 {
			findings = append(findings, routing.Finding{
				Source: u.Source, Check: routing.CheckUnreached, Thing: fmt.Sprintf("unit %q", u.ID),
				Words: "owns matters and has neither telephone, notify nor posts", Try: "give it one of them",
			})
		}
		for _, post := range u.Posts {
			if post.Role == "duty" && !slices.Contains(held, post.ID) {
				findings = append(findings, routing.Finding{
					Source: u.Source, Check: routing.CheckUnreached, Thing: fmt.Sprintf("unit %q", u.ID),
					Words: fmt.Sprintf("its post %q is on duty and in no roster", post.ID), Try: "give the post a roster",
				})
			}
		}
	}
	for i := range p.Reasons {
		r := &p.Reasons[i]
		if r.Basis == "" && (slices.Contains(r.For, "pause") || slices.Contains(r.For, "extend")) {
			findings = append(findings, routing.Finding{
				Source: r.At, Check: CheckBasis, Thing: fmt.Sprintf("reason %q", r.Code),
				Words: "stops or moves a deadline and names no legal basis", Try: "give it its basis",
			})
		}
	}
	slices.SortStableFunc(findings, func(a, b routing.Finding) int {
		return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
	})
	return findings
}

// Untouched lists the rules that none of the pack's tests touches: no test is decided by one, in any field, nor
// meets its condition at the turn of its stage. Whoever breaks such a rule hears nothing.
func (p *Pack) Untouched() []routing.Rule {
	touched := map[string]bool{}
	for _, t := range p.Tests {
		facts := p.Facts(t.Facts)
		var rec routing.Recorder
		p.Ruleset.Decide(&facts, &rec)
		for _, r := range rec.Explanation().Rules {
			if r.Outcome == routing.OutcomeWon {
				touched[r.Rule] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(p.Rules), func(r routing.Rule) bool { return touched[r.ID] })
}
