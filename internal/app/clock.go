package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Clock is the gateway's time: the world's, or in a demo the storm day's, running faster.
type Clock struct {
	start time.Time // of the city's time
	wall  time.Time // when the world's clock showed start
	speed float64
	told  func() time.Time // a clock of its own, for tests
	ahead atomic.Int64     // how far the machine's clock runs ahead of the database's, ns

	look  func() reading          // what the machine's clocks show
	sound atomic.Pointer[reading] // what they showed when they were last found right
}

// reading is what a machine's two clocks show at a moment: the one people set, and the one that only counts on.
type reading struct {
	wall    time.Time
	counted time.Duration
}

// realClock is the world's time.
func realClock() *Clock {
	began := time.Now()
	c := &Clock{speed: 1, look: func() reading {
		now := time.Now()
		return reading{wall: now.Round(0), counted: now.Sub(began)} // rounded, it is compared by the wall
	}}
	c.settle()
	return c
}

// settle takes what the clocks show now for right.
func (c *Clock) settle() {
	r := c.look()
	c.sound.Store(&r)
}

// jumped is how far the wall clock has been set since it was last found right. A machine that was suspended shows the
// same: its wall clock went on and nothing was counted.
func (c *Clock) jumped() time.Duration {
	now, then := c.look(), c.sound.Load()
	return now.wall.Sub(then.wall) - (now.counted - then.counted)
}

// demoClock starts at start and runs speed times as fast as the world.
func demoClock(start time.Time, speed float64) *Clock {
	return &Clock{start: start, wall: time.Now(), speed: speed}
}

// Now is the time in UTC.
func (c *Clock) Now() time.Time {
	if c.told != nil {
		return c.told().UTC()
	}
	if c.start.IsZero() {
		return time.Now().Add(-time.Duration(c.ahead.Load())).UTC()
	}
	passed := float64(time.Since(c.wall)) * c.speed
	return c.start.Add(time.Duration(passed)).UTC()
}

// real reports whether this is the world's time.
func (c *Clock) real() bool { return c.told == nil && c.start.IsZero() }

// correct says how far the machine's clock is ahead, and returns how much that is news.
func (c *Clock) correct(ahead time.Duration) time.Duration {
	return (ahead - time.Duration(c.ahead.Swap(int64(ahead)))).Abs()
}

// Pause is how long the world waits while the city's clock runs d.
func (c *Clock) Pause(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/c.speed), 10*time.Millisecond)
}

// clockFile keeps how far a demo's clock has come, so that a restart goes on from there.
const clockFile = "demo-clock"

// resumeDemo is where a demo's clock goes on: where the last run left it, else at start.
func resumeDemo(data string, start time.Time) (time.Time, error) {
	b, err := os.ReadFile(filepath.Join(data, clockFile)) //nolint:gosec // our own data folder
	if errors.Is(err, os.ErrNotExist) {
		return start, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("demo clock: %w", err)
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(b)))
	if err != nil {
		return time.Time{}, fmt.Errorf("demo clock: %w; remove %s to begin the day again", err, filepath.Join(data, clockFile))
	}
	return at, nil
}

// saveDemo notes how far the clock has come.
func saveDemo(data string, c *Clock) error {
	path := filepath.Join(data, clockFile)
	if err := os.WriteFile(path+".tmp", []byte(c.Now().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return fmt.Errorf("demo clock: %w", err)
	}
	return os.Rename(path+".tmp", path)
}
