package routing

import (
	"cmp"
	"slices"
	"strings"

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

// nameKind says what a name is; its value is the weight of a mention.
type nameKind int32

const (
	nameShort nameKind = 8  // 兰山
	namePlace nameKind = 9  // 滨河路
	nameFull  nameKind = 10 // 兰山街道
)

func (k nameKind) sure() float64 {
	switch k {
	case nameFull:
		return 0.95
	case namePlace:
		return 0.9
	default:
		return 0.8
	}
}

// gazetteer knows the names of the city's places and the borders of its areas.
type gazetteer struct {
	auto     *automaton
	meanings [][]meaning // by word
	borders  *geo.Index
}

// meaning is one region a name may stand for.
type meaning struct {
	region int32
	kind   nameKind
}

func newGazetteer(rs *Ruleset, names *wordList) gazetteer {
	var g gazetteer
	add := func(word string, region int, kind nameKind) {
		n := names.add(word)
		if int(n) == len(g.meanings) {
			g.meanings = append(g.meanings, nil)
		}
		if !slices.ContainsFunc(g.meanings[n], func(m meaning) bool { return m.region == int32(region) }) {
			g.meanings[n] = append(g.meanings[n], meaning{int32(region), kind})
		}
	}
	for i := range rs.city.Regions {
		r := &rs.city.Regions[i]
		add(r.Name, i, nameFull)
		for _, w := range r.Short {
			add(w, i, nameShort)
		}
		for _, w := range r.Places {
			add(w, i, namePlace)
		}
	}
	features := make([]geo.Feature, len(rs.city.Areas))
	for i := range rs.city.Areas {
		features[i] = feature(&rs.city.Areas[i])
	}
	g.borders, _ = geo.Build(features) // the checker built each of them before
	return g
}

// feature is an area for internal/geo: its rings as one polygon.
func feature(a *Area) geo.Feature {
	polygon := make(orb.Polygon, len(a.Rings))
	for i, ring := range a.Rings {
		polygon[i] = make(orb.Ring, len(ring))
		for j, p := range ring {
			polygon[i][j] = orb.Point(p)
		}
	}
	if len(polygon) == 0 {
		return geo.Feature{ID: a.ID}
	}
	return geo.Feature{ID: a.ID, Polygons: orb.MultiPolygon{polygon}}
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
		m := rs.readPlaces(source.text, at, loc.Candidates)
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
		loc.Areas = rs.naming.borders.Find(geo.Point{Lng: p.Lng, Lat: p.Lat})
		for _, id := range loc.Areas {
			a := &rs.city.Areas[rs.areas[id]]
			if r := rs.regions.find(a.Region); rs.isPlace(r) && (at == none || rs.regions.depth[r] > rs.regions.depth[at]) {
				at = r
				name := a.Name
				if name == "" {
					name = a.ID
				}
				loc.Region, loc.By, loc.Confidence, loc.Evidence = a.Region, ByPoint, surePoint, []string{name}
			}
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

// mention is a name found in a text.
type mention struct {
	word     int32
	meanings []meaning
}

// reading is what the names in a text come to.
type reading struct {
	region     int32
	candidates []string
	evidence   []string
	sure       float64
}

// readPlaces weighs the names in a text. A region is spoken for by every mention of itself or of a
// region around it; the most spoken-for region wins, so that a street whose name two districts
// share is settled when one of them is named too. Of a region and one inside it, equally spoken
// for, the outer one is sure and wins. within and among limit what may be found.
func (rs *Ruleset) readPlaces(s string, within int32, among []string) reading {
	r := reading{region: none}
	mentions := rs.mentions(s, within)
	if len(mentions) == 0 {
		return r
	}
	var best []int32
	score := nameKind(0)
	total := nameKind(0)
	seen := map[int32]bool{}
	for _, m := range mentions {
		total += m.meanings[0].kind
		for _, alternative := range m.meanings {
			if seen[alternative.region] || among != nil && !rs.fits(alternative.region, among) {
				continue
			}
			seen[alternative.region] = true
			switch sum := rs.support(alternative.region, mentions); {
			case sum > score:
				score, best = sum, append(best[:0], alternative.region)
			case sum == score:
				best = append(best, alternative.region)
			}
		}
	}
	best = rs.outermost(best)
	switch {
	case len(best) == 1:
		r.region = best[0]
		r.sure = float64(score) / float64(max(total, score))
	case len(best) > 1:
		for _, b := range best {
			r.candidates = append(r.candidates, rs.regions.ids[b])
		}
		slices.Sort(r.candidates)
		if up := rs.regions.common(best); rs.isPlace(up) {
			r.region, r.sure = up, sureUnsettled
		}
	}
	strongest := nameKind(0)
	for _, m := range mentions {
		for _, alternative := range m.meanings {
			if slices.ContainsFunc(best, func(b int32) bool { return rs.regions.under(b, alternative.region) }) {
				strongest = max(strongest, alternative.kind)
				r.evidence = append(r.evidence, rs.naming.auto.words[m.word])
				break
			}
		}
	}
	if len(best) == 1 {
		r.sure *= strongest.sure()
	}
	return r
}

// fits reports whether a region is, contains or lies in one of the candidates.
func (rs *Ruleset) fits(region int32, among []string) bool {
	return slices.ContainsFunc(among, func(id string) bool {
		at := rs.regions.find(id)
		return rs.regions.under(region, at) || rs.regions.under(at, region)
	})
}

// support is the weight of all mentions that speak for a region.
func (rs *Ruleset) support(region int32, mentions []mention) nameKind {
	sum := nameKind(0)
	for _, m := range mentions {
		weight := nameKind(0)
		for _, alternative := range m.meanings {
			if rs.regions.under(region, alternative.region) {
				weight = max(weight, alternative.kind)
			}
		}
		sum += weight
	}
	return sum
}

// outermost leaves out regions that lie in another one of the list.
func (rs *Ruleset) outermost(list []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(list), func(x int32) bool {
		return slices.ContainsFunc(list, func(y int32) bool { return x != y && rs.regions.under(x, y) })
	})
}

// mentions are the names in a text, the longest first, none overlapping a longer one, each once.
func (rs *Ruleset) mentions(s string, within int32) []mention {
	g := &rs.naming
	var origins []span
	hits := g.auto.scan(s, nil, &origins)
	length := func(h occurrence) int32 { return g.auto.length[h.word] }
	slices.SortStableFunc(hits, func(a, b occurrence) int {
		return cmp.Or(cmp.Compare(length(b), length(a)), cmp.Compare(a.end, b.end))
	})
	covered := make([]bool, len(origins))
	var list []mention
	for _, h := range hits {
		stretch := covered[h.end-length(h)+1 : h.end+1]
		if stretch[0] || stretch[len(stretch)-1] {
			continue // no longer name can lie strictly inside this one
		}
		for i := range stretch {
			stretch[i] = true
		}
		if slices.ContainsFunc(list, func(m mention) bool { return m.word == h.word }) {
			continue
		}
		road := namesRoad(s[origins[h.end].last:])
		var fitting []meaning
		for _, m := range g.meanings[h.word] {
			if rs.isPlace(m.region) && (within == none || rs.regions.under(m.region, within)) && (!road || m.kind != nameShort) {
				fitting = append(fitting, m)
			}
		}
		if fitting != nil {
			list = append(list, mention{h.word, fitting})
		}
	}
	return list
}

// roadWords make of a short name the name of something else: 沂水路 is not in 沂水.
var roadWords = []string{"路", "街", "大道", "巷", "胡同", "桥", "小区", "花园", "家园", "大厦", "广场", "酒店", "宾馆", "饭店", "学校", "中学", "小学", "大学"}

// namesRoad reports whether what follows a short name makes it a road or house.
func namesRoad(rest string) bool {
	const few = 16 // bytes: enough for the longest word and one character more
	rest = text.Fold(rest[:min(few, len(rest))])
	if strings.HasPrefix(rest, "街道") || strings.HasPrefix(rest, "街办") {
		return false
	}
	return slices.ContainsFunc(roadWords, func(w string) bool { return strings.HasPrefix(rest, w) })
}
