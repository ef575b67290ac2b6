package routing

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What stands beside a name says whether it is one.

// cutsInto reports whether a name begins inside the full name of a district or city that stands
// before it: 市岭下村 in 金华市岭下村.
func (r *reader) cutsInto(p *piece) bool {
	return slices.ContainsFunc(r.found, func(q piece) bool { return q.from < p.from && p.from < q.to && q.to < p.to })
}

// leadIns are the last characters of what stands before a name in a sentence.
const leadIns = "在住到是的于映近旁我对向和与及由从去往达至给号路街道巷口区县市镇乡处村府边面里"

// partOfLonger reports whether the name of a village is only the end of a longer one that nobody
// listed: 官庄村 in 李官庄村, 林庄社区 in 大林庄社区.
func (r *reader) partOfLonger(p *piece) bool {
	if p.end == none || endings[p.end].family != communityFamily || p.from == 0 || r.covered[p.from-1] != 0 || r.gap(p.from) {
		return false
	}
	before := r.letters[p.from-1]
	short := r.rs.naming.auto.length[p.word] <= 2
	if before < utf8.RuneSelf || !strings.ContainsRune(telling, before) && (!short || strings.ContainsRune(leadIns, before)) {
		return false
	}
	return !slices.ContainsFunc(r.implied, func(q piece) bool { return q.to == p.from && r.free(q.from, q.to) && r.holdsOne(&q, p) })
}

// parts reports whether the character at the place parts names: a sign, or a blank that stayed.
func (r *reader) parts(at int32) bool {
	c := r.letters[at]
	return c < utf8.RuneSelf && strings.ContainsRune(" \n,.;:/-|()", c)
}

// before is the piece that ends where a name begins, nil when there is none; starts says that a
// name may begin here: at the beginning, after a piece, a blank, a sign or a word like 家住.
func (r *reader) before(from int32) (p *piece, starts bool) {
	at := from - 1
	for at >= 0 && r.parts(at) {
		at--
	}
	if at < 0 {
		return nil, true
	}
	if n := r.covered[at]; n != 0 {
		return &r.pieces[n-1], true
	}
	return nil, at < from-1 || r.gap(from) || strings.ContainsRune("在住是于到映", r.letters[at])
}

// after is the piece that begins where a name ends; over says that nothing that could belong to
// the name follows.
func (r *reader) after(to int32) (p *piece, over bool) {
	at := to
	for int(at) < len(r.covered) && r.parts(at) {
		at++
	}
	if int(at) == len(r.covered) {
		return nil, true
	}
	if n := r.covered[at]; n != 0 {
		return &r.pieces[n-1], true
	}
	rest := r.rest(to)
	return nil, at > to || r.gap(to) || rest[0] < utf8.RuneSelf || roadAhead(rest) || nameAhead(rest, streetFamily) || slices.ContainsFunc(onwards, func(w string) bool { return strings.HasPrefix(rest, w) })
}

// holdsOne reports whether one of the inner meanings lies in one of the outer.
func (r *reader) holdsOne(outer, inner *piece) bool {
	if len(inner.alts) > mostMeanings {
		return slices.ContainsFunc(outer.alts, func(m meaning) bool { return len(r.below(inner.alts, m.region)) > 0 })
	}
	return slices.ContainsFunc(inner.alts, func(m meaning) bool { return r.speaksFor(outer, m.region) > 0 })
}

// imply takes shortened names that stand where an address has a name: between a region around it
// and the end of the name, before one that lies in it, or alone. It reports whether it took one.
func (r *reader) imply() bool {
	took := false
	for i := range r.implied {
		p := r.implied[i]
		if !r.free(p.from, p.to) || !r.implies(&p) {
			continue
		}
		if outer, _ := r.before(p.from); outer != nil {
			p.alts = r.strictlyIn(outer, p.alts)
		}
		if wider := func(m meaning) bool { return endings[m.end].family != communityFamily }; slices.ContainsFunc(p.alts, wider) {
			begin := len(r.room)
			for _, m := range p.alts { // 罗庄 is the district before it is a village of that name
				if inner, _ := r.after(p.to); wider(m) || inner != nil && r.holdsRegion(m.region, inner) {
					r.room = append(r.room, m)
				}
			}
			p.alts = r.room[begin:]
		}
		r.pieces = append(r.pieces, p)
		r.cover(p.from, p.to, int32(len(r.pieces)))
		took = true
	}
	return took
}

