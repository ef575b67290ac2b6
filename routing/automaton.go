package routing

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/text"
)

// Classes of characters. Those from classLetter on are the characters that occur in some word.
const (
	classOther  = iota // in no word
	classDrop          // leaves no trace in folded text
	classSpace         // a blank
	classBreak         // a line break
	classLetter        // the first character of the alphabet

	hanFlag    = 1 << 15 // set on Chinese characters: blanks between two of them vanish
	classLimit = hanFlag
)

// alphabet maps a character as the citizen wrote it straight to the class of its folded form, so
// that searching needs no folded copy of the text. It asks text.Fold about every character once;
// a fuzz test holds the two together.
type alphabet struct {
	class [1 << 16]uint16
	mark  [1 << 16]uint32 // by slot: what skip tells characters of three bytes apart by; 0 where it must stop
	rest  map[rune]uint16 // characters beyond the basic plane that occur in words
	space uint16          // class of the blank inside words
	size  int             // number of classes
}

// newAlphabet numbers the characters of the words, which must be folded.
func newAlphabet(words []string) *alphabet {
	seen := make(map[rune]uint16)
	for _, w := range words {
		for _, r := range w {
			seen[r] = 0
		}
	}
	runes := make([]rune, 0, len(seen))
	for r := range seen {
		runes = append(runes, r)
	}
	slices.Sort(runes) // so that the order of words is the order of their classes
	a := &alphabet{rest: map[rune]uint16{}, size: classLetter + len(runes)}
	for i, r := range runes {
		seen[r] = uint16(classLetter + i)
	}
	a.space = seen[' ']
	for r, f := range foldings() {
		a.class[r] = f.class
		if f.class == classOther {
			a.class[r] = seen[rune(f.to)] | f.han
		}
	}
	for r := rune(0x800); r < 1<<16; r++ { // below, three bytes are no proper encoding
		if class := a.class[r] &^ hanFlag; utf8.ValidRune(r) && (class < classDrop || class > classBreak) {
			a.mark[slotOf(r)] = markOf(class)
		}
	}
	for r, class := range seen {
		if r >= 1<<16 {
			a.rest[r] = class
			if up := unicode.ToUpper(r); up != r {
				a.rest[up] = class
			}
		}
	}
	return a
}

// slot is the place in mark of a character of three bytes, given as these bytes from the lowest up,
// less E0 80 80; what stands above them does not matter. The multiplication brings the sixteen bits
// together, each pattern to a place of its own; a test tries all.
func slot(bits uint32) uint16 { return uint16(bits * (1<<2 | 1<<6 | 1<<16) >> 8) }

// slotOf is the slot of a character.
func slotOf(r rune) uint16 { return slot(uint32(r>>12 | r>>6&0x3F<<8 | r&0x3F<<16)) }

// markOf spreads a class over 32 bits, never 0: the finalizer of MurmurHash3, which maps only 0 to 0.
func markOf(class uint16) uint32 {
	h := uint32(class) + 1
	h = (h ^ h>>16) * 0x85EBCA6B
	h = (h ^ h>>13) * 0xC2B2AE35
	return h ^ h>>16
}

// folding is what text.Fold makes of one character.
type folding struct {
	to    uint16 // the folded character
	class uint16 // classDrop, classSpace, classBreak; classOther for what stays a character
	han   uint16 // hanFlag or 0
}

// foldings asks text.Fold about every character of the basic plane, once: a constant, too long to
// write down.
var foldings = sync.OnceValue(func() *[1 << 16]folding {
	all := new([1 << 16]folding)
	var in, out []byte
	for r := range rune(1 << 16) {
		if utf8.ValidRune(r) {
			in = utf8.AppendRune(append(utf8.AppendRune(append(in[:0], 'x'), r), ' '), r)
			out = text.AppendFold(out[:0], string(append(in, 'x')))
			all[r] = foldingOf(r, out[1:len(out)-1])
		}
	}
	return all
})

// foldingOf reads a character's folding off what became of it twice, a blank between.
func foldingOf(r rune, pair []byte) folding {
	switch string(pair) {
	case " ": // only the blank between is left, or three blanks became one
		if text.Fold("x"+string(r)+"x") == "xx" {
			return folding{class: classDrop}
		}
		return folding{class: classSpace}
	case "\n":
		return folding{class: classBreak}
	}
	to, size := utf8.DecodeRune(pair)
	f := folding{to: uint16(to)}
	if len(pair) == 2*size { // the blank vanished
		f.han = hanFlag
	}
	return f
}

// next is the class of the first character of s, which is not empty, and its size in bytes.
func (a *alphabet) next(s string) (class uint16, size int) {
	if len(s) >= 3 && s[0]-0xE1 <= 0xEC-0xE1 && s[1]^0x80 <= 0x3F && s[2]^0x80 <= 0x3F {
		return a.class[uint16(s[0])<<12|uint16(s[1]&0x3F)<<6|uint16(s[2]&0x3F)], 3
	}
	r, size := utf8.DecodeRuneInString(s)
	return a.of(r), size
}

