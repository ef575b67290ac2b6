package outbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// climbed makes a page what the relay makes when an alert climbs: it says nothing of clocks.
func climbed(_ *ticket.Registration, why *outbox.Cause) {
	*why = outbox.Cause{Rule: "alert/climbed", Unit: why.Unit, Again: "#2"}
}

// silence holds the red cards of a unit back for two hours.
func (r *room) silence(unit string) {
	r.t.Helper()
	if _, err := r.store.AddSilence(r.t.Context(), store.Silence{Author: "duty1", Reason: "系统割接", Unit: unit, Level: "red", Created: r.now, Until: r.now.Add(2 * time.Hour)}); err != nil {
		r.t.Fatal(err)
	}
}

// notices counts what stands in each state.
func (r *room) notices(states ...store.NoticeState) map[store.NoticeState]int {
	count := map[store.NoticeState]int{}
	for _, s := range states {
		if n := r.stands(s); n > 0 {
			count[s] = n
		}
	}
	return count
}

func TestNoPathOfTheLawOrOfDangerIsSilenced(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.city.Notices.Routes[0].Posts = []string{chengguan + ".head"}
	r.silence(chengguan)
	r.Raised(chengguan, "red", normal, climbed) // held
	r.Raised(chengguan, "red", normal, climbed, func(reg *ticket.Registration, _ *outbox.Cause) {
		reg.Policy = r.city.PolicyKey("statutory-12315", r.now)
	})
	worse := r.Raised(chengguan, "red", normal)
	r.Did(worse, ticket.Command{Action: ticket.Amend, Cause: ticket.Cause{Reason: "corrected"}, Details: ticket.Details{Urgency: ticket.UrgencyEmergency}})
	r.Advance(wait)
	r.expect("under the silence", "chat: 【红牌】"+r.city.UnitTitle(chengguan)+" 2 件")
	if n := r.stands(store.NoticeSilenced); n != 1 {
		t.Errorf("%d are held back, want the one that is neither", n)
	}
}

func TestACallThatWasAnsweredIsNotMade(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.city.Notices.Routes[0].Posts = []string{chengguan + ".head"}
	one := r.Raised(chengguan, "red", normal, climbed)
	two := r.Raised(chengguan, "red", normal) // a step is told whoever took its alert
	for _, id := range []ticket.ID{one, two} {
		id[0] = 1
		r.Acknowledged(id)
	}
	r.Advance(wait)
	r.expect("both are taken before the page leaves", "chat: 【红牌】"+r.city.UnitTitle(chengguan)+" 1 件")
	want := map[store.NoticeState]int{store.NoticeDelivered: 1, store.NoticeDropped: 1}
	if diff := cmp.Diff(want, r.notices(store.NoticeDelivered, store.NoticeDropped, store.NoticeWaiting)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatASilenceHeldToItsEndWasNotDelivered(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	r.silence(chengguan)
	id := r.Raised(chengguan, "red", normal)
	r.Advance(wait)
	r.expect("under the silence")
	r.now = r.now.Add(2 * time.Hour)
	if _, err := r.worker.RunOnce(t.Context(), r.now, outbox.KindPage); err != nil { // it waits for its group again
		t.Fatal(err)
	}
	r.Answered(id)
	r.Advance(wait)
	r.expect("when the matter has ended")
	want := map[store.NoticeState]int{store.NoticeDropped: 1}
	if diff := cmp.Diff(want, r.notices(store.NoticeDelivered, store.NoticeDropped, store.NoticeSilenced, store.NoticeWaiting)); diff != "" {
		t.Error(diff)
	}
}

// A page sent while the clock ran a day ahead keeps nothing of its group back once the clock is right.
func TestAClockThatWasAheadHoldsNoGroup(t *testing.T) {
	t.Parallel()
	r := openRoom(t)
	right, ahead := r.now, 24*time.Hour
	r.now = right.Add(ahead)
	r.Raised(chengguan, "red", normal)
	r.Advance(wait)
	r.expect("by the clock a day ahead", "chat: 【红牌】"+r.city.UnitTitle(chengguan)+" 1 件")
	r.now = right.Add(time.Minute)
	r.Raised(chengguan, "red", normal)
	r.Advance(wait)
	r.expect("by the right one", "chat: 【红牌】"+r.city.UnitTitle(chengguan)+" 1 件（另有 1 件此前已通知、仍未处置）")
}
