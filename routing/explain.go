package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/citizen-hotline/gateway/ticket"
)

// Explanation says how a decision came about: for the console as JSON, for a terminal by Text.
// It quotes the words of rules that hit, and no other part of the request's text.
type Explanation struct {
	Decision ticket.Decision `json:"decision"`
	Category string          `json:"category,omitempty"` // as seen: empty when the pack does not know it
	Region   string          `json:"region,omitempty"`
	Fields   []FieldTrace    `json:"fields"`
	Rules    []RuleTrace     `json:"rules"`
	Rows     []RowTrace      `json:"rows"` // the catalogue rows that apply, the most specific first
	// Counterexample is the smallest change of facts that gives the ticket to another unit; Without says why
	// there is none.
	Counterexample *Counterexample `json:"counterexample,omitempty"`
	Without        string          `json:"without_counterexample,omitempty"`

	names map[string]string // titles for Text: units and categories by id
}

// FieldTrace says what decided one field.
type FieldTrace struct {
	Field  Field    `json:"field"`
	Values []string `json:"values"`
	Stage  Stage    `json:"stage"`
	Rule   string   `json:"rule"`
	Title  string   `json:"title"`
	Source Source   `json:"source,omitzero"`
}

// Outcome says what became of a rule.
type Outcome string

// The outcomes of a rule.
const (
	OutcomeWon        Outcome = "won"         // the first of its stage to hold
	OutcomePassedOver Outcome = "passed_over" // a part of its condition does not hold
	OutcomeNotReached Outcome = "not_reached" // another rule of its stage came first
)

// RuleTrace says what became of one rule, and why.
type RuleTrace struct {
	Stage   Stage    `json:"stage"`
	Rule    string   `json:"rule"`
	Title   string   `json:"title"`
	Basis   string   `json:"basis,omitempty"`
	Source  Source   `json:"source,omitzero"`
	Outcome Outcome  `json:"outcome"`
	Sets    []Field  `json:"sets,omitempty"` // what it decided; a winner may find everything decided already
	Failed  *Failure `json:"failed,omitempty"`
	Hits    []Hit    `json:"hits,omitempty"`
}

// Failure is the first part of a condition that did not hold.
type Failure struct {
	Condition string   `json:"condition"` // as in the pack: channel, region, keywords.any …
	Want      []string `json:"want"`
	Seen      []string `json:"seen"`
	Words     string   `json:"words"` // the same in a sentence for the console
}

// Hit is a word of the pack found in a request's text, in bytes of the text as written.
type Hit struct {
	Word  string `json:"word"` // folded
	Start int    `json:"start"`
	End   int    `json:"end"`
	Mask  string `json:"mask,omitempty"` // the longer phrase it belongs to: the hit does not count
}

// RowTrace is a catalogue row that applies to the category and region.
type RowTrace struct {
	Row      string `json:"row"`
	Category string `json:"category,omitempty"`
	Region   string `json:"region,omitempty"`
	Unit     string `json:"unit"`
	Won      bool   `json:"won"`
	Source   Source `json:"source,omitzero"`
}

// Recorder notes why Decide decides. The zero value is ready; it records one decision.
type Recorder struct {
	explanation Explanation
	origins     []span
}

// Explanation is what was recorded.
func (rec *Recorder) Explanation() Explanation { return rec.explanation }

// Explain decides with a recorder and returns what it noted, with a counter-example.
func (rs *Ruleset) Explain(f *Facts) Explanation {
	var rec Recorder
	rs.Decide(f, &rec)
	e := rec.explanation
	found, complete := rs.Counterexample(f)
	if e.Counterexample = found; found == nil {
		e.Without = map[bool]string{true: "改变任何一两项事实，都不会由别的单位承办", false: "试过的变化都不会由别的单位承办，还有没试的"}[complete]
	}
	return e
}

// tryAll tries every rule in order, so that each one's failure can be told.
func (q *query) tryAll(rec *Recorder) {
	q.origins = &rec.origins
	for s, stage := range q.rs.stages {
		for id := stage.first; id < stage.last; id++ {
			t := q.trace(id)
			r := &q.rs.rules[id]
			if q.best[s] != none {
				t.Outcome = OutcomeNotReached
			} else if failed := q.fails(&r.clause, q.rs.city.Rules[r.at].When.given()); failed != partNone {
				t.Outcome, t.Failed = OutcomePassedOver, q.failure(id, failed)
				if failed >= partAny {
					t.Hits = q.hits(id, rec.origins)
				}
			} else {
				t.Outcome, t.Hits = OutcomeWon, q.hits(id, rec.origins)
				q.best[s] = id
			}
			rec.explanation.Rules = append(rec.explanation.Rules, t)
		}
	}
}

func (q *query) trace(id int32) RuleTrace {
	r := &q.rs.city.Rules[q.rs.rules[id].at]
	return RuleTrace{Stage: r.Stage, Rule: r.ID, Title: r.Title, Basis: r.Basis, Source: r.Source}
}

