package tracker_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// Four trackers over one store: each step stands on its ticket once, and a destination hears of it once, however
// many posts are told in the console.
func TestAStepIsPagedOnceByFourTrackers(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.city.Notices = &paging.Plan{
		Destinations: []paging.Destination{{ID: "chat", Kind: paging.WeCom, Title: "群", Token: "env:CHAT"}},
		Routes: []paging.Route{
			{ID: "duty", Roles: []string{"duty"}, To: []string{"chat"}, Continue: true},
			{ID: "rest", To: []string{"chat"}, GroupBy: []string{paging.ByUnit}},
		},
	}
	var ids []ticket.ID
	for n := range 12 {
		ids = append(ids, w.Dispatched(n+1, []string{"general", "statutory-12315"}[n%2], "b-chengguan", false, w.now))
	}
	for range 12 {
		w.now = w.now.Add(24 * time.Hour)
		var all sync.WaitGroup
		for range 4 {
			other := w.another()
			all.Go(func() {
				for range 30 {
					if r, err := other.RunOnce(t.Context(), w.now); err != nil {
						t.Error(err)
					} else if r.Tickets == 0 {
						return
					}
				}
			})
		}
		all.Wait()
	}
	steps := 0 // that are told: the citizen's clock runs to the same deadline as the unit's, whose steps say it already
	for _, id := range ids {
		for step, n := range w.steps(id) {
			if n != 1 {
				t.Errorf("%s of %s is recorded %d times", step, id, n)
			}
			if !strings.HasPrefix(step, "resolve/0/") { // the citizen's clock, beside that of the unit, which is told
				steps += n
			}
		}
	}
	list, err := w.store.Notices(t.Context(), store.NoticeWaiting, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != steps || steps < 12*4 {
		t.Errorf("%d notices wait to be paged of %d steps", len(list), steps)
	}
	lawful := 0
	for group, rows := range byGroup(t, w, list) {
		for _, n := range rows {
			var b outbox.PageNotice
			if err := json.Unmarshal(n.Body, &b); err != nil {
				t.Fatal(err)
			}
			if b.Statutory {
				lawful++
			}
			if b.Number == "" || b.Clock == "" || b.Due == 0 || b.Unit != "b-chengguan" || n.Why != b.Rule+" → "+b.Route {
				t.Fatalf("in group %s: %+v, why %q", group, b, n.Why)
			}
		}
	}
	if lawful == 0 || lawful == steps {
		t.Errorf("%d of %d steps count as the law's", lawful, steps)
	}
}

func byGroup(t *testing.T, w *watch, list []store.StoredNotice) map[string][]store.StoredNotice {
	t.Helper()
	groups := map[string][]store.StoredNotice{}
	for _, n := range list {
		if groups[n.Group] != nil {
			continue
		}
		rows, err := w.store.Waiting(t.Context(), n.Group, 1000)
		if err != nil {
			t.Fatal(err)
		}
		groups[n.Group] = rows
	}
	return groups
}
