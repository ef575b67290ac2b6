package routing

import (
	"slices"
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
	var buf []byte
	for r := rune(0); r < 1<<16; r++ {
		if utf8.ValidRune(r) {
			a.class[r], buf = classOf(r, seen, buf)
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

// classOf learns a character's class from what folding makes of it between letters and of the
// blank between two of it. buf is scratch space.
func classOf(r rune, letters map[rune]uint16, buf []byte) (uint16, []byte) {
	char := string(r)
	buf = text.AppendFold(buf[:0], "x"+char+"x")
	switch folded := buf[1 : len(buf)-1]; string(folded) {
	case "":
		return classDrop, buf
	case " ":
		return classSpace, buf
	case "\n":
		return classBreak, buf
	default:
		f, size := utf8.DecodeRune(folded)
		class := letters[f]
		if buf = text.AppendFold(buf[:0], char+" "+char); len(buf) == 2*size {
			class |= hanFlag
		}
		return class, buf
	}
}

// of is the class of a character beyond the fast paths of scan.
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

// scan appends every occurrence of every word in s, ordered by end, to hits. s is the text as
// written; it is compared as text.Fold would make it. With origins, it also appends for each
// folded character the bytes of s it came from. It allocates only to grow the slices.
func (a *automaton) scan(s string, hits []occurrence, origins *[]span) []occurrence {
	var (
		state    uint32
		pos      int32 // folded characters passed
		blank    uint16
		blankAt  int
		afterHan bool
		abc      = a.abc
	)
	for i := 0; i < len(s); {
		begin := i
		var class uint16
		b := s[i]
		switch {
		case b < utf8.RuneSelf:
			class = abc.class[b]
			i++
		case 0xE1 <= b && b <= 0xEC && i+2 < len(s) && s[i+1]&0xC0 == 0x80 && s[i+2]&0xC0 == 0x80:
			// Three bytes whose second is free of further conditions: nearly all Chinese text.
			class = abc.class[uint16(b)<<12|uint16(s[i+1]&0x3F)<<6|uint16(s[i+2]&0x3F)]
			i += 3
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			class = abc.of(r)
			i += size
		}
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
		if blank != 0 {
			if blank == classBreak || !han || !afterHan {
				if blank == classSpace && abc.space != classOther {
					state = a.step(state, abc.space)
				} else {
					state = 0
				}
				pos++
				if origins != nil {
					*origins = append(*origins, span{int32(blankAt), int32(begin)})
				}
			}
			blank = 0
		}
		afterHan = han
		if state == 0 {
			state = a.root[class]
		} else {
			state = a.step(state, class)
		}
		for h := a.nodes[state].hit; h != 0; h = a.nodes[a.nodes[h].fail].hit {
			hits = append(hits, occurrence{word: a.nodes[h].word, end: pos, prev: none})
		}
		pos++
		if origins != nil {
			*origins = append(*origins, span{int32(begin), int32(i)})
		}
	}
	return hits
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