// hitLimit is how many places of one word an explanation shows.
const hitLimit = 20

// hits lists where the words of a rule stand in the text as written.
func (q *query) hits(id int32, origins []span) []Hit {
	ws := q.rs.rules[id].clause.words
	if ws == nil {
		return nil
	}
	var hits []Hit
	for _, w := range slices.Concat(ws.any, ws.all, ws.none) {
		at := q.found.newest(w)
		for n := 0; at != none && n < hitLimit; n++ {
			h := hitAt(q.rs.auto, q.found.hits[at], origins)
			if m := q.found.masked(q.rs.auto, at, ws); m != none {
				h.Mask = q.rs.auto.words[q.found.hits[m].word]
			}
			hits = append(hits, h)
			at = q.found.hits[at].prev
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	return hits
}

// hitAt turns an occurrence into a hit in the text as written.
func hitAt(a *automaton, o occurrence, origins []span) Hit {
	first := origins[o.end-a.length[o.word]+1]
	return Hit{Word: a.words[o.word], Start: int(first.first), End: int(origins[o.end].last)}
}

// rows notes the catalogue rows that apply.
func (rec *Recorder) rows(q *query, winner int32) {
	rs := q.rs
	type candidate struct{ row, category, region int32 } // depths, −1 for any
	var list []candidate
	city := rs.anyRegion()
	for i := range rs.city.Catalogue {
		r := &rs.city.Catalogue[i]
		k, g := rs.categories.find(r.Category), rs.regions.find(r.Region)
		if g == city {
			g = none
		}
		if k != none && !rs.categories.under(q.category, k) || g != none && !rs.regions.under(q.region, g) {
			continue
		}
		list = append(list, candidate{int32(i), rs.categories.level(k), rs.regions.level(g)})
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.category, a.category), cmp.Compare(b.region, a.region))
	})
	for _, c := range list {
		r := &rs.city.Catalogue[c.row]
		rec.explanation.Rows = append(rec.explanation.Rows, RowTrace{r.ID, r.Category, r.Region, r.Unit, c.row == winner, r.Source})
	}
}

// level is the depth of a node, −1 for none.
func (t *tree) level(at int32) int32 {
	if at == none {
		return none
	}
	return t.depth[at]
}

// finish notes what decided each field.
func (rec *Recorder) finish(q *query, r Result) {
	e := &rec.explanation
	d := r.Decision()
	e.Decision = d
	e.names = map[string]string{}
	if q.category != none {
		e.Category = q.rs.categories.ids[q.category]
		e.names[e.Category] = q.rs.categoryNames(e.Category)
	}
	if q.region != none {
		e.Region = q.rs.regions.ids[q.region]
		e.names[e.Region] = q.rs.regionNames(e.Region)
	}
	for _, f := range []struct {
		field  Field
		values []string
	}{
		{FieldUnit, one(d.Unit)},
		{FieldTriage, one(d.Triage)},
		{FieldAssist, d.Assist},
		{FieldUrgency, one(string(d.Urgency))},
		{FieldPolicy, one(d.Policy)},
		{FieldTags, d.Tags},
	} {
		if o, ok := d.Origins[string(f.field)]; ok {
			e.Fields = append(e.Fields, rec.field(f.field, f.values, o))
		}
	}
	for _, id := range append(slices.Clone(d.Assist), d.Unit) {
		e.names[id] = q.rs.UnitName(id)
	}
	for _, row := range e.Rows {
		e.names[row.Unit] = q.rs.UnitName(row.Unit)
	}
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// field finds the title and place of what decided a field.
func (rec *Recorder) field(f Field, values []string, o ticket.Origin) FieldTrace {
	t := FieldTrace{Field: f, Values: values, Stage: Stage(o.Stage), Rule: o.Rule}
	e := &rec.explanation
	for i := range e.Rules {
		if r := &e.Rules[i]; r.Outcome == OutcomeWon && r.Stage == t.Stage && r.Rule == t.Rule {
			t.Title, t.Source = r.Title, r.Source
			r.Sets = append(r.Sets, f)
			return t
		}
	}
	switch t.Stage {
	case StageCatalogue:
		for _, r := range e.Rows {
			if r.Won {
				t.Title, t.Source = "派单目录", r.Source
			}
		}
	case StageTriage:
		t.Title = triageWords[t.Rule]
	default:
		t.Title = originWords[o.Stage+" "+o.Rule]
	}
	return t
}

func (rs *Ruleset) categoryNames(id string) string {
	var names []string
	for _, id := range rs.CategoryPath(id) {
		c, _ := rs.Category(id)
		names = append(names, c.Name)
	}
	return strings.Join(names, "/")
}

func (rs *Ruleset) regionNames(id string) string {
	var b strings.Builder
	for _, id := range rs.RegionPath(id) {
		r, _ := rs.Region(id)
		b.WriteString(r.Name)
	}
	return b.String()
}