// of is the class of a character.
func (a *alphabet) of(r rune) uint16 {
	if r < 1<<16 {
		return a.class[r]
	}
	class := a.rest[r]
	if 0x20000 <= r && r <= 0x323AF { // the ideographic planes, as internal/text takes them
		class |= hanFlag
	}
	return class
}

// automaton finds all words of a set in one pass over a text (Aho and Corasick, 1975), by classes
// of characters. Children of a node lie side by side, so a node is 20 bytes and a step one look
// at a short run of classes.
type automaton struct {
	abc     *alphabet
	words   []string // folded, by word number
	length  []int32  // characters of each word
	nodes   []node
	classes []uint16 // by node: the class that leads to it
	root    []uint32 // by class: the child of the root, 0 for none

	// Most pairs of characters begin no word. A bit per hashed pair says so without a look at the
	// nodes, and without a branch that depends on the text.
	pairs  [1 << pairBits / 64]uint64
	single bool // some word is one character long
}

type node struct {
	first, count uint32 // children
	fail         uint32 // the longest proper suffix that is a node
	hit          uint32 // the nearest node on the suffix chain, itself included, that ends a word; 0 for none
	word         int32
}

// occurrence is one place where a word was found. end counts folded characters.
type occurrence struct {
	word, end int32
	prev      int32 // the occurrence of the same word before it, none at the first
}

// newAutomaton builds the automaton; words must be folded, distinct and not empty.
func newAutomaton(abc *alphabet, words []string) *automaton {
	a := &automaton{abc: abc, words: words, length: make([]int32, len(words)), root: make([]uint32, abc.size)}
	letters := make([][]uint16, len(words))
	order := make([]int32, len(words))
	for i, w := range words {
		order[i] = int32(i)
		for _, r := range w {
			letters[i] = append(letters[i], abc.letter(r))
		}
		a.length[i] = int32(len(letters[i]))
	}
	slices.SortFunc(order, func(x, y int32) int { return slices.Compare(letters[x], letters[y]) })
	a.plant(letters, order)
	a.link()
	a.sieve()
	return a
}

// letter is the class of a folded character, the blank included.
func (a *alphabet) letter(r rune) uint16 {
	if r == ' ' {
		return a.space
	}
	return a.of(r) &^ hanFlag
}

// plant lays the trie out in breadth-first order from the sorted words.
func (a *automaton) plant(letters [][]uint16, order []int32) {
	type job struct{ lo, hi, depth int32 }
	jobs := []job{{0, int32(len(order)), 0}}
	a.nodes = append(a.nodes, node{word: none})
	a.classes = append(a.classes, 0)
	for at := 0; at < len(jobs); at++ { // jobs and nodes run in step
		j := jobs[at]
		lo := j.lo
		if lo < j.hi && int32(len(letters[order[lo]])) == j.depth && j.depth > 0 {
			a.nodes[at].word = order[lo]
			lo++
		}
		a.nodes[at].first = uint32(len(a.nodes))
		for lo < j.hi {
			class := letters[order[lo]][j.depth]
			hi := lo + 1
			for hi < j.hi && letters[order[hi]][j.depth] == class {
				hi++
			}
			a.nodes = append(a.nodes, node{word: none})
			a.classes = append(a.classes, class)
			jobs = append(jobs, job{lo, hi, j.depth + 1})
			a.nodes[at].count++
			lo = hi
		}
	}
}

// link sets the suffix links. Nodes are in breadth-first order, so shorter ones are done before.
func (a *automaton) link() {
	top := a.nodes[0]
	for c := top.first; c < top.first+top.count; c++ {
		a.root[a.classes[c]] = c
	}
	for at := range a.nodes {
		n := &a.nodes[at]
		if at > 0 {
			n.hit = a.nodes[n.fail].hit
			if n.word != none {
				n.hit = uint32(at)
			}
		}
		for c := n.first; c < n.first+n.count; c++ {
			if at > 0 {
				a.nodes[c].fail = a.step(n.fail, a.classes[c])
			}
		}
	}
}

// step is the transition of the automaton.
func (a *automaton) step(state uint32, class uint16) uint32 {
	for state != 0 {
		n := &a.nodes[state]
		if c := a.child(n, class); c != 0 {
			return c
		}
		state = n.fail
	}
	return a.root[class]
}

// child is the child of a node by class, 0 for none.
func (a *automaton) child(n *node, class uint16) uint32 {
	lo, hi := n.first, n.first+n.count
	for hi-lo > 8 {
		mid := (lo + hi) / 2
		if a.classes[mid] <= class {
			lo = mid
		} else {
			hi = mid
		}
	}
	for ; lo < hi; lo++ {
		if a.classes[lo] == class {
			return lo
		}
	}
	return 0
}

const (
	pairBits  = 17 // 16 KiB: 10,000 words leave nine bits in ten at 0
	pairShift = 32 - pairBits
)

