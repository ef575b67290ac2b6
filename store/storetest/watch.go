package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// watched reads many tickets at once as they are read one by one, whatever their number.
func watched(t *testing.T, open func(*testing.T) store.Store) {
	s, m := open(t), NewMaker()
	var ids []ticket.ID
	var changes []store.Change
	for i := range 150 {
		at := Day.Add(time.Duration(i) * time.Second)
		d := m.Ticket(t, at)
		for n := range i % 4 {
			d.Do(at, ticket.Command{Action: ticket.Note, Private: &ticket.Private{Note: fmt.Sprintf("第 %d 次", n)}})
		}
		ids, changes = append(ids, d.Ticket.ID), append(changes, d.Change())
	}
	Must(t, s, changes...)
	for _, n := range []int{0, 1, 2, 7, 8, 9, 63, 64, 65, 150} {
		got, err := s.Watch(t.Context(), append(ids[:n:n], ticket.ID{0xff})) // the last is nobody's
		if err != nil || len(got) != n {
			t.Fatalf("%d of %d tickets, %v", len(got), n, err)
		}
		seen := map[ticket.ID]bool{}
		for i := range got {
			w := &got[i]
			item, err := s.Ticket(t.Context(), w.ID)
			if err != nil || seen[w.ID] {
				t.Fatalf("ticket %s, read before: %v: %v", w.ID, seen[w.ID], err)
			}
			seen[w.ID] = true
			history, err := s.History(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(store.Watched{Item: item, History: history}, *w); diff != "" {
				t.Fatal(diff)
			}
			if err := ticket.VerifyChain(w.History); err != nil {
				t.Error(err)
			}
		}
	}
}
