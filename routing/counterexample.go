package routing

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

// Fact names a fact that a counter-example may change, in the order in which they are tried.
type Fact string

// The facts of counter-examples. FactKind is what the request is: its kind, then its type.
const (
	FactPlace    Fact = "place"
	FactCategory Fact = "category"
	FactKeyword  Fact = "keyword"
	FactKind     Fact = "kind"
	FactUrgency  Fact = "urgency"
	FactNumber   Fact = "number"
	FactTime     Fact = "time"
)

// Change is one fact changed. From and To are ids or values; Words says it for people.
type Change struct {
	Fact  Fact   `json:"fact"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	Words string `json:"words"`

	apply func(*Facts)
}

// Counterexample is the smallest change of the facts that gives the ticket to another unit: of one fact
// if there is one, else of two.
type Counterexample struct {
	Changes []Change `json:"changes"`
	Unit    string   `json:"unit"` // who would own it
	Stage   Stage    `json:"stage"`
	Rule    string   `json:"rule"`
	Title   string   `json:"title,omitempty"`
	Source  Source   `json:"source,omitzero"`
	Words   string   `json:"words"` // the whole in a sentence
}

// Apply changes the facts as the counter-example says.
func (c *Counterexample) Apply(f *Facts) {
	for _, m := range c.Changes {
		m.apply(f)
	}
}

// pairLimit is how many pairs of changes are tried, about a second's worth.
const pairLimit = 300_000

// Counterexample looks for the smallest change of at most two facts after which another unit owns the
// request. It tries what the pack tells apart and nothing else: of places that no rule, row or office
// tells apart, one. complete is false when it gave up after pairLimit pairs without having found any; with a nil
// result and complete true there is none.
func (rs *Ruleset) Counterexample(f *Facts) (found *Counterexample, complete bool) {
	owner := rs.Decide(f, nil).Unit
	moves := rs.changes(f)
	for _, dimension := range moves {
		for n := range dimension {
			if r, ok := rs.flips(f, owner, &dimension[n]); ok {
				return rs.counterexample(r, dimension[n]), true
			}
		}
	}
	return rs.pairFlips(f, owner, moves)
}

// pairFlips looks for two changes that give the request to another unit, when no single one does.
func (rs *Ruleset) pairFlips(f *Facts, owner string, moves [][]Change) (found *Counterexample, complete bool) {
	for i := range moves {
		moves[i] = rs.distinct(f, moves[i])
	}
	tried := 0
	for i, first := range moves {
		for j := i; j < len(moves); j++ {
			for a := range first {
				others := moves[j]
				if i == j {
					if f := first[a].Fact; f != FactKeyword && f != FactNumber {
						break // a request has one place, one category, one time
					}
					others = others[a+1:]
				}
				for b := range others {
					if tried++; tried > pairLimit {
						return nil, false
					}
					if r, ok := rs.flips(f, owner, &first[a], &others[b]); ok {
						return rs.counterexample(r, first[a], others[b]), true
					}
				}
			}
		}
	}
	return nil, true
}

// flips decides the changed facts. It reports whether another unit owns them.
func (rs *Ruleset) flips(f *Facts, owner string, changes ...*Change) (Result, bool) {
	g := *f
	for _, m := range changes {
		m.apply(&g)
	}
	r := rs.Decide(&g, nil)
	return r, r.Unit != "" && r.Unit != owner
}

func (rs *Ruleset) counterexample(r Result, changes ...Change) *Counterexample {
	c := &Counterexample{Changes: changes, Unit: r.Unit, Stage: r.from.owner.stage, Rule: r.from.owner.rule}
	said := make([]string, len(changes))
	for i := range changes {
		said[i] = changes[i].Words
	}
	if c.Title = originWords[string(c.Stage)+" "+c.Rule]; c.Stage == StageCatalogue {
		row, _ := rs.Row(c.Rule)
		c.Title, c.Source = "派单目录", row.Source
	} else if rule, ok := rs.Rule(c.Rule); ok {
		c.Title, c.Source = rule.Title, rule.Source
	}
	c.Words = fmt.Sprintf("如果%s，则由%s承办（%s · %s%s）", strings.Join(said, "，并且"), rs.UnitName(c.Unit), stageWords[c.Stage], label(c.Rule, c.Title), located(c.Source))
	return c
}

// changes lists the changes of each fact, a list for each in the order of the facts.
func (rs *Ruleset) changes(f *Facts) [][]Change {
	kinds, types := kindChanges(f)
	return [][]Change{rs.placeChanges(f), rs.categoryChanges(f), rs.wordChanges(f), kinds, types, rs.urgencyChanges(f), rs.numberChanges(f), rs.timeChanges(f)}
}

// placeChanges are the other places: the nearest regions first, without a point, then inside each polygon.
func (rs *Ruleset) placeChanges(f *Facts) []Change {
	here := rs.regions.find(f.Region)
	regions := slices.Clone(rs.regions.order)
	slices.SortStableFunc(regions, func(a, b int32) int { return rs.apart(here, a) - rs.apart(here, b) })
	var list []Change
	add := func(region string, areas []string, point bool, name string) {
		if region == f.Region && point == f.HasPoint && slices.Equal(areas, f.Areas) {
			return
		}
		list = append(list, Change{
			Fact: FactPlace, From: f.Region, To: region, Words: "地点在" + name,
			apply: func(g *Facts) { g.Region, g.Areas, g.HasPoint = region, areas, point },
		})
	}
	for _, at := range regions {
		if rs.isPlace(at) && !rs.regions.under(here, at) { // wider is not another place
			add(rs.regions.ids[at], nil, false, rs.city.Regions[at].Name)
		}
	}
	for i := range rs.city.Areas {
		a := &rs.city.Areas[i]
		name := a.Name
		if name == "" {
			name = a.ID
		}
		for _, rings := range append([][][][2]float64{a.Rings}, a.More...) {
			p, ok := inside(rings)
			if !ok {
				continue
			}
			if at := rs.Locate(Place{Lng: p[0], Lat: p[1], HasPoint: true}); slices.Contains(at.Areas, a.ID) {
				add(at.Region, at.Areas, true, name+"之内")
			}
		}
	}
	return list
}

// apart is how far two regions are from each other in the tree, in steps.
func (rs *Ruleset) apart(a, b int32) int {
	if a == none {
		return int(rs.regions.level(b))
	}
	steps := 0
	for a != b {
		if rs.regions.level(a) >= rs.regions.level(b) {
			a = rs.regions.parent[a]
		} else {
			b = rs.regions.parent[b]
		}
		steps++
	}
	return steps
}

// inside is a point within the first ring and outside the others: in the middle of the widest stretch of a
// line halfway up.
func inside(rings [][][2]float64) (p [2]float64, ok bool) {
	if len(rings) == 0 || len(rings[0]) == 0 {
		return p, false
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, q := range rings[0] {
		low, high = min(low, q[1]), max(high, q[1])
	}
	y := low + (high-low)*0.4871 // hardly the height of a corner
	var crossings []float64
	for _, ring := range rings {
		for i := range ring {
			a, b := ring[i], ring[(i+1)%len(ring)]
			if (a[1] > y) != (b[1] > y) {
				crossings = append(crossings, a[0]+(y-a[1])/(b[1]-a[1])*(b[0]-a[0]))
			}
		}
	}
	slices.Sort(crossings)
	widest := 0.0
	for i := 0; i+1 < len(crossings); i += 2 {
		if w := crossings[i+1] - crossings[i]; w > widest {
			widest, p = w, [2]float64{(crossings[i] + crossings[i+1]) / 2, y}
		}
	}
	return p, widest > 0
}

func (rs *Ruleset) categoryChanges(f *Facts) []Change {
	list := make([]Change, 0, len(rs.city.Categories))
	for i := range rs.city.Categories {
		c := &rs.city.Categories[i]
		if c.ID == f.Category {
			continue
		}
		list = append(list, Change{
			Fact: FactCategory, From: f.Category, To: c.ID, Words: "类别是" + rs.categoryNames(c.ID),
			apply: func(g *Facts) { g.Category = c.ID },
		})
	}
	return list
}

// wordChanges are the words of rules that the text lacks, said besides; then those it has, left out.
func (rs *Ruleset) wordChanges(f *Facts) []Change {
	found := newFound(len(rs.auto.words))
	found.search(rs.auto, f.Text, nil)
	var list []Change
	asked := make([]bool, len(rs.auto.words))
	for i := range rs.rules {
		if ws := rs.rules[i].clause.words; ws != nil {
			for _, w := range slices.Concat(ws.any, ws.all, ws.none) {
				asked[w] = true
			}
		}
	}
	for w := range asked {
		if word := rs.auto.words[w]; asked[w] && !rs.counts(&found, int32(w)) {
			list = append(list, Change{
				Fact: FactKeyword, To: word, Words: "还提到“" + word + "”",
				apply: func(g *Facts) { g.Text = g.Text + "\n" + word },
			})
		}
	}
	for w := range asked {
		if word := rs.auto.words[w]; asked[w] && found.newest(int32(w)) != none {
			list = append(list, Change{
				Fact: FactKeyword, From: word, Words: "没有提到“" + word + "”",
				apply: func(g *Facts) { g.Text = rs.without(g.Text, int32(w)) },
			})
		}
	}
	return list
}

// counts reports whether a word is said, and for every rule that asks for it at a place that no mask covers.
func (rs *Ruleset) counts(found *found, word int32) bool {
	if found.newest(word) == none {
		return false
	}
	return !slices.ContainsFunc(rs.rules, func(r rule) bool {
		ws := r.clause.words
		asks := ws != nil && (slices.Contains(ws.any, word) || slices.Contains(ws.all, word) || slices.Contains(ws.none, word))
		return asks && !found.occurs(rs.auto, word, ws)
	})
}

// without cuts a word out of a text. A line break takes its place, so that what stood on either side
// makes no new word.
func (rs *Ruleset) without(s string, word int32) string {
	found := newFound(len(rs.auto.words))
	var origins []span
	found.search(rs.auto, s, &origins)
	end := len(s)
	for at := found.newest(word); at != none; at = found.hits[at].prev {
		h := hitAt(rs.auto, found.hits[at], origins)
		h.End = min(h.End, end) // may overlap the one behind it
		s, end = s[:h.Start]+"\n"+s[h.End:], h.Start
	}
	return s
}

func kindChanges(f *Facts) (kinds, types []Change) {
	for _, k := range ticket.Kinds {
		if k != f.Kind {
			kinds = append(kinds, Change{FactKind, string(f.Kind), string(k), partWords[partKind] + "是" + valueWords[partKind][string(k)], func(g *Facts) { g.Kind = k }})
		}
	}
	for _, t := range ticket.RequestTypes {
		if t != f.Type {
			types = append(types, Change{FactKind, string(f.Type), string(t), partWords[partType] + "是" + valueWords[partType][string(t)], func(g *Facts) { g.Type = t }})
		}
	}
	return kinds, types
}

// urgencyChanges are the other words a request may bring, where a rule looks at it.
func (rs *Ruleset) urgencyChanges(f *Facts) []Change {
	if !slices.ContainsFunc(rs.rules, func(r rule) bool { return r.clause.urgencies != 0 }) {
		return nil
	}
	var list []Change
	for _, u := range ticket.Urgencies {
		if u != f.Urgency {
			list = append(list, Change{FactUrgency, string(f.Urgency), string(u), partWords[partUrgency] + "是" + valueWords[partUrgency][string(u)], func(g *Facts) { g.Urgency = u }})
		}
	}
	return list
}

// numberChanges are the numbers at and just beyond the bounds that rules name.
func (rs *Ruleset) numberChanges(f *Facts) []Change {
	var list []Change
	for fact, name := range NumberFacts {
		var values []float64
		for i := range rs.rules {
			for _, b := range rs.rules[i].clause.numbers {
				if b.fact != fact {
					continue
				}
				for _, v := range []float64{b.min, b.min - 1, b.max, b.max + 1} {
					if !math.IsInf(v, 0) {
						values = append(values, v)
					}
				}
			}
		}
		slices.Sort(values)
		from := ""
		if v := f.Numbers[fact]; v == v { // NaN is an unknown number
			from = strconv.FormatFloat(v, 'g', -1, 64)
		}
		for _, v := range slices.Compact(values) {
			to := strconv.FormatFloat(v, 'g', -1, 64)
			if to != from {
				list = append(list, Change{FactNumber, from, name + "=" + to, factWords[fact] + "是 " + to, func(g *Facts) { g.Numbers[fact] = v }})
			}
		}
	}
	return list
}

// timeChanges are the times at which windows begin and end, on the days of one week.
func (rs *Ruleset) timeChanges(f *Facts) []Change {
	if f.At.IsZero() {
		return nil
	}
	minutes := []int{}
	for i := range rs.rules {
		if w := rs.rules[i].clause.window; w != nil {
			minutes = append(minutes, w.from, w.to%minutesOfDay)
		}
	}
	slices.Sort(minutes)
	var list []Change
	local := f.At.In(rs.city.Zone)
	for day := range 7 {
		for _, m := range slices.Compact(minutes) {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, m/60, m%60, 0, 0, rs.city.Zone)
			if at.Equal(f.At) {
				continue
			}
			list = append(list, Change{
				FactTime, local.Format("2006-01-02 15:04"), at.Format("2006-01-02 15:04"),
				"时间是" + at.Format("1月2日 15:04") + "（" + dayWords[dayNames[at.Weekday()]] + "）", func(g *Facts) {
					if g.At = at; g.Numbers[factHour] == g.Numbers[factHour] { // known, so it goes with the time
						g.Numbers[factHour] = float64(at.Hour())
					}
				},
			})
		}
	}
	return list
}

// distinct keeps of the changes of one fact one for each way in which the pack tells them apart.
func (rs *Ruleset) distinct(f *Facts, changes []Change) []Change {
	seen := make(map[string]bool, len(changes))
	own := rs.office(rs.regions.find(f.Region))
	q := newQuery(rs)
	var key strings.Builder
	return slices.DeleteFunc(slices.Clone(changes), func(m Change) bool {
		g := *f
		m.apply(&g)
		q.begin(&g)
		key.Reset()
		q.signature(&key, m.Fact, own)
		if seen[key.String()] {
			return true
		}
		seen[key.String()] = true
		return false
	})
}

// signature writes all that the pack sees of one changed fact.
func (q *query) signature(b *strings.Builder, changed Fact, office int32) {
	rs := q.rs
	write := func(holds bool) {
		b.WriteByte('0')
		if holds {
			b.WriteByte('1')
		}
	}
	parts := map[Fact][]part{
		FactPlace:    {partRegion, partArea, partOutside},
		FactCategory: {partCategory},
		FactKeyword:  {partAny},
		FactKind:     {partKind, partType},
		FactUrgency:  {partUrgency},
		FactNumber:   {partNumbers},
		FactTime:     {partWindow, partNumbers},
	}[changed]
	if changed == FactKeyword {
		q.search()
	}
	for i := range rs.rules {
		k := &rs.rules[i].clause
		given := rs.city.Rules[rs.rules[i].at].When.given()
		for _, p := range parts {
			switch {
			case given&(1<<p) == 0:
			case p == partAny: // which of its words are missing matters: another change may bring the rest
				for _, w := range slices.Concat(k.words.any, k.words.all, k.words.none) {
					write(q.found.occurs(rs.auto, w, k.words))
				}
			default:
				write(q.holds(k, p))
			}
		}
	}
	switch changed { //nolint:exhaustive // only these two choose a row
	case FactPlace:
		column := int32(0)
		if q.region != none {
			column = rs.catalogue.region[q.region]
		}
		fmt.Fprint(b, column, rs.office(q.region) == office, rs.narrow(q.region), q.region != none)
	case FactCategory:
		line := int32(0)
		if q.category != none {
			line = rs.catalogue.category[q.category]
		}
		for c := range rs.catalogue.columns { // rows that send the same places to the same units
			if row := rs.catalogue.cells[line*rs.catalogue.columns+c]; row != none {
				fmt.Fprint(b, c, rs.catalogue.targets[row])
			}
		}
	}
}
