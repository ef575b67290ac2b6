package config

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/internal/geo"
	"github.com/citizen-hotline/gateway/routing"
	"github.com/citizen-hotline/gateway/ticket"
)

// Test is an example of the city's own: what is known of a request, and who must own it. Tests
// run against the same ruleset that decides live.
type Test struct {
	Name  string         `yaml:"name" validate:"required"`
	Facts TestFacts      `yaml:"facts" validate:"required"`
	Want  TestWant       `yaml:"want" validate:"required"`
	At    routing.Source `yaml:"-" validate:"-"`
}

// TestFacts is what is known. What a channel says of all its requests (line, source, kind, datum,
// region) is filled in from it; category and region are found from point, address and text.
type TestFacts struct {
	Channel  string             `yaml:"channel"`
	Title    string             `yaml:"title"`
	Text     string             `yaml:"text"`
	Category string             `yaml:"category"`
	Region   string             `yaml:"region"`
	Address  string             `yaml:"address"`
	Point    []float64          `yaml:"point" validate:"omitempty,len=2"` // lng, lat
	Datum    ticket.Datum       `yaml:"datum" validate:"omitempty,oneof=wgs84 gcj02 bd09"`
	Type     ticket.RequestType `yaml:"type" validate:"omitempty,oneof=consult help complaint report suggest praise other"`
	Kind     ticket.Kind        `yaml:"kind" validate:"omitempty,oneof=case message update media transcript receipt alarm clear"`
	Source   ticket.SourceClass `yaml:"source" validate:"omitempty,oneof=citizen field machine exchange"`
	Urgency  ticket.Urgency     `yaml:"urgency" validate:"omitempty,oneof=normal urgent emergency"`
	Tags     []string           `yaml:"tags"`
	Numbers  map[string]float64 `yaml:"numbers" validate:"dive,keys,fact,endkeys"` // by the names of routing.NumberFacts
	At       string             `yaml:"at" validate:"omitempty,moment"`            // city's time, such as 2026-07-13 08:37
}

// TestWant is what must come out. Empty parts are not compared.
type TestWant struct {
	Unit    string         `yaml:"unit"`
	Urgency ticket.Urgency `yaml:"urgency" validate:"omitempty,oneof=normal urgent emergency"`
	Stage   routing.Stage  `yaml:"stage" validate:"omitempty,oneof=emergency statutory rules catalogue default triage"`
	Triage  string         `yaml:"triage"` // reason code
	Policy  string         `yaml:"policy"`
	Assist  []string       `yaml:"assist"` // any order
}

// TestResult is what became of one test.
type TestResult struct {
	Test   Test
	OK     bool
	Got    TestWant
	Reason string   // in words: the rule or row that decided, and where it is written
	Diff   []string // what differs, as want and got; empty when OK
}

// RunTests asks the ruleset about every test of the pack, in their order.
func (p *Pack) RunTests() []TestResult {
	results := make([]TestResult, len(p.Tests))
	for i, t := range p.Tests {
		facts := p.Facts(t.Facts)
		d := p.Ruleset.Decide(&facts, nil).Decision()
		r := TestResult{Test: t, Got: TestWant{Unit: d.Unit, Urgency: d.Urgency, Triage: d.Triage, Policy: d.Policy, Assist: d.Assist}}
		owner, ok := d.Origins[string(routing.FieldUnit)]
		if !ok {
			owner = d.Origins[string(routing.FieldTriage)]
		}
		r.Got.Stage = routing.Stage(owner.Stage)
		r.Reason = p.reason(owner)
		r.Diff = t.Want.compare(r.Got)
		r.OK = len(r.Diff) == 0
		results[i] = r
	}
	return results
}

