package routing

import (
	"math"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/ticket"
)

const minutesOfDay = 24 * 60

// part names the parts of a condition in the order in which they are looked at: cheap ones first,
// the text last.
type part uint8

const (
	partNone part = iota // every part holds
	partKind
	partSource
	partType
	partUrgency
	partChannel
	partLine
	partCategory
	partRegion
	partArea
	partOutside
	partTag
	partNumbers
	partWindow
	partAny
	partAll
	partNot
)

// partKeys are the names of the parts as the pack writes them.
var partKeys = [...]string{
	"", "kind", "source", "type", "urgency", "channel", "line", "category", "region", "area",
	"outside", "tag", "numbers", "window", "keywords.any", "keywords.all", "keywords.none",
}

// clause is a Condition with every name replaced by a number.
type clause struct {
	kinds, sources, types, urgencies uint16 // sets of bits; 0 means any
	channels, lines                  []int32
	categories, regions              []span
	areas, outside, tags             []int32
	numbers                          []bound
	window                           *window
	words                            *wordSet
}

// bound is a Range; an open end is infinite.
type bound struct {
	fact     int
	min, max float64
}

// holds is false for a number that is not known.
func (b bound) holds(v float64) bool { return v >= b.min && v <= b.max }

// window is a Window in minutes of the day. Past midnight it belongs to the day it began on.
type window struct {
	from, to int
	days     uint16 // bits of time.Weekday, and the two below; 0 means every day
}

const (
	bitWorkday = 1 << 7
	bitHoliday = 1 << 8
)

var dayBits = map[string]uint16{
	"sun": 1 << time.Sunday, "mon": 1 << time.Monday, "tue": 1 << time.Tuesday, "wed": 1 << time.Wednesday,
	"thu": 1 << time.Thursday, "fri": 1 << time.Friday, "sat": 1 << time.Saturday,
	"workday": bitWorkday, "holiday": bitHoliday,
}

// holds reports whether the local time lies in the window.
func (w *window) holds(local time.Time, workday func(time.Time) bool) bool {
	minute := local.Hour()*60 + local.Minute()
	day := local
	switch {
	case w.from < w.to:
		if minute < w.from || minute >= w.to {
			return false
		}
	case minute >= w.from:
	case minute < w.to:
		day = local.AddDate(0, 0, -1)
	default:
		return false
	}
	if w.days == 0 || w.days&(1<<day.Weekday()) != 0 {
		return true
	}
	if w.days&(bitWorkday|bitHoliday) == 0 {
		return false
	}
	if workday(day) {
		return w.days&bitWorkday != 0
	}
	return w.days&bitHoliday != 0
}

// bitSet is the set of values as positions in all.
func bitSet[T comparable](values, all []T) uint16 {
	var set uint16
	for _, v := range values {
		set |= bit(v, all)
	}
	return set
}

// bit is the position of a value in all, no bit when it is not there.
func bit[T comparable](v T, all []T) uint16 {
	if i := slices.Index(all, v); i >= 0 {
		return 1 << i
	}
	return 0
}

// NumberIndex is the position of a fact in Numbers, −1 for one that is not in NumberFacts.
func NumberIndex(fact string) int { return slices.Index(NumberFacts, fact) }

// UnknownNumbers are numbers of which none is known; set those that are.
func UnknownNumbers() Numbers {
	var n Numbers
	for i := range n {
		n[i] = math.NaN()
	}
	return n
}

// clause compiles a condition that the checker has seen; what it objected to is left out.
func (c *compiler) clause(w *Condition) clause {
	k := clause{
		kinds: bitSet(w.Kind, ticket.Kinds), sources: bitSet(w.Source, ticket.Sources), types: bitSet(w.Type, ticket.RequestTypes), urgencies: bitSet(w.Urgency, ticket.Urgencies),
		channels: number(c.rs.channels, w.Channel), lines: number(c.rs.lines, w.Line), tags: number(c.rs.tags, w.Tag),
		categories: spans(&c.rs.categories, w.Category), regions: spans(&c.rs.regions, w.Region),
		areas: lookup(c.rs.areas, w.Area), outside: lookup(c.rs.areas, w.Outside),
	}
	for _, r := range w.Numbers {
		b := bound{NumberIndex(r.Fact), math.Inf(-1), math.Inf(1)}
		if r.Min != nil {
			b.min = *r.Min
		}
		if r.Max != nil {
			b.max = *r.Max
		}
		if b.fact >= 0 {
			k.numbers = append(k.numbers, b)
		}
	}
	if w.Window != nil {
		k.window = &window{}
		k.window.from, _ = clock(w.Window.From, 0)
		k.window.to, _ = clock(w.Window.To, minutesOfDay)
		for _, d := range w.Window.Days {
			k.window.days |= dayBits[d]
		}
	}
	if w.Keywords != nil {
		k.words = c.wordSet(w.Keywords)
	}
	return k
}

// given are the parts that a condition names, as bits; partAny stands for all keywords.
func (w *Condition) given() uint16 {
	var set uint16
	note := func(p part, n int) {
		if n > 0 {
			set |= 1 << p
		}
	}
	note(partKind, len(w.Kind))
	note(partSource, len(w.Source))
	note(partType, len(w.Type))
	note(partUrgency, len(w.Urgency))
	note(partChannel, len(w.Channel))
	note(partLine, len(w.Line))
	note(partCategory, len(w.Category))
	note(partRegion, len(w.Region))
	note(partArea, len(w.Area))
	note(partOutside, len(w.Outside))
	note(partTag, len(w.Tag))
	note(partNumbers, len(w.Numbers))
	if w.Window != nil {
		note(partWindow, 1)
	}
	if w.Keywords != nil {
		note(partAny, 1)
	}
	return set
}

// number gives every name its number, new ones the next.
func number(in map[string]int32, names []string) []int32 {
	var list []int32
	for _, name := range names {
		n, ok := in[name]
		if !ok {
			n = int32(len(in))
			in[name] = n
		}
		list = append(list, n)
	}
	return list
}

func lookup(in map[string]int32, names []string) []int32 {
	var list []int32
	for _, name := range names {
		if n, ok := in[name]; ok {
			list = append(list, n)
		}
	}
	return list
}

func spans(t *tree, ids []string) []span {
	var list []span
	for _, id := range ids {
		if at := t.find(id); at != none {
			list = append(list, t.span(at))
		}
	}
	return list
}
