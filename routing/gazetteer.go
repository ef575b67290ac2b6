package routing

import (
	"cmp"
	"slices"
	"sync"

	"github.com/paulmach/orb"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
)

// By what Locate found a place.
const (
	ByPoint   = "point"
	ByHint    = "hint"
	ByAddress = "address"
	ByText    = "text"
)

// How sure a place is, by what speaks for it. A name found in the story rather than in the address
// counts for less: it may be where the citizen lives, or what the matter is not about.
const (
	surePoint     = 0.95
	sureHint      = 0.95
	sureUnsettled = 0.5 // several places fit; the region is what they have in common
	textDiscount  = 0.9
)

// nameKind says how a region was named; its value is the weight of a mention.
type nameKind int8

const (
	nameTypo    nameKind = 6  // 银省山街道 for 银雀山街道
	nameImplied nameKind = 7  // 半程 for 半程镇, where an address has a name
	nameShort   nameKind = 8  // 兰山, as the pack lists it; 相公镇 for 相公街道
	namePlace   nameKind = 9  // 滨河路, 朱潘村
	nameFull    nameKind = 10 // 兰山街道; a crossing
)

func (k nameKind) sure() float64 {
	switch k {
	case nameFull:
		return 0.95
	case namePlace:
		return 0.9
	case nameShort:
		return 0.8
	case nameImplied:
		return 0.75
	default:
		return 0.7
	}
}

// gazetteer knows the names of the city's places and the borders of its areas.
type gazetteer struct {
	auto      *automaton
	meanings  [][]meaning // by word: in the order of the tree
	road      []bool      // by word: whether it may be one of the roads of a crossing
	whole     []bool      // by word: whether it is a name as it stands, of no stretch of road
	crossings map[[2]int32][]meaning
	typos     typoIndex
	borders   *geo.Index
	bordered  []int32    // by area: the region whose border it is, or none
	readers   *sync.Pool // of *reader
}

// meaning is one region that a name may stand for.
type meaning struct {
	region   int32
	from, to int32 // house numbers of a stretch of road, 0 for open
	kind     nameKind
	side     side
	end      int8 // in endings: what must follow the stem; none when the word is whole
}

// side is a side of a road by the parity of its house numbers.
type side int8

const (
	bothSides side = iota
	oddSide
	evenSide
)

// sides are the words for them in the pack.
var sides = map[string]side{"": bothSides, "odd": oddSide, "even": evenSide}

// holds reports whether a house number lies on the stretch.
func (m *meaning) holds(number int32) bool {
	switch {
	case m.from > 0 && number < m.from, m.to > 0 && number > m.to:
		return false
	case m.side == oddSide:
		return number%2 == 1
	case m.side == evenSide:
		return number%2 == 0
	}
	return true
}

func newGazetteer(rs *Ruleset, names *wordList) gazetteer {
	g := gazetteer{crossings: map[[2]int32][]meaning{}, readers: &sync.Pool{New: func() any { return new(reader) }}}
	mean := func(word string, m meaning) int32 {
		n := names.add(word)
		if int(n) == len(g.meanings) {
			g.meanings, g.road = append(g.meanings, nil), append(g.road, false)
		}
		if m.region != none {
			g.meanings[n] = append(g.meanings[n], m)
		}
		return n
	}
	ended := func(name string, m meaning, only family) {
		stem, end := split(text.Fold(name))
		if short := withoutPeoples(stem); end != none && endings[end].family == districtFamily && short != stem {
			mean(name, m)
			stem = short
		}
		if end != none && (only == noFamily || endings[end].family == only) {
			name, m.end = stem, int8(end)
			if stem, inner := split(stem); inner != none && endings[end].family == communityFamily && endings[inner].family == communityFamily {
				also := m // 刘家村居委会 is 刘家村
				also.end = int8(inner)
				mean(stem, also)
			}
		}
		mean(name, m)
	}
	for i := range rs.city.Regions {
		r := &rs.city.Regions[i]
		is := func(kind nameKind) meaning { return meaning{region: int32(i), kind: kind, end: int8(none)} }
		ended(r.Name, is(nameFull), noFamily)
		for _, w := range r.Short {
			mean(w, is(nameShort))
		}
		for _, w := range r.Places {
			ended(w, is(namePlace), communityFamily)
		}
		for _, road := range r.Roads {
			m := is(namePlace)
			m.from, m.to, m.side = road.From, road.To, sides[road.Side]
			g.road[mean(road.Name, m)] = true
		}
		for _, w := range r.Crossings {
			a, b, _ := crossingRoads(w)
			nobody := meaning{region: none}
			pair := roadPair(mean(a, nobody), mean(b, nobody))
			g.road[pair[0]], g.road[pair[1]] = true, true
			g.crossings[pair] = append(g.crossings[pair], is(nameFull))
		}
	}
	whole := func(m meaning) bool { return m.end < 0 }
	part := func(m meaning) bool {
		return m.end >= 0 || m.from > 0 || m.to > 0 || m.side != bothSides || m.kind == nameShort
	}
	g.whole = make([]bool, len(names.list))
	for n, w := range names.list { // a road in one region alone may meet one that is not
		g.road[n] = g.road[n] || isRoad(w) && slices.ContainsFunc(g.meanings[n], whole)
		g.whole[n] = !slices.ContainsFunc(g.meanings[n], part)
		g.meanings[n] = rs.inOrder(g.meanings[n])
	}
	features := make([]geo.Feature, len(rs.city.Areas))
	g.bordered = make([]int32, len(rs.city.Areas))
	for i := range rs.city.Areas {
		features[i] = feature(&rs.city.Areas[i])
		g.bordered[i] = rs.regions.find(rs.city.Areas[i].Region)
	}
	g.borders, _ = geo.Build(features) // the checker built each of them before
	return g
}

