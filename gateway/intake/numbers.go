package intake

import (
	"context"
	"sync"
	"time"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// block is how many numbers are reserved at a time, each time with a write of its own; a restart
// leaves at most that many unused.
const block = 1000

// numbers hands out public numbers from reserved blocks, one block for each day:
// an import registers years of them.
type numbers struct {
	store store.Numbers
	mu    sync.Mutex
	days  map[string]*span
}

type span struct{ next, end int }

// take gives the next number of the day at falls on.
func (n *numbers) take(ctx context.Context, prefix string, at time.Time) (string, error) {
	day := at.Format(time.DateOnly)
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.days[day]
	if s == nil || s.next == s.end {
		first, err := n.store.TakeNumbers(ctx, day, block)
		if err != nil {
			return "", err
		}
		if n.days == nil || len(n.days) > 4000 {
			n.days = map[string]*span{}
		}
		s = &span{next: first, end: first + block}
		n.days[day] = s
	}
	number := ticket.FormatNumber(prefix, at, s.next)
	s.next++
	return number, nil
}
