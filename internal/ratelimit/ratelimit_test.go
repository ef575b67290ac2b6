package ratelimit_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/ratelimit"
)

var start = time.Date(2026, 7, 13, 0, 30, 0, 0, time.UTC)

func TestABucketEmptiesAndFills(t *testing.T) {
	t.Parallel()
	l := ratelimit.New()
	limit := ratelimit.Limit{PerMinute: 60, Burst: 3}
	for n := range 3 {
		if _, ok := l.Allow("a", limit, start); !ok {
			t.Fatalf("try %d of a burst of 3 was refused", n+1)
		}
	}
	wait, ok := l.Allow("a", limit, start)
	if ok || wait <= 0 || wait > time.Second {
		t.Fatalf("the fourth try: allowed %v, wait %v; want a wait of at most a second", ok, wait)
	}
	for range 100 {
		l.Allow("a", limit, start) // refused tries are free
	}
	if _, ok := l.Allow("a", limit, start.Add(time.Second)); !ok {
		t.Error("after a second the bucket holds no token")
	}
	if _, ok := l.Allow("b", limit, start); !ok {
		t.Error("another key shares the bucket")
	}
}

func TestPeekTakesNothing(t *testing.T) {
	t.Parallel()
	l := ratelimit.New()
	limit := ratelimit.Limit{PerMinute: 60, Burst: 1}
	for range 5 {
		if _, ok := l.Peek("a", limit, start); !ok {
			t.Fatal("a look took the token")
		}
	}
	l.Allow("a", limit, start)
	if wait, ok := l.Peek("a", limit, start); ok || wait <= 0 || wait > time.Second {
		t.Errorf("an empty bucket: ok %v, wait %v", ok, wait)
	}
}

func TestNoLimitAndANewOne(t *testing.T) {
	t.Parallel()
	l := ratelimit.New()
	for range 1000 {
		if _, ok := l.Allow("a", ratelimit.Limit{}, start); !ok {
			t.Fatal("refused without a limit")
		}
	}
	l.Allow("a", ratelimit.Limit{PerMinute: 1, Burst: 1}, start)
	if _, ok := l.Allow("a", ratelimit.Limit{PerMinute: 1, Burst: 2}, start); !ok {
		t.Error("a changed limit does not take effect")
	}
}

func TestStrangersCannotFillTheMemory(t *testing.T) {
	t.Parallel()
	l := ratelimit.New()
	limit := ratelimit.Limit{PerMinute: 1, Burst: 1}
	l.Allow("mine", limit, start)
	for n := range 30_000 {
		l.Allow(strconv.Itoa(n), limit, start)
	}
	if _, ok := l.Allow("mine", limit, start); ok {
		t.Error("a bucket of the last generation was forgotten")
	}
}