// pairOf is the bit that stands for two characters side by side, in its upper pairBits.
func pairOf(first, second uint32) uint32 { return first<<pairShift ^ second }

// begins reports whether a word may begin with a pair; it errs only by saying so.
func (a *automaton) begins(pair uint32) bool {
	return a.pairs[pair>>(pairShift+6)]>>(pair>>pairShift&63)&1 != 0
}

// sieve fills pairs with the first two characters of every word.
func (a *automaton) sieve() {
	for c := uint32(1); c <= a.nodes[0].count; c++ {
		n := &a.nodes[c]
		a.single = a.single || n.word != none
		for d := n.first; d < n.first+n.count; d++ {
			pair := pairOf(markOf(a.classes[c]), markOf(a.classes[d]))
			a.pairs[pair>>(pairShift+6)] |= 1 << (pair >> pairShift & 63)
		}
	}
}

// passage is where a scan stands in a text.
type passage struct {
	state    uint32 // a node two or more characters deep, or 0
	last     uint16 // class of the character before, which may begin a word
	afterHan bool
	pos      int32 // folded characters passed
	hits     []occurrence
}

// scan appends every occurrence of every word in s, ordered by end, to hits. s is the text as
// written; it is compared as text.Fold would make it. With origins, it also appends for each
// folded character the bytes of s it came from. It allocates only to grow the slices.
func (a *automaton) scan(s string, hits []occurrence, origins *[]span) []occurrence {
	p := passage{hits: hits}
	abc := a.abc
	blank, blankAt := uint16(0), 0
	for i := 0; i < len(s); {
		if p.state == 0 && blank == 0 && origins == nil && !a.single {
			if i = a.skip(&p, s, i); i == len(s) {
				break
			}
		}
		begin := i
		class, size := abc.next(s[i:])
		i += size
		han := class >= hanFlag
		class &^= hanFlag
		if classDrop <= class && class <= classBreak {
			if class != classDrop {
				if blank == 0 {
					blankAt = begin
				}
				blank = max(blank, class)
			}
			continue
		}
		if blank == classBreak || blank == classSpace && (!han || !p.afterHan) {
			letter := uint16(classOther)
			if blank == classSpace {
				letter = abc.space
			}
			a.advance(&p, letter)
			if origins != nil {
				*origins = append(*origins, span{int32(blankAt), int32(begin)})
			}
		}
		blank, p.afterHan = 0, han
		a.advance(&p, class)
		if origins != nil {
			*origins = append(*origins, span{int32(begin), int32(i)})
		}
	}
	return p.hits
}

// skip passes over what nearly all text is made of: characters of three bytes that are no blanks
// and do not complete a pair that begins a word. It returns where that ends, at the latest eight
// bytes before the end. Two characters at a time share the load and the check of their bytes.
func (a *automaton) skip(p *passage, s string, i int) int {
	mark := &a.abc.mark
	before, begin := markOf(p.last), i
	for t := s[i:]; len(t) >= 8; t = t[6:] {
		x := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		x ^= 0x8080E0_8080E0
		if x&0xC0C0F0_C0C0F0 != 0 {
			break
		}
		first, second := mark[slot(uint32(x))], mark[slot(uint32(x>>24))]
		if first == 0 || a.begins(pairOf(before, first)) {
			break
		}
		i += 3
		if second == 0 || a.begins(pairOf(first, second)) {
			break
		}
		i += 3
		before = second
	}
	if i > begin {
		class, _ := a.abc.next(s[i-3:])
		p.last, p.afterHan = class&^hanFlag, class >= hanFlag
		p.pos += int32(i-begin) / 3
	}
	return i
}

// advance takes one folded character.
func (a *automaton) advance(p *passage, class uint16) {
	state := p.state
	if state == 0 {
		state = a.root[p.last]
	}
	state = a.step(state, class)
	for h := a.nodes[state].hit; h != 0; h = a.nodes[a.nodes[h].fail].hit {
		p.hits = append(p.hits, occurrence{word: a.nodes[h].word, end: p.pos, prev: none})
	}
	if state <= a.nodes[0].count { // one character deep: last says as much
		state = 0
	}
	p.state, p.last = state, class
	p.pos++
}

// enclosing is an occurrence of a longer word that contains occurrence at, none when there is none.
// Only words of among count, all for nil; longest bounds their characters.
func (a *automaton) enclosing(hits []occurrence, at, longest int32, among []int32) int32 {
	end, length := hits[at].end, a.length[hits[at].word]
	begin := end - length + 1
	first := at
	for first > 0 && hits[first-1].end == end {
		first--
	}
	for i := first; i < int32(len(hits)) && hits[i].end < begin+longest; i++ {
		size := a.length[hits[i].word]
		if size > length && hits[i].end-size+1 <= begin && (among == nil || slices.Contains(among, hits[i].word)) {
			return i
		}
	}
	return none
}
