package routing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Finding is something a pack may say and probably does not mean. It is not wrong: a pack with findings
// loads. What is wrong is a Problem.
type Finding struct {
	Source Source `json:"source,omitzero"`
	Check  Check  `json:"check"`
	Thing  string `json:"thing"` // rule "r-flood", category "01.02" …
	Words  string `json:"words"` // what it is
	Try    string `json:"try"`   // what to do about it
}

// String is the finding as a line, with file and line.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s: %s; %s", f.Source.File, f.Source.Line, f.Check, f.Thing, f.Words, f.Try)
}

// Check names what a finding was found by.
type Check string

// The checks.
const (
	CheckDead      Check = "dead"      // can never hold
	CheckShadowed  Check = "shadowed"  // never comes to its turn
	CheckOverlap   Check = "overlap"   // one word, two owners: order alone decides
	CheckRepeated  Check = "repeated"  // says what another says already
	CheckUnowned   Check = "unowned"   // nothing leads there, or nobody owns it
	CheckPolygons  Check = "polygons"  // gaps and overlaps
	CheckUnreached Check = "unreached" // a unit that cannot be told, or has nobody on duty
)

// lint gathers findings.
type lint struct {
	*Ruleset
	findings []Finding
}

func (l *lint) add(at Source, check Check, thing, try, format string, args ...any) {
	l.findings = append(l.findings, Finding{Source: at, Check: check, Thing: thing, Try: try, Words: fmt.Sprintf(format, args...)})
}

// Lint looks for what a pack says without effect, twice, or to nobody. Findings come in the order of file
// and line. It warns only of what it can prove from the conditions, never of what is merely unusual, but for
// overlaps, which may be meant.
func (rs *Ruleset) Lint() []Finding {
	l := &lint{Ruleset: rs}
	for s, stage := range rs.stages {
		for b := stage.first; b < stage.last; b++ {
			if l.dead(b) || ruleStages[s] == StageTriage {
				continue
			}
			shadowed := false
			for a := stage.first; a < b && !shadowed; a++ {
				shadowed = l.shadows(a, b)
			}
			if !shadowed {
				l.overlaps(stage.first, b)
			}
		}
	}
	l.repeatedWords()
	l.repeatedRows()
	l.unledCategories()
	l.polygons()
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line))
	})
	return l.findings
}

func (l *lint) rule(id int32) *Rule { return &l.city.Rules[l.rules[id].at] }

// named is a rule as findings name it.
func named(r *Rule) string { return "rule " + quote(r.ID) }

// dead reports a rule whose condition nothing can meet.
func (l *lint) dead(id int32) bool {
	r, k := l.rule(id), &l.rules[id].clause
	say := func(try, format string, args ...any) bool {
		l.add(r.Source, CheckDead, named(r), try, format, args...)
		return true
	}
	for i, a := range k.numbers {
		for _, b := range k.numbers[i:] {
			if a.fact == b.fact && max(a.min, b.min) > min(a.max, b.max) {
				return say("mend min and max", "no %s lies in its ranges", NumberFacts[a.fact])
			}
		}
	}
	ws := k.words
	if ws == nil {
		return false
	}
	text := l.auto.words
	excluded := func(w int32) bool { // whoever says it says what must not be said
		return len(ws.mask) == 0 && slices.ContainsFunc(ws.none, func(n int32) bool { return strings.Contains(text[w], text[n]) })
	}
	for _, w := range ws.all {
		if excluded(w) {
			return say("take it out of none", "%q must be said, and must not be said", text[w])
		}
	}
	if len(ws.any) > 0 && !slices.ContainsFunc(ws.any, func(w int32) bool { return !excluded(w) }) {
		return say("take them out of none", "every word of any must not be said")
	}
	return false
}

// shadows reports a rule that holds only when an earlier one of its stage does, so that it never comes to
// its turn.
func (l *lint) shadows(a, b int32) bool {
	if !l.implies(&l.rules[b].clause, &l.rules[a].clause) {
		return false
	}
	earlier, r := l.rule(a), l.rule(b)
	l.add(r.Source, CheckShadowed, named(r), "put it before that rule, narrow that rule, or remove it",
		"whenever it holds, rule %q (%s:%d) holds and comes first", earlier.ID, earlier.Source.File, earlier.Source.Line)
	return true
}

