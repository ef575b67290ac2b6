package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxProblems bounds a report: past this many, more lines help nobody.
const maxProblems = 1000

// Problem is one thing wrong with a pack, and what to do about it.
type Problem struct {
	File string // path inside the pack; empty when it concerns the pack as a whole
	Line int    // from 1; 0 when no line can be named
	Text string // thing "value": what is wrong; remedy
}

// String is file:line: text, the form editors and terminals turn into a link.
func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Text
	case p.Line == 0:
		return p.File + ": " + p.Text
	default:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
}

// Problems is the error of [Load]: everything that is wrong with a pack, sorted by place.
type Problems []Problem //nolint:errname // it is a list of problems first, and an error as a whole

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Merge adds the problems that err carries and returns the sorted whole, nil when there is none.
// An error without problems becomes one that names no file.
func (ps Problems) Merge(err error) Problems {
	var more Problems
	switch {
	case err == nil:
	case errors.As(err, &more):
		ps = append(ps, more...)
	default:
		ps = append(ps, Problem{Text: err.Error()})
	}
	return ps.sorted()
}

// err is nil when there is no problem; a nil slice in an error interface would not be.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps.sorted()
}

func (ps Problems) sorted() Problems {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	ps = slices.Compact(ps)
	if len(ps) > maxProblems {
		rest := len(ps) - maxProblems
		ps = append(ps[:maxProblems:maxProblems], Problem{
			File: ps[maxProblems-1].File,
			Line: ps[maxProblems-1].Line,
			Text: fmt.Sprintf("and %d problems more; mend these first", rest),
		})
	}
	return ps
}

// secretWords are parts of key names whose values are never shown: somebody may have written the
// secret itself where its reference belongs.
var secretWords = []string{"secret", "token", "password", "aes"}

// shown is a value as a problem may quote it: short, on one line, and never a secret.
func shown(key, value string) string {
	key = strings.ToLower(key)
	hidden := slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(key, w) })
	if hidden || strings.HasSuffix(key, "key") {
		return `"***"`
	}
	const most = 60
	if utf8.RuneCountInString(value) > most {
		value = string([]rune(value)[:most]) + "…"
	}
	return fmt.Sprintf("%q", value)
}

// nearest is the known word closest to a mistyped one, "" when none is close.
func nearest(word string, known []string) string {
	if strings.Trim(word, "0123456789.") == "" {
		return "" // a code; the next one is as far off as any
	}
	best, distance := "", 2
	if len(word) > 3 {
		distance = 1 + max(2, len(word)/4)
	}
	for _, k := range known {
		if len(k)-len(word) >= distance || len(word)-len(k) >= distance {
			continue
		}
		if d := edits(word, k); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	return best
}

// edits is how many bytes must be added, taken away, changed or exchanged with their neighbour to
// make b of a (optimal string alignment).
func edits(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
