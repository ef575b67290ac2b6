package sla

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the deadline, a step counted in working days falls where somebody works, never later than asked
// for before a deadline and never earlier than asked for after it.
func TestStepsInWorkingDaysFallInWorkingTime(t *testing.T) {
	t.Parallel()
	c := cn2026()
	rapid.Check(t, func(t *rapid.T) {
		due := at("2026-03-01 00:00").Add(time.Duration(rapid.Int64Range(0, 200*24*60).Draw(t, "minute")) * time.Minute)
		n := rapid.IntRange(1, 10).Draw(t, "n")
		l := Limit{Amount: n, Unit: WorkingDays}
		before, asked := Step{Before: n, Unit: WorkingDays}.At(c, due), c.Back(due, l)
		if before.After(asked) || !c.atWork(before) {
			t.Fatalf("%d working days before %v: %v, asked %v", n, due, before, asked)
		}
		after, asked := Step{After: n, Unit: WorkingDays}.At(c, due), c.Forward(due, l)
		if after.Before(asked) || !c.atWork(after) {
			t.Fatalf("%d working days after %v: %v, asked %v", n, due, after, asked)
		}
	})
}
