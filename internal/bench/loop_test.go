package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// One connection and a server that takes half a second: request i is due at i × 100 ms and answered
// at (i+1) × 500 ms. A generator that measured from the moment of sending would say 500 ms for each.
func TestOpenLoopChargesTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := openLoop(t.Context(), schedule{rate: 10, length: time.Second, round: 500 * time.Millisecond, connections: 1, grace: time.Minute},
			func(int) error { time.Sleep(500 * time.Millisecond); return nil })
		if got.answered != 10 || got.flaw() != "" || len(got.rounds) != 2 {
			t.Fatalf("%d answered, flaw %q, %d rounds; want 10, none, 2", got.answered, got.flaw(), len(got.rounds))
		}
		about := func(name string, ns float64, want time.Duration) {
			t.Helper()
			if d := time.Duration(ns); d < want-want/500 || d > want+want/500 { // the histogram has three digits
				t.Errorf("%s is %v, want %v", name, d, want)
			}
		}
		about("the worst", got.worst(), 4100*time.Millisecond)                             // 10 × 500 − 900
		about("the median of the rounds' worst", got.quantile(100), 3100*time.Millisecond) // of 2.1 s and 4.1 s
		if got.took != 5*time.Second {
			t.Errorf("it took %v, want 5s", got.took)
		}
	})
}

func TestOpenLoopKeepsItsScheduleBesideManyConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var last time.Time
		got := openLoop(t.Context(), schedule{rate: 1000, length: 2 * time.Second, round: time.Second, connections: 8, grace: time.Second, first: 500},
			func(n int) error {
				if n < 500 || n >= 2500 {
					t.Errorf("request %d, want 500 … 2499", n)
				}
				if n == 2499 {
					last = time.Now()
				}
				time.Sleep(time.Millisecond)
				return nil
			})
		if got.answered != 2000 || got.quantile(99) != 1e6 {
			t.Errorf("%d answered, p99 %v; want 2000, 1 ms", got.answered, time.Duration(got.quantile(99)))
		}
		if last.IsZero() {
			t.Error("the last request was never sent")
		}
	})
}

func TestOpenLoopCountsWhatWentWrong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("503")
		got := openLoop(t.Context(), schedule{rate: 10, length: time.Second, round: time.Second, connections: 2, grace: time.Second},
			func(n int) error {
				if n == 3 {
					return refused
				}
				time.Sleep(900 * time.Millisecond)
				return nil
			})
		if got.failed != 1 || !errors.Is(got.failure, refused) {
			t.Errorf("%d failed (%v), want 1", got.failed, got.failure)
		}
		if got.unsent == 0 || got.answered+got.failed+got.unsent != 10 {
			t.Errorf("%d answered + %d failed + %d unsent, want 10 with some unsent", got.answered, got.failed, got.unsent)
		}
		if got.flaw() == "" {
			t.Error("a run with failures has no flaw")
		}
	})
}

func TestOpenLoopEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		got := openLoop(ctx, schedule{rate: 10, length: time.Hour, round: time.Minute, connections: 2, grace: time.Minute}, func(int) error { return nil })
		if got.took > 4*time.Second || got.answered == 0 || got.unsent == 0 {
			t.Errorf("took %v, %d answered, %d unsent", got.took, got.answered, got.unsent)
		}
	})
}

func TestClosedLoopCountsAfterTheWarmUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rate, sent, err := closedLoop(t.Context(), 4, time.Second, 2*time.Second, 100, func(n int) error {
			if n < 100 {
				t.Errorf("request %d, want 100 or more", n)
			}
			time.Sleep(10 * time.Millisecond)
			return nil
		})
		if err != nil || rate < 395 || rate > 400 || sent < 1195 || sent > 1204 {
			t.Errorf("%v/s, %d sent, %v; want 400/s, 1200", rate, sent, err)
		}
	})
}

func TestClosedLoopEndsWithAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("429")
		_, _, err := closedLoop(t.Context(), 4, time.Second, time.Minute, 0, func(n int) error {
			time.Sleep(10 * time.Millisecond)
			if n == 50 {
				return refused
			}
			return nil
		})
		if !errors.Is(err, refused) {
			t.Errorf("error %v, want %v", err, refused)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := closedLoop(ctx, 1, time.Second, time.Second, 0, func(int) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled run: %v", err)
		}
	})
}