// implies reports whether whatever meets narrow must meet wide. It may miss some that do, never the other way.
func (l *lint) implies(narrow, wide *clause) bool {
	set := func(n, w uint16) bool { return w == 0 || n != 0 && n&^w == 0 }
	list := func(n, w []int32) bool {
		return w == nil || n != nil && !slices.ContainsFunc(n, func(x int32) bool { return !slices.Contains(w, x) })
	}
	subtrees := func(n, w []span) bool {
		return w == nil || n != nil && !slices.ContainsFunc(n, func(x span) bool {
			return !slices.ContainsFunc(w, func(y span) bool { return y.first <= x.first && x.last <= y.last })
		})
	}
	switch {
	case !set(narrow.kinds, wide.kinds), !set(narrow.sources, wide.sources), !set(narrow.types, wide.types), !set(narrow.urgencies, wide.urgencies),
		!list(narrow.channels, wide.channels), !list(narrow.lines, wide.lines), !list(narrow.areas, wide.areas), !list(narrow.tags, wide.tags),
		!subtrees(narrow.categories, wide.categories), !subtrees(narrow.regions, wide.regions):
		return false
	case wide.outside != nil && (narrow.outside == nil || !list(wide.outside, narrow.outside)):
		return false
	case wide.window != nil && (narrow.window == nil || *narrow.window != *wide.window):
		return false
	}
	for _, w := range wide.numbers {
		if !slices.ContainsFunc(narrow.numbers, func(n bound) bool { return n.fact == w.fact && n.min >= w.min && n.max <= w.max }) {
			return false
		}
	}
	return l.wordsImply(narrow.words, wide.words)
}

// wordsImply is implies for keywords. With a mask on the wide side, only words that are the same in both count.
func (l *lint) wordsImply(narrow, wide *wordSet) bool {
	if wide == nil {
		return true
	}
	if narrow == nil {
		return false
	}
	text := l.auto.words
	among := func(part, all []int32) bool {
		return !slices.ContainsFunc(part, func(m int32) bool { return !slices.Contains(all, m) })
	}
	// A mask takes hits away: from any and all, which makes a rule narrower, and from none, which makes it wider.
	if !among(wide.mask, narrow.mask) || len(wide.none) > 0 && !among(narrow.mask, wide.mask) {
		return false
	}
	says := func(said, asked int32) bool {
		return said == asked || len(wide.mask) == 0 && strings.Contains(text[said], text[asked])
	}
	oneOf := func(said int32, asked []int32) bool {
		return slices.ContainsFunc(asked, func(w int32) bool { return says(said, w) })
	}
	if len(wide.any) > 0 {
		byAll := slices.ContainsFunc(narrow.all, func(w int32) bool { return oneOf(w, wide.any) })
		byAny := len(narrow.any) > 0 && !slices.ContainsFunc(narrow.any, func(w int32) bool { return !oneOf(w, wide.any) })
		if !byAll && !byAny {
			return false
		}
	}
	for _, asked := range wide.all {
		if !slices.ContainsFunc(narrow.all, func(w int32) bool { return says(w, asked) }) {
			return false
		}
	}
	for _, unsaid := range wide.none { // what is not said in part is not said
		if len(narrow.mask) > 0 && !slices.Contains(narrow.none, unsaid) {
			return false
		}
		if !slices.ContainsFunc(narrow.none, func(w int32) bool { return strings.Contains(text[unsaid], text[w]) }) {
			return false
		}
	}
	return true
}

// overlaps reports an earlier rule that the same word may trigger, for another owner.
func (l *lint) overlaps(first, b int32) {
	r, k := l.rule(b), &l.rules[b].clause
	if k.words == nil || r.Then.Unit == "" {
		return
	}
	for a := first; a < b; a++ {
		earlier, e := l.rule(a), &l.rules[a].clause
		if e.words == nil || earlier.Then.Unit == "" || earlier.Then.Unit == r.Then.Unit || !l.compatible(e, k) {
			continue
		}
		if l.implies(e, k) {
			continue // the narrow one before the wide one: that is how it is meant
		}
		at := slices.IndexFunc(k.words.any, func(w int32) bool { return slices.Contains(e.words.any, w) })
		if at < 0 {
			continue
		}
		l.add(r.Source, CheckOverlap, named(r), "see that the order is meant, or tell them apart",
			"%q also triggers rule %q (%s:%d), which comes first and gives it to %s", l.auto.words[k.words.any[at]], earlier.ID,
			earlier.Source.File, earlier.Source.Line, l.UnitName(earlier.Then.Unit))
		return
	}
}

