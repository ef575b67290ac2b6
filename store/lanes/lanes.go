// Package lanes is where changes wait to be written: two bounded lanes, citizens before machines,
// from which an engine's writer takes batches. It knows no database; what waits is whatever the
// engine has made of a change.
package lanes

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// RetryAfter is what a caller is told to wait when nothing could be written.
const RetryAfter = 5 * time.Second

// Pending is one change that waits for the writer.
type Pending[T any] struct {
	Work T
	// Err is what became of it; the writer sets it before Done.
	Err error

	claims []string
	done   chan struct{}
}

// Done tells the caller that Err is final.
func (p *Pending[T]) Done() { close(p.done) }

// Queue is what waits for the writer: changes in their lanes, and administrative tasks.
type Queue[T any] struct {
	mu     sync.Mutex
	filled sync.Cond
	lanes  [2][]*Pending[T]
	tasks  []func()
	limit  int
	closed bool
}

// New makes a queue whose lanes hold at most limit changes each.
func New[T any](limit int) *Queue[T] {
	q := &Queue[T]{limit: limit}
	q.filled.L = &q.mu
	return q
}

// ErrClosed is the refusal of a store that is closed.
var ErrClosed = ticket.Errorf(ticket.Unavailable, "store.closed", "the store is closed: the process is stopping")

func full(message string) error {
	return &ticket.Error{Kind: ticket.Unavailable, Code: "store.queue.full", RetryAfter: RetryAfter, Message: message}
}

// Push adds work to a lane. No batch will hold two with a claim in common: the sender, say, or a
// key. It is Unavailable when the lane is full or the queue closed.
func (q *Queue[T]) Push(lane store.Lane, work T, claims ...string) (*Pending[T], error) {
	p := &Pending[T]{Work: work, claims: claims, done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if len(q.lanes[lane]) >= q.limit {
		return nil, full("too many changes wait to be written")
	}
	q.lanes[lane] = append(q.lanes[lane], p)
	q.filled.Signal()
	return p, nil
}

// PushTask adds an administrative task.
func (q *Queue[T]) PushTask(do func()) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if len(q.tasks) >= q.limit {
		return full("too many administrative writes wait")
	}
	q.tasks = append(q.tasks, do)
	q.filled.Signal()
	return nil
}

// taskMost is how many administrative tasks run between two batches, so that they never hold
// citizens up for long.
const taskMost = 4

// Take waits for work and returns the next batch and tasks. ok is false when the queue is closed
// and everything in it has been taken.
func (q *Queue[T]) Take(most int) (batch []*Pending[T], tasks []func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.lanes[store.Citizens])+len(q.lanes[store.Machines])+len(q.tasks) == 0 {
		if q.closed {
			return nil, nil, false
		}
		q.filled.Wait()
	}
	// Citizens go first; a small share is left to machines, so that they are slowed, not starved.
	share := 0
	if len(q.lanes[store.Machines]) > 0 {
		share = most / 8
	}
	claimed := map[string]bool{}
	batch = q.pick(store.Citizens, batch, most-share, claimed)
	batch = q.pick(store.Machines, batch, most, claimed)
	n := min(taskMost, len(q.tasks))
	tasks = slices.Clone(q.tasks[:n])
	q.tasks = slices.Delete(q.tasks, 0, n)
	return batch, tasks, true
}

// pick moves changes of a lane to the batch in order, at most one for each claim. What must wait for
// another keeps its place, and its claims go before those of whoever came later.
func (q *Queue[T]) pick(lane store.Lane, batch []*Pending[T], most int, claimed map[string]bool) []*Pending[T] {
	waiting, left := q.lanes[lane], 0
	for i, p := range waiting {
		if len(batch) >= most {
			left += copy(waiting[left:], waiting[i:])
			break
		}
		taken := slices.ContainsFunc(p.claims, func(c string) bool { return claimed[c] })
		for _, c := range p.claims {
			claimed[c] = true
		}
		if taken {
			waiting[left] = p
			left++
			continue
		}
		batch = append(batch, p)
	}
	clear(waiting[left:])
	q.lanes[lane] = waiting[:left]
	return batch
}

// Depth is how much waits in each lane.
func (q *Queue[T]) Depth() [2]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return [2]int{len(q.lanes[0]), len(q.lanes[1])}
}

// Close refuses what comes later; what waits is still taken.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}

// Commit is [store.Writer.Commit] over a queue. encode does in the caller's goroutine all the work
// that needs no database, and names the claims of a change.
func (q *Queue[T]) Commit(ctx context.Context, changes []store.Change, encode func(*store.Change) (T, []string, error)) []error {
	errs := make([]error, len(changes))
	waiting := make([]*Pending[T], len(changes))
	for i := range changes {
		c := &changes[i]
		if errs[i] = ctx.Err(); errs[i] != nil {
			continue
		}
		if c.Lane != store.Citizens && c.Lane != store.Machines {
			errs[i] = ticket.Errorf(ticket.Invalid, "store.lane", "there is no lane %d", c.Lane)
			continue
		}
		work, claims, err := encode(c)
		if err == nil {
			waiting[i], err = q.Push(c.Lane, work, claims...)
		}
		errs[i] = err
	}
	for i, p := range waiting {
		if p == nil {
			continue
		}
		select {
		case <-p.done:
			errs[i] = p.Err
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}
