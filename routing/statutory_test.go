package routing

import (
	"testing"

	"github.com/citizen-hotline/gateway/ticket"
)

// What the law says of a matter stands: no rule of the city, no row of the catalogue and no default takes its place,
// wherever in the pack they are written and whatever else they decide.
func TestAStatutoryPolicyIsNotDisplaced(t *testing.T) {
	t.Parallel()
	city := smallCity()
	city.Rules = []Rule{
		{ID: "r-all", Title: "全市都按紧急", Stage: StageRules, When: Condition{Source: ticket.Sources}, Then: Action{Unit: "centre", Urgency: ticket.UrgencyUrgent, Policy: "fast@1"}, Source: src(60)},
		{ID: "d-all", Title: "其余都按普通", Stage: StageDefault, When: Condition{Source: ticket.Sources}, Then: Action{Policy: "slow@1"}, Source: src(61)},
		{ID: "s-12315", Title: "消费投诉", Stage: StageStatutory, When: Condition{Category: []string{"trade"}}, Then: Action{Policy: "statutory-12315@1"}, Source: src(62)},
	}
	city.Catalogue = append(city.Catalogue, Row{ID: "c-trade-11", Category: "trade", Region: "11", Unit: "market", Policy: "row@1", Source: src(63)})
	rs := compile(t, city)
	f := &Facts{Channel: "form", Source: ticket.SourceCitizen, Type: ticket.TypeComplaint, Kind: ticket.KindCase, Category: "trade", Region: "11", Numbers: UnknownNumbers()}
	d := rs.Decide(f, nil).Decision()
	if d.Policy != "statutory-12315@1" || d.Origins["policy"].Rule != "s-12315" {
		t.Errorf("policy %s by %+v", d.Policy, d.Origins["policy"])
	}
	if d.Unit != "centre" || d.Urgency != ticket.UrgencyUrgent {
		t.Errorf("what the law left open is the city's to decide: unit %s, urgency %s", d.Unit, d.Urgency)
	}
	f.Category = "city.lamp"
	if d := rs.Decide(f, nil).Decision(); d.Policy != "fast@1" {
		t.Errorf("another matter goes by %s", d.Policy)
	}
}

// A policy may be chosen by all that is known when a request comes.
func TestAPolicyByWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		when  Condition
		other func(*Facts)
	}{
		"kind":     {Condition{Kind: []ticket.Kind{ticket.KindAlarm}}, func(f *Facts) { f.Kind = ticket.KindCase }},
		"category": {Condition{Category: []string{"life"}}, func(f *Facts) { f.Category = "trade" }},
		"urgency":  {Condition{Urgency: []ticket.Urgency{ticket.UrgencyUrgent}}, func(f *Facts) { f.Urgency = "" }},
		"channel":  {Condition{Channel: []string{"grid"}}, func(f *Facts) { f.Channel = "form" }},
		"source":   {Condition{Source: []ticket.SourceClass{ticket.SourceField}}, func(f *Facts) { f.Source = ticket.SourceCitizen }},
		"type":     {Condition{Type: []ticket.RequestType{ticket.TypeReport}}, func(f *Facts) { f.Type = ticket.TypeHelp }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			city.Rules = []Rule{{ID: "r", Title: "规则", Stage: StageRules, When: tt.when, Then: Action{Policy: "own@1"}, Source: src(60)}}
			for i := range city.Catalogue {
				city.Catalogue[i].Policy = ""
			}
			rs := compile(t, city)
			f := Facts{
				Channel: "grid", Source: ticket.SourceField, Type: ticket.TypeReport, Kind: ticket.KindAlarm, Urgency: ticket.UrgencyUrgent,
				Category: "life.water", Region: "11", Numbers: UnknownNumbers(),
			}
			if d := rs.Decide(&f, nil).Decision(); d.Policy != "own@1" {
				t.Errorf("it goes by %s", d.Policy)
			}
			tt.other(&f)
			if d := rs.Decide(&f, nil).Decision(); d.Policy != city.DefaultPolicy {
				t.Errorf("without it, it goes by %s", d.Policy)
			}
		})
	}
}

// The urgency that a rule looks at is the one the request brought; the explanation says so, and what would change it.
func TestUrgencyExplained(t *testing.T) {
	t.Parallel()
	city := smallCity()
	city.Rules = []Rule{{ID: "r-urgent", Title: "自报紧急", Stage: StageRules, When: Condition{Urgency: []ticket.Urgency{ticket.UrgencyUrgent}}, Then: Action{Unit: "centre"}, Source: src(60)}}
	rs := compile(t, city)
	f := &Facts{Channel: "form", Source: ticket.SourceCitizen, Kind: ticket.KindCase, Category: "city.lamp", Region: "11", Urgency: ticket.UrgencyNormal, Numbers: UnknownNumbers()}
	var words string
	for _, r := range rs.Explain(f).Rules {
		if r.Rule == "r-urgent" && r.Failed != nil {
			words = r.Failed.Words
		}
	}
	if words != "自报紧急程度不符：要求 紧急，实际 普通" {
		t.Errorf("passed over because %q", words)
	}
	for _, c := range rs.urgencyChanges(f) {
		g := *f
		c.apply(&g)
		if (rs.Decide(&g, nil).Unit == "centre") != (c.To == string(ticket.UrgencyUrgent)) {
			t.Errorf("%s: %s", c.Words, rs.Decide(&g, nil).Unit)
		}
	}
}
