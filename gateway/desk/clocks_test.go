package desk_test

import (
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/sla"
	"github.com/citizen-hotline/gateway/ticket"
)

func TestADeadlineIsToldToWhoMaySeeTheTicket(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Type: ticket.TypeComplaint, Category: "10.01", Text: "买到过期牛奶", Place: ticket.Place{Address: "兰山区银雀山街道沂蒙路"}, Appellant: ticket.Party{Phone: "+8613800138000"}})
	e, err := o.desk.Clocks(t.Context(), officer, m.Number)
	if err != nil {
		t.Fatal(err)
	}
	if e.Number != m.Number || e.Policy != "statutory-12315@1" || !strings.Contains(e.Basis, "市场监督管理投诉举报处理暂行办法") || !e.Statutory || e.Unrated {
		t.Errorf("%s by %s: %s", e.Number, e.Policy, e.Basis)
	}
	found := false
	for _, k := range e.Clocks {
		if k.Name != sla.ClockContact {
			continue
		}
		found = true
		last := k.Segments[len(k.Segments)-1].Text
		if k.Title != "首次联系时限" || k.UnitTitle == "" || !strings.Contains(last, "第 7 个工作日") || k.DueAt.Location().String() != "Asia/Shanghai" {
			t.Errorf("%s of %s, due %s: %s", k.Title, k.UnitTitle, k.DueAt, last)
		}
	}
	if !found {
		t.Error("the law's seven working days are not among the clocks")
	}
	if _, err := o.desk.Clocks(t.Context(), yitang, m.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("a street that has nothing to do with it sees it: %v", err)
	}
}

// Looking at a confidential ticket's deadlines is a view, and is logged.
func TestConfidentialClocksAreLogged(t *testing.T) {
	t.Parallel()
	o := open(t)
	r := flood("k-1")
	r.Confidential, r.Public = true, false
	m := o.Report(r)
	if _, err := o.desk.Clocks(t.Context(), officer, m.Number); err != nil {
		t.Fatal(err)
	}
	id, err := o.store.TicketByNumber(t.Context(), m.Number)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := o.store.AccessLog(t.Context(), id.ID, 10)
	if err != nil || len(lines) == 0 || lines[0].Fields[0] != "clocks" || lines[0].Actor.ID != "duty" {
		t.Errorf("logged as %+v, %v", lines, err)
	}
}

// A policy that allows no extension gives none: the citizen would be told a new date that is the old one.
func TestWhatCannotBeExtendedIsNot(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(ticket.Request{Key: "k-1", Text: "兰山区义堂镇涑河有人落水，请快救人", Region: "371302105", Urgency: ticket.UrgencyEmergency})
	view := m.By(officer)
	if !strings.HasPrefix(view.Policy.ID, "emergency@") {
		t.Fatalf("the matter has the policy %+v", view.Policy)
	}
	holder := desk.Viewer{Login: "holder", Roles: []string{"unit_handler"}, Unit: view.Assignments[0].Unit.ID}
	m.Refused("ticket.extend.none", holder, ticket.AskExtend, reason("complex"), by(1, "hours"))
}
