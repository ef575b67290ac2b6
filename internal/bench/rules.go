package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/config"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

// longText is a complaint of 300 characters, routeText its first 200.
var (
	longText  = string(fill([]byte("您好，我是金源小区的业主，小区北门到公交站之间的路灯从上个月开始陆续不亮，"), 0, rand.New(rand.NewPCG(1, 1)))) //nolint:gosec // made up
	routeText = string([]rune(longText)[:200])
)

// route measures decisions, and what the obvious way of taking them costs.
func (b *bench) route(context.Context) error {
	p, err := config.LoadDir(b.city)
	if err != nil {
		return err
	}
	f := ruleFacts(p)
	for _, set := range []struct {
		label  string
		rules  []routing.Rule
		wanted float64
	}{
		{"1,000 mixed rules", mixedRules(p, 1000), 1e3},
		{"10,000 keyword rules", keywordRules(p, 10_000), 8e3},
	} {
		compiled, err := routing.Compile(cityOf(p, set.rules))
		if err != nil {
			return fmt.Errorf("compile %s: %w", set.label, err)
		}
		b.say("   %s", set.label)
		fast := testing.Benchmark(func(t *testing.B) {
			t.ReportAllocs()
			for t.Loop() {
				compiled.Decide(f, nil)
			}
		})
		slow := testing.Benchmark(func(t *testing.B) {
			for t.Loop() {
				naiveDecide(set.rules, f)
			}
		})
		b.table.atMost("route a 200-character ticket by "+set.label, perOp(fast), set.wanted, duration, "")
		b.table.atMost("  allocations", float64(fast.AllocsPerOp()), 0, func(v float64) string { return fmt.Sprintf("%.0f", v) }, "")
		b.table.show("  a loop over the same rules ÷ it", ratio(perOp(slow)/perOp(fast)))
		if err := b.engines(set.rules, f, perOp(fast)); err != nil {
			return err
		}
	}
	if err := b.compile(p); err != nil {
		return err
	}
	return b.places()
}

func (b *bench) compile(p *config.Pack) error {
	rules := append(keywordRules(p, 5000), mixedRules(p, 5000)...)
	for i := range rules {
		rules[i].ID = fmt.Sprintf("r%d", i)
	}
	c := cityOf(p, rules)
	b.say("   compile %d rules", len(rules))
	var failed error
	took := testing.Benchmark(func(t *testing.B) {
		for t.Loop() {
			if _, failed = routing.Compile(c); failed != nil {
				t.FailNow()
			}
		}
	})
	if failed != nil {
		return fmt.Errorf("compile %d rules: %w", len(rules), failed)
	}
	b.table.atMost("compile 10,000 rules, half of them keywords, and the pack's catalogue", perOp(took), 100e6, duration, "")
	return nil
}

func perOp(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) }

// cityOf is the pack's city with other rules.
func cityOf(p *config.Pack, rules []routing.Rule) routing.City {
	return routing.City{
		Hash: p.Hash, Zone: p.City.Location, Units: p.Units, Categories: p.Categories, Regions: p.Regions, Areas: p.Areas,
		Catalogue: p.Catalogue, Rules: rules, DefaultPolicy: p.City.DefaultPolicy,
		Workday: func(day time.Time) bool { return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday },
	}
}

// ruleFacts are a complaint about a street lamp with everything known of it.
func ruleFacts(p *config.Pack) *routing.Facts {
	f := &routing.Facts{
		Channel: "channel-7", Line: "12007", Kind: ticket.KindCase, Source: ticket.SourceCitizen, Type: ticket.TypeComplaint,
		Category: leaves(p)[42], Region: "371302105", HasPoint: true, Text: "路灯不亮\n" + routeText,
		At: time.Date(2026, 7, 13, 0, 37, 0, 0, time.UTC),
	}
	for i := range f.Numbers {
		f.Numbers[i] = float64(i)
	}
	return f
}

// leaves are the categories that have no children.
func leaves(p *config.Pack) []string {
	parents := map[string]bool{}
	for _, c := range p.Categories {
		parents[c.Parent] = true
	}
	var list []string
	for _, c := range p.Categories {
		if !parents[c.ID] {
			list = append(list, c.ID)
		}
	}
	return list
}

// ruleStages are the stages that have rules of conditions.
var ruleStages = []routing.Stage{routing.StageEmergency, routing.StageStatutory, routing.StageRules}

