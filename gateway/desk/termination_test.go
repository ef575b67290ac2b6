package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/internal/outbox"
	"github.com/citizen-hotline/gateway/store"
	"github.com/citizen-hotline/gateway/ticket"
)

// The unit asks, the desk agrees, a supervisor agrees: three people, and nobody twice.
func TestAnUnreasonableRequestEndsAfterTwoReviews(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Refused("ticket.termination.none", allocator, ticket.ReviewTerminate)
	m.Does(yitang, ticket.AskTerminate, reason("settled_before"), noting("已三次答复"))
	m.Refused("ticket.termination.pending", allocator, ticket.AskTerminate, reason("abuse"))
	if k := m.clock("resolve", 0); k.State != "running" {
		t.Errorf("under review the citizen's clock is %s", k.State)
	}
	m.Refused("ticket.termination.unreviewed", supervisor, ticket.Terminate)
	both := officer // whoever may do both does one
	m.Does(both, ticket.ReviewTerminate)
	m.Refused("ticket.termination.reviewed", allocator, ticket.ReviewTerminate)
	m.Refused("ticket.termination.same_person", both, ticket.Terminate)
	before := len(o.told(outbox.KindCitizen))
	view := m.Does(supervisor, ticket.Terminate)
	if view.State != ticket.StateClosed || !view.Unrated || !view.Outcome.Unrated || view.Outcome.Reason != "settled_before" || view.Termination != nil {
		t.Errorf("it is %s: %+v", view.State, view.Outcome)
	}
	for _, k := range view.Clocks {
		if k.State == "running" || k.State == "paused" {
			t.Errorf("the clock %s of %d still runs", k.Name, k.Assignment)
		}
	}
	told := o.told(outbox.KindCitizen)
	if len(told) != before+1 {
		t.Fatalf("the citizen was told %d times", len(told)-before)
	}
	has(t, "the word to the citizen", string(told[before].Body), "终止办理", "如有新情况请补充")
	track, err := o.desk.Track(t.Context(), m.Number, m.Code, o.now)
	if err != nil {
		t.Fatal(err)
	}
	has(t, "the track", track.Steps[4].Text, "终止办理", "如有新情况请补充")

	// There is a way back, and it counts again.
	view = m.Does(supervisor, ticket.Reopen, reason("termination_lifted"), to("s-371302105"))
	if view.State != ticket.StateDispatched || view.Unrated || view.Outcome.Unrated || view.Outcome.Reason != "" {
		t.Errorf("reopened it is %s: %+v", view.State, view.Outcome)
	}
}

func TestWhoAsksForAnEndAgreesToNone(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	m.Does(officer, ticket.AskTerminate, reason("abuse"))
	m.Refused("ticket.termination.same_person", officer, ticket.ReviewTerminate)
	m.Does(allocator, ticket.ReviewTerminate)
	m.Refused("ticket.termination.same_person", officer, ticket.Terminate)
	m.Refused("ticket.command.incomplete", supervisor, ticket.RefuseTerminate)
	view := m.Does(supervisor, ticket.RefuseTerminate, reason("still_reasonable"))
	if view.Termination != nil || view.State != ticket.StateHandling {
		t.Errorf("refused it is %s, %+v", view.State, view.Termination)
	}
	other := desk.Viewer{Login: "hedong", Roles: []string{"unit_head"}, Unit: "d-371312"}
	if _, err := m.try(other, ticket.AskTerminate, reason("abuse")); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a unit that has no part asks for an end: %v", err)
	}
}

func TestAMatterThatOthersFollowIsNotEnded(t *testing.T) {
	t.Parallel()
	o := open(t)
	lead, follower := o.lift("k-1"), o.Report(ticket.Request{
		Key: "k-2", Text: "义堂镇那个小区的电梯又坏了", Region: "371302105", Unit: "s-371302105", Appellant: ticket.Party{Phone: "+8613900139000"},
	})
	follower.Does(allocator, ticket.Merge, reason("same_matter"), other(o, lead))
	lead.Refused("ticket.termination.leads", yitang, ticket.AskTerminate, reason("abuse"))
	lead.Does(allocator, ticket.Note, noting("继续办理"))
}

func TestUrgesAndOrdersHaveNumbers(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.lift("k-1")
	urged := m.Does(agent, ticket.Urge)
	m.Does(agent, ticket.Urge)
	if e := urged.Events[len(urged.Events)-1]; e.Order != m.Number+"-C1" || !strings.Contains(e.Words, m.Number+"-C1") {
		t.Errorf("the first urge is %q: %s", e.Order, e.Words)
	}
	m.Refused("command.invalid", supervisor, ticket.Supervise, reason("overdue"), until(o.now.Add(-time.Hour)))
	m.Does(supervisor, ticket.Supervise, reason("overdue")) // needs no answer
	if got := o.queued(store.QueueOrders); got != nil {
		t.Errorf("%v owe an answer", got)
	}
	view := m.Does(supervisor, ticket.Supervise, reason("pushing_away"), until(o.now.Add(24*time.Hour)))
	if len(view.Orders) != 1 || view.Orders[0].No != m.Number+"-D2" || view.Events[len(view.Events)-1].Order != m.Number+"-D2" {
		t.Fatalf("the order is %+v", view.Orders)
	}
	if got := o.queued(store.QueueOrders); !slices.Equal(got, []string{m.Number}) {
		t.Errorf("%v owe an answer", got)
	}
	found, err := o.desk.Search(t.Context(), officer, m.Number+"-D2")
	if err != nil || len(found.Items) != 1 {
		t.Errorf("the order's number finds %d tickets, %v", len(found.Items), err)
	}
	o.Advance(25 * time.Hour)
	if view = m.By(supervisor); !view.Orders[0].Overdue {
		t.Error("an order that was not answered in time is not late")
	}
	m.Refused("ticket.command.incomplete", yitang, ticket.Reply)
	m.Refused("ticket.order.none", yitang, ticket.Reply, noting("已派人"), func(c *ticket.Command) { c.Details.Order = m.Number + "-D1" })
	m.Refused("access.denied", supervisor, ticket.Reply, noting("已派人"))
	view = m.Does(yitang, ticket.Reply, noting("已派人"))
	if view.Orders != nil || view.Events[len(view.Events)-1].Order != m.Number+"-D2" {
		t.Errorf("answered, %+v still waits", view.Orders)
	}
}
