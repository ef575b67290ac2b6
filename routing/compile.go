package routing

import (
	"slices"
	"sync"
	"time"
)

// Ruleset is a compiled city: immutable, and safe for any number of goroutines.
type Ruleset struct {
	city       City
	units      tree
	categories tree
	regions    tree

	streetOffice   []int32 // by region: the office of the street it lies in, as a unit, or none
	districtOffice []int32 // by region: the office of its district

	channels, lines, tags, areas map[string]int32 // the names that rules use

	rules     []rule // by stage, then as the pack orders them
	stages    [4]span
	index     index
	auto      *automaton // over the words of all rules
	catalogue catalogue
	naming    gazetteer
	subjects  classifier
	queries   sync.Pool // of *query
}

// rule is a Rule ready to be tried.
type rule struct {
	stage  uint8  // position in ruleStages
	rest   uint16 // the parts of the clause that the index does not vouch for
	at     int32  // position in City.Rules
	unit   target
	clause clause
}

// target is who a row or rule names.
type target struct {
	kind targetKind
	unit int32
}

type targetKind uint8

const (
	targetNone targetKind = iota
	targetUnit
	targetStreet
	targetDistrict
)

// index finds the rules that a request could meet. Each rule is filed once, under the dimension
// that excludes most; rules in a list are in order.
type index struct {
	always                   []int32
	category, region         [][]int32 // by node: met by everything below it
	word                     [][]int32 // by word
	channel, line, area, tag [][]int32
	words                    bool // whether anything is filed under a word
}

// crowd is how many rules one category may hold before rules with keywords are filed under these:
// reading the text once is then cheaper than trying them all.
const crowd = 64

type compiler struct {
	rs    *Ruleset
	words wordList
}

// Compile checks a city and makes a ruleset of it. The error joins every *Problem found, in the
// order of file and line. The city's slices must not be changed afterwards.
func Compile(city City) (*Ruleset, error) {
	rs := &Ruleset{
		city: city, channels: map[string]int32{}, lines: map[string]int32{}, tags: map[string]int32{},
		areas: make(map[string]int32, len(city.Areas)),
	}
	for i, a := range city.Areas {
		rs.areas[a.ID] = int32(i)
	}
	c := &checker{Ruleset: rs}
	c.plant()
	sound := len(c.problems) == 0
	rs.findOffices()
	rs.fileRows(c)
	c.checkUnits()
	c.checkCategories()
	c.checkRegions()
	c.checkAreas()
	c.checkRows()
	c.checkRules()
	if sound { // in a broken tree every street would look like a gap
		c.checkCoverage()
	}
	if err := c.join(); err != nil {
		return nil, err
	}
	if rs.city.Zone == nil {
		rs.city.Zone = time.UTC // only rules with windows need one; the checker asks for it there
	}
	k := &compiler{rs: rs}
	k.compileRules()
	rs.queries.New = func() any { return newQuery(rs) }
	return rs, nil
}

// plant checks the ids and grows the three trees.
func (c *checker) plant() {
	units, categories, regions := c.city.Units, c.city.Categories, c.city.Regions
	c.ids("unit", len(units), func(i int) (string, Source) { return units[i].ID, units[i].Source })
	c.ids("category", len(categories), func(i int) (string, Source) { return categories[i].ID, categories[i].Source })
	c.ids("region", len(regions), func(i int) (string, Source) { return regions[i].ID, regions[i].Source })
	c.ids("area", len(c.city.Areas), func(i int) (string, Source) { return c.city.Areas[i].ID, c.city.Areas[i].Source })
	c.ids("catalogue row", len(c.city.Catalogue), func(i int) (string, Source) { return c.city.Catalogue[i].ID, c.city.Catalogue[i].Source })
	c.ids("rule", len(c.city.Rules), func(i int) (string, Source) { return c.city.Rules[i].ID, c.city.Rules[i].Source })
	var cyclic []int32
	c.units, cyclic = grow(units, func(u *Unit) (string, string) { return u.ID, u.Parent })
	c.cycle("unit", &c.units, cyclic, func(i int32) Source { return units[i].Source })
	c.categories, cyclic = grow(categories, func(k *Category) (string, string) { return k.ID, k.Parent })
	c.cycle("category", &c.categories, cyclic, func(i int32) Source { return categories[i].Source })
	c.regions, cyclic = grow(regions, func(r *Region) (string, string) { return r.ID, r.Parent })
	c.cycle("region", &c.regions, cyclic, func(i int32) Source { return regions[i].Source })
}

func grow[T any](all []T, names func(*T) (id, parent string)) (tree, []int32) {
	ids, parents := make([]string, len(all)), make([]string, len(all))
	for i := range all {
		ids[i], parents[i] = names(&all[i])
	}
	return newTree(ids, parents)
}

