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
// others cheaply: about 8 bytes a character.
type Set struct {
	pairs []uint64 // two runes each, sorted, unique
}

// NewSet returns the set of neighbouring pairs of Fold(s); signs and blanks separate.
func NewSet(s string) Set {
	var pairs []uint64
	var prev rune // 0 is "none"
	alone := false
	end := func() {
		if alone {
			pairs = append(pairs, uint64(prev)) // runes of valid text are not negative
		}
		prev, alone = 0, false
	}
	for _, r := range Fold(s) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if prev != 0 {
			pairs = append(pairs, uint64(prev)<<32|uint64(r)) // runes of valid text are not negative
		}
		alone = prev == 0
		prev = r
	}
	end()
	slices.Sort(pairs)
	return Set{pairs: slices.Clip(slices.Compact(pairs))}
}

// Len is the number of pairs.
func (a Set) Len() int { return len(a.pairs) }

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
