package sqlite

import (
	"slices"
	"sync"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// pending is one encoded change that waits for the writer.
type pending struct {
	sender string
	steps  []step
	err    error         // of the attempt under way
	done   chan struct{} // closed when err is final
}

// queue is what waits for the writer: two bounded lanes of changes and the administrative tasks.
type queue struct {
	mu     sync.Mutex
	filled sync.Cond
	lanes  [2][]*pending
	tasks  []*task
	limit  int
	closed bool
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.filled.L = &q.mu
	return q
}

var errClosed = ticket.Errorf(ticket.Unavailable, "store.closed", "the store is closed: the process is stopping")

// push adds a change to its lane. It is Unavailable when the lane is full or the store closed.
func (q *queue) push(lane store.Lane, p *pending) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	if len(q.lanes[lane]) >= q.limit {
		return &ticket.Error{
			Kind: ticket.Unavailable, Code: "store.queue.full", RetryAfter: retryAfter,
			Message: "too many changes wait to be written",
		}
	}
	q.lanes[lane] = append(q.lanes[lane], p)
	q.filled.Signal()
	return nil
}

// pushTask adds an administrative task.
func (q *queue) pushTask(t *task) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	if len(q.tasks) >= q.limit {
		return &ticket.Error{
			Kind: ticket.Unavailable, Code: "store.queue.full", RetryAfter: retryAfter,
			Message: "too many administrative writes wait",
		}
	}
	q.tasks = append(q.tasks, t)
	q.filled.Signal()
	return nil
}

// taskMax is how many administrative tasks run between two batches, so that they never hold
// citizens up for long.
const taskMax = 4

// take waits for work and returns the next batch and tasks. ok is false when the queue is closed
// and everything in it has been taken.
func (q *queue) take(most int) (batch []*pending, tasks []*task, ok bool) {
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
	senders := map[string]bool{}
	batch = q.pick(store.Citizens, batch, most-share, senders)
	batch = q.pick(store.Machines, batch, most, senders)
	n := min(taskMax, len(q.tasks))
	tasks = slices.Clone(q.tasks[:n])
	q.tasks = slices.Delete(q.tasks, 0, n)
	return batch, tasks, true
}

// pick moves changes of a lane to the batch in order, at most one of each sender. A sender's
// further changes keep their places.
func (q *queue) pick(lane store.Lane, batch []*pending, most int, senders map[string]bool) []*pending {
	waiting, left := q.lanes[lane], 0
	for i, p := range waiting {
		if len(batch) >= most {
			left += copy(waiting[left:], waiting[i:])
			break
		}
		if p.sender != "" && senders[p.sender] {
			waiting[left] = p
			left++
			continue
		}
		if p.sender != "" {
			senders[p.sender] = true
		}
		batch = append(batch, p)
	}
	clear(waiting[left:])
	q.lanes[lane] = waiting[:left]
	return batch
}

// depth is how much waits in each lane.
func (q *queue) depth() [2]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return [2]int{len(q.lanes[0]), len(q.lanes[1])}
}

// close refuses what comes later; what waits is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}
