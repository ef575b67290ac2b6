package text

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	xunicode "golang.org/x/text/encoding/unicode"
)

// CharsetError says that a body cannot be read as text. It never quotes the body, which may hold
// personal data.
type CharsetError struct {
	Charset string // as declared, or the one that was tried
	Reason  string
}

func (e *CharsetError) Error() string {
	return fmt.Sprintf("text: body is not %s: %s; declare the charset it is written in, or send UTF-8", e.Charset, e.Reason)
}

// Decode returns body as UTF-8 without a byte order mark.
//
// charset is the label the sender declared (utf-8, gbk, gb2312, gb18030, big5, utf-16, utf-16le,
// utf-16be, iso-8859-1, windows-1252, us-ascii; any case). A byte order mark outranks it. gb2312
// and gbk are read as GB18030, their superset, because senders declare the old names for newer
// text. With an empty charset the order is byte order mark, valid UTF-8, GB18030.
//
// A *CharsetError is returned for an unknown label and for garbage: more than one replacement
// character in a hundred, or control noise, which is what a wrong charset or a binary file looks
// like. A stray NUL is not noise; Clean takes care of it.
func Decode(body []byte, charset string) (string, error) {
	name := label(charset)
	if marked, rest, ok := byteOrderMark(body); ok {
		name, body = marked, rest
	}
	if name == "" || name == "us-ascii" {
		name = "gb18030"
		if utf8.Valid(body) {
			name = "utf-8"
		}
	}
	var s string
	if name == "utf-8" {
		s = strings.ToValidUTF8(string(body), "\uFFFD")
	} else {
		enc, ok := encodingFor(name)
		if !ok {
			return "", &CharsetError{Charset: quoteLabel(name), Reason: "this charset is not known here"}
		}
		out, err := enc.NewDecoder().Bytes(body)
		if err != nil {
			return "", &CharsetError{Charset: name, Reason: "it cannot be decoded"}
		}
		s = string(out)
	}
	if reason := garbage(s); reason != "" {
		return "", &CharsetError{Charset: name, Reason: reason}
	}
	return s, nil
}

// label brings the spellings of a charset label to one.
func label(charset string) string {
	l := strings.ReplaceAll(strings.ToLower(strings.Trim(charset, " \t\"';")), "_", "-")
	switch l {
	case "utf8", "unicode-1-1-utf-8":
		return "utf-8"
	case "gb2312", "gb-2312", "gb2312-80", "x-gb2312", "euc-cn", "gbk", "x-gbk", "cp936", "ms936", "windows-936", "gb-18030":
		return "gb18030"
	case "big-5", "cp950", "big5-hkscs", "x-x-big5":
		return "big5"
	case "utf16":
		return "utf-16"
	case "latin1", "iso8859-1":
		return "iso-8859-1"
	case "ascii":
		return "us-ascii"
	}
	return l
}

func encodingFor(name string) (encoding.Encoding, bool) {
	switch name {
	case "gb18030":
		return simplifiedchinese.GB18030, true
	case "big5":
		return traditionalchinese.Big5, true
	case "utf-16", "utf-16be": // RFC 2781: unmarked UTF-16 is big-endian
		return xunicode.UTF16(xunicode.BigEndian, xunicode.IgnoreBOM), true
	case "utf-16le":
		return xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM), true
	case "iso-8859-1", "windows-1252": // the WHATWG reading of the older label
		return charmap.Windows1252, true
	}
	return nil, false
}

func byteOrderMark(body []byte) (charset string, rest []byte, ok bool) {
	for _, m := range [...]struct{ charset, mark string }{
		{"utf-8", "\xEF\xBB\xBF"}, {"utf-16le", "\xFF\xFE"}, {"utf-16be", "\xFE\xFF"}, {"gb18030", "\x84\x31\x95\x33"},
	} {
		if rest, ok := bytes.CutPrefix(body, []byte(m.mark)); ok {
			return m.charset, rest, true
		}
	}
	return "", body, false
}

// quoteLabel makes an unknown label fit for an error text, whatever the sender put there.
func quoteLabel(l string) string {
	if len(l) > 40 {
		l = strings.ToValidUTF8(l[:40], "") + "…"
	}
	return fmt.Sprintf("%q", l)
}

// garbage says why decoded text is noise, or nothing.
func garbage(s string) string {
	var runes, replaced, noise int
	for _, r := range s {
		runes++
		switch {
		case r == utf8.RuneError:
			replaced++
		case r >= 0x20 && r < 0x7F, r == '\t', r == '\n', r == '\r', r == '\f':
		case r >= 0x3000 && r <= 0x303F, r >= 0x4E00 && r <= 0x9FFF, r >= 0xFF01 && r <= 0xFF5E: // nearly all text
		case !unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r):
			noise++ // controls, private use, code points nobody has assigned
		}
	}
	if replaced*100 > runes {
		return fmt.Sprintf("%d of %d characters are invalid", replaced, runes)
	}
	if noise > 3 && noise*20 > runes {
		return fmt.Sprintf("%d of %d characters are control or unassigned characters", noise, runes)
	}
	return ""
}

// Clean makes s fit for storage and display: U+0000 and invalid UTF-8 become U+FFFD, the other C0
// controls except \n and \t are dropped, and what goes beyond maxBytes (bytes of the result) is cut
// off at a rune border. cut reports that something was cut; maxBytes ≤ 0 means no limit.
func Clean(s string, maxBytes int) (cleaned string, cut bool) {
	if maxBytes <= 0 {
		maxBytes = len(s) * utf8.UTFMax
	}
	if len(s) <= maxBytes && isClean(s) {
		return s, false
	}
	var b strings.Builder
	b.Grow(min(len(s), maxBytes))
	for _, r := range s {
		switch {
		case r == 0:
			r = utf8.RuneError
		case r < 0x20 && r != '\n' && r != '\t':
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxBytes {
			return b.String(), true
		}
		b.WriteRune(r)
	}
	return b.String(), false
}

func isClean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && c != '\n' && c != '\t' {
			return false
		}
	}
	return utf8.ValidString(s)
}
