package classify

import (
	"math/bits"
	"unicode"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/text"
)

const (
	maxText = 16 << 10 // bytes of a text that are read: what a letter is about stands at its head
	maxGram = 3        // characters
	number  = '0'      // stands for every run of digits
)

// fold appends the part of a text that is read, folded as keywords are, to dst.
func fold(dst []byte, s string) []byte {
	if len(s) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	return text.AppendFold(dst, s)
}

// eachGram visits the grams of folded text, each with its place in bytes. Signs, blanks and emoji
// separate.
func eachGram(folded []byte, visit func(hash uint32, start, end int)) {
	var runes [maxGram]rune
	var starts [maxGram]int
	n, last := 0, rune(0) // characters of the run that are kept, and the newest of them
	for i := 0; i < len(folded); {
		r, size := rune(folded[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(folded[i:])
		}
		start := i
		i += size
		switch {
		case '0' <= r && r <= '9':
			r = number
			if last == number {
				continue
			}
		case isLetter(r):
		default:
			n, last = 0, 0
			continue
		}
		if n == maxGram {
			copy(runes[:], runes[1:])
			copy(starts[:], starts[1:])
			n--
		}
		runes[n], starts[n], last = r, start, r
		n++
		key := uint64(0)
		for k := n - 1; k >= 0; k-- {
			key |= uint64(runes[k]) << (21 * (n - 1 - k))
			visit(hashOf(key), starts[k], i)
		}
	}
}

// isLetter is true for letters; nearly all are Chinese, and the table of Unicode is slow.
func isLetter(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 'a' <= r && r <= 'z' || r >= utf8.RuneSelf && unicode.IsLetter(r)
}

// hashOf mixes a gram, whose characters stand in a number of 63 bits side by side.
func hashOf(key uint64) uint32 {
	hi, lo := bits.Mul64(key^0xA0761D6478BD642F, 0xE7037ED1A0B428DB)
	return uint32((hi ^ lo) >> 32) // the upper half
}
