package duty

import (
	"fmt"
	"slices"
)

// Problems lists the parts of the day that no shift, or more than one, covers, in words that say
// what to do. With shifts of their own for workdays or days off it looks at each kind of day behind
// each, because the night before reaches into it.
func (r Rotation) Problems() []string {
	plain := true
	for _, s := range r.Shifts {
		plain = plain && s.On == EveryDay
	}
	if plain {
		return r.gaps(true, true, "")
	}
	var found []string
	for _, today := range []bool{true, false} {
		for _, yesterday := range []bool{true, false} {
			found = append(found, r.gaps(yesterday, today, " on a "+kindOf(today)+" after a "+kindOf(yesterday))...)
		}
	}
	return found
}

func kindOf(workday bool) string {
	if workday {
		return "workday"
	}
	return "day off"
}

// gaps judges a day of one kind that follows a day of another.
func (r Rotation) gaps(yesterday, today bool, when string) []string {
	var cover [minutesOfDay]uint16
	for _, s := range r.Shifts {
		from, to := s.span()
		if s.serves(today) {
			for m := from; m < to && m < len(cover); m++ {
				cover[m]++
			}
		}
		if s.serves(yesterday) {
			for m := range min(max(0, to-minutesOfDay), len(cover)) {
				cover[m]++
			}
		}
	}
	var found []string
	for m := 0; m < minutesOfDay; {
		n := m
		for n < minutesOfDay && cover[n] == cover[m] {
			n++
		}
		switch part := ClockText(m) + "–" + ClockText(n) + when; {
		case cover[m] == 0:
			found = append(found, "nobody serves "+part+"; add a shift")
		case cover[m] > 1:
			found = append(found, fmt.Sprintf("%d shifts overlap %s; end one where the other begins", cover[m], part))
		}
		m = n
	}
	return found
}

// Leaves reports whether the rotation itself leaves a shift to nobody.
func (r Rotation) Leaves() bool {
	for _, s := range r.Shifts {
		if slices.Contains(s.Who, "") {
			return true
		}
	}
	return false
}

// ClockText is a minute of the day as HH:MM.
func ClockText(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
