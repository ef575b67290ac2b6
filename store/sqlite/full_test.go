package sqlite

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/store/tables"
	"github.com/citizen-hotline/gateway/ticket"
)

// pages limits the database to its present size plus n pages; 0 takes the limit away.
func pages(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.DB.Write(t.Context(), func(c ctx, tx tables.Tx) error {
		var count, limit int
		if err := tx.Query(c, `PRAGMA page_count`, nil, func(r tables.Row) error { return r.Scan(&count) }); err != nil {
			return err
		}
		if n == 0 {
			count = 1 << 30
		}
		return tx.Query(c, fmt.Sprintf(`PRAGMA max_page_count = %d`, count+n), nil, func(r tables.Row) error { return r.Scan(&limit) })
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := openAt(t, Options{Path: filepath.Join(t.TempDir(), "hotline.db"), Ring: storetest.Ring(t), Observer: lanes.NewMetrics(registry).Observer()})
	m := storetest.NewMaker()
	storetest.Must(t, s, m.Ticket(t, storetest.Day).Change())
	pages(t, s, 3)

	// Many callers at once, until the disk is full for all of them.
	changes := make([]store.Change, 100)
	for i := range changes {
		changes[i] = m.Ticket(t, storetest.Day).Change()
	}
	errs := make([]error, len(changes))
	var done sync.WaitGroup
	for i := range changes {
		done.Go(func() { errs[i] = s.Commit(t.Context(), changes[i])[0] })
	}
	done.Wait()
	refused := 0
	for i, err := range errs {
		_, found := s.Ticket(t.Context(), changes[i].Tickets[0].Ticket.ID)
		switch {
		case err == nil && found != nil:
			t.Errorf("ticket %d was acknowledged and is not there: %v", i, found)
		case err != nil && found == nil:
			t.Errorf("ticket %d was refused (%v) and is there", i, err)
		case err != nil:
			refused++
			var e *ticket.Error
			if !errors.As(err, &e) || e.Kind != ticket.Unavailable || e.Code != "store.write" || e.RetryAfter <= 0 {
				t.Errorf("ticket %d: %#v, want Unavailable with the time to wait", i, err)
			}
		}
	}
	if refused < 50 {
		t.Fatalf("only %d of %d were refused: the disk was not full", refused, len(changes))
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	if want := map[string]int{
		"hotline_store_batch_size": 1, "hotline_store_commit_seconds": 1, "hotline_store_queue_depth": 2,
		"hotline_store_batches_failed_total": 1,
	}; !maps.Equal(series, want) {
		t.Errorf("series of the writer's metrics: %v, want %v", series, want)
	}
	// A small last batch may have found room where larger ones did not: take what is left.
	for left := 0; s.Commit(t.Context(), m.Ticket(t, storetest.Day).Change())[0] == nil; left++ {
		if left == 500 {
			t.Fatal("the disk takes ticket after ticket: it is not full")
		}
	}
	if err := s.Healthy(t.Context()); !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("health with a full disk: %v", err)
	}
	if _, err := s.TakeNumbers(t.Context(), "2026-07-13", 1); err != nil && !ticket.IsKind(err, ticket.Unavailable) {
		t.Errorf("an administrative write with a full disk: %v", err)
	}

	pages(t, s, 0) // somebody made room
	if err := s.Healthy(t.Context()); err != nil {
		t.Errorf("health with room again: %v", err)
	}
	for i, err := range errs {
		if err != nil { // what was refused can be sent again unchanged
			storetest.Must(t, s, changes[i])
		}
	}
}

// A copy into a disk that fills up stops with the reason, and goes on when there is room.
func TestACopyIntoAFullDiskGoesOn(t *testing.T) {
	t.Parallel()
	ring := storetest.Ring(t)
	from := openAt(t, Options{Path: filepath.Join(t.TempDir(), "from.db"), Ring: ring})
	m := storetest.NewMaker()
	for range 600 {
		storetest.Must(t, from, m.Ticket(t, storetest.Day).Change())
	}
	to := openAt(t, Options{Path: filepath.Join(t.TempDir(), "to.db"), Ring: ring, Copying: true})
	pages(t, to, 300)
	err := to.CopyFrom(t.Context(), from.Tables, "from", nil)
	if !ticket.IsKind(err, ticket.Unavailable) || !strings.Contains(err.Error(), "make room") || !strings.Contains(err.Error(), "run it again") {
		t.Fatalf("a copy into a full disk: %v", err)
	}
	if err := to.CheckWhole(t.Context()); err == nil {
		t.Error("half a city passes for whole")
	}
	pages(t, to, 0)
	if err := to.CopyFrom(t.Context(), from.Tables, "from", nil); err != nil {
		t.Fatal(err)
	}
	if err := to.CheckWhole(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := to.Counts(t.Context(), storetest.Day); err != nil || n.Tickets != 600 {
		t.Errorf("%d tickets were copied, %v", n.Tickets, err)
	}
}

// Under load without a pause the log starts over all the same.
func TestVolumeLogStaysBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hotline.db")
	s := openAt(t, Options{Path: path, Ring: storetest.Ring(t), foldEvery: 1024, foldLimit: 400})
	m := storetest.NewMaker()
	var done sync.WaitGroup
	var largest int64
	for i := range 8 {
		done.Go(func() {
			for range 400 {
				if err := s.Commit(t.Context(), m.Ticket(t, storetest.Day).Change())[0]; err != nil {
					t.Error(err)
					return
				}
				if info, err := os.Stat(path + "-wal"); i == 0 && err == nil {
					largest = max(largest, info.Size())
				}
			}
		})
	}
	done.Wait()
	if db, err := os.Stat(path); err != nil || db.Size() < 4<<20 {
		t.Errorf("the log was not folded back: %v, %v", db, err)
	}
	if largest > 64<<20 {
		t.Errorf("the log grew to %d MiB", largest>>20)
	}
	t.Logf("largest log: %d KiB", largest>>10)
}
