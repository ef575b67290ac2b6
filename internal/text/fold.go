package text

import (
	"unicode"
	"unicode/utf8"
)

// Fold brings text to the form in which keywords, names of places and messages are compared:
//
//   - full-width letters, digits and signs become half-width (１２３ → 123, （ → ();
//   - letters become lower case;
//   - the traditional characters most met in complaints become simplified;
//   - Chinese punctuation becomes its ASCII counterpart (。→ . 、→ , 《》→ <> “” → "); it is kept,
//     so that a keyword never matches across two sentences;
//   - zero-width characters and variation selectors vanish;
//   - blanks between two Han characters vanish (滨 河 路 → 滨河路), any other run of blanks is one
//     space, a run with a line break is one \n, and blanks at both ends vanish.
//
// Invalid UTF-8 becomes U+FFFD. Folding folded text changes nothing.
func Fold(s string) string {
	return string(AppendFold(make([]byte, 0, len(s)), s))
}

// AppendFold appends Fold(s) to dst. It does not allocate when dst has room for len(s) bytes and s
// is valid UTF-8.
func AppendFold(dst []byte, s string) []byte {
	return appendFold(dst, s, nil)
}

// Folded is folded text that still knows where each byte came from.
type Folded struct {
	Text string // Fold of the original
	from []span // per byte of Text: the original rune it was made of
}

type span struct{ start, end int }

// FoldMap folds s and keeps the way back to s.
func FoldMap(s string) Folded {
	from := make([]span, 0, len(s))
	text := appendFold(make([]byte, 0, len(s)), s, &from)
	return Folded{Text: string(text), from: from}
}

// Span turns the byte range [start, end) of Text into the byte range of the original, so that a
// keyword hit can be shown in place. Ranges outside Text are clamped; an empty range gives 0, 0.
func (f Folded) Span(start, end int) (from, to int) {
	end = min(end, len(f.from))
	start = max(start, 0)
	if start >= end {
		return 0, 0
	}
	return f.from[start].start, f.from[end-1].end
}

// appendFold is Fold; with from it also records the origin of every byte it appends.
func appendFold(dst []byte, s string, from *[]span) []byte {
	begin := len(dst)
	emit := func(r rune, start, end int) {
		before := len(dst)
		dst = utf8.AppendRune(dst, r)
		if from == nil {
			return
		}
		for range len(dst) - before {
			*from = append(*from, span{start, end})
		}
	}
	var (
		blank      rune // the waiting blank: 0, ' ' or '\n'
		blankStart int
		lastHan    bool
	)
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		start := i
		i += size
		if hanFirst <= r && r <= hanLast && blank == 0 && from == nil { // the common case, kept short
			if to := simplified[r-hanFirst]; to != 0 {
				r = rune(to)
			}
			dst = append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F) // UTF-8 of three bytes, each masked to its bits
			lastHan = true
			continue
		}
		r = foldRune(r)
		switch r {
		case drop:
			continue
		case ' ', '\n':
			if blank == 0 {
				blankStart = start
			}
			if blank != '\n' {
				blank = r
			}
			continue
		}
		han := isHan(r)
		if blank != 0 {
			if len(dst) > begin && (blank == '\n' || !han || !lastHan) {
				emit(blank, blankStart, start)
			}
			blank = 0
		}
		emit(r, start, i)
		lastHan = han
	}
	return dst
}

// drop marks a rune that leaves no trace in folded text.
const drop rune = -1

// foldRune folds one rune; every blank becomes ' ', every line break '\n'.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + ('a' - 'A')
		case r == '\n', r == '\r', r == '\v', r == '\f':
			return '\n'
		case r == '\t':
			return ' '
		case r < ' ', r == 0x7F:
			return drop
		}
		return r
	}
	if hanFirst <= r && r <= hanLast {
		if to := simplified[r-hanFirst]; to != 0 {
			return rune(to)
		}
		return r
	}
	if 0xFF01 <= r && r <= 0xFF5E { // full-width forms of ! to ~
		return foldRune(r - 0xFF01 + '!')
	}
	return foldSign(r)
}

// foldSign folds what is neither ASCII nor common Chinese: punctuation, blanks, other letters.
func foldSign(r rune) rune {
	switch r {
	case '、':
		return ','
	case '。', '｡', '…':
		return '.'
	case '“', '”', '「', '」', '『', '』', '〝', '〞':
		return '"'
	case '‘', '’':
		return '\''
	case '【', '〔', '〖', '［':
		return '['
	case '】', '〕', '〗', '］':
		return ']'
	case '《', '〈':
		return '<'
	case '》', '〉':
		return '>'
	case '‐', '‑', '‒', '–', '—', '―', '−':
		return '-'
	case '〜', '∼':
		return '~'
	case '￥':
		return '¥'
	case '〇':
		return '零'
	case '\u0085', '\u2028', '\u2029':
		return '\n'
	case '\u00AD', '\u200B', '\u200C', '\u200D', '\u200E', '\u200F', '\u2060', '\uFEFF':
		return drop
	}
	switch {
	case 0xFE00 <= r && r <= 0xFE0F: // variation selectors
		return drop
	case unicode.IsSpace(r):
		return ' '
	}
	return unicode.ToLower(r)
}

// isHan tells Chinese characters apart from what is written with blanks between words.
func isHan(r rune) bool {
	switch {
	case hanFirst <= r && r <= 0x9FFF, 0x3400 <= r && r <= 0x4DBF, 0xF900 <= r && r <= 0xFAFF:
		return true
	}
	return 0x20000 <= r && r <= 0x323AF
}