// implyAll is imply until nothing is left: one name taken may speak for the next.
func (r *reader) implyAll() {
	for range len(regionLevels) {
		if !r.imply() {
			return
		}
	}
}

// implies reports whether what stands beside a shortened name makes it one.
func (r *reader) implies(p *piece) bool {
	outer, starts := r.before(p.from)
	inner, over := r.after(p.to)
	in := outer != nil && r.holdsOne(outer, p) && !r.townLonger(p)
	if isRoad(r.rs.naming.auto.words[p.word]) && int(p.to) < len(r.covered) && r.rest(p.to)[0] < utf8.RuneSelf {
		return false // the road itself, in whatever street its number lies
	}
	long := r.rs.naming.auto.length[p.word] > 2 && !strings.HasPrefix(r.rest(p.to), "口") // 十字路口
	switch {
	case inner != nil && !inner.frame && r.holdsOne(p, inner), in && (over || long || r.beforeVillage(p)), outer == nil && starts && inner == nil && over:
		return true
	case inner != nil:
		return false
	}
	return slices.ContainsFunc(r.implied, func(next piece) bool {
		_, over := r.after(next.to)
		return over && next.from == p.to && r.free(next.from, next.to) && r.holdsOne(p, &next) && next.word != p.word
	})
}

// townLonger reports whether a shortened name seems to begin a longer one: 黄山 in 黄山过镇.
func (r *reader) townLonger(p *piece) bool {
	rest := r.rest(p.to)
	_, size := utf8.DecodeRuneInString(rest)
	e := endingOf(rest[size:])
	return e != none && endings[e].family == streetFamily
}

// beforeVillage reports whether a shortened name that may be more than a village stands before a
// village that nobody listed: 半程石沟村.
func (r *reader) beforeVillage(p *piece) bool {
	return slices.ContainsFunc(p.alts, func(m meaning) bool { return endings[m.end].family != communityFamily }) && nameAhead(r.rest(p.to), communityFamily)
}

// shortIn are the meanings of a shortened name that stands in a region of the same name: in
// 平邑县平邑 the second is the street, though the pack lists it as short for the county.
func (r *reader) shortIn(p *piece) ([]meaning, bool) {
	outer, _ := r.before(p.from)
	if outer == nil || outer.frame {
		return nil, false
	}
	within := func(alts []meaning) ([]meaning, bool) {
		below := r.strictlyIn(outer, alts)
		return below, len(below) > 0 && below[0].region != outer.alts[0].region && r.rs.regions.under(below[0].region, outer.alts[0].region)
	}
	if alts, ok := within(p.alts); ok {
		return alts, true
	}
	for i := range r.implied {
		q := &r.implied[i]
		if _, over := r.after(q.to); q.from == p.from && q.to == p.to && (over || r.beforeVillage(q)) {
			return within(q.alts)
		}
	}
	return nil, false
}

// strictlyIn are the meanings that lie below what stands before them, all when none does.
func (r *reader) strictlyIn(outer *piece, alts []meaning) []meaning {
	if len(alts) > mostMeanings || len(outer.alts) > mostMeanings {
		return alts
	}
	begin := len(r.room)
	for _, m := range alts {
		if slices.ContainsFunc(outer.alts, func(o meaning) bool { return o.region != m.region && r.rs.regions.under(m.region, o.region) }) {
			r.room = append(r.room, m)
		}
	}
	if begin == len(r.room) {
		return alts
	}
	return r.room[begin:]
}

// holdsRegion reports whether one of the meanings of a piece lies in a region.
func (r *reader) holdsRegion(region int32, p *piece) bool { return len(r.below(p.alts, region)) > 0 }
