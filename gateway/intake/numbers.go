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

// lastOfDay is the largest number of a day: six digits stand for it.
const lastOfDay = 999_999

// numbers hands out public numbers from reserved blocks, one block for each day: an import
// registers years of them, and one day's reservation does not hold up another's.
type numbers struct {
	store store.Numbers
	mu    sync.Mutex // of days
	days  map[string]*span
}

type span struct {
	mu        sync.Mutex
	next, end int
}

// day gives the span of a day.
func (n *numbers) day(day string) *span {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.days[day]
	if s == nil {
		if n.days == nil || len(n.days) > 4000 {
			n.days = map[string]*span{}
		}
		s = &span{}
		n.days[day] = s
	}
	return s
}

// take gives the next number of the day at falls on.
func (n *numbers) take(ctx context.Context, prefix string, at time.Time) (string, error) {
	day := at.Format(time.DateOnly)
	s := n.day(day)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == s.end {
		first, err := n.store.TakeNumbers(ctx, day, block)
		if err != nil {
			return "", err
		}
		s.next, s.end = first, first+block
	}
	if s.next > lastOfDay {
		return "", ticket.Errorf(ticket.Unavailable, "number.exhausted", "the numbers of %s are used up (%d)", day, lastOfDay)
	}
	number := ticket.FormatNumber(prefix, at, s.next)
	s.next++
	return number, nil
}
