package routing

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// typoIndex finds the stems that one slip of the pen makes a piece of text of: by what is left of
// both when one character is taken away (the symmetric deletion of SymSpell).
type typoIndex struct {
	buckets []uint32 // by the upper bits of a hash: where its entries begin
	entries []typoEntry
	shift   uint32
}

type typoEntry struct {
	hash uint32
	word int32
}

const (
	longestStem = 10  // characters; longer names are told by their parts
	crowdedKey  = 512 // entries of one key: what so many stems share says nothing
)

// newTypoIndex files the stems of regions and of places with an ending. Villages need three
// characters: with two, every second slip makes the name of another village.
func newTypoIndex(rs *Ruleset) typoIndex {
	g := &rs.naming
	var x typoIndex
	for n, w := range g.auto.words {
		letters := []rune(w)
		if !slices.ContainsFunc(g.meanings[n], func(m meaning) bool { return rs.guessable(m, len(letters)) }) || len(letters) > longestStem {
			continue
		}
		x.entries = append(x.entries, typoEntry{keyOf(letters, -1), int32(n)})
		for i := range letters {
			x.entries = append(x.entries, typoEntry{keyOf(letters, i), int32(n)})
		}
	}
	bits := uint32(4)
	for 1<<bits < len(x.entries) {
		bits++
	}
	x.shift = 32 - bits
	slices.SortFunc(x.entries, func(a, b typoEntry) int {
		if a.hash != b.hash {
			if a.hash < b.hash {
				return -1
			}
			return 1
		}
		return int(a.word - b.word)
	})
	x.entries = slices.Compact(x.entries)
	x.buckets = make([]uint32, 1<<bits+1)
	for _, e := range x.entries {
		x.buckets[e.hash>>x.shift+1]++
	}
	for i := range len(x.buckets) - 1 {
		x.buckets[i+1] += x.buckets[i]
	}
	return x
}

// guessable reports whether a meaning is a name in which a slip of the pen is put right.
func (rs *Ruleset) guessable(m meaning, stem int) bool {
	return m.end >= 0 && stem >= 2 && (stem > 2 || endings[m.end].family != communityFamily)
}

// keyOf hashes letters without the one at skip (FNV-1a, by characters).
func keyOf(letters []rune, skip int) uint32 {
	h := uint32(2166136261)
	for i, r := range letters {
		if i != skip {
			h = (h ^ uint32(r)) * 16777619
			h ^= h >> 15
		}
	}
	return h * 0x9E3779B1
}

// stems visits the words filed under a key.
func (x *typoIndex) stems(key uint32, visit func(word int32)) {
	lo, hi := x.buckets[key>>x.shift], x.buckets[key>>x.shift+1]
	list := x.entries[lo:hi]
	if len(list) > crowdedKey {
		return
	}
	for _, e := range list {
		if e.hash == key {
			visit(e.word)
		}
	}
}

// slip reports whether written is name with one character wrong, left out, put in or changed with
// the next. Characters that tell neighbours apart are not taken for slips.
func slip(written, name []rune) bool {
	tells := func(r rune) bool { return strings.ContainsRune(telling, r) }
	i := firstDifference(written, name)
	switch len(written) - len(name) {
	case 0:
		if i == len(name) {
			return false
		}
		a, b := written[i:], name[i:]
		if len(a) > 1 && a[0] == b[1] && a[1] == b[0] && slices.Equal(a[2:], b[2:]) {
			return !tells(a[0]) || !tells(a[1])
		}
		return slices.Equal(a[1:], b[1:]) && (!tells(a[0]) || !tells(b[0]))
	case -1: // left out
		return len(name) > 2 && slices.Equal(written[i:], name[i+1:]) && !tells(name[i])
	case 1: // put in: before the name it would belong to another
		return len(name) > 2 && i > 0 && slices.Equal(written[i+1:], name[i:]) && !tells(written[i])
	}
	return false
}

