package tables

import (
	"context"
	"slices"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// watchSizes are how many tickets one statement reads: few texts, each prepared once. A shorter list is filled up
// with its last id, which asks for nothing more.
var watchSizes = []int{1, 8, 64}

// watchTexts are the two statements for each size.
var watchTexts = func() (texts [][2]string) {
	for _, n := range watchSizes {
		texts = append(texts, [2]string{
			selectItem + `WHERE t.id IN (` + marks(n) + `)`,
			`SELECT e.pos, e.ticket, e.seq, e.hash, e.doc, e.sealed FROM events e WHERE e.ticket IN (` + marks(n) + `) ORDER BY e.ticket, e.seq`,
		})
	}
	return texts
}()

// Watch implements [store.Timers].
func (s *Tables) Watch(ctx context.Context, ids []ticket.ID) (list []store.Watched, _ error) {
	for part := range slices.Chunk(ids, watchSizes[len(watchSizes)-1]) {
		found, err := s.watch(ctx, part)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func (s *Tables) watch(ctx context.Context, ids []ticket.ID) ([]store.Watched, error) {
	size := 0
	for watchSizes[size] < len(ids) {
		size++
	}
	args := make([]any, watchSizes[size])
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)][:]
	}
	items, err := many(ctx, s.DB, "tickets", watchTexts[size][0], s.scanItem, args...)
	if err != nil {
		return nil, err
	}
	list, at := make([]store.Watched, len(items)), make(map[ticket.ID]int, len(items))
	for i := range items {
		list[i].Item, at[items[i].ID] = items[i], i
	}
	events, err := many(ctx, s.DB, "history", watchTexts[size][1], (&chained{s: s}).scan, args...)
	if err != nil {
		return nil, err
	}
	for i := range events {
		if n, ok := at[events[i].Ticket]; ok {
			list[n].History = append(list[n].History, events[i].Event)
		}
	}
	return list, nil
}
