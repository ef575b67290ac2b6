package desk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/gateway/desk"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

// Offices are merged: their open work goes over as it stands, each ticket with an event of its own.
func TestAUnitsWorkMovesToAnother(t *testing.T) {
	t.Parallel()
	o := open(t)
	signed, offered, done := o.Report(flood("k-1")), o.Report(another("k-2", "村口排水沟堵了两周没人清")), o.Report(another("k-3", "鱼塘的水漫进院子里了"))
	signed.Does(yitang, ticket.Sign)
	done.Does(yitang, ticket.Sign)
	done.Finish(yitang, "已处理")
	before := signed.By(officer)
	move := ticket.Command{Action: ticket.Move, Cause: ticket.Cause{Reason: "reorganised"}, Details: ticket.Details{Unit: "s-371302001"}}
	all := func(dry bool, want int) {
		t.Helper()
		bulk, err := o.desk.ActOnAll(t.Context(), officer, desk.Query{Unit: "s-371302105"}, move, dry)
		if err != nil || bulk.Done != want {
			t.Fatalf("dry %t: %d tickets, want %d; %+v, %v", dry, bulk.Done, want, bulk.Items, err)
		}
	}
	all(true, 2)
	if u := signed.By(officer).Unit.ID; u != "s-371302105" {
		t.Fatalf("a dry run moved it to %s", u)
	}
	all(false, 2)
	all(false, 0)
	after := signed.By(officer)
	if after.Unit.ID != "s-371302001" || after.State != before.State || !after.Assignments[0].SignedAt.Equal(before.Assignments[0].SignedAt) || !after.Due.Equal(before.Due) {
		t.Errorf("it went over as %s, %s, due %s; was %s, due %s", after.Unit.ID, after.State, after.Due, before.State, before.Due)
	}
	for _, k := range after.Clocks {
		if k.Assignment == 1 && k.StoppedAt.IsZero() && k.Unit != "s-371302001" {
			t.Errorf("the clock %s is charged to %s", k.Name, k.Unit)
		}
	}
	if words := after.Events[len(after.Events)-1].Words; !strings.Contains(words, "划转给") || !strings.Contains(words, "机构调整") {
		t.Errorf("the event says %s", words)
	}
	if u := offered.By(officer).Unit.ID; u != "s-371302001" {
		t.Errorf("the offered one is at %s", u)
	}
	if u := done.By(officer).Unit.ID; u != "s-371302105" {
		t.Errorf("what was done went over to %s", u)
	}
	if _, err := o.desk.Ticket(t.Context(), yitang, signed.Number); !ticket.IsKind(err, ticket.NotFound) {
		t.Errorf("the unit that handed it over still sees it: %v", err)
	}
	signed.Refused("access.denied", yitang, ticket.Move, reason("reorganised"), to("s-371302001"))
}

// What is done to many at once is done to each by the same rules.
func TestManyAtOnceByTheSameRules(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Report(flood("k-1"))
	vague := o.Report(ticket.Request{Key: "k-2", Text: "你好我想反映个事情", Appellant: ticket.Party{Phone: "+8613900000002"}})
	dispatch := ticket.Command{Action: ticket.Dispatch, Details: ticket.Details{Unit: "s-371302001"}}
	for name, tt := range map[string]struct {
		viewer desk.Viewer
		query  desk.Query
		cmd    ticket.Command
		code   string
	}{
		"all tickets":             {allocator, desk.Query{}, dispatch, "command.invalid"},
		"an action for one alone": {allocator, desk.Query{Unit: "s-371302105"}, ticket.Command{Action: ticket.Resolve}, "command.invalid"},
	} {
		_, err := o.desk.ActOnAll(t.Context(), tt.viewer, tt.query, tt.cmd, false)
		var e *ticket.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	bulk, err := o.desk.ActOnAll(t.Context(), allocator, desk.Query{States: []ticket.State{ticket.StateTriage, ticket.StateDispatched}}, dispatch, false)
	if err != nil || bulk.Done != 1 || len(bulk.Items) != 2 {
		t.Fatalf("%+v, %v", bulk, err)
	}
	for _, item := range bulk.Items {
		if item.OK != (item.Number == vague.Number) || !item.OK && item.Code != "ticket.move.illegal" {
			t.Errorf("%+v", item)
		}
	}
	if bulk, err := o.desk.ActOnAll(t.Context(), agent, desk.Query{Unit: "s-371302001"}, ticket.Command{Action: ticket.Triage, Cause: ticket.Cause{Reason: "no_place"}}, false); err != nil || bulk.Done != 0 || bulk.Items[0].Code != "access.denied" {
		t.Errorf("who may not: %+v, %v", bulk, err)
	}
}

// Work that comes back after its unit was replaced goes to the one that replaced it.
func TestAReopenedMatterGoesToTheSuccessor(t *testing.T) {
	t.Parallel()
	o := open(t)
	m := o.Report(another("k-1", "村口排水沟堵了两周没人清"))
	m.Does(yitang, ticket.Sign)
	m.Finish(yitang, "已清理")
	p, err := linyi()
	if err != nil {
		t.Fatal(err)
	}
	city := routing.City{
		Hash: "merged", Zone: p.City.Location, Categories: p.Categories, Regions: p.Regions, Rules: p.Rules, Areas: p.Areas, Catalogue: p.Catalogue, Units: slices.Clone(p.Units),
		DefaultPolicy: p.City.DefaultPolicy, Workday: func(time.Time) bool { return true },
	}
	for i := range city.Units {
		if u := &city.Units[i]; u.ID == "s-371302105" {
			u.Retired, u.ReplacedBy, u.Region = "2026-07-01", "s-new", ""
		}
	}
	city.Units = append(city.Units, routing.Unit{ID: "s-new", Name: "义堂街道办事处", Kind: "street", Parent: "d-371302", Region: "371302105"})
	live := *o.live.Get()
	merged, err := routing.Compile(city)
	if err != nil {
		t.Fatal(err)
	}
	live.Rules = merged
	o.live.Set(&live)
	view := m.Does(officer, ticket.Reopen, reason("not_solved"))
	if view.Unit.ID != "s-new" {
		t.Errorf("it went to %s", view.Unit.ID)
	}
}

// another is a matter of Yitang that somebody else brings.
func another(key, text string) ticket.Request {
	return ticket.Request{Key: key, Text: text, Category: "01.04.01", Region: "371302105", Appellant: ticket.Party{Phone: "+86139000" + key[len(key)-1:] + "0000"}}
}
