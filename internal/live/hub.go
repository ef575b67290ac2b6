// Package live wakes those who watch the gateway's events: a commit publishes, watchers read what
// is new from the store. It carries no data, so nothing is lost when a wake-up is.
package live

import "sync"

// Hub wakes subscribers. It is safe for concurrent use; the zero value is not ready, NewHub makes one.
type Hub struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// NewHub makes a Hub without subscribers.
func NewHub() *Hub { return &Hub{watchers: map[chan struct{}]struct{}{}} }

// Publish wakes every subscriber and never waits: one who is awake already is woken once more
// when it comes back.
func (h *Hub) Publish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Subscribe returns a channel that holds a wake-up whenever something was published since it was
// last emptied, and a function that ends the subscription.
func (h *Hub) Subscribe() (wake <-chan struct{}, end func()) {
	w := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[w] = struct{}{}
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	}
}
