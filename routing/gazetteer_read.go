package routing

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/text"
)

const (
	mostMeanings   = 64  // of one name, to be weighed one by one; more need another name beside them
	mostCandidates = 16  // more are no help to the desk
	mostGuessed    = 200 // characters of an address that are read with slips of the pen
)

// reader reads the names in one text. It is used again and again and keeps its room.
type reader struct {
	rs      *Ruleset
	text    string  // folded
	letters []rune  // of text
	at      []int32 // by character: its byte in text, and the end
	origins []span  // by character: the bytes as they were written
	within  int32
	hits    []occurrence
	pieces  []piece // that may be names, then those that are, by their place in the text
	found   []piece // full names of districts and cities
	doubted []piece // villages that may be the end of a longer name
	implied []piece // that are names only if what stands beside them says so
	covered []int32 // by character: the piece that covers it, plus one
	room    []meaning
	regions []int32
}

// piece is a stretch of text that names something.
type piece struct {
	from, to int32 // characters
	word     int32 // none for a crossing or a slip of the pen
	end      int32 // in endings, none for a whole word
	alts     []meaning
	kind     nameKind // the strongest
	frame    bool     // the city or what is around it: says nothing, but names follow it
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
// for, the outer one is sure and wins. within and among limit what may be found. In an address,
// names may be shortened in ways nobody listed and hold a slip of the pen.
func (rs *Ruleset) readPlaces(s string, within int32, among []string, address bool) reading {
	r := rs.naming.readers.Get().(*reader)
	defer func() {
		r.text = "" // it is a citizen's
		rs.naming.readers.Put(r)
	}()
	r.begin(rs, s, within)
	r.find(address)
	first := r.weigh(among)
	if !address || first.region != none && rs.narrow(first.region) || len(first.candidates) > 0 && !r.guessable() {
		return first
	}
	if !r.guess() {
		return first
	}
	second := r.weigh(among)
	switch {
	case second.region != none && (first.region == none || rs.regions.under(second.region, first.region)),
		first.region == none && first.candidates == nil:
		return second
	default:
		return first
	}
}

func (r *reader) begin(rs *Ruleset, s string, within int32) {
	r.rs, r.within = rs, within
	s = strings.TrimSpace(s)
	r.text = text.Fold(s)
	r.at, r.letters = r.at[:0], r.letters[:0]
	for i, c := range r.text {
		r.at, r.letters = append(r.at, int32(i)), append(r.letters, c)
	}
	r.covered = append(r.covered[:0], make([]int32, len(r.at))...)
	r.at = append(r.at, int32(len(r.text)))
	r.pieces, r.doubted, r.implied, r.room = r.pieces[:0], r.doubted[:0], r.implied[:0], r.room[:0]
	r.origins = r.origins[:0]
	r.hits = r.rs.naming.auto.scan(s, r.hits[:0], &r.origins)
	if len(r.origins) != len(r.covered) { // characters that leave no trace stand around blanks
		r.origins = r.origins[:0]
		r.hits = r.rs.naming.auto.scan(r.text, r.hits[:0], nil)
	}
}

// gap reports whether a blank that folding took away stood before a character.
func (r *reader) gap(at int32) bool {
	return 0 < at && int(at) < len(r.origins) && r.origins[at-1].last < r.origins[at].first
}

// rest is the text from a character on.
func (r *reader) rest(at int32) string { return r.text[r.at[at]:] }

// find collects the pieces: the longest first, none overlapping a longer one.
func (r *reader) find(address bool) {
	for _, h := range r.hits {
		r.consider(h, address)
	}
	longestFirst := func(a, b piece) int {
		return cmp.Or(cmp.Compare(b.to-b.from, a.to-a.from), cmp.Compare(a.from, b.from), cmp.Compare(b.kind, a.kind))
	}
	slices.SortStableFunc(r.pieces, longestFirst)
	r.found = r.found[:0]
	for _, p := range r.pieces {
		if p.kind == nameFull && p.end != none && endings[p.end].family == districtFamily {
			r.found = append(r.found, p)
		}
	}
	kept := r.pieces[:0]
	for _, p := range r.pieces {
		switch {
		case !r.free(p.from, p.to) || r.cutsInto(&p):
		case r.partOfLonger(&p):
			r.doubted = append(r.doubted, p)
		default:
			kept = append(kept, p)
			r.cover(p.from, p.to, int32(len(kept)))
		}
	}
	r.pieces = kept
	if address && len(r.implied) > 0 {
		slices.SortStableFunc(r.implied, longestFirst)
		r.implyAll()
	}
	for i := range r.pieces {
		if p := &r.pieces[i]; p.kind == nameShort {
			if alts, ok := r.shortIn(p); ok {
				p.alts = alts
			}
		}
	}
	r.cross()
}

// consider makes a piece of an occurrence of a word by what follows it.
func (r *reader) consider(h occurrence, address bool) {
	g := &r.rs.naming
	p := piece{from: h.end + 1 - g.auto.length[h.word], to: h.end + 1, word: h.word, end: none}
	all := r.inside(g.meanings[h.word])
	if len(all) == 0 {
		if g.road[h.word] {
			r.pieces = append(r.pieces, p) // a crossing may make something of it
		}
		return
	}
	if g.whole[h.word] && len(all) > mostMeanings {
		p.alts, p.kind = all, all[0].kind
		r.pieces = append(r.pieces, p)
		return
	}
	rest := r.rest(p.to)
	if e := endingOf(rest); e != none {
		for _, exact := range []bool{true, false} {
			if alts, kind := r.ended(all, e, exact); alts != nil && (exact || !noEnding(rest)) {
				p.end, p.to = e, p.to+int32(utf8.RuneCountInString(endings[e].written))
				r.add(p, alts, kind)
				return
			}
		}
	}
	road := namesRoad(rest) || r.inVillage(p.from, rest)
	number, numbered := int32(0), false
	if g.road[h.word] {
		number, numbered = houseNumber(rest)
	}
	begin := len(r.room)
	stems := false
	for i := range all {
		m := &all[i]
		stems = stems || m.end >= 0
		if m.end < 0 && (!road || m.kind != nameShort) && (!numbered || m.holds(number)) {
			r.room = append(r.room, *m)
		}
	}
	switch alts := r.room[begin:]; {
	case len(alts) > 0:
		r.add(p, alts, 0)
	case g.road[h.word]:
		r.pieces = append(r.pieces, p)
	}
	if stems && address && !road {
		begin := len(r.room)
		for _, m := range all {
			if m.end >= 0 {
				m.kind = nameImplied
				r.room = append(r.room, m)
			}
		}
		p.alts, p.kind = r.room[begin:], nameImplied
		p.frame = r.frames(p.alts)
		r.implied = append(r.implied, p)
	}
}

// inVillage reports whether a short name is a part of the name of a village: 卞庄 in 小卞庄村.
func (r *reader) inVillage(from int32, rest string) bool {
	e := endingOf(rest)
	return from > 0 && e != none && endings[e].family == communityFamily && r.letters[from-1] >= utf8.RuneSelf && strings.ContainsRune(telling, r.letters[from-1])
}

// inside are the meanings that may be found.
func (r *reader) inside(all []meaning) []meaning {
	if r.within == none {
		return all
	}
	return r.below(all, r.within)
}

// below are the meanings that lie in a region, from a list in the order of the tree.
func (r *reader) below(all []meaning, region int32) []meaning {
	first := r.rs.regions.first
	lo, _ := slices.BinarySearchFunc(all, first[region], func(m meaning, at int32) int { return cmp.Compare(first[m.region], at) })
	hi, _ := slices.BinarySearchFunc(all, r.rs.regions.last[region], func(m meaning, at int32) int { return cmp.Compare(first[m.region], at) })
	return all[lo:hi]
}

// ended are the meanings whose stem has the ending: exactly, or another of its family.
func (r *reader) ended(all []meaning, e int32, exact bool) (alts []meaning, kind nameKind) {
	begin := len(r.room)
	for _, m := range all {
		if m.end < 0 || endings[m.end].family != endings[e].family || (endings[m.end].short == endings[e].short) != exact {
			continue
		}
		if !exact {
			m.kind = min(m.kind, nameShort)
		}
		r.room = append(r.room, m)
		kind = max(kind, m.kind)
	}
	if begin == len(r.room) {
		return nil, 0
	}
	return r.room[begin:], kind
}

// add files a piece; what is no place in the city is only a frame.
func (r *reader) add(p piece, alts []meaning, kind nameKind) {
	p.alts, p.kind = alts, kind
	for i := range alts {
		p.kind = max(p.kind, alts[i].kind)
	}
	p.frame = r.frames(alts)
	r.pieces = append(r.pieces, p)
}

func (r *reader) frames(alts []meaning) bool {
	return !slices.ContainsFunc(alts, func(m meaning) bool { return r.rs.isPlace(m.region) })
}

func (r *reader) free(from, to int32) bool {
	for i := from; i < to; i++ {
		if r.covered[i] != 0 {
			return false
		}
	}
	return true
}

func (r *reader) cover(from, to, number int32) {
	for i := from; i < to; i++ {
		r.covered[i] = number
	}
}

// cross adds the crossings of roads that stand side by side.
func (r *reader) cross() {
	g := &r.rs.naming
	if len(g.crossings) == 0 {
		return
	}
	for i := range r.pieces {
		a := r.pieces[i]
		if a.word == none || !g.road[a.word] {
			continue
		}
		for j := range r.pieces {
			b := r.pieces[j]
			if b.word == none || !g.road[b.word] || b.from < a.to || !joins(r.text[r.at[a.to]:r.at[b.from]]) {
				continue
			}
			if alts := r.inside(g.crossings[roadPair(a.word, b.word)]); len(alts) > 0 {
				r.add(piece{from: a.from, to: b.to, word: none, end: none}, alts, nameFull)
			}
		}
	}
}