// word is a made-up keyword of three to five characters that complaints are written with, so that
// keywords and text begin alike, as they do in a city.
func word(r *rand.Rand) string {
	from := []rune(sentences[r.IntN(len(sentences))])
	var w strings.Builder
	for w.Len() < 9 || r.IntN(2) == 0 && w.Len() < 15 {
		if c := from[r.IntN(len(from))]; c != '，' && c != '。' {
			w.WriteRune(c)
		}
	}
	return w.String()
}

// keywordRules look at nothing but the text; one of them holds.
func keywordRules(p *config.Pack, n int) []routing.Rule {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // made-up rules need no secrets
	rules := make([]routing.Rule, n)
	for i := range rules {
		k := &routing.Keywords{Any: []string{word(r), word(r) + "处"}}
		switch i % 10 {
		case 0:
			k.None = []string{"不" + word(r)}
		case 1:
			k.Mask = []string{"防" + k.Any[0]}
		case 2:
			k.Any, k.All = nil, []string{"路灯", word(r)}
		}
		rules[i] = rule(p, i, routing.Condition{Keywords: k})
	}
	rules[n-1].When.Keywords = &routing.Keywords{Any: []string{"陆续不亮"}}
	return rules
}

// mixedRules are such as a city writes: half by category and place, the rest by channel, line,
// number, time and area, one in five by keywords alone.
func mixedRules(p *config.Pack, n int) []routing.Rule {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // made-up rules need no secrets
	categories, low := leaves(p), 8.0
	rules := make([]routing.Rule, n)
	for i := range rules {
		var w routing.Condition
		category, region := categories[r.IntN(len(categories))], p.Regions[1+r.IntN(len(p.Regions)-1)].ID
		switch i % 10 {
		case 0, 1, 2:
			w.Category, w.Region = []string{category}, []string{region}
		case 3:
			w.Category, w.Keywords = []string{category}, &routing.Keywords{Any: []string{word(r), word(r)}}
		case 4:
			w.Region, w.Numbers = []string{region}, []routing.Range{{Fact: "reports_nearby", Min: &low}}
		case 5:
			w.Line, w.Type = []string{fmt.Sprintf("12%03d", r.IntN(50))}, []ticket.RequestType{ticket.TypeComplaint}
		case 6:
			w.Channel, w.Window = []string{fmt.Sprintf("channel-%d", r.IntN(50))}, &routing.Window{From: "22:00", To: "06:00"}
		case 7:
			w.Category, w.Outside = []string{category}, []string{p.Areas[r.IntN(len(p.Areas))].ID}
		default:
			w.Keywords = &routing.Keywords{Any: []string{word(r), word(r)}}
		}
		rules[i] = rule(p, i, w)
	}
	return rules
}

func rule(p *config.Pack, i int, w routing.Condition) routing.Rule {
	return routing.Rule{
		ID: fmt.Sprintf("r%d", i), Title: "测", Stage: ruleStages[i%3], When: w,
		Then: routing.Action{Unit: p.DutyUnit(), Tags: []string{"bench"}}, Source: routing.Source{File: "bench", Line: i + 1},
	}
}

// naiveDecide tries every rule in order with strings.Contains. It leaves out masks, windows and
// polygons, so it does less than the ruleset does.
func naiveDecide(rules []routing.Rule, f *routing.Facts) (won [3]string) {
	folded := text.Fold(f.Text)
	for i := range rules {
		r := &rules[i]
		if !naiveHolds(&r.When, f, folded) {
			continue
		}
		for n, stage := range ruleStages {
			if r.Stage == stage && won[n] == "" {
				won[n] = r.ID
			}
		}
	}
	return won
}

func naiveHolds(w *routing.Condition, f *routing.Facts, folded string) bool {
	has := func(list []string, v string) bool {
		for _, x := range list {
			if strings.HasPrefix(v, x) {
				return true
			}
		}
		return list == nil
	}
	if !has(w.Channel, f.Channel) || !has(w.Line, f.Line) || !has(w.Category, f.Category) || !has(w.Region, f.Region) || w.Window != nil {
		return false
	}
	for _, n := range w.Numbers {
		if f.Numbers[routing.NumberIndex(n.Fact)] < *n.Min {
			return false
		}
	}
	k := w.Keywords
	if k == nil {
		return true
	}
	for _, x := range k.None {
		if strings.Contains(folded, x) {
			return false
		}
	}
	hit := k.Any == nil
	for _, x := range k.Any {
		hit = hit || strings.Contains(folded, x)
	}
	for _, x := range k.All {
		hit = hit && strings.Contains(folded, x)
	}
	return hit
}
