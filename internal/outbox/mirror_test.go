package outbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/internal/paging"
	"github.com/citizen-hotline/gateway/ticket"
)

// Alertmanager is told of what stands as long as it stands, and then that it is over. (What Alertmanager itself makes
// of it, internal/sender tests.)
func TestAlertmanagerHearsOfAGroupUntilItIsOver(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.worker.Wall = func() time.Time { return r.now }
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var list []struct {
			Labels, Annotations map[string]string
			StartsAt, EndsAt    time.Time
		}
		if err := json.NewDecoder(req.Body).Decode(&list); err != nil || len(list) != 1 {
			t.Errorf("%d alerts, %v", len(list), err)
			return
		}
		a := list[0]
		state := "stands"
		if !a.EndsAt.After(r.now) {
			state = "over"
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		got = append(got, fmt.Sprintf("%s %s %s: %s, %s", a.Labels["unit"], a.Labels["level"], a.Labels["clock"], a.Annotations["tickets"], state))
	}))
	t.Cleanup(server.Close)
	r.city.Notices = &paging.Plan{
		Destinations: []paging.Destination{{ID: "am", Kind: paging.Alertmanager, Title: "告警平台", URL: server.URL, Rate: 6000}},
		Routes:       []paging.Route{{ID: "all", To: []string{"am"}, Wait: wait, Interval: time.Minute}},
	}
	one, two := r.Raised(chengguan, "red", normal), r.Raised(chengguan, "red", normal)
	step := func(when string, d time.Duration, want ...string) {
		t.Helper()
		r.Advance(d)
		r.Advance(wait)
		r.mu.Lock()
		defer r.mu.Unlock()
		if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		got = nil
	}
	name := chengguan + " red resolve: "
	step("at first", 0, name+"2, stands")
	step("five minutes later", 5*time.Minute, name+"2, stands")
	three := r.Raised(chengguan, "red", normal)
	step("with one more", time.Minute, name+"3, stands")
	r.Answered(one)
	r.Answered(two)
	step("two are answered", 5*time.Minute, name+"1, stands")
	step("one is left", 5*time.Minute, name+"1, stands")
	r.Did(three, ticket.Command{Action: ticket.Sign, Details: ticket.Details{Assignment: 1}})
	r.Did(three, ticket.Command{Action: ticket.Resolve, Details: ticket.Details{Assignment: 1}, Private: &ticket.Private{PublicReply: "已办"}})
	step("the last is answered", 5*time.Minute, name+"1, over")
	step("afterwards", time.Hour)
}
