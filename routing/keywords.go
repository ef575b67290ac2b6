package routing

import (
	"slices"

	"github.com/citizen-hotline/gateway/internal/text"
)

// wordSet is Keywords by word number.
type wordSet struct {
	any, all, none, mask []int32
	longest              int32 // characters of the longest mask
}

// wordSet numbers the words; the automaton is built over all of them at the end.
func (c *compiler) wordSet(k *Keywords) *wordSet {
	return &wordSet{any: c.words.number(k.Any), all: c.words.number(k.All), none: c.words.number(k.None), mask: c.words.number(k.Mask)}
}

// wordList collects folded words without duplicates.
type wordList struct {
	index map[string]int32
	list  []string
}

func (l *wordList) add(word string) int32 {
	folded := text.Fold(word)
	n, ok := l.index[folded]
	if !ok {
		n = int32(len(l.list))
		if l.index == nil {
			l.index = map[string]int32{}
		}
		l.index[folded] = n
		l.list = append(l.list, folded)
	}
	return n
}

func (l *wordList) number(words []string) []int32 {
	if len(words) == 0 {
		return nil
	}
	list := make([]int32, len(words))
	for i, w := range words {
		list[i] = l.add(w)
	}
	return list
}

// anchors are words of which at least one must occur for the set to hold, nil when there are none.
func (ws *wordSet) anchors(length []int32) []int32 {
	switch {
	case len(ws.any) > 0:
		return ws.any
	case len(ws.all) > 0:
		longest := slices.MaxFunc(ws.all, func(a, b int32) int { return int(length[a] - length[b]) })
		return []int32{longest}
	default:
		return nil
	}
}

// found is what one pass over a text found.
type found struct {
	hits  []occurrence
	stamp []uint32 // by word: the pass that saw it last
	last  []int32  // by word: its last occurrence in hits, valid in that pass
	pass  uint32
}

func newFound(words int) found {
	return found{stamp: make([]uint32, words), last: make([]int32, words)}
}

// search scans the text and chains the occurrences of each word.
func (f *found) search(a *automaton, text string, origins *[]span) {
	if f.pass++; f.pass == 0 { // wrapped around: old stamps could look fresh
		clear(f.stamp)
		f.pass = 1
	}
	f.hits = a.scan(text, f.hits[:0], origins)
	for i := range f.hits {
		h := &f.hits[i]
		if f.stamp[h.word] == f.pass {
			h.prev = f.last[h.word]
		}
		f.stamp[h.word], f.last[h.word] = f.pass, int32(i)
	}
}

// newest is the last occurrence of a word, none when it does not occur.
func (f *found) newest(word int32) int32 {
	if f.stamp[word] != f.pass {
		return none
	}
	return f.last[word]
}

// occurs reports whether the word occurs at least once outside every mask.
func (f *found) occurs(a *automaton, word int32, ws *wordSet) bool {
	at := f.newest(word)
	if len(ws.mask) == 0 {
		return at != none
	}
	for ; at != none; at = f.hits[at].prev {
		if f.masked(a, at, ws) == none {
			return true
		}
	}
	return false
}

// masked is the occurrence of a mask that contains occurrence at, none when there is none.
func (f *found) masked(a *automaton, at int32, ws *wordSet) int32 {
	if len(ws.mask) == 0 {
		return none
	}
	return a.enclosing(f.hits, at, ws.longest, ws.mask)
}

// fails is the first part of the set that does not hold, partNone when all do.
func (f *found) fails(a *automaton, ws *wordSet) part {
	if len(ws.any) > 0 && !slices.ContainsFunc(ws.any, func(w int32) bool { return f.occurs(a, w, ws) }) {
		return partAny
	}
	for _, w := range ws.all {
		if !f.occurs(a, w, ws) {
			return partAll
		}
	}
	for _, w := range ws.none {
		if f.occurs(a, w, ws) {
			return partNot
		}
	}
	return partNone
}