// ownSlip reports whether a slip in the name of a village makes no name that another could have:
// 王家庄 is not 张家庄, 永太庄 not 永固庄, 张家庄 not 张家王庄. The pack need not know the others.
func ownSlip(written, name []rune) bool {
	last := len(name) - 1
	switch i := firstDifference(written, name); {
	case len(written) < len(name):
		return len(name) > 4
	case len(written) > len(name), written[i] == name[min(i+1, last)]: // put in, or changed places
		return true
	default:
		return len(name) > 3 && i > 0
	}
}

func firstDifference(a, b []rune) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// guessable reports whether there is text that could be a name with a slip.
func (r *reader) guessable() bool { return slices.Contains(r.covered, 0) }

// guess adds names with one slip of the pen, where nothing else was read. It reports whether it
// added any.
func (r *reader) guess() bool {
	before := len(r.pieces)
	length := int32(min(len(r.covered), mostGuessed))
	for at := int32(1); at < length; at++ {
		if r.covered[at] != 0 || r.covered[at-1] != 0 {
			continue
		}
		if e := endingOf(r.rest(at)); e != none && !noEnding(r.rest(at)) {
			r.guessStem(at, e)
		}
		r.guessSwap(at)
	}
	for i := range r.implied {
		r.guessEnding(&r.implied[i])
	}
	if len(r.pieces) == before {
		return false
	}
	r.implyAll()
	return true
}

// stemBefore appends the characters before a place that may be a stem, and says where they begin.
func (r *reader) stemBefore(stem []rune, at int32) ([]rune, int32) {
	from := at
	for from > 0 && r.covered[from-1] == 0 && at-from <= longestStem && !r.parts(from-1) {
		from--
	}
	return append(stem, r.letters[from:at]...), from
}

// guessStem looks for a stem with a slip before an ending. It begins where an address has a name:
// that may be after a shortened one that holds it, 城阳惜福街道.
func (r *reader) guessStem(at, e int32) {
	var few [longestStem + 1]rune
	window, from := r.stemBefore(few[:0], at)
	begin, first := len(r.room), at
	for n := range slices.Backward(window) {
		start, mark := from+int32(n), len(r.room)
		if !r.misspelt(window[n:], e) {
			continue
		}
		if _, starts := r.before(start); !starts && !r.follows(start, r.room[mark:]) {
			r.room = r.room[:mark]
			continue
		}
		first = start
	}
	if alts := r.room[begin:]; len(alts) > 0 {
		r.take(first, at+int32(utf8.RuneCountInString(endings[e].written)), r.rs.inOrder(alts))
	}
}

// follows reports whether a shortened name ends where another begins that lies in it.
func (r *reader) follows(start int32, alts []meaning) bool {
	return slices.ContainsFunc(r.implied, func(q piece) bool {
		return q.to == start && r.free(q.from, q.to) && slices.ContainsFunc(alts, func(m meaning) bool { return r.speaksFor(&q, m.region) > 0 })
	})
}

// misspelt appends to room what a stem with a slip may mean, and reports whether it is anything.
func (r *reader) misspelt(written []rune, e int32) bool {
	g := &r.rs.naming
	begin := len(r.room)
	for skip := -1; skip < len(written); skip++ {
		g.typos.stems(keyOf(written, skip), func(word int32) {
			var few [longestStem]rune
			name := few[:0]
			for _, c := range g.auto.words[word] {
				name = append(name, c)
			}
			if !slip(written, name) || endings[e].family == communityFamily && !ownSlip(written, name) {
				return
			}
			r.mean(word, len(name), e)
		})
	}
	return len(r.room) > begin
}

// mean appends to room the meanings of a stem that have exactly the ending.
func (r *reader) mean(word int32, stem int, e int32) {
	for _, m := range r.inside(r.rs.naming.meanings[word]) {
		if r.rs.guessable(m, stem) && endings[m.end].short == endings[e].short {
			m.kind = nameTypo
			r.room = append(r.room, m)
		}
	}
}

