package routing

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citizen-hotline/gateway/ticket"
)

// The counter-example, applied, changes the owner; it is of one fact whenever one is enough, and where it says that
// there is none, no two changes that the pack could tell apart do.
func TestCounterexamplesFlipTheOwnerAndAreSmallest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rs, err := Compile(drawCity(t))
		if err != nil {
			t.Skip(err)
		}
		f := drawFacts(t)
		owner := rs.Decide(f, nil).Unit
		c, complete := rs.Counterexample(f)
		if c != nil {
			changed := *f
			c.Apply(&changed)
			if got := rs.Decide(&changed, nil).Unit; got == owner || got == "" || got != c.Unit {
				t.Fatalf("%s: owner %q, before %q", c.Words, got, owner)
			}
			if len(c.Changes) == 1 {
				return
			}
		}
		if !complete {
			t.Fatal("a small city was too large")
		}
		moves := rs.changes(f)
		var all []*Change
		for i := range moves {
			for j := range moves[i] {
				m := &moves[i][j]
				if r, ok := rs.flips(f, owner, m); ok {
					t.Fatalf("%s is enough for %s, found was %+v", m.Words, r.Unit, c)
				}
				all = append(all, m)
			}
		}
		if c != nil {
			return
		}
		for i, a := range all {
			for _, b := range all[i+1:] {
				if a.Fact == b.Fact && a.Fact != FactKeyword && a.Fact != FactNumber {
					continue
				}
				if r, ok := rs.flips(f, owner, a, b); ok {
					t.Fatalf("%s and %s give it to %s, which was not found", a.Words, b.Words, r.Unit)
				}
			}
		}
	})
}

func TestCounterexamplesInWords(t *testing.T) {
	t.Parallel()
	unknown := UnknownNumbers()
	for name, tt := range map[string]struct {
		facts   Facts
		alter   func(*City)
		want    string
		changes int
	}{
		"another street": {
			facts: Facts{Category: "city", Region: "11", Numbers: unknown}, want: "如果地点在", changes: 1,
		},
		"nobody could own it otherwise": {
			facts: Facts{Category: "city.lamp", Region: "11", Numbers: unknown},
			alter: func(c *City) {
				c.Rules = []Rule{{ID: "all", Title: "都归一家", Stage: StageEmergency, When: Condition{Kind: ticket.Kinds}, Then: Action{Unit: "water"}, Source: src(60)}}
				c.Categories[0].Name = "类"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			if tt.alter != nil {
				tt.alter(&city)
			}
			rs, err := Compile(city)
			if err != nil {
				t.Fatal(err)
			}
			tt.facts.Kind = ticket.KindCase
			e := rs.Explain(&tt.facts)
			switch {
			case tt.want == "" && (e.Counterexample != nil || e.Without == ""):
				t.Errorf("found %+v", e.Counterexample)
			case tt.want != "" && (e.Counterexample == nil || !strings.Contains(e.Counterexample.Words, tt.want) || len(e.Counterexample.Changes) != tt.changes):
				t.Errorf("found %+v, want %s", e.Counterexample, tt.want)
			}
			if text := e.Text(); !strings.Contains(text, "反例  ") {
				t.Errorf("the text does not say it:\n%s", text)
			}
		})
	}
}

// Two words that a rule asks for together are two facts.
func TestCounterexampleOfTwoWords(t *testing.T) {
	t.Parallel()
	city := smallCity()
	city.Rules = []Rule{
		{
			ID: "both", Title: "两个词", Stage: StageRules, Source: src(60),
			When: Condition{Keywords: &Keywords{All: []string{"井盖", "丢失"}}}, Then: Action{Unit: "water"},
		},
		{ID: "rest", Title: "其余", Stage: StageRules, When: Condition{Kind: ticket.Kinds}, Then: Action{Unit: "light"}, Source: src(61)},
	}
	rs, err := Compile(city)
	if err != nil {
		t.Fatal(err)
	}
	f := Facts{Kind: ticket.KindCase, Text: "路边坏了", Numbers: UnknownNumbers()}
	c, _ := rs.Counterexample(&f)
	if c == nil || c.Unit != "water" {
		t.Fatalf("found %+v", c)
	}
	said := c.Words
	if !strings.Contains(said, "还提到“井盖”") || !strings.Contains(said, "还提到“丢失”") || len(c.Changes) != 2 {
		t.Errorf("said %s", said)
	}
}
