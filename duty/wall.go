package duty

import "time"

// midnight is the day of a local time as a midnight in UTC: a day is a date here, whatever its
// clocks do.
func midnight(local time.Time) time.Time {
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
}

// noon is a moment that lies on a day in a zone; clocks change at night.
func noon(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
}

// wall is the first moment at which the clocks of a zone show a minute of a day, past which it may
// run. A minute that clocks skip is when they skip it. So one shift ends exactly where the next
// begins, on the days clocks change, too.
func wall(day time.Time, minute int, zone *time.Location) time.Time {
	want := time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, time.UTC)
	t := time.Date(day.Year(), day.Month(), day.Day(), 0, minute, 0, 0, zone)
	begins, ends := t.ZoneBounds()
	switch shown := shows(t); {
	case shown.After(want): // skipped: t was made with the offset before, and lies behind the change
		return begins
	case shown.Before(want):
		return ends
	}
	if !begins.IsZero() { // shown twice? Then the first one is before the change
		_, offset := t.Zone()
		_, before := begins.Add(-time.Second).Zone()
		if first := t.Add(-time.Duration(before-offset) * time.Second); before > offset && first.Before(begins) {
			return first
		}
	}
	return t
}

// shows is what the clocks show at a moment, as if it were UTC.
func shows(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
