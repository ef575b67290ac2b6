package ticket

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// numberDigits is what follows the city's letters: yymmdd, a six-digit sequence, a check digit.
const numberDigits = 13

var numberShape = regexp.MustCompile(`[A-Z]{2}[0-9]{13}`)

// FormatNumber makes the public number of a ticket: the city's two letters, the day of
// registration in the city's zone, a sequence of that day and a check digit (Luhn), for
// example LY2607130001233. Gaps in the sequence are allowed: replicas take blocks of it.
func FormatNumber(prefix string, day time.Time, sequence int) string {
	body := day.Format("060102") + fmt.Sprintf("%06d", sequence)
	return prefix + body + strconv.Itoa(luhn(body))
}

// ValidNumber reports whether s has the form of a public number and its check digit holds.
func ValidNumber(s string) bool {
	if len(s) != 2+numberDigits || numberShape.FindString(s) != s {
		return false
	}
	return int(s[len(s)-1]-'0') == luhn(s[2:len(s)-1])
}

// FindNumbers returns the valid public numbers quoted in a text, in order, each once.
// Letters may be in either case.
func FindNumbers(text string) []string {
	var found []string
	seen := map[string]bool{}
	for _, n := range numberShape.FindAllString(strings.ToUpper(text), -1) {
		if !seen[n] && ValidNumber(n) {
			seen[n] = true
			found = append(found, n)
		}
	}
	return found
}

// luhn is the check digit over decimal digits (ISO/IEC 7812-1 annex B): it catches every
// single wrong digit and nearly every swap of neighbours, the two slips made on the phone.
func luhn(digits string) int {
	sum := 0
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if (len(digits)-i)%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10 - sum%10) % 10
}

// codeAlphabet leaves out the characters people confuse when they read aloud: 0 O 1 I L.
const codeAlphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// NewTrackCode makes the random six-character code that opens a ticket's public track.
func NewTrackCode(random io.Reader) (string, error) {
	code := make([]byte, 0, 6)
	var b [1]byte
	for len(code) < cap(code) {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("ticket: track code: %w", err)
		}
		// 248 is the largest multiple of 31 in a byte: dropping the rest keeps the draw fair.
		if b[0] < 248 {
			code = append(code, codeAlphabet[int(b[0])%len(codeAlphabet)])
		}
	}
	return string(code), nil
}