// roadPair is two roads in either order.
func roadPair(a, b int32) [2]int32 { return [2]int32{min(a, b), max(a, b)} }

// inOrder sorts meanings by the tree, the strongest of a region first, and drops those said twice.
func (rs *Ruleset) inOrder(list []meaning) []meaning {
	slices.SortStableFunc(list, func(a, b meaning) int {
		return cmp.Or(cmp.Compare(rs.regions.first[a.region], rs.regions.first[b.region]), cmp.Compare(b.kind, a.kind))
	})
	return slices.CompactFunc(list, func(a, b meaning) bool {
		return a.region == b.region && a.end == b.end && a.from == b.from && a.to == b.to && a.side == b.side
	})
}

// feature is an area for internal/geo.
func feature(a *Area) geo.Feature {
	f := geo.Feature{ID: a.ID}
	if len(a.Rings) > 0 {
		f.Polygons = append(f.Polygons, polygon(a.Rings))
	}
	for _, rings := range a.More {
		f.Polygons = append(f.Polygons, polygon(rings))
	}
	return f
}

func polygon(rings [][][2]float64) orb.Polygon {
	p := make(orb.Polygon, len(rings))
	for i, ring := range rings {
		p[i] = make(orb.Ring, len(ring))
		for j, at := range ring {
			p[i][j] = at
		}
	}
	return p
}

// Locate finds the region of a place. The border a point lies in comes first, then the region the
// channel names, then the names in the address, then those in the text. What comes first may be
// narrowed by what comes later (a point in a district, an address naming one of its streets), never
// contradicted. Areas are those of the point, for rules with area or outside.
func (rs *Ruleset) Locate(p Place) Location {
	loc, at := rs.anchor(p)
	if at != none && rs.narrow(at) {
		return loc
	}
	for _, source := range []struct {
		by, text string
		trust    float64
	}{{ByAddress, p.Address, 1}, {ByText, p.Address + "\n" + p.Text, textDiscount}} {
		if source.by == ByText && p.Text == "" {
			break
		}
		m := rs.readPlaces(source.text, at, loc.Candidates, source.by == ByAddress)
		switch {
		case m.region == none && (m.candidates == nil || loc.By != ""):
			continue
		case m.region == at && at != none:
			continue // nothing new
		case m.region != none:
			at = m.region
			loc.Region = rs.regions.ids[at]
		}
		if loc.By == "" {
			loc.By = source.by
		}
		loc.Confidence, loc.Evidence, loc.Candidates = m.sure*source.trust, append(loc.Evidence, m.evidence...), m.candidates
		if at != none && rs.narrow(at) {
			break
		}
	}
	slices.Sort(loc.Evidence)
	loc.Evidence = slices.Compact(loc.Evidence)
	return loc
}

// anchor places what needs no reading: the point, else the hint.
func (rs *Ruleset) anchor(p Place) (Location, int32) {
	var loc Location
	at := none
	if p.HasPoint && rs.naming.borders != nil {
		var few [16]int32
		deepest := none
		for _, area := range rs.naming.borders.AppendPositions(few[:0], geo.Point{Lng: p.Lng, Lat: p.Lat}) {
			loc.Areas = append(loc.Areas, rs.city.Areas[area].ID)
			if r := rs.naming.bordered[area]; rs.isPlace(r) && (at == none || rs.regions.depth[r] > rs.regions.depth[at]) {
				at, deepest = r, area
			}
		}
		if deepest != none {
			a := &rs.city.Areas[deepest]
			loc.Region, loc.By, loc.Confidence, loc.Evidence = a.Region, ByPoint, surePoint, []string{cmp.Or(a.Name, a.ID)}
		}
	}
	if at == none {
		if r := rs.regions.find(p.Hint); rs.isPlace(r) {
			at = r
			loc.Region, loc.By, loc.Confidence, loc.Evidence = p.Hint, ByHint, sureHint, []string{p.Hint}
		}
	}
	return loc, at
}

// isPlace reports whether a region says where in the city something is.
func (rs *Ruleset) isPlace(region int32) bool {
	return region != none && rs.city.Regions[region].Level != "city"
}

// narrow reports whether a region is precise enough for its office to be known: a street or less.
func (rs *Ruleset) narrow(region int32) bool {
	return rs.isPlace(region) && rs.city.Regions[region].Level != "district"
}
