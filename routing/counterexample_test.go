package routing

import (
	"strings"
	"testing"
	"time"

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

// Each case is a pack of one rule beside a rule for all, and a request that the rule misses by what the counter-example
// must name.
func TestCounterexamplesOfEveryKind(t *testing.T) {
	t.Parallel()
	evening := 18.0
	known := UnknownNumbers()
	known[factHour] = 9
	morning := time.Date(2026, 7, 13, 9, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		when  Condition
		facts Facts
		want  []string
	}{
		"an hour goes with the time": {
			Condition{Numbers: []Range{{Fact: "hour", Min: &evening}}, Window: &Window{From: "18:00", To: "20:00"}},
			Facts{At: morning, Numbers: known, Kind: ticket.KindCase},
			[]string{"时间是"},
		},
		"a word said under a mask": {
			Condition{Keywords: &Keywords{Any: []string{"落水"}, Mask: []string{"防落水"}}},
			Facts{Text: "防落水栏杆坏了", Numbers: UnknownNumbers(), Kind: ticket.KindCase},
			[]string{"还提到“落水”"},
		},
		"kind and type together": {
			Condition{Kind: []ticket.Kind{ticket.KindAlarm}, Type: []ticket.RequestType{ticket.TypeReport}},
			Facts{Numbers: UnknownNumbers(), Kind: ticket.KindCase, Type: ticket.TypeHelp},
			[]string{"来件性质是报警", "诉求类型是举报"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			city.Zone = time.UTC
			city.Rules = []Rule{
				{ID: "one", Title: "那一条", Stage: StageRules, When: tt.when, Then: Action{Unit: "water"}, Source: src(60)},
				{ID: "rest", Title: "其余", Stage: StageRules, When: Condition{Kind: ticket.Kinds}, Then: Action{Unit: "light"}, Source: src(61)},
			}
			rs, err := Compile(city)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := rs.Counterexample(&tt.facts)
			if c == nil || c.Unit != "water" || len(c.Changes) != len(tt.want) {
				t.Fatalf("found %+v", c)
			}
			for _, w := range tt.want {
				if !strings.Contains(c.Words, w) {
					t.Errorf("said %s, want %s", c.Words, w)
				}
			}
		})
	}
}
