package text

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// wordLimit bounds, in bytes, the words that become terms: longer runs of letters and digits are
// serial numbers and addresses of web pages, found by their bigrams alone.
const wordLimit = 64

// Bigrams returns the terms under which s is found, sorted and without duplicates: every pair of
// neighbouring letters or digits of Fold(s), every whole word of Latin letters or digits, and
// characters that stand alone. So any substring of two characters or more hits: 3号楼 gives
// 3, 3号, 号楼.
func Bigrams(s string) []string {
	return AppendBigrams(nil, Fold(s))
}

// AppendBigrams appends the terms of folded, which must come from Fold, to dst. The terms share the
// memory of folded; those appended are sorted and unique among themselves.
func AppendBigrams(dst []string, folded string) []string {
	return appendTerms(dst, folded, true)
}

// QueryBigrams returns the terms that all stand among the Bigrams of every text that contains s:
// its pairs. That all of them are found is near to certain proof that the text contains s; who needs
// certainty compares the folded texts. When s has no pair, its lone characters are returned, which
// find only texts where they stand alone or are a whole word.
func QueryBigrams(s string) []string {
	terms := appendTerms(nil, Fold(s), false)
	pairs := slices.DeleteFunc(slices.Clone(terms), func(t string) bool { return utf8.RuneCountInString(t) < 2 })
	if len(pairs) > 0 {
		return pairs
	}
	return terms
}

func appendTerms(dst []string, folded string, words bool) []string {
	begin := len(dst)
	runStart, wordStart, prev := -1, -1, -1 // byte offsets; −1 is "none"
	flush := func(end int) {
		if words && wordStart >= 0 && end-wordStart <= wordLimit {
			dst = append(dst, folded[wordStart:end])
		}
		wordStart = -1
	}
	for i := 0; i <= len(folded); {
		r, size := utf8.DecodeRuneInString(folded[i:])
		letter := size > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r))
		if !letter {
			flush(i)
			if prev >= 0 && prev == runStart { // a run of one
				dst = append(dst, folded[prev:i])
			}
			runStart, prev = -1, -1
			i += max(size, 1)
			continue
		}
		if isHan(r) {
			flush(i)
		} else if wordStart < 0 {
			wordStart = i
		}
		if prev >= 0 {
			dst = append(dst, folded[prev:i+size])
		} else {
			runStart = i
		}
		prev = i
		i += size
	}
	slices.Sort(dst[begin:])
	return append(dst[:begin], slices.Compact(dst[begin:])...)
}

// Set is what a text is made of, computed once, so that it can be compared with thousands of
// others cheaply: 4 bytes a character.
type Set struct {
	pairs []uint32 // two runes each, mixed into a number; sorted, unique
}

// pairOf mixes two runes so that different pairs hardly ever meet in one number; next is 0 for a
// rune that stands alone.
func pairOf(r, next rune) uint32 {
	x := uint64(r)<<32 | uint64(next) // runes of valid text are not negative
	x ^= x >> 31
	x *= 0x9E3779B97F4A7C15
	return uint32(x >> 32) // the upper half
}

// NewSet returns the set of neighbouring pairs of Fold(s); signs and blanks separate.
func NewSet(s string) Set {
	folded := Fold(s)
	pairs := make([]uint32, 0, utf8.RuneCountInString(folded))
	var prev rune // 0 is "none"
	alone := false
	end := func() {
		if alone {
			pairs = append(pairs, pairOf(prev, 0))
		}
		prev, alone = 0, false
	}
	for _, r := range folded {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if prev != 0 {
			pairs = append(pairs, pairOf(prev, r))
		}
		alone = prev == 0
		prev = r
	}
	end()
	slices.Sort(pairs)
	return Set{pairs: slices.Clone(slices.Compact(pairs))} // a copy: what was room for more is let go
}

// Len is the number of pairs.
func (a Set) Len() int { return len(a.pairs) }

// Pairs are the numbers of the pairs, ascending, for those who weigh them. They are the set's own: not to be changed.
func (a Set) Pairs() []uint32 { return a.pairs }

// Similarity is the Jaccard index of two sets, from 0 (nothing shared) to 1 (the same pairs). An
// empty set is like nothing, not even another empty one: two texts without words are not the same
// matter.
func (a Set) Similarity(b Set) float64 {
	if len(a.pairs) == 0 || len(b.pairs) == 0 {
		return 0
	}
	shared := a.shared(b)
	return float64(shared) / float64(len(a.pairs)+len(b.pairs)-shared)
}

// AtLeast reports Similarity(b) ≥ limit, and answers at once when the lengths alone rule it out,
// as they mostly do in a search over thousands.
func (a Set) AtLeast(b Set, limit float64) bool {
	short, long := len(a.pairs), len(b.pairs)
	if short > long {
		short, long = long, short
	}
	if float64(short) < limit*float64(long) {
		return false
	}
	return a.Similarity(b) >= limit
}

func (a Set) shared(b Set) int {
	n, i, j := 0, 0, 0
	for i < len(a.pairs) && j < len(b.pairs) {
		x, y := a.pairs[i], b.pairs[j]
		if x == y {
			n++
		}
		if x <= y {
			i++
		}
		if y <= x {
			j++
		}
	}
	return n
}

// Similarity compares two texts once; for many comparisons keep their Sets.
func Similarity(a, b string) float64 {
	return NewSet(a).Similarity(NewSet(b))
}
