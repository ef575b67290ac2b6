package demo

import (
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/ticket"
)

// Wherever a run lies, the pack gives its matters to the owners that the script expects.
func TestThePackAgreesWithTheScript(t *testing.T) {
	t.Parallel()
	pack, err := config.LoadDir("../../config/cities/linyi")
	if err != nil {
		t.Fatal(err)
	}
	type matter struct {
		name       string
		facts      config.TestFacts
		unit, rule string
	}
	at := func(p point) []float64 { return []float64{p.lng, p.lat} }
	for run := range int64(280) {
		p := placesOf(run)
		matters := []matter{
			{"the gate", config.TestFacts{Channel: line, Text: ways[0], Category: "01.04.01", Point: at(p.gate), Type: ticket.TypeHelp}, "b-paishui", "r-flood-core"},
			{"the other gate", config.TestFacts{Channel: line, Text: ways[0], Category: "01.04.01", Point: at(p.gate.north(240)), Type: ticket.TypeHelp}, "b-paishui", "r-flood-core"},
			{"the crossing", config.TestFacts{Channel: "observer", Text: "路口积水严重，漫过路面，还有漩涡", Point: at(p.crossing), Type: ticket.TypeHelp}, "s-371302105", "r-flood-outside"},
			{"the gauge", config.TestFacts{Channel: "flood-gauge", Kind: ticket.KindAlarm, Category: "19.02.01", Text: "聚才八路 积水深度 42 厘米", Point: at(p.crossing.north(15))}, "s-371302105", "m-gauge-outside"},
			{"the street light", config.TestFacts{Channel: "wechat", Text: p.street + p.dark}, "b-shizheng", ""},
			{"the Open311 light", config.TestFacts{Channel: "open311", Category: "01.03.03", Text: "Street light out", Point: at(p.gate.east(120).north(-60))}, "b-shizheng", ""},
		}
		for _, l := range letters {
			m := matter{name: l.title, facts: config.TestFacts{Channel: l.channel, Text: l.text(p), Category: l.category, Type: l.kind, Address: l.address}}
			if l.at != nil {
				m.facts.Point = at(l.at(p))
			}
			for _, e := range l.expect {
				m.unit, m.rule = m.unit+e.unit, m.rule+e.rule
			}
			matters = append(matters, m)
		}
		for _, m := range matters {
			facts := pack.Facts(m.facts)
			d := pack.Ruleset.Decide(&facts, nil).Decision()
			if m.unit != "" && d.Unit != m.unit || m.rule != "" && d.Origins["unit"].Rule != m.rule {
				t.Errorf("run %d: %s goes to %s by %s, the script says %s %s", run, m.name, d.Unit, d.Origins["unit"].Rule, m.unit, m.rule)
			}
		}
	}
}

// Runs that follow each other meet neither the places nor the people of the one before.
func TestRunsKeepApart(t *testing.T) {
	t.Parallel()
	for run := range int64(200) {
		a, b := placesOf(run), placesOf(run+1)
		for _, d := range []float64{
			geo.Distance(geo.Point{Lng: a.gate.lng, Lat: a.gate.lat}, geo.Point{Lng: b.gate.lng, Lat: b.gate.lat}),
			geo.Distance(geo.Point{Lng: a.crossing.lng, Lat: a.crossing.lat}, geo.Point{Lng: b.crossing.lng, Lat: b.crossing.lat}),
		} {
			if d < 1000 {
				t.Errorf("runs %d and %d lie %.0f m apart", run, run+1, d)
			}
		}
		for later := int64(1); later < 60; later++ {
			if c := placesOf(run + later); a.street == c.street && text.Similarity(a.street+a.dark, c.street+c.dark) >= 0.7 {
				t.Errorf("runs %d and %d say nearly the same of their street lights", run, run+later)
			}
		}
		if a.street == b.street || a.phone(1) == b.phone(1) || a.phone(1) == a.phone(2) || a.key("x") == b.key("x") {
			t.Errorf("runs %d and %d share something", run, run+1)
		}
		if n := a.phone(999); len(n) != 11 || !strings.HasPrefix(n, "139") {
			t.Errorf("telephone number %s", n)
		}
	}
}
