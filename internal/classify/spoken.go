package classify

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"
)

// spoken is a gram of a text with how much it moves, each time it stands there, the best category's sum above the second's.
type spoken struct {
	row        int32
	start, end int32 // in the folded text, where it stands first
	pull       float32
}

// spoken finds the grams of a text that has been ranked that speak most for its best category.
func (m *Model) spoken(s *scratch, limit int) []string {
	best, second := s.ranked[0].class, s.ranked[1].class
	s.spoke = s.spoke[:0]
	eachGram(s.folded, func(hash uint32, start, end int) {
		row := m.row(hash)
		if row < 0 || bytes.ContainsAny(s.folded[start:end], "0123456789") {
			return
		}
		pull := float32(0)
		for _, c := range m.of(row) {
			switch int(c.class) {
			case best:
				pull += float32(float32(c.weight) * m.scale[best])
			case second:
				pull -= float32(float32(c.weight) * m.scale[second])
			}
		}
		if pull > 0 {
			s.spoke = append(s.spoke, spoken{row, int32(start), int32(end), pull * m.rarity[row]})
		}
	})
	slices.SortFunc(s.spoke, func(a, b spoken) int {
		return cmp.Or(cmp.Compare(b.pull, a.pull), cmp.Compare(a.row, b.row), cmp.Compare(a.start, b.start))
	})
	var list []string
	picked := s.spoke[:0] // those before the one that is looked at
	for _, g := range s.spoke {
		if len(list) == limit {
			break
		}
		if utf8.RuneCount(s.folded[g.start:g.end]) < 2 || slices.ContainsFunc(picked, func(p spoken) bool { return s.repeats(g, p) }) {
			continue
		}
		picked = append(picked, g)
		list = append(list, string(s.folded[g.start:g.end]))
	}
	return list
}

// repeats reports whether a gram says again what another has said: they share characters of the text, or one
// is inside the other.
func (s *scratch) repeats(a, b spoken) bool {
	if a.start < b.end && b.start < a.end {
		return true
	}
	x, y := s.folded[a.start:a.end], s.folded[b.start:b.end]
	return bytes.Contains(x, y) || bytes.Contains(y, x)
}