// guessSwap looks for an ending whose first character changed places with the last of the stem:
// 薛镇庄, 蒙街阴道.
func (r *reader) guessSwap(at int32) {
	rest := r.rest(at)
	if !strings.ContainsRune(endingHeads, r.letters[at]) {
		return
	}
	for e := range endings {
		written := endings[e].written
		_, size := utf8.DecodeRuneInString(written)
		if !strings.HasPrefix(rest, written[:size]) || len(rest) == size {
			continue
		}
		last, width := utf8.DecodeRuneInString(rest[size:])
		if !strings.HasPrefix(rest[size+width:], written[size:]) {
			continue
		}
		var few [longestStem + 2]rune
		window, from := r.stemBefore(few[:0], at)
		window = append(window, last)
		for n := range len(window) - 1 {
			if _, starts := r.before(from + int32(n)); !starts {
				continue
			}
			begin, stem := len(r.room), window[n:]
			r.rs.naming.typos.stems(keyOf(stem, -1), func(word int32) {
				if r.rs.naming.auto.words[word] == string(stem) {
					r.mean(word, len(stem), int32(e))
				}
			})
			if alts := r.room[begin:]; len(alts) > 0 {
				r.take(from+int32(n), at+1+int32(utf8.RuneCountInString(written)), alts)
				return
			}
		}
	}
}

// guessEnding takes a stem that stands where an address has a name for one whose ending has the
// slip: 义堂真朱潘村, 兰山区柳青接道, 环秀道.
func (r *reader) guessEnding(p *piece) {
	outer, starts := r.before(p.from)
	if !starts || !r.free(p.from, p.to) || outer != nil && !r.holdsOne(outer, p) {
		return
	}
	alts := p.alts
	if outer != nil {
		alts = r.strictlyIn(outer, alts)
	}
	begin, longest := len(r.room), int32(0)
	for _, m := range alts {
		written := r.endingSlip(p, outer != nil, []rune(endings[m.end].short))
		if written == 0 || written < longest {
			continue
		}
		if written > longest {
			longest, r.room = written, r.room[:begin]
		}
		m.kind = nameTypo
		r.room = append(r.room, m)
	}
	if longest > 0 {
		r.take(p.from, p.to+longest, r.room[begin:])
		if q := r.nextVillage(p, p.to+longest); q != nil {
			r.pieces = append(r.pieces, *q)
			r.cover(q.from, q.to, int32(len(r.pieces)))
		}
	}
}

// nextVillage is the village that begins at a place and lies in what a piece names, of those that
// seemed to be the end of a longer name.
func (r *reader) nextVillage(p *piece, at int32) *piece {
	for i := range r.doubted {
		if q := &r.doubted[i]; q.from == at && r.free(q.from, q.to) && r.holdsOne(p, q) {
			return q
		}
	}
	return nil
}

// endingSlip is how many characters after a stem are its ending with a slip, 0 for none.
func (r *reader) endingSlip(p *piece, framed bool, ending []rune) int32 {
	n := int32(len(ending))
	if n == 2 && strings.HasPrefix(r.rest(p.to), string(ending[1:])) { // 街 left out
		if _, over := r.after(p.to + 1); over && r.free(p.to, p.to+1) {
			return 1
		}
	}
	if int(p.to+n) > len(r.covered) || !r.free(p.to, p.to+n) || r.parts(p.to) {
		return 0
	}
	inner, over := r.after(p.to + n)
	held := inner != nil && !inner.frame && r.holdsOne(p, inner) || r.nextVillage(p, p.to+n) != nil
	if n == 1 && !held && (!over || !framed) || !slip([]rune(r.text[r.at[p.to]:r.at[p.to+n]]), ending) {
		return 0
	}
	return n
}

// take files a name with a slip.
func (r *reader) take(from, to int32, alts []meaning) {
	if r.free(from, to) {
		r.add(piece{from: from, to: to, word: none, end: none}, alts, nameTypo)
		r.cover(from, to, int32(len(r.pieces)))
	}
}
