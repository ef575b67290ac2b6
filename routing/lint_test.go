package routing

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func words(any ...string) *Keywords { return &Keywords{Any: any} }

// Each case is a pack of few rules, and what must be said of the last one.
func TestLint(t *testing.T) {
	t.Parallel()
	light, water := Action{Unit: "light"}, Action{Unit: "water"}
	two := func(a, b float64) []Range { return []Range{{Fact: "level", Min: &a}, {Fact: "level", Max: &b}} }
	for name, tt := range map[string]struct {
		rules []Rule
		alter func(*City)
		want  []string // begins of the findings, each as check: thing: words
	}{
		"a clean pack": {rules: []Rule{{When: Condition{Keywords: words("路灯")}, Then: light}, {When: Condition{Keywords: words("积水")}, Then: water}}},
		"numbers that exclude each other": {
			rules: []Rule{{When: Condition{Numbers: two(5, 3)}, Then: light}}, want: []string{`dead: rule "r0": no level lies in its ranges`},
		},
		"a word that must not be said": {
			rules: []Rule{{When: Condition{Keywords: &Keywords{All: []string{"路灯不亮"}, None: []string{"路灯"}}}, Then: light}}, want: []string{`dead: rule "r0": "路灯不亮" must be said`},
		},
		"every word of any must not be said": {
			rules: []Rule{{When: Condition{Keywords: &Keywords{Any: []string{"路灯坏了"}, None: []string{"坏了"}}}, Then: light}}, want: []string{`dead: rule "r0": every word of any`},
		},
		"a wider rule comes first": {
			rules: []Rule{
				{When: Condition{Category: []string{"city"}}, Then: light},
				{When: Condition{Category: []string{"city.flood"}, Keywords: words("积水")}, Then: water},
			},
			want: []string{`shadowed: rule "r1": whenever it holds, rule "r0"`},
		},
		"a shorter word comes first": {
			rules: []Rule{{When: Condition{Keywords: words("积水")}, Then: light}, {When: Condition{Keywords: words("路口积水", "积水没膝")}, Then: water}},
			want:  []string{`shadowed: rule "r1"`},
		},
		"a mask of the first leaves the second its turn": {
			rules: []Rule{
				{When: Condition{Keywords: &Keywords{Any: []string{"积水"}, Mask: []string{"积水潭"}}}, Then: light},
				{When: Condition{Keywords: words("积水潭站")}, Then: water},
			},
		},
		"a mask that lets the second say what the first forbids": {
			rules: []Rule{
				{When: Condition{Keywords: &Keywords{Any: []string{"落水"}, None: []string{"演练"}}}, Then: light},
				{When: Condition{Keywords: &Keywords{Any: []string{"落水"}, None: []string{"演练"}, Mask: []string{"不是演练"}}}, Then: light},
			},
		},
		"the narrow one before the wide one": {
			rules: []Rule{
				{When: Condition{Area: []string{"urban"}, Keywords: words("积水")}, Then: light},
				{When: Condition{Keywords: words("积水")}, Then: water},
			},
		},
		"one word and two owners": {
			rules: []Rule{
				{When: Condition{Keywords: words("积水", "内涝")}, Then: light},
				{When: Condition{Keywords: words("内涝", "渍水")}, Then: water},
			},
			want: []string{`overlap: rule "r1": "内涝" also triggers rule "r0"`},
		},
		"one word, but never the same request": {
			rules: []Rule{
				{When: Condition{Region: []string{"1"}, Keywords: words("积水", "内涝")}, Then: light},
				{When: Condition{Region: []string{"2"}, Keywords: words("内涝", "渍水")}, Then: water},
			},
		},
		"another stage is another turn": {
			rules: []Rule{{When: Condition{Keywords: words("积水")}, Then: light}, {Stage: StageStatutory, When: Condition{Keywords: words("积水")}, Then: water}},
		},
		"a word inside another": {
			rules: []Rule{{When: Condition{Keywords: words("路灯", "路灯不亮")}, Then: light}}, want: []string{`repeated: rule "r0": any: "路灯不亮" says nothing beside "路灯"`},
		},
		"a row that repeats a wider one": {
			alter: func(c *City) {
				c.Catalogue = append(c.Catalogue, Row{ID: "again", Category: "life.water", Unit: "water", Source: src(59)})
			},
			want: []string{`repeated: catalogue row "again": says what row "c-life"`},
		},
		"a row that keeps a wider one of one place away": {
			alter: func(c *City) {
				c.Catalogue = append(c.Catalogue, Row{ID: "there", Category: "life", Region: "1", Unit: "market", Source: src(58)},
					Row{ID: "again", Category: "life.water", Unit: "water", Source: src(59)})
			},
		},
		"a category nothing leads to": {
			alter: func(c *City) {
				c.Categories = append(c.Categories, Category{ID: "odd", Name: "其他", Source: src(29)})
				c.Catalogue = append(c.Catalogue, Row{ID: "c-odd", Category: "odd", Unit: "market", Source: src(58)})
			},
			want: []string{`unowned: category "odd": no words lead to it`},
		},
		"borders that overlap and leave gaps": {
			alter: func(c *City) {
				c.Areas = append(c.Areas, Area{ID: "11", Name: "兰山街道界", Region: "11", Rings: [][][2]float64{square(118.17, 35.05, 0.04)}, Source: src(43)})
			},
			want: []string{`polygons: region "1": about`, `polygons: area "11": overlaps "12"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			city := smallCity()
			city.Rules = tt.rules
			for i := range city.Rules {
				r := &city.Rules[i]
				r.ID, r.Title, r.Source = "r"+string(rune('0'+i)), "规则", src(60+i)
				if r.Stage == "" {
					r.Stage = StageRules
				}
			}
			if tt.alter != nil {
				tt.alter(&city)
			}
			rs, err := Compile(city)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range rs.Lint() {
				if f.Source.Line == 0 || f.Try == "" {
					t.Errorf("%s has no place or no remedy", f)
				}
				got = append(got, strings.SplitN(f.String(), ": ", 2)[1])
			}
			got = without(got, tt.want == nil || !strings.HasPrefix(tt.want[0], "polygons"))
			if len(got) != len(tt.want) {
				t.Fatalf("found %q, want %q", got, tt.want)
			}
			for _, w := range tt.want {
				found := false
				for _, g := range got {
					found = found || strings.HasPrefix(g, w)
				}
				if !found {
					t.Errorf("found %q, want %q", got, w)
				}
			}
		})
	}
}

// without leaves the polygons of the small city out, which are not whole on purpose.
func without(findings []string, polygons bool) []string {
	var left []string
	for _, f := range findings {
		if !polygons || !strings.HasPrefix(f, "polygons") {
			left = append(left, f)
		}
	}
	return left
}

// What lint calls dead or shadowed never wins, whatever is asked.
func TestLintNeverAccusesARuleThatWins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rs, err := Compile(drawCity(t))
		if err != nil {
			t.Skip(err)
		}
		accused := map[string]Finding{}
		for _, f := range rs.Lint() {
			if f.Check == CheckDead || f.Check == CheckShadowed {
				accused[f.Thing] = f
			}
		}
		for range 20 {
			f := drawFacts(t)
			var rec Recorder
			rs.Decide(f, &rec)
			for _, r := range rec.Explanation().Rules {
				if finding, is := accused["rule "+quote(r.Rule)]; is && r.Outcome == OutcomeWon {
					t.Fatalf("%s wins for %+v, though: %s", r.Rule, *f, finding)
				}
			}
		}
	})
}
