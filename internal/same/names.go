package same

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/text"
)

// kinds are the words with which names of places end, longer ones first: 丽发新城, 泉塘街道, 聚才八路.
var kinds = []string{
	"小区", "新城", "社区", "街道", "花园", "公园", "广场", "市场", "大厦", "学校", "小学", "中学", "幼儿园", "医院", "公司", "工业园",
	"苑", "城", "村", "庄", "镇", "乡", "路", "街", "巷", "桥", "府", "园", "站", "厂", "湾", "里",
}

// notNames are characters that stand before such words without naming anything: 我们小区, 这条路.
const notNames = "我你他她它们这那哪该本各每某个条座所在是有的了和与及到从往向去进出对把被给让为因于一二两几多全整附近周边旁边前后上下内外里大小新老旧"

// Names are the names of places in a text, as far as a word for a kind of place tells them: that word with the two
// characters before it, folded, sorted, each once. It knows no city: it finds names no list holds, and misses others.
func Names(s string) []string {
	var names []string
	folded, named := text.Fold(s), 0 // named is where the name before ends: 丽发新城小区 is named once
	for at := 0; at < len(folded); {
		kind := ""
		for _, k := range kinds {
			if len(k) > len(kind) && strings.HasPrefix(folded[at:], k) {
				kind = k
			}
		}
		if kind == "" {
			_, size := utf8.DecodeRuneInString(folded[at:])
			at += size
			continue
		}
		if from := at - before(folded[:at]); named <= from && from < at {
			named = at + len(kind)
			names = append(names, folded[from:named])
		}
		at += len(kind)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// before is how many bytes the last two characters of s take when they can be a name, else 0.
func before(s string) int {
	size := 0
	for range 2 {
		r, n := utf8.DecodeLastRuneInString(s[:len(s)-size])
		if !unicode.Is(unicode.Han, r) || strings.ContainsRune(notNames, r) {
			return 0
		}
		size += n
	}
	return size
}

// within reports whether word is part of another.
func within(word, other string) bool { return strings.Contains(other, word) }

// shared are the longest runs of letters and digits that stand in both texts, two characters or more, as they come in
// a. A run that can be read on in both texts is read on.
func shared(a, b []rune) []string {
	places := map[[2]rune][]int{} // where each pair stands in b
	for i := 0; i+1 < len(b); i++ {
		if word(b[i]) && word(b[i+1]) {
			p := [2]rune{b[i], b[i+1]}
			places[p] = append(places[p], i)
		}
	}
	var runs []string
	for i := 0; i+1 < len(a); {
		longest := 0
		for _, j := range places[[2]rune{a[i], a[i+1]}] {
			n := 2
			for i+n < len(a) && j+n < len(b) && a[i+n] == b[j+n] && word(a[i+n]) {
				n++
			}
			longest = max(longest, n)
		}
		if longest == 0 {
			i++
			continue
		}
		runs = append(runs, string(a[i:i+longest]))
		i += longest
	}
	return runs
}

// letters are the first Most characters of a text, folded.
func letters(s string) []rune {
	runes := []rune(text.Fold(s))
	return runes[:min(len(runes), Most)]
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
