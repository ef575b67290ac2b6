package app

import (
	"testing"

	"github.com/citizen-hotline/gateway/internal/search"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/storetest"
)

// Whoever follows the store until it has less to give than it may take is at its end, not in the middle.
func TestFollowingTheStoreComesToItsEnd(t *testing.T) {
	t.Parallel()
	w := inhabited(t, "file")
	st, m := opens(t, w), storetest.NewMaker()
	changes := make([]store.Change, search.FollowMost)
	for i := range changes {
		changes[i] = m.Ticket(t, storetest.Day.AddDate(0, 0, 1)).Change()
		changes[i].Requests[0].Key += "+"
	}
	storetest.Must(t, st, changes...)
	ring, err := w.keys()
	if err != nil {
		t.Fatal(err)
	}
	index, err := search.Open(w.path("search.db"), ring)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close() //nolint:errcheck // only read from here on
	for n := search.FollowMost; n == search.FollowMost; {
		if n, err = index.Follow(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	}
	end, err := st.FeedEnd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at, err := index.Position(t.Context()); err != nil || at != end {
		t.Errorf("it stopped at %d of %d, %v", at, end, err)
	}
}
