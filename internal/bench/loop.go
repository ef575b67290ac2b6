package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sender makes request n and returns when it has been answered as it should be. The requests of
// one run have different n. It is called from many goroutines.
type sender func(n int) error

// closedLoop keeps a number of connections busy and returns how many requests a second were
// answered after the warm-up. Any failure ends it: a refused request is fast and worth nothing.
func closedLoop(ctx context.Context, connections int, warm, length time.Duration, first int, send sender) (rate float64, sent int, err error) {
	ctx, cancel := context.WithTimeout(ctx, warm+length)
	defer cancel()
	began := time.Now().Add(warm)
	var next, counted atomic.Int64
	var failure atomic.Pointer[error]
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := send(first + int(next.Add(1)) - 1); err != nil {
					failure.CompareAndSwap(nil, &err)
					cancel()
					return
				}
				if now := time.Now(); now.After(began) && ctx.Err() == nil {
					counted.Add(1)
				}
			}
		})
	}
	all.Wait()
	sent = int(next.Load())
	if e := failure.Load(); e != nil {
		return 0, sent, *e
	}
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return 0, sent, err
	}
	return float64(counted.Load()) / length.Seconds(), sent, nil
}

// schedule says when the requests of an open loop are due, whatever becomes of those before.
type schedule struct {
	rate        int           // requests a second
	length      time.Duration // of the whole run
	round       time.Duration // each has a distribution of its own
	connections int           // how many requests may be under way
	grace       time.Duration // how long after the last is due answers are waited for
	first       int           // number of the first request
}

func (s schedule) total() int { return int(s.length.Seconds() * float64(s.rate)) }

// due is when request i is due after the start.
func (s schedule) due(i int) time.Duration {
	return time.Duration(int64(i) * int64(time.Second) / int64(s.rate))
}

// opened is what an open loop showed. Latencies are µs from the moment a request was due, so a
// server that stalls is charged for every request it kept from being sent.
type opened struct {
	rounds   []*hdrhistogram.Histogram
	answered int
	failed   int
	unsent   int   // still waiting for a connection when time was up
	failure  error // the first one
	took     time.Duration
}

// The range and precision of latencies: 1 µs to 2 minutes in steps of a thousandth.
const (
	longestLatency = 2 * time.Minute
	digits         = 3
)

// openLoop sends requests on schedule. It ends when all are answered or the grace is over.
func openLoop(ctx context.Context, s schedule, send sender) opened {
	var result opened
	for range max(1, int((s.length+s.round-1)/s.round)) {
		result.rounds = append(result.rounds, hdrhistogram.New(1, longestLatency.Microseconds(), digits))
	}
	ctx, cancel := context.WithTimeout(ctx, s.length+s.grace)
	defer cancel()
	start := time.Now()
	waiting := make(chan int, s.total()) // room for all: the dispatcher never waits for the server
	var mu sync.Mutex
	var all sync.WaitGroup
	for range s.connections {
		all.Go(func() {
			for i := range waiting {
				if ctx.Err() != nil {
					mu.Lock()
					result.unsent++
					mu.Unlock()
					continue
				}
				err := send(s.first + i)
				latency := time.Since(start) - s.due(i)
				mu.Lock()
				if err != nil {
					result.failed++
					if result.failure == nil {
						result.failure = err
					}
				} else {
					result.answered++
					result.note(int(s.due(i)/s.round), latency)
				}
				mu.Unlock()
			}
		})
	}
	dispatched := dispatch(ctx, start, s, waiting)
	close(waiting)
	all.Wait()
	result.unsent += s.total() - dispatched
	result.took = time.Since(start)
	return result
}

// dispatch hands requests over as they fall due and returns how many it did.
func dispatch(ctx context.Context, start time.Time, s schedule, waiting chan<- int) int {
	for i := range s.total() {
		if wait := s.due(i) - time.Since(start); wait > 0 {
			select {
			case <-ctx.Done():
				return i
			case <-time.After(wait):
			}
		}
		waiting <- i
	}
	return s.total()
}

func (o *opened) note(round int, latency time.Duration) {
	us := min(max(latency.Microseconds(), 1), longestLatency.Microseconds())
	if err := o.rounds[min(round, len(o.rounds)-1)].RecordValue(us); err != nil {
		panic(fmt.Sprintf("latency %d µs is out of the histogram's range: %v", us, err)) // it was cut to it
	}
}

// quantile is the median over the rounds of a quantile, 0 to 100, in ns.
func (o *opened) quantile(q float64) float64 {
	var values []int64
	for _, h := range o.rounds {
		if h.TotalCount() > 0 {
			values = append(values, h.ValueAtQuantile(q))
		}
	}
	if len(values) == 0 {
		return 0
	}
	return float64(median(values)) * 1e3
}

// worst is the longest latency of the whole run, ns.
func (o *opened) worst() float64 {
	var most int64
	for _, h := range o.rounds {
		most = max(most, h.Max())
	}
	return float64(most) * 1e3
}

// flaw says why the figures do not count; "" when every request was answered as it should be.
func (o *opened) flaw() string {
	if o.failed == 0 && o.unsent == 0 {
		return ""
	}
	return fmt.Sprintf("%d failed, %d not sent", o.failed, o.unsent)
}
