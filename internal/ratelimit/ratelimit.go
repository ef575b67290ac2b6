// Package ratelimit bounds how often somebody may do something: one token bucket per key, in this
// process. Time is a parameter.
package ratelimit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit is how much is allowed: PerMinute over time, Burst at once. A PerMinute of zero or less
// means no limit.
type Limit struct {
	PerMinute int
	Burst     int // 0 means a quarter of PerMinute, at least 10
}

// mostKeys bounds the memory: strangers choose some of the keys.
const mostKeys = 20_000

// Limiter keeps a bucket per key. It is safe for concurrent use.
type Limiter struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	old     map[string]*bucket // of the time before the last change of generation
}

type bucket struct {
	limit  Limit
	bucket *rate.Limiter
}

// New makes a Limiter without keys.
func New() *Limiter { return &Limiter{buckets: map[string]*bucket{}} }

// Allow takes one token of the key's bucket. When there is none it says how long to wait.
func (l *Limiter) Allow(key string, limit Limit, now time.Time) (wait time.Duration, ok bool) {
	if limit.PerMinute <= 0 {
		return 0, true
	}
	r := l.of(key, limit).ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now) // a refused try costs nothing, or a flood would lock out for ever
		return wait, false
	}
	return 0, true
}

// Peek says whether a token is there without taking it, and else how long to wait.
func (l *Limiter) Peek(key string, limit Limit, now time.Time) (wait time.Duration, ok bool) {
	if limit.PerMinute <= 0 {
		return 0, true
	}
	b := l.of(key, limit)
	if missing := 1 - b.TokensAt(now); missing > 0 {
		return time.Duration(missing / float64(b.Limit()) * float64(time.Second)), false
	}
	return 0, true
}

// of finds the bucket of a key, or fills a new one. Keys unused for a whole generation are
// forgotten, which only ever forgives.
func (l *Limiter) of(key string, limit Limit) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		b, ok = l.old[key]
	}
	if !ok || b.limit != limit {
		burst := limit.Burst
		if burst <= 0 {
			burst = max(limit.PerMinute/4, 10)
		}
		b = &bucket{limit: limit, bucket: rate.NewLimiter(rate.Limit(float64(limit.PerMinute)/60), burst)}
	}
	if len(l.buckets) >= mostKeys {
		l.old, l.buckets = l.buckets, map[string]*bucket{}
	}
	l.buckets[key] = b
	return b.bucket
}
