package desk_test

import (
	"testing"

	"github.com/citizen-hotline/gateway/ticket"
)

// A consumer's complaint keeps the terms of the law, whoever sends it where and whatever is corrected.
func TestNoDispatchDisplacesTheLaw(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{
		Key: "k-1", Type: ticket.TypeComplaint, Category: "10.01", Text: "在超市买到过期牛奶，店家不给退", Place: ticket.Place{Address: "兰山区银雀山街道沂蒙路"},
		Appellant: ticket.Party{Name: "王秀兰", Phone: "+8613800138000"},
	})
	first := m.By(officer)
	if first.Policy == nil || first.Policy.ID != "statutory-12315@1" {
		t.Fatalf("registered under %+v", first.Policy)
	}
	due := first.Due
	by := func(when string) {
		t.Helper()
		view := m.By(officer)
		if view.Policy.ID != "statutory-12315@1" || !view.Due.Equal(due) {
			t.Fatalf("%s: %s, due %s; want the law's, due %s", when, view.Policy.ID, view.Due, due)
		}
	}
	m.Does(allocator, ticket.Withdraw, share(1), reason("misdispatched"))
	by("withdrawn")
	m.Does(allocator, ticket.Dispatch, to("s-371302105"))
	by("dispatched by hand")
	m.Does(officer, ticket.Arbitrate, to("b-shichang"), reason("by_catalogue"))
	by("ruled by the duty officer")
	m.Does(allocator, ticket.Amend, func(c *ticket.Command) { c.Details.Category, c.Details.Urgency = "01.03.03", ticket.UrgencyUrgent })
	by("amended")
}

// An agent who names the unit at once names no other terms.
func TestNoAgentDisplacesTheLaw(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{
		Key: "k-1", Type: ticket.TypeComplaint, Category: "10.01", Text: "买到过期牛奶", Place: ticket.Place{Address: "兰山区银雀山街道沂蒙路"}, Unit: "s-371302105",
		Appellant: ticket.Party{Name: "王秀兰", Phone: "+8613800138000"},
	})
	if view := m.By(officer); view.Policy.ID != "statutory-12315@1" || view.Unit.ID != "s-371302105" {
		t.Errorf("%s at %s", view.Policy.ID, view.Unit.ID)
	}
}