// findOffices notes for each region who receives what happens in its street and in its district.
func (rs *Ruleset) findOffices() {
	n := len(rs.city.Regions)
	rs.streetOffice, rs.districtOffice = make([]int32, n), make([]int32, n)
	office := make([]int32, n)
	for i := range office {
		office[i] = none
	}
	for i := range rs.city.Units {
		u := &rs.city.Units[i]
		if at := rs.regions.find(u.Region); at != none && u.Retired == "" && office[at] == none {
			office[at] = int32(i)
		}
	}
	for _, at := range rs.regions.order {
		street, district := none, none
		if p := rs.regions.parent[at]; p != none {
			street, district = rs.streetOffice[p], rs.districtOffice[p]
		}
		switch rs.city.Regions[at].Level {
		case "street":
			street = office[at]
		case "district":
			district = office[at]
		}
		rs.streetOffice[at], rs.districtOffice[at] = street, district
	}
}

// target compiles what a unit field says.
func (rs *Ruleset) target(unit string) target {
	switch unit {
	case "":
		return target{targetNone, none}
	case TokenStreet:
		return target{targetStreet, none}
	case TokenDistrict:
		return target{targetDistrict, none}
	}
	return target{targetUnit, rs.units.find(unit)}
}

// resolve gives the unit a target stands for at a place, none when the place is too vague for it.
func (rs *Ruleset) resolve(t target, region int32) int32 {
	switch {
	case t.kind == targetUnit:
		return t.unit
	case t.kind == targetNone || region == none:
		return none
	case t.kind == targetStreet:
		return rs.streetOffice[region]
	default:
		return rs.districtOffice[region]
	}
}

// compileRules compiles the rules, the automaton over their words and the index.
func (c *compiler) compileRules() {
	rs := c.rs
	rs.rules = make([]rule, 0, len(rs.city.Rules))
	for s, stage := range ruleStages {
		first := int32(len(rs.rules))
		for i := range rs.city.Rules {
			if r := &rs.city.Rules[i]; r.Stage == stage {
				rs.rules = append(rs.rules, rule{uint8(s), r.When.given(), int32(i), rs.target(r.Then.Unit), c.clause(&r.When)})
			}
		}
		rs.stages[s] = span{first, int32(len(rs.rules))}
	}
	var names, subjects wordList
	rs.naming = newGazetteer(rs, &names)
	rs.subjects = newClassifier(rs, &subjects)
	abc := newAlphabet(slices.Concat(c.words.list, names.list, subjects.list))
	rs.auto = newAutomaton(abc, c.words.list)
	rs.naming.auto = newAutomaton(abc, names.list)
	rs.naming.typos = newTypoIndex(rs)
	rs.subjects.auto = newAutomaton(abc, subjects.list)
	for i := range rs.rules {
		if ws := rs.rules[i].clause.words; ws != nil {
			for _, m := range ws.mask {
				ws.longest = max(ws.longest, rs.auto.length[m])
			}
		}
	}
	c.fileRules()
}

// fileRules builds the index.
func (c *compiler) fileRules() {
	rs := c.rs
	x := &rs.index
	x.category, x.region = make([][]int32, len(rs.categories.ids)), make([][]int32, len(rs.regions.ids))
	x.word = make([][]int32, len(rs.auto.words))
	x.channel, x.line = make([][]int32, len(rs.channels)), make([][]int32, len(rs.lines))
	x.area, x.tag = make([][]int32, len(rs.city.Areas)), make([][]int32, len(rs.tags))
	crowded := make([]int, len(rs.categories.ids))
	for _, r := range rs.rules {
		for _, s := range r.clause.categories {
			crowded[rs.categories.order[s.first]]++
		}
	}
	for i := range rs.rules {
		k := &rs.rules[i].clause
		var anchors []int32
		if k.words != nil {
			anchors = k.words.anchors(rs.auto.length)
		}
		full := slices.ContainsFunc(k.categories, func(s span) bool { return crowded[rs.categories.order[s.first]] > crowd })
		rest := &rs.rules[i].rest
		switch id := int32(i); {
		case k.categories != nil && (anchors == nil || !full):
			file(x.category, roots(&rs.categories, k.categories), id)
			*rest &^= 1 << partCategory
		case anchors != nil:
			file(x.word, anchors, id)
			x.words = true // a hit may be masked: the keywords are still to be tried
		case k.regions != nil:
			file(x.region, roots(&rs.regions, k.regions), id)
			*rest &^= 1 << partRegion
		case k.areas != nil:
			file(x.area, k.areas, id)
			*rest &^= 1 << partArea
		case k.tags != nil:
			file(x.tag, k.tags, id)
			*rest &^= 1 << partTag
		case k.lines != nil:
			file(x.line, k.lines, id)
			*rest &^= 1 << partLine
		case k.channels != nil:
			file(x.channel, k.channels, id)
			*rest &^= 1 << partChannel
		default:
			x.always = append(x.always, id)
		}
	}
}

// file notes a rule under each key, once.
func file(lists [][]int32, keys []int32, rule int32) {
	for _, k := range keys {
		if l := lists[k]; len(l) == 0 || l[len(l)-1] != rule {
			lists[k] = append(l, rule)
		}
	}
}

// roots are the nodes at the top of the subtrees.
func roots(t *tree, spans []span) []int32 {
	nodes := make([]int32, len(spans))
	for i, s := range spans {
		nodes[i] = t.order[s.first]
	}
	return nodes
}
