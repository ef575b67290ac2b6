package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
)

// weigh says what the pieces come to.
func (r *reader) weigh(among []string) reading {
	best, score, total := r.strongest(among)
	rs, result := r.rs, reading{region: none}
	if len(best) == 0 {
		return result
	}
	switch {
	case len(best) == 1:
		result.region = best[0]
	default:
		if len(best) <= mostCandidates {
			for _, b := range best {
				result.candidates = append(result.candidates, rs.regions.ids[b])
			}
			slices.Sort(result.candidates)
		}
		if up := rs.regions.common(best); rs.isPlace(up) {
			result.region, result.sure = up, sureUnsettled
		}
	}
	strongest := nameKind(0)
	for i := range r.pieces {
		p := &r.pieces[i]
		if p.frame || p.alts == nil {
			continue
		}
		weight := nameKind(0)
		for _, b := range best {
			weight = max(weight, r.speaksFor(p, b))
			if at, ok := slices.BinarySearchFunc(p.alts, rs.regions.first[b], func(m meaning, first int32) int {
				return cmp.Compare(rs.regions.first[m.region], first)
			}); ok {
				strongest = max(strongest, p.alts[at].kind)
			}
		}
		if weight > 0 {
			if said := r.said(p); !slices.Contains(result.evidence, said) {
				result.evidence = append(result.evidence, said)
			}
		}
	}
	if len(best) == 1 {
		result.sure = float64(score) / float64(max(total, score)) * strongest.sure()
	}
	return result
}

// strongest are the regions most spoken for, their weight and that of all that is said.
func (r *reader) strongest(among []string) (best []int32, score, total int) {
	rs := r.rs
	r.regions = r.regions[:0]
	for _, crowded := range []bool{false, true} { // names of few regions first: they choose among those of many
		few := len(r.regions)
		for i := range r.pieces {
			p := &r.pieces[i]
			if p.frame || p.alts == nil || (len(p.alts) > mostMeanings) != crowded || r.repeats(i) {
				continue
			}
			if !crowded {
				total += int(p.kind)
				for _, m := range p.alts {
					r.regions = append(r.regions, m.region)
				}
				continue
			}
			for _, region := range rs.innermost(r.regions[:few]) {
				if alts := r.below(p.alts, region); 0 < len(alts) && len(alts) <= mostMeanings {
					for _, m := range alts {
						r.regions = append(r.regions, m.region)
					}
				}
			}
		}
	}
	slices.Sort(r.regions)
	for _, region := range slices.Compact(r.regions) {
		if !rs.isPlace(region) || among != nil && !rs.fits(region, among) {
			continue
		}
		sum := 0
		for i := range r.pieces {
			if p := &r.pieces[i]; !p.frame && p.alts != nil && !r.repeats(i) {
				sum += int(r.speaksFor(p, region))
			}
		}
		if sum > score {
			score, best = sum, best[:0]
		}
		if sum == score {
			best = append(best, region)
		}
	}
	return rs.outermost(best), score, total
}

// repeats reports whether a piece says what an earlier one said.
func (r *reader) repeats(i int) bool {
	p := &r.pieces[i]
	return p.word != none && slices.ContainsFunc(r.pieces[:i], func(q piece) bool {
		return q.word == p.word && q.end == p.end && len(q.alts) == len(p.alts) && (len(p.alts) == 0 || q.alts[0].region == p.alts[0].region)
	})
}

// speaksFor is the weight with which a piece names a region or one around it, 0 when it does not.
func (r *reader) speaksFor(p *piece, region int32) nameKind {
	tree := &r.rs.regions
	weight := nameKind(0)
	if len(p.alts) <= 8 {
		for i := range p.alts {
			if tree.under(region, p.alts[i].region) {
				weight = max(weight, p.alts[i].kind)
			}
		}
		return weight
	}
	for at := region; at != none; at = tree.parent[at] {
		n, found := slices.BinarySearchFunc(p.alts, tree.first[at], func(m meaning, first int32) int { return cmp.Compare(tree.first[m.region], first) })
		if found {
			weight = max(weight, p.alts[n].kind)
		}
	}
	return weight
}

// said is a piece as evidence.
func (r *reader) said(p *piece) string {
	written := r.text[r.at[p.from]:r.at[p.to]]
	switch {
	case p.kind == nameTypo && len(p.alts) > 0:
		return written + "→" + text.Fold(r.rs.city.Regions[p.alts[0].region].Name)
	case p.end != none:
		return strings.TrimSuffix(written, endings[p.end].written) + endings[p.end].short
	case p.word != none && r.rs.naming.road[p.word] && p.alts != nil:
		if number, ok := houseNumber(r.rest(p.to)); ok && slices.ContainsFunc(p.alts, func(m meaning) bool { return m.from > 0 || m.to > 0 || m.side != bothSides }) {
			return written + decimal(float64(number)) + "号"
		}
	}
	return written
}

// fits reports whether a region is, contains or lies in one of the candidates.
func (rs *Ruleset) fits(region int32, among []string) bool {
	return slices.ContainsFunc(among, func(id string) bool {
		at := rs.regions.find(id)
		return rs.regions.under(region, at) || rs.regions.under(at, region)
	})
}

// innermost leaves out regions that another one of the list lies in.
func (rs *Ruleset) innermost(list []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(list), func(x int32) bool {
		return slices.ContainsFunc(list, func(y int32) bool { return x != y && rs.regions.under(y, x) })
	})
}

// outermost leaves out regions that lie in another one of the list.
func (rs *Ruleset) outermost(list []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(list), func(x int32) bool {
		return slices.ContainsFunc(list, func(y int32) bool { return x != y && rs.regions.under(x, y) })
	})
}
