package text

import (
	"strings"
	"unicode/utf8"
)

// PhoneKind says what sort of number a citizen can be called back on.
type PhoneKind string

// The kinds of numbers.
const (
	PhoneMobile    PhoneKind = "mobile"
	PhoneLandline  PhoneKind = "landline"
	PhoneService   PhoneKind = "service"   // 400 and 800 numbers
	PhoneShort     PhoneKind = "short"     // 110, 12345, 95588, 1069…: no number in the E.164 sense
	PhoneUnknown   PhoneKind = "unknown"   // something was given; foreign numbers are here with their E164
	PhoneAnonymous PhoneKind = "anonymous" // withheld by the caller, or nothing given
)

// Phone is what can be read from a caller's number. Nothing is ever refused: a citizen with a number
// nobody understands is still a citizen.
type Phone struct {
	E164    string    // +8613812345678; empty for short, masked and incomplete numbers
	Short   string    // 12345; only of PhoneShort
	Ext     string    // extension behind a switchboard, digits
	Raw     string    // as given, at most 64 bytes
	Masked  bool      // the sender gave 138****5678: fit for display, not for calling or matching
	Virtual bool      // mobile number of a range used for relay numbers 隐私号; may change hands in minutes
	Kind    PhoneKind // never empty
}

// rawPhoneLimit bounds Phone.Raw, in bytes.
const rawPhoneLimit = 64

// ParsePhone reads a telephone number as channels, agents and old systems write it: full-width
// digits, +86 and 0086, blanks, dashes and brackets, extensions (-801, 转801), labels around it
// (手机：138…), a second number after it, "anonymous". areaCode (0539) is the hotline's own and
// completes local numbers; without it they keep an empty E164.
//
// The numbering plan is that of mainland China; the rules are deliberately looser than it (new
// ranges appear every year).
func ParsePhone(raw, areaCode string) Phone {
	cleaned, _ := Clean(strings.TrimSpace(raw), rawPhoneLimit)
	p := Phone{Raw: cleaned, Kind: PhoneUnknown}
	s := dialled(Fold(cleaned))
	if isWithheld(s) {
		p.Kind = PhoneAnonymous
		return p
	}
	main, ext := splitExtension(firstNumber(s))
	if strings.ContainsRune(main, '*') && !isMobile(digitsOf(main)) {
		p.Masked, p.Kind = true, maskedKind(main)
		return p
	}
	p.Ext = ext
	classify(&p, digitsOf(main), strings.HasPrefix(main, "+"), digitsOf(areaCode))
	if p.Kind == PhoneShort || p.Kind == PhoneUnknown {
		p.Ext = ""
	}
	return p
}

// Canonical is the string by which two spellings of one number are equal, for hashing: E.164 with
// RFC 3966 extension, short:12345, or local:8123456. It is empty when the number does not tell one
// caller from another (anonymous, masked) or could not be read.
func (p Phone) Canonical() string {
	switch {
	case p.Masked || p.Kind == PhoneAnonymous:
		return ""
	case p.Short != "":
		return "short:" + p.Short
	case p.E164 != "" && p.Ext != "":
		return p.E164 + ";ext=" + p.Ext
	case p.E164 != "":
		return p.E164
	}
	if d := digitsOf(Fold(p.Raw)); d != "" {
		return "local:" + d
	}
	return ""
}

// dialled strips the wrapping of tel: and sip: addresses.
func dialled(s string) string {
	for _, scheme := range [...]string{"tel:", "sip:", "sips:", "<sip:", "<tel:"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			s, _, _ = strings.Cut(rest, "@")
			return strings.Trim(s, "<>")
		}
	}
	return s
}

// isWithheld knows what exchanges and old systems write when there is no number.
func isWithheld(s string) bool {
	switch s {
	case "", "-", "--", "/", "null", "nil", "none", "n/a", "na", "anonymous", "restricted", "unavailable", "private", "withheld", "unknown",
		"匿名", "未知", "隐藏", "保密", "无", "无号码", "不详", "未显示", "无主叫":
		return true
	}
	d := digitsOf(s)
	return d != "" && strings.Trim(d, "0") == "" && !strings.Contains(s, "*")
}

// firstNumber picks the first piece of s that looks like a number, without labels around it.
func firstNumber(s string) string {
	for piece := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune("/,;|\n", r) }) {
		if strings.HasPrefix(piece, "ext=") {
			continue
		}
		start := strings.IndexAny(piece, "+0123456789*")
		if start < 0 {
			continue
		}
		if start > 0 && piece[start-1] == '(' { // (0539) 8123456
			start--
		}
		end := start
		for i, r := range piece[start:] {
			if !strings.ContainsRune("+0123456789*-.() #转接分机extx:×", r) {
				break
			}
			end = start + i + utf8.RuneLen(r)
		}
		if number := piece[start:end]; len(digitsOf(number)) >= 3 || strings.ContainsRune(number, '*') {
			if rest, ok := strings.CutPrefix(s[strings.Index(s, piece)+len(piece):], ";ext="); ok {
				number += "转" + rest
			}
			return number
		}
	}
	return s
}

