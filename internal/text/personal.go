package text

import "strings"

// MaskPersonal hides telephone numbers, identity numbers and bank card numbers inside free text, for
// public summaries. It reads ASCII, full-width and Chinese digits and the usual ways of grouping
// them, and hides rather too much than too little: of any run of 15 digits or more only the ends
// stay. Names and addresses in free text are not found by rules and remain; a summary is published
// only after a person has read it.
func MaskPersonal(s string) string {
	runs := digitRuns(s)
	if len(runs) == 0 {
		return s
	}
	var b strings.Builder
	written := 0
	for k := 0; k < len(runs); {
		n := personalRuns(s, runs[k:])
		if n == 0 {
			k++
			continue
		}
		group := runs[k : k+n]
		b.WriteString(s[written:group[0].start])
		writeMasked(&b, s[group[0].start:group[n-1].end])
		written = group[n-1].end
		k += n
	}
	b.WriteString(s[written:])
	return b.String()
}

// digitRun is a maximal run of digits at [start, end) of the text.
type digitRun struct {
	start, end int
	digits     string
	joined     bool // only a blank or a dash stands between it and the next run
}

func digitRuns(s string) []digitRun {
	var runs []digitRun
	var digits []byte
	start := 0
	flush := func(end int) {
		if len(digits) > 0 {
			runs = append(runs, digitRun{start: start, end: end, digits: string(digits)})
			digits = digits[:0]
		}
	}
	for i, r := range s {
		v, ok := digitValue(r)
		if !ok && (r == 'x' || r == 'X' || r == 'Ｘ' || r == 'ｘ') && len(digits) == 17 {
			v, ok = 'X', true // check character of an identity number, GB 11643
		}
		if !ok {
			flush(i)
			continue
		}
		if len(digits) == 0 {
			start = i
		}
		digits = append(digits, v)
	}
	flush(len(s))
	for k := range len(runs) - 1 {
		switch strings.Trim(s[runs[k].end:runs[k+1].start], " ") {
		case "", "-", "－", "—", "(", ")", ".":
			runs[k].joined = runs[k+1].start-runs[k].end <= 4
		}
	}
	return runs
}

// maxGroups is into how many pieces people break one number: 6222 0212 3456 7890 123.
const maxGroups = 5

// personalRuns is how many runs, from the first on, make up one personal number; 0 if none.
func personalRuns(s string, runs []digitRun) int {
	if isPersonalRun(s, runs[0]) {
		return 1
	}
	digits, quads := runs[0].digits, len(runs[0].digits) == 4
	for n := 1; n < min(maxGroups, len(runs)) && runs[n-1].joined; n++ {
		next := runs[n].digits
		whole := isPersonalRun(s, runs[n])
		digits += next
		switch {
		case isDialable(digits), isIdentity(digits):
			return n + 1
		case quads && 16 <= len(digits) && len(digits) <= 19:
			if runs[n].joined && n+1 < len(runs) && len(digits)+len(runs[n+1].digits) <= 19 {
				return n + 2 // cards of 17 to 19 digits end in a shorter group
			}
			return n + 1
		case whole:
			return 0 // the next run is a number of its own
		}
		quads = quads && len(next) == 4
	}
	return 0
}

func isPersonalRun(s string, r digitRun) bool {
	switch n := len(r.digits); {
	case n >= 15, isDialable(r.digits):
		return true
	case n == 7 || n == 8:
		return isLocal(r.digits) && !isDate(r.digits) && !startsUnit(s[r.end:]) && !endsCode(s[:r.start])
	}
	return false
}

// isDialable is a complete mobile or landline number, with or without the country code.
func isDialable(d string) bool {
	if len(d) > 11 {
		d = strings.TrimPrefix(strings.TrimPrefix(d, "00"), "86")
	}
	rest := strings.TrimPrefix(d, "0")
	return isMobile(rest) || len(rest) < len(d) && isLandline(rest)
}

// isIdentity is an identity number of 18 or of 15 characters with a believable birth date.
func isIdentity(d string) bool {
	switch len(d) {
	case 18:
		return isDate(d[6:14])
	case 15:
		return isDate("19" + d[6:12])
	}
	return false
}

// isDate is yyyymmdd between 1900 and 2099.
func isDate(d string) bool {
	if len(d) != 8 || d[:2] != "19" && d[:2] != "20" {
		return false
	}
	month, day := d[4:6], d[6:8]
	return "01" <= month && month <= "12" && "01" <= day && day <= "31"
}

// endsCode reports that the digits go on from a letter or a decimal point: A8123456, 3.14159265.
func endsCode(before string) bool {
	if before == "" {
		return false
	}
	c := before[len(before)-1]
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '.'
}

// startsUnit reports that a count, not a number to dial, was read: 1500000元.
func startsUnit(after string) bool {
	after = strings.TrimLeft(after, ")）")
	if len(after) > 1 && after[0] == '.' && '0' <= after[1] && after[1] <= '9' {
		return true
	}
	for _, unit := range [...]string{"元", "万", "块", "米", "平", "吨", "个", "户", "人", "号楼", "度", "千瓦", "立方"} {
		if strings.HasPrefix(after, unit) {
			return true
		}
	}
	return false
}

// writeMasked writes number with its middle digits as stars; signs between the digits stay.
func writeMasked(b *strings.Builder, number string) {
	total := 0
	for _, r := range number {
		if isMaskable(r) {
			total++
		}
	}
	head, tail := shown(total)
	at := 0
	for _, r := range number {
		if isMaskable(r) {
			if at >= head && at < total-tail {
				r = '*'
			}
			at++
		}
		b.WriteRune(r)
	}
}

func isMaskable(r rune) bool {
	return isDigitRune(r) || r == 'x' || r == 'X' || r == 'Ｘ' || r == 'ｘ'
}
