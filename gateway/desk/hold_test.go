package desk_test

import (
	"testing"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestEvidenceIsHeldByThoseWhoReview(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(flood("k-1"))
	auditor := desk.Viewer{Login: "audit", Roles: []string{"auditor"}}
	for _, v := range []desk.Viewer{agent, allocator, officer, yitang, nobody} {
		m.Refused("access.denied", v, ticket.Hold, reason("reconsideration"))
	}
	m.Refused("access.denied", auditor, ticket.Expire) // only time ends what is kept
	m.Refused("command.invalid", auditor, ticket.Hold, reason("same_matter"))
	view := m.Does(auditor, ticket.Hold, reason("reconsideration"))
	if last := view.Events[len(view.Events)-1]; !view.Held || last.Words != "证据保全：行政复议或行政诉讼" {
		t.Errorf("held %t: %s", view.Held, last.Words)
	}
	m.Refused("ticket.hold.held", auditor, ticket.Hold, reason("petition_review"))
	if view = m.Does(auditor, ticket.Release, reason("hold_over")); view.Held {
		t.Error("it is held after the release")
	}
}
