package demo

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// clock tells the gateway's time. Between two questions it goes on at the gateway's speed, so that
// signatures fall into their windows: five minutes of a demo are two seconds and a half.
type clock struct {
	wire *wire
	wall func() time.Time

	mu    sync.Mutex
	at    time.Time // what the gateway said
	asked time.Time // when, by the world's clock
	speed float64
}

// askAgain is how long an answer is used.
const askAgain = 500 * time.Millisecond

// now is the gateway's time, in UTC.
func (c *clock) now(ctx context.Context) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wall := c.wall(); !c.asked.IsZero() && wall.Sub(c.asked) < askAgain {
		return c.at.Add(time.Duration(float64(wall.Sub(c.asked)) * c.speed)), nil
	}
	var answer struct {
		Now   time.Time `json:"now"`
		Speed float64   `json:"speed"`
	}
	before := c.wall()
	if err := c.wire.json(ctx, nil, http.MethodGet, "/api/v1/now", nil, &answer); err != nil {
		return time.Time{}, err
	}
	after := c.wall()
	c.at, c.asked, c.speed = answer.Now.UTC(), before.Add(after.Sub(before)/2), max(answer.Speed, 1)
	return c.at.Add(time.Duration(float64(after.Sub(c.asked)) * c.speed)), nil
}

// forget makes the next now ask the gateway.
func (c *clock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Time{}
}

// longest is how long the demo waits for anything, by the world's clock.
const longest = 90 * time.Second

// until waits for a moment of the gateway's time. It reports false when that would take too long.
func (d *day) until(ctx context.Context, at time.Time) (bool, error) {
	if d.Until != nil {
		err := d.Until(ctx, at)
		d.clock.forget()
		return true, err
	}
	for {
		now, err := d.clock.now(ctx)
		if err != nil {
			return false, err
		}
		left := time.Duration(float64(at.Sub(now)) / d.clock.speed)
		switch {
		case left <= 0:
			return true, nil
		case left > longest:
			return false, nil
		}
		if err := rest(ctx, min(left, time.Second)); err != nil {
			return false, err
		}
	}
}

// poll tries until a condition holds, for at most patience by the world's clock.
func (d *day) poll(ctx context.Context, patience time.Duration, holds func() (bool, error)) (bool, error) {
	for end := d.Wall().Add(patience); ; {
		ok, err := holds()
		if ok || err != nil {
			return ok, err
		}
		if d.Wall().After(end) {
			return false, nil
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			return false, err
		}
	}
}

// rest waits, or ends early with the context's error.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