// compatible reports whether one request could meet both conditions, keywords aside. It may say yes too often.
func (l *lint) compatible(a, b *clause) bool {
	set := func(x, y uint16) bool { return x == 0 || y == 0 || x&y != 0 }
	list := func(x, y []int32) bool { return x == nil || y == nil || meet(x, y) }
	subtrees := func(x, y []span) bool {
		return x == nil || y == nil || slices.ContainsFunc(x, func(s span) bool {
			return slices.ContainsFunc(y, func(t span) bool { return s.first < t.last && t.first < s.last })
		})
	}
	inside := func(x, y []int32) bool { // in areas that the other excludes
		return x == nil || y == nil || slices.ContainsFunc(x, func(at int32) bool { return !slices.Contains(y, at) })
	}
	return set(a.kinds, b.kinds) && set(a.sources, b.sources) && set(a.types, b.types) && set(a.urgencies, b.urgencies) && list(a.channels, b.channels) && list(a.lines, b.lines) &&
		list(a.tags, b.tags) && subtrees(a.categories, b.categories) && subtrees(a.regions, b.regions) && inside(a.areas, b.outside) && inside(b.areas, a.outside)
}

// repeatedWords reports words that say nothing beside another of the same list.
func (l *lint) repeatedWords() {
	for i := range l.rules {
		r, ws := l.rule(int32(i)), l.rules[i].clause.words
		if ws == nil || len(ws.mask) > 0 { // a mask may hide the shorter one
			continue
		}
		for _, list := range []struct {
			name  string
			words []int32
		}{{"any", ws.any}, {"none", ws.none}} {
			for _, w := range list.words {
				shorter := slices.IndexFunc(list.words, func(v int32) bool { return v != w && strings.Contains(l.auto.words[w], l.auto.words[v]) })
				if shorter >= 0 {
					l.add(r.Source, CheckRepeated, named(r), "remove the longer word, or the shorter one if it finds too much",
						"%s: %q says nothing beside %q", list.name, l.auto.words[w], l.auto.words[list.words[shorter]])
				}
			}
		}
	}
}

// repeatedRows reports catalogue rows that say what a wider row says for the same places.
func (l *lint) repeatedRows() {
	byCell := map[cell]int{}
	at := func(r *Row) cell { return cell{l.categories.find(r.Category), l.regions.find(r.Region)} }
	for i := range l.city.Catalogue {
		byCell[at(&l.city.Catalogue[i])] = i
	}
	for i := range l.city.Catalogue {
		r := &l.city.Catalogue[i]
		c := at(r)
		for up := c.category; up != none; {
			up = l.categories.parent[up]
			wider, there := byCell[cell{up, c.region}]
			if !there {
				continue
			}
			if l.placed(c.category) {
				break // without it, a row for one place may come first there
			}
			if w := &l.city.Catalogue[wider]; w.Unit == r.Unit && slices.Equal(w.Assist, r.Assist) && w.Policy == r.Policy && w.Urgency == r.Urgency && c.region == none {
				l.add(r.Source, CheckRepeated, "catalogue row "+quote(r.ID), "remove it, unless the wider one will change",
					"says what row %q (%s:%d) says of all %s", w.ID, w.Source.File, w.Source.Line, cmp.Or(w.Category, "categories"))
			}
			break
		}
	}
}

// placed reports whether a row of a wider category names a region.
func (l *lint) placed(category int32) bool {
	return slices.ContainsFunc(l.city.Catalogue, func(r Row) bool {
		at := l.categories.find(r.Category)
		return r.Region != "" && (r.Category == "" || at != none && at != category && l.categories.under(category, at))
	})
}