// splitExtension parts 0539-8123456-801, 8123456转801 and 8123456 ext.801. Dashes inside a complete
// number (138-1234-5678) are not extensions.
func splitExtension(s string) (main, ext string) {
	s = maskSigns(s)
	for _, mark := range [...]string{"转", "分机", "ext", "x", "#"} {
		at := strings.Index(s, mark)
		if at < 0 {
			continue
		}
		main, ext = s[:at], digitsOf(s[at+len(mark):])
		if len(ext) > 6 {
			ext = ""
		}
		return main, ext
	}
	all := digitsOf(s)
	at := strings.LastIndexByte(s, '-')
	if at < 0 || isMobile(strings.TrimPrefix(all, "86")) || isService(all) {
		return s, ""
	}
	main, ext = s[:at], digitsOf(s[at+1:])
	if len(ext) == 0 || len(ext) > 6 || strings.ContainsRune(s[at:], '*') {
		return s, ""
	}
	head := digitsOf(main)
	if isMobile(strings.TrimPrefix(head, "86")) || isLandline(strings.TrimPrefix(strings.TrimPrefix(head, "86"), "0")) && len(head) >= 10 || isLocal(head) && !strings.Contains(main, "-") {
		return main, ext
	}
	return s, ""
}

// maskSigns writes an x between digits as a star: 138xxxx5678.
func maskSigns(s string) string {
	s = strings.ReplaceAll(s, "×", "*")
	if strings.Contains(s, "xx") {
		s = strings.ReplaceAll(s, "x", "*")
	}
	return s
}

func maskedKind(s string) PhoneKind {
	d := strings.Map(func(r rune) rune {
		if r == '*' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
	d = strings.TrimPrefix(d, "86")
	switch {
	case len(d) == 11 && d[0] == '1':
		return PhoneMobile
	case strings.HasPrefix(d, "0"):
		return PhoneLandline
	}
	return PhoneUnknown
}

// classify fills kind and canonical number from the digits d.
func classify(p *Phone, d string, plus bool, areaCode string) {
	area := strings.TrimPrefix(areaCode, "0")
	national, china := d, plus
	switch {
	case strings.HasPrefix(d, "0086"):
		national, china = d[4:], true
	case plus && strings.HasPrefix(d, "86"):
		national = d[2:]
	case plus || strings.HasPrefix(d, "00"):
		d = strings.TrimPrefix(d, "00")
		if 7 <= len(d) && len(d) <= 15 && d[0] != '0' { // ITU-T E.164: at most 15 digits, no country code begins with 0
			p.E164 = "+" + d
		}
		return
	case strings.HasPrefix(d, "86") && len(d) >= 12:
		national, china = d[2:], true
	}
	trunk := strings.TrimPrefix(national, "0")
	hasTrunk := len(trunk) < len(national)
	switch {
	case isMobile(trunk):
		p.Kind, p.E164 = PhoneMobile, "+86"+trunk
		p.Virtual = isVirtual(trunk)
	case isService(national):
		p.Kind, p.E164 = PhoneService, "+86"+national
	case (hasTrunk || china) && isLandline(trunk):
		p.Kind, p.E164 = PhoneLandline, "+86"+trunk
	case hasTrunk && shortAfterArea(trunk) != "":
		p.Kind, p.Short = PhoneShort, shortAfterArea(trunk)
	case area != "" && strings.HasPrefix(national, area) && isLandline(national):
		p.Kind, p.E164 = PhoneLandline, "+86"+national // the exchange dropped the 0
	case isShort(national):
		p.Kind, p.Short = PhoneShort, national
	case isLocal(national):
		p.Kind = PhoneLandline
		if isLandline(area+national) && areaLen(area) == len(area) {
			p.E164 = "+86" + area + national
		}
	}
}

func isMobile(d string) bool { return len(d) == 11 && d[0] == '1' && d[1] >= '3' }

// isVirtual knows the ranges of virtual operators, from which relay numbers are taken.
func isVirtual(d string) bool {
	switch d[:3] {
	case "162", "165", "167", "170", "171":
		return true
	}
	return false
}

func isService(d string) bool {
	return len(d) == 10 && (strings.HasPrefix(d, "400") || strings.HasPrefix(d, "800"))
}

// isLocal is a subscriber's number without area code.
func isLocal(d string) bool {
	return (len(d) == 7 || len(d) == 8) && d[0] >= '2'
}

// areaLen is the length of the area code at the head of d, which has no trunk 0: 10 and 2x have
// two digits, all others three.
func areaLen(d string) int {
	switch {
	case strings.HasPrefix(d, "10"), strings.HasPrefix(d, "2"):
		return 2
	case d != "" && '3' <= d[0] && d[0] <= '9':
		return 3
	}
	return 0
}

// isLandline is area code and subscriber, without trunk 0.
func isLandline(d string) bool {
	n := areaLen(d)
	return n > 0 && len(d) > n && isLocal(d[n:]) && (n == 3 || len(d) == n+8)
}

// isShort knows emergency and service codes: 110, 12345, 95588, 10086, and the long 106 numbers that
// text messages come from.
func isShort(d string) bool {
	switch {
	case strings.HasPrefix(d, "106"):
		return 5 <= len(d) && len(d) <= 20
	case len(d) < 3 || len(d) > 8:
		return false
	case d[0] == '1':
		return len(d) <= 6
	}
	return strings.HasPrefix(d, "95") && len(d) >= 5 || strings.HasPrefix(d, "96") && (len(d) == 5 || len(d) == 6)
}

// shortAfterArea is the 12345 of 0539-12345.
func shortAfterArea(d string) string {
	if n := areaLen(d); n > 0 && len(d) > n && isShort(d[n:]) && len(d)-n <= 6 {
		return d[n:]
	}
	return ""
}

// digitsOf keeps the ASCII digits of folded text.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}
