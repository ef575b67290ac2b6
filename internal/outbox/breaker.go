package outbox

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// BreakerState is where a circuit breaker stands.
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed BreakerState = "closed"    // pages are sent
	BreakerOpen   BreakerState = "open"      // the destination fails; pages wait
	BreakerProbe  BreakerState = "half_open" // one page finds out whether it is back
)

// After breakAfter failures in a row a destination is left alone for breakPause, and longer each time a
// probe fails, up to breakMost. Times are the world's.
const (
	breakAfter = 5
	breakPause = time.Minute
	breakMost  = 5 * time.Minute
)

// DestinationState is how a destination stands, as this gateway sees it.
type DestinationState struct {
	ID       string
	Breaker  BreakerState
	Failures int       // in a row
	Until    time.Time // of an open breaker
	Error    string    // the last failure
	Sent     time.Time // the last page that was taken
}

// breakers are the circuit breakers of one gateway. Others have their own: a gateway that is cut off from a
// destination says nothing of theirs.
type breakers struct {
	mu      sync.Mutex
	states  map[string]*breaker
	metrics *Metrics
}

type breaker struct {
	DestinationState
	probing bool
}

func newBreakers(m *Metrics) *breakers { return &breakers{states: map[string]*breaker{}, metrics: m} }

func (b *breakers) of(id string) *breaker {
	s := b.states[id]
	if s == nil {
		s = &breaker{DestinationState: DestinationState{ID: id, Breaker: BreakerClosed}}
		b.states[id] = s
	}
	return s
}

// allow reports whether a page may be tried at now; else until when to wait. Who is allowed must tell the outcome.
func (b *breakers) allow(id string, now time.Time) (until time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of(id)
	switch {
	case s.Breaker == BreakerClosed:
		return now, true
	case now.Before(s.Until):
		return s.Until, false
	case s.probing:
		return now.Add(breakPause), false
	}
	s.probing = true
	b.set(s, BreakerProbe)
	return now, true
}

// forget gives back the leave to try when the destination was not asked after all.
func (b *breakers) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.of(id); s.probing {
		s.probing = false
		b.set(s, BreakerOpen)
	}
}

// tell records what an attempt brought.
func (b *breakers) tell(id string, now time.Time, failure string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of(id)
	s.probing, s.Error = false, failure
	if failure == "" {
		s.Failures, s.Sent, s.Until = 0, now, time.Time{}
		b.set(s, BreakerClosed)
		return
	}
	if s.Failures++; s.Failures >= breakAfter {
		pause := breakPause << min(s.Failures-breakAfter, 10)
		s.Until = now.Add(min(pause, breakMost))
		b.set(s, BreakerOpen)
	}
}

func (b *breakers) set(s *breaker, state BreakerState) {
	s.Breaker = state
	b.metrics.breaker(s.ID, state)
}

// list are the states of the destinations asked of so far.
func (b *breakers) list() []DestinationState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []DestinationState
	for _, s := range b.states {
		list = append(list, s.DestinationState)
	}
	slices.SortFunc(list, func(a, b DestinationState) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
