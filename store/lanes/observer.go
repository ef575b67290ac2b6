package lanes

import (
	"time"

	"github.com/citizen-hotline/gateway/store"
)

// Observer is told what a writer does. Every part may be nil. The calls come from the writer's
// goroutine: they must return at once.
type Observer struct {
	Now   func() time.Time // the clock batches are timed by; nil: they are not timed
	Batch func(size int, took time.Duration, err error)
	Queue func(lane store.Lane, waiting int) // what is left waiting when a batch has been taken
}

// Began is the time at which a batch begins, for Ended.
func (o Observer) Began() time.Time {
	if o.Now == nil {
		return time.Time{}
	}
	return o.Now()
}

// Ended tells of a batch and of what waits after it.
func (o Observer) Ended(began time.Time, size int, depth [2]int, err error) {
	if o.Batch != nil {
		o.Batch(size, o.Began().Sub(began), err)
	}
	if o.Queue != nil {
		for lane, waiting := range depth {
			o.Queue(store.Lane(lane), waiting)
		}
	}
}