// Facts are those of a test, with what its channel says of all its requests, and place, category
// and type found as intake finds them for a live one.
func (p *Pack) Facts(f TestFacts) routing.Facts {
	channel := Channel{Source: ticket.SourceCitizen, Kind: ticket.KindCase, Datum: ticket.WGS84}
	if i := slices.IndexFunc(p.Channels, func(c Channel) bool { return c.ID == f.Channel }); i >= 0 {
		channel = p.Channels[i]
	}
	facts := routing.Facts{
		Channel: f.Channel, Line: channel.Line,
		Kind:   cmp.Or(f.Kind, channel.Kind, ticket.KindCase),
		Source: cmp.Or(f.Source, channel.Source),
		Type:   f.Type, Urgency: f.Urgency, Category: f.Category, Tags: f.Tags, Text: f.Title + "\n" + f.Text,
	}
	if at, err := time.ParseInLocation(momentLayout, f.At, p.City.Location); err == nil {
		facts.At = at
	}
	facts.Numbers = f.numbers(facts.At)
	if _, known := p.Ruleset.Category(facts.Category); !known {
		facts.Category, _ = p.Classifier.Complete(p.Ruleset.Subject(facts.Text), facts.Text)
	}
	if c, ok := p.Ruleset.Category(facts.Category); ok {
		facts.Type = cmp.Or(facts.Type, ticket.RequestType(c.Type))
	}
	place := routing.Place{Address: f.Address, Text: facts.Text, Hint: cmp.Or(f.Region, channel.Region)}
	if len(f.Point) == 2 {
		datum := cmp.Or(f.Datum, channel.Datum, ticket.WGS84)
		if fixed, _, err := geo.Guard(geo.Point{Lng: f.Point[0], Lat: f.Point[1]}, p.City.Bounds.Box()); err == nil { // as intake does
			if at, err := geo.ToWGS84(fixed.Lng, fixed.Lat, geo.Datum(datum)); err == nil {
				place.Lng, place.Lat, place.HasPoint = at.Lng, at.Lat, true
			}
		}
	}
	found := p.Ruleset.Locate(place)
	facts.Region, facts.Areas, facts.HasPoint = found.Region, found.Areas, place.HasPoint
	return facts
}

// numbers puts the numbers of a test in their places, with those that follow from its text and
// time; the others are unknown.
func (f TestFacts) numbers(at time.Time) routing.Numbers {
	var n routing.Numbers
	for i, name := range routing.NumberFacts {
		given, ok := f.Numbers[name]
		switch {
		case ok:
			n[i] = given
		case name == "hour" && !at.IsZero():
			n[i] = float64(at.Hour())
		case name == "text_length":
			n[i] = float64(utf8.RuneCountInString(f.Text))
		default:
			n[i] = math.NaN()
		}
	}
	return n
}

// reason says in words which rule or row decided, and where it is written.
func (p *Pack) reason(o ticket.Origin) string {
	for _, r := range p.Rules {
		if r.ID == o.Rule {
			return fmt.Sprintf("%s: rule %q %s (%s:%d)", o.Stage, r.ID, r.Title, r.Source.File, r.Source.Line)
		}
	}
	for _, r := range p.Catalogue {
		if r.ID == o.Rule {
			return fmt.Sprintf("%s: row %q (%s:%d)", o.Stage, r.ID, r.Source.File, r.Source.Line)
		}
	}
	return strings.TrimSuffix(o.Stage+": "+o.Rule, ": ")
}

// momentLayout is how a test writes a time, in the city's zone.
const momentLayout = "2006-01-02 15:04"

func isMoment(s string) bool {
	_, err := time.Parse(momentLayout, s)
	return err == nil
}

func isFact(s string) bool { return slices.Contains(routing.NumberFacts, s) }

// compare lists how what came out differs from what a test wants.
func (w TestWant) compare(got TestWant) []string {
	var diff []string
	differ := func(what, want, got string) {
		if want != "" && want != got {
			diff = append(diff, fmt.Sprintf("%s: want %q, got %q", what, want, got))
		}
	}
	differ("unit", w.Unit, got.Unit)
	differ("urgency", string(w.Urgency), string(got.Urgency))
	differ("stage", string(w.Stage), string(got.Stage))
	differ("triage", w.Triage, got.Triage)
	differ("policy", w.Policy, got.Policy)
	differ("assist", sortedText(w.Assist), sortedText(got.Assist))
	return diff
}

func sortedText(ids []string) string {
	return strings.Join(slices.Sorted(slices.Values(ids)), ", ")
}
