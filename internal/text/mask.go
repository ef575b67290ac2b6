package text

import (
	"strings"
	"unicode/utf8"
)

// MaskPhone hides the middle of a number: the first three and the last four digits of a complete
// one stay (138****5678), fewer of a shorter one. A country code +86 is left out.
func MaskPhone(s string) string {
	d := digitsOf(Fold(s))
	if strings.HasPrefix(strings.TrimSpace(s), "+") || len(d) > 11 {
		if rest := strings.TrimPrefix(d, "86"); len(rest) >= 7 {
			d = rest
		}
	}
	head, tail := shown(len(d))
	return d[:head] + strings.Repeat("*", len(d)-head-tail) + d[len(d)-tail:]
}

// shown is how many digits of n may be seen at both ends; at least four are hidden.
func shown(n int) (head, tail int) {
	visible := min(max(n-4, 0), 7)
	return visible * 3 / 7, visible - visible*3/7
}

// MaskName keeps the first character: 王*. One star whatever the length, which would tell
// something too.
func MaskName(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + "*"
}

// ReplaceNames hides known names (or contacts) inside free text, each as the mask writes it. A name of one
// character is left: it would stand in half of all words.
func ReplaceNames(s string, mask func(name string) string, names ...string) string {
	for _, name := range names {
		if name = strings.TrimSpace(name); utf8.RuneCountInString(name) >= 2 {
			s = strings.ReplaceAll(s, name, mask(name))
		}
	}
	return s
}

// MaskIDNumber hides the birth date of an identity number: the first three and the last four
// characters stay (371***********123X). The birth date and the district are what must not be seen.
func MaskIDNumber(s string) string {
	r := []rune(strings.TrimSpace(s))
	head, tail := shown(len(r))
	return string(r[:head]) + strings.Repeat("*", len(r)-head-tail) + string(r[len(r)-tail:])
}

// MaskAddress keeps an address down to the street or village and hides house, building and room:
// 临沂市兰山区滨河路*** . Without a street or village the first six characters stay.
func MaskAddress(s string) string {
	runes := []rune(strings.TrimSpace(s))
	end, limit := 0, len(runes)
	for i, r := range runes {
		if isDigitRune(r) {
			limit = i
			break
		}
	}
	for i := range limit {
		if endsPlace(runes, i) {
			end = i + 1
		}
	}
	if end == 0 {
		end = min(limit, 6, len(runes)/2)
	}
	if end == len(runes) {
		return string(runes)
	}
	return string(runes[:end]) + "***"
}

// endsPlace reports that runes[i] closes the name of a public place, from province to village.
func endsPlace(runes []rune, i int) bool {
	var before, after rune
	if i > 0 {
		before = runes[i-1]
	}
	if i+1 < len(runes) {
		after = runes[i+1]
	}
	switch runes[i] {
	case '省', '县', '旗', '乡', '镇', '街', '巷', '村':
		return i > 0
	case '市':
		return i > 0 && before != '超' && after != '场'
	case '区':
		return before != '小' && before != '园' && before != '社'
	case '道':
		return before == '街' || before == '大'
	case '路':
		return after != '口' && after != '灯'
	}
	return false
}

func isDigitRune(r rune) bool { _, ok := digitValue(r); return ok }

// digitValue reads the digits people write and speech recognition yields; 幺 is one on the telephone.
func digitValue(r rune) (byte, bool) {
	switch {
	case '0' <= r && r <= '9':
		return byte(r), true
	case '０' <= r && r <= '９':
		return byte(r - '０' + '0'), true
	}
	switch r {
	case '零', '〇':
		return '0', true
	case '一', '幺':
		return '1', true
	case '二':
		return '2', true
	case '三':
		return '3', true
	case '四':
		return '4', true
	case '五':
		return '5', true
	case '六':
		return '6', true
	case '七':
		return '7', true
	case '八':
		return '8', true
	case '九':
		return '9', true
	}
	return 0, false
}