// unledCategories reports leaves that no words and no channel lead to.
func (l *lint) unledCategories() {
	for i := range l.city.Categories {
		k := &l.city.Categories[i]
		if len(l.categories.children[i]) == 0 && len(k.Keywords) == 0 && !k.Public {
			l.add(k.Source, CheckUnowned, "category "+quote(k.ID), "give it keywords, or make it public", "no words lead to it, and citizens cannot choose it")
		}
	}
}

// sampleSide is how many points are looked at along each side of a polygon's box.
const sampleSide = 40

// polygons reports borders of neighbouring regions that overlap, and parts of a region that none of those inside it
// covers though some have borders, where more than a hundredth does.
func (l *lint) polygons() {
	border := map[int32][]int32{} // region → areas that are its border
	for i := range l.city.Areas {
		if at := l.regions.find(l.city.Areas[i].Region); at != none {
			border[at] = append(border[at], int32(i))
		}
	}
	for parent := range l.regions.ids {
		var inner []int32
		for _, child := range l.regions.children[parent] {
			inner = append(inner, border[child]...)
		}
		outer := border[int32(parent)]
		if len(inner) < 2 || len(outer) == 0 {
			continue
		}
		slices.Sort(inner)
		l.sample(int32(parent), outer, inner)
	}
}

// sample looks at points all over a region.
func (l *lint) sample(parent int32, outer, inner []int32) {
	total, uncovered := 0, 0
	both := map[[2]int32]int{}
	for _, o := range outer {
		box := boxOf(l.city.Areas[o].rings())
		for i := range sampleSide {
			for j := range sampleSide {
				p := [2]float64{
					box[0][0] + (box[1][0]-box[0][0])*(float64(i)+0.5)/sampleSide, box[0][1] + (box[1][1]-box[0][1])*(float64(j)+0.5)/sampleSide,
				}
				if !within(l.city.Areas[o].rings(), p) {
					continue
				}
				total++
				var in []int32
				for _, a := range inner {
					if within(l.city.Areas[a].rings(), p) {
						in = append(in, a)
					}
				}
				if len(in) == 0 {
					uncovered++
				}
				for x := 1; x < len(in); x++ {
					if l.city.Areas[in[x]].Region != l.city.Areas[in[x-1]].Region {
						both[[2]int32{in[x-1], in[x]}]++
					}
				}
			}
		}
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(total) }
	region := &l.city.Regions[parent]
	if uncovered*100 > total {
		l.add(l.city.Areas[outer[0]].Source, CheckPolygons, "region "+quote(region.ID), "draw the missing borders",
			"about %.0f %% of %s lies in none of the regions inside it that have a border", share(uncovered), region.Name)
	}
	for a := range l.city.Areas { // in order
		for b := range l.city.Areas {
			if n := both[[2]int32{int32(a), int32(b)}]; n*100 > total {
				l.add(l.city.Areas[b].Source, CheckPolygons, "area "+quote(l.city.Areas[b].ID), "draw one border for both",
					"overlaps %q (%s:%d) in about %.0f %% of %s", l.city.Areas[a].ID, l.city.Areas[a].Source.File, l.city.Areas[a].Source.Line, share(n), region.Name)
			}
		}
	}
}

// rings are all rings of an area, of all its parts.
func (a *Area) rings() [][][2]float64 {
	return slices.Concat(a.Rings, slices.Concat(a.More...))
}

// boxOf is the box of an area: its lowest and highest corner.
func boxOf(rings [][][2]float64) (box [2][2]float64) {
	box = [2][2]float64{{math.Inf(1), math.Inf(1)}, {math.Inf(-1), math.Inf(-1)}}
	for _, ring := range rings {
		for _, p := range ring {
			for axis := range 2 {
				box[0][axis], box[1][axis] = min(box[0][axis], p[axis]), max(box[1][axis], p[axis])
			}
		}
	}
	return box
}

// within reports whether a point lies in an area, by the even-odd rule over all its rings.
func within(rings [][][2]float64, p [2]float64) bool {
	in := false
	for _, ring := range rings {
		for i := range ring {
			a, b := ring[i], ring[(i+1)%len(ring)]
			if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
				in = !in
			}
		}
	}
	return in
}
