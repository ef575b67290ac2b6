package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/store"
)

// VolumePages works off pages with 200,000 notices waiting, and logs what each part takes: a storm, and
// nobody who could send. clock is the world's.
func VolumePages(t *testing.T, s store.Store, clock func() time.Time) {
	t.Helper()
	const rows, groups = 200_000, 2_000
	for from := 0; from < rows; from += 2_000 {
		list := make([]store.Notice, 2_000)
		for i := range list {
			n := from + i
			list[i] = pendingPage(fmt.Sprintf("n%d", n), fmt.Sprintf("r/ops/u%d/red/", n%groups), Day.Add(time.Duration(n)*time.Millisecond))
		}
		put(t, s, list...)
	}
	now := Day.Add(time.Hour)
	measure := func(what string, do func()) {
		t.Helper()
		began := clock()
		const rounds = 20
		for range rounds {
			do()
		}
		each := clock().Sub(began) / rounds
		t.Logf("%s: %s", what, each)
	}
	measure("an idle look", func() {
		if _, ok := nextGroup(t, s, Day.Add(-time.Hour)); ok {
			t.Error("something is due")
		}
	})
	measure("the claim of other notices", func() { claim(t, s, now, "unit", "citizen") })
	measure("the next group", func() { nextGroup(t, s, now) })
	measure("to hold a group", func() {
		g, _ := nextGroup(t, s, now)
		if err := s.HoldGroup(t.Context(), g.Key, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	})
	measure("to form, claim, read and settle a page of 100", func() {
		g, _ := nextGroup(t, s, now)
		formed(t, s, g, now)
		p := claimPages(t, s, now)[0]
		if list, _, err := s.PageNotices(t.Context(), p, 1000); err != nil || len(list) != rows/groups {
			t.Fatalf("%d in the page, %v", len(list), err)
		}
		settle(t, s, store.PageResult{ID: p.ID, State: store.NoticeDelivered, At: now, Again: now})
	})
}
