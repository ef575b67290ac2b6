package e2e

import (
	"net/http"
	"slices"
	"sync"
	"testing"
)

// Units push a matter away; of two officers who rule at the same moment one wins, on either engine, and the other is told.
func TestTwoOfficersRuleAtOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o *office) {
		s := o.Ring(fields{"clientReportId": "ruling", "text": "义堂镇滨河路路灯箱体漏电没人管", "caller": "13800138000", "unit": "s-371302105"}).OwnedBy("兰山区义堂镇人民政府")
		s.Does("yitang", "object", fields{"reason": "disputed_owner"})
		if v := s.Ticket(); v.State != "triage" {
			t.Fatalf("objected to, it is %s", v.State)
		}
		var queue struct{ Items []struct{ Number string } }
		if code := o.api("duty", http.MethodGet, "/tickets?queue=arbitration", nil, &queue); code != http.StatusOK || len(queue.Items) != 1 || queue.Items[0].Number != s.Number {
			t.Fatalf("%d: %+v wait for a ruling", code, queue)
		}
		o.as("duty")
		codes := make([]int, 2)
		var officers sync.WaitGroup
		for n, unit := range []string{"s-371302105", "s-371302102"} {
			officers.Go(func() {
				codes[n] = o.api("duty", http.MethodPost, "/tickets/"+s.Number+"/actions/arbitrate", fields{"unit": unit, "reason": "by_place"}, nil)
			})
		}
		officers.Wait()
		slices.Sort(codes)
		if !slices.Equal(codes, []int{http.StatusOK, http.StatusConflict}) {
			t.Errorf("the two officers were answered %v", codes)
		}
		ruled := 0
		for _, e := range s.Ticket().Events {
			if e.Action == "arbitrate" {
				ruled++
			}
		}
		if ruled != 1 || len(s.Ticket().Assignments) != 2 {
			t.Errorf("ruled %d times: %+v", ruled, s.Ticket().Assignments)
		}
	})
}
